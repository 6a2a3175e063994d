use ringpool::{Pool, Spin};
use std::cell::Cell;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let sum = Cell::new(0);
    pool.map(0..10_usize, (), |k| sum.set(sum.get() + k));
    //~ ERROR `Cell<usize>` cannot be shared between threads safely
}
