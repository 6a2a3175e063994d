//! Two threads of std's and no pool: what all the others pay besides.

use std::thread;

fn main() {
    for numbers in [1..=5, 6..=10] {
        thread::spawn(|| numbers.for_each(ringpool_size::add));
    }
    ringpool_size::wait();
}
