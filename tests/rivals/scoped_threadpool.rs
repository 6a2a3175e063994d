//! `scoped_threadpool`.
#![cfg(feature = "std")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use ringpool::{Pool, ThreadPool};

use crate::common::{Lab, panic_message, quietly, rounds, serve, wait_until, watchdog};

/// scoped_threadpool `pool_panic`, rayon-core `panic_propagate_still_execute_3`.
#[test]
fn a_pool_that_a_panic_drops_runs_what_is_queued() {
    let _watchdog = watchdog();
    for _ in 0..rounds(50) {
        let runs = Arc::new(AtomicUsize::new(0));
        let message = panic_message(|| {
            let pool = ThreadPool::new(2).unwrap();
            for _ in 0..50 {
                let runs = Arc::clone(&runs);
                pool.execute(move || _ = runs.fetch_add(1, SeqCst)).unwrap();
            }
            quietly("the pool's owner");
        });
        assert_eq!(message, "the pool's owner");
        assert_eq!(runs.load(SeqCst), 50);
        assert_eq!(Arc::strong_count(&runs), 1);
    }
}

/// scoped_threadpool `join_all_with_thread_panic`: one helper panics while all others are at work.
#[test]
fn a_helper_s_panic_waits_for_the_other_helpers() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 3, || {
        let caller = thread::current().id();
        let [arrived, left] = [const { AtomicUsize::new(0) }; 2];
        let [caller_here, panicking] = [const { AtomicBool::new(false) }; 2];
        let message = panic_message(|| {
            pool.map(0..1000, (), |k| {
                // The caller has the first for itself; who is through with one takes more.
                if k == 0 || panicking.load(SeqCst) {
                    return;
                }
                let here = if thread::current().id() == caller {
                    caller_here.store(true, SeqCst);
                    0
                } else {
                    1 + arrived.fetch_add(1, SeqCst)
                };
                wait_until(|| arrived.load(SeqCst) == 3 && caller_here.load(SeqCst));
                if here == 1 {
                    panicking.store(true, SeqCst);
                    quietly("a helper");
                }
                wait_until(|| panicking.load(SeqCst));
                // The caller is the first who has nothing left to do, and one helper the last.
                for _ in 0..1000 * here {
                    thread::yield_now();
                }
                left.fetch_add(1, SeqCst);
            });
        });
        assert_eq!(message, "a helper");
        assert_eq!(left.load(SeqCst), 3);
    });
}
