//! CPython's `concurrent.futures.ThreadPoolExecutor` and `multiprocessing.pool.ThreadPool`.
#![cfg(feature = "std")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use ringpool::ThreadPool;

use crate::common::{on_every_pool, wait_until, watchdog};

/// CPython `test_swallows_falsey_exceptions`: an exception that counts as false was taken for none.
#[test]
fn a_panic_with_nothing_in_it_is_a_panic() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for bad in [0, 99] {
            let map = || {
                pool.map(0..100, (), |k| {
                    if k == bad {
                        resume_unwind(Box::new(()));
                    }
                });
            };
            assert!(catch_unwind(AssertUnwindSafe(map)).unwrap_err().is::<()>());
        }
    });
}

/// CPython `test_no_stale_references` and `test_release_task_refs`.
#[test]
fn a_worker_that_sleeps_keeps_nothing_of_its_last_job_and_map() {
    let _watchdog = watchdog();
    let pool = ThreadPool::new(2).unwrap();
    let payload = Arc::new(());
    let held = Arc::clone(&payload);
    pool.execute(move || drop(Arc::clone(&held))).unwrap();
    let inputs = std::array::from_fn::<_, 100, _>(|_| Arc::clone(&payload));
    pool.map(inputs, (), |input| assert!(Arc::strong_count(&input) > 1));
    wait_until(|| pool.queued() == 0 && pool.sleepers() == 2);
    assert_eq!(Arc::strong_count(&payload), 1);
}
