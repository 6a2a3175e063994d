//! `threadpool`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use ringpool::Pool;

use crate::common::{Lab, serve, wait_until, watchdog};

/// threadpool `test_set_num_threads_increasing`.
#[test]
fn workers_added_while_the_others_are_busy_take_jobs() {
    let _watchdog = watchdog();
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<8, Lab> = Pool::new(Lab::without_clock());
    let meet = || {
        INSIDE.fetch_add(1, SeqCst);
        wait_until(|| INSIDE.load(SeqCst) == 5);
    };
    serve(&pool, 2, || {
        for _ in 0..2 {
            pool.execute(meet).unwrap();
        }
        wait_until(|| INSIDE.load(SeqCst) == 2);
        serve(&pool, 3, || {
            for _ in 0..3 {
                pool.execute(meet).unwrap();
            }
        });
    });
}

/// threadpool `test_active_count`, CPython `test_saturation`.
#[test]
fn no_more_jobs_run_at_once_than_there_are_workers() {
    let _watchdog = watchdog();
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    static GO: AtomicBool = AtomicBool::new(false);
    let pool: Pool<64, Lab> = Pool::new(Lab::without_clock());
    serve(&pool, 4, || {
        for _ in 0..60 {
            pool.execute(|| {
                MOST.fetch_max(1 + INSIDE.fetch_add(1, SeqCst), SeqCst);
                wait_until(|| GO.load(SeqCst));
                INSIDE.fetch_sub(1, SeqCst);
            })
            .unwrap();
        }
        wait_until(|| INSIDE.load(SeqCst) == 4);
        let waiting = pool.queued();
        GO.store(true, SeqCst);
        assert_eq!(waiting, 56);
    });
    assert_eq!(MOST.load(SeqCst), 4);
}

/// threadpool `test_multi_join`: jobs of one pool wait for those of another that queued them.
#[test]
fn the_jobs_of_one_pool_queue_jobs_of_another_that_wait_for_them() {
    let _watchdog = watchdog();
    static FIRST: Pool<8, Lab> = Pool::new(Lab::without_clock());
    static SECOND: Pool<8, Lab> = Pool::new(Lab::without_clock());
    static QUEUED: AtomicUsize = AtomicUsize::new(0);
    static SUM: AtomicUsize = AtomicUsize::new(0);
    serve(&SECOND, 2, || {
        serve(&FIRST, 2, || {
            for k in 0..8 {
                let job = move || {
                    let waits = move || {
                        wait_until(|| QUEUED.load(SeqCst) == 8);
                        SUM.fetch_add(k, SeqCst);
                    };
                    SECOND.execute(waits).unwrap();
                    QUEUED.fetch_add(1, SeqCst);
                };
                FIRST.execute(job).unwrap();
            }
        });
    });
    assert_eq!(SUM.load(SeqCst), 28);
}

#[cfg(feature = "std")]
mod with_std {
    use std::collections::HashSet;
    use std::sync::mpsc::channel;
    use std::thread::{self, Builder};

    use ringpool::{ThreadPool, Threads};

    use super::*;
    use crate::common::{dawdle, quietly, rounds};

    /// threadpool `test_recovery_from_subtask_panic`.
    #[test]
    fn after_a_panic_on_every_worker_all_of_them_work() {
        let _watchdog = watchdog();
        static ARRIVED: AtomicUsize = AtomicUsize::new(0);
        let pool = ThreadPool::new(4).unwrap();
        for wave in 1..=3 {
            for _ in 0..4 {
                pool.execute(move || {
                    ARRIVED.fetch_add(1, SeqCst);
                    wait_until(|| ARRIVED.load(SeqCst) >= 4 * wave);
                    quietly("all four are here");
                })
                .unwrap();
            }
        }
        drop(pool);
        assert_eq!(ARRIVED.load(SeqCst), 12);
    }

    /// threadpool `test_should_not_panic_on_drop_if_subtasks_panic_after_drop`.
    #[test]
    fn jobs_that_panic_while_the_pool_is_dropped_keep_nobody_from_the_end() {
        let _watchdog = watchdog();
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        for round in 1..=rounds(200) {
            let pool = ThreadPool::new(2).unwrap();
            for _ in 0..6 {
                pool.execute(move || {
                    RUNS.fetch_add(1, SeqCst);
                    dawdle(round);
                    quietly("after the end has begun, mostly");
                })
                .unwrap();
            }
            drop(pool);
            assert_eq!(RUNS.load(SeqCst), 6 * round);
        }
    }

    /// threadpool `test_name`, CPython `test_thread_names_assigned` and `test_thread_names_default`.
    #[test]
    fn threads_keep_their_names_whatever_their_jobs_do() {
        let _watchdog = watchdog();
        static ARRIVED: AtomicUsize = AtomicUsize::new(0);
        let names = |pool: ThreadPool| {
            let (log, names) = channel();
            let before = ARRIVED.load(SeqCst);
            for wave in 0..2 {
                for _ in 0..3 {
                    let log = log.clone();
                    pool.execute(move || {
                        // Each of the three gets one of these three.
                        ARRIVED.fetch_add(1, SeqCst);
                        wait_until(|| ARRIVED.load(SeqCst) >= before + 3 * wave + 3);
                        let name = thread::current().name().map(String::from);
                        log.send((wave, name)).unwrap();
                        drop(log);
                        quietly("named");
                    })
                    .unwrap();
                }
            }
            drop((pool, log));
            names.iter().collect::<HashSet<_>>()
        };
        let expected = |prefix: &str| {
            let name = |k| Some(format!("{prefix}{k}"));
            (0..6).map(|k| (k / 3, name(k % 3))).collect()
        };
        let hook = |k, body| Builder::new().name(format!("codec-{k}")).spawn(body);
        let codec = ThreadPool::with_spawn(Threads::new(), 3, hook).unwrap();
        assert_eq!(names(codec), expected("codec-"));
        assert_eq!(names(ThreadPool::new(3).unwrap()), expected("ringpool-"));
    }
}
