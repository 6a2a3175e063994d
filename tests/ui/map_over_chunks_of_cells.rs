use ringpool::{Pool, Spin, chunks};
use std::cell::Cell;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let cells = [Cell::new(0_i32), Cell::new(1)];
    pool.map(chunks(&cells, 1), (), |part| part[0].set(5));
    //~ ERROR `Cell<i32>` cannot be shared between threads safely
}
