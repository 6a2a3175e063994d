//! rayon.

use rayon::ThreadPoolBuilder;

fn main() {
    let pool = ThreadPoolBuilder::new().num_threads(2).build();
    let pool = pool.expect("threads");
    for number in 1..=10 {
        pool.spawn(move || ringpool_size::add(number));
    }
    ringpool_size::wait();
}
