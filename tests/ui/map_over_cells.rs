use ringpool::{Pool, Spin};
use std::cell::Cell;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let cells = [Cell::new(0_i32), Cell::new(1)];
    pool.map(&cells, (), |cell| cell.set(5));
    //~ ERROR `Cell<i32>` cannot be shared between threads safely
}
