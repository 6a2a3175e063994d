//! ringpool.

use ringpool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(2).expect("threads");
    for number in 1..=10 {
        let queued = pool.execute(move || ringpool_size::add(number));
        assert!(queued.is_ok());
    }
    ringpool_size::wait();
}
