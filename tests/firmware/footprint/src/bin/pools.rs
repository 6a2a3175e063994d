//! Pools of several sizes, in the order of the table: nm sorts them by name.

#![no_std]
#![no_main]

use footprint::Board;
use ringpool::Pool;

#[used]
static POOL_A: Pool<16, Board> = Pool::new(Board);
#[used]
static POOL_B: Pool<4, Board> = Pool::new(Board);
#[used]
static POOL_C: Pool<16, Board, 2> = Pool::new(Board);
#[used]
static POOL_D: Pool<4, Board, 2> = Pool::new(Board);

#[unsafe(no_mangle)]
extern "C" fn start() {}
