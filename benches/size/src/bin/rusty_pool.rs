//! rusty_pool.

use rusty_pool::Builder;

fn main() {
    let pool = Builder::new().core_size(2).max_size(2).build();
    for number in 1..=10 {
        pool.execute(move || ringpool_size::add(number));
    }
    ringpool_size::wait();
}
