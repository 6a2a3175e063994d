//! threadpool.

use threadpool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(2);
    for number in 1..=10 {
        pool.execute(move || ringpool_size::add(number));
    }
    ringpool_size::wait();
}
