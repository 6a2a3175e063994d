//! The end of a pool, and beginnings that fail.

mod common;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::{Lab, by_hand, rounds, serve, wait_until, watchdog};
use ringpool::{Pool, Spin};

#[test]
fn queued_jobs_run_to_the_end() {
    let _watchdog = watchdog();
    static GO: AtomicBool = AtomicBool::new(false);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<64, Lab> = Pool::new(Lab::without_clock());
    serve(&pool, 2, || {
        for _ in 0..64 {
            pool.execute(|| {
                wait_until(|| GO.load(SeqCst));
                RUNS.fetch_add(1, SeqCst);
            })
            .unwrap();
        }
        pool.close();
        GO.store(true, SeqCst);
    });
    assert_eq!(RUNS.load(SeqCst), 64);
}

#[test]
fn closing_needs_no_room_in_the_ring() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<4, Lab> = Pool::new(Lab::without_clock());
    let job = || {
        RUNS.fetch_add(1, SeqCst);
    };
    while pool.execute(job).is_ok() {}
    pool.close();
    pool.close(); // twice is as good as once
    assert!(pool.execute(job).unwrap_err().is_closed());
    // Workers that come late run what is queued, and leave.
    serve(&pool, 2, || ());
    assert_eq!(RUNS.load(SeqCst), 4);
}

#[test]
fn workers_leave_an_idle_pool_that_is_closed() {
    let _watchdog = watchdog();
    for _ in 0..rounds(200) {
        let pool: Pool<4, Lab> = Pool::new(Lab::without_clock());
        serve(&pool, 3, || ());
        assert!(
            format!("{pool:?}").contains("workers: 0, sleepers: 0"),
            "{pool:?}"
        );
    }
}

#[test]
fn without_workers_queued_closures_are_dropped() {
    let payload = Arc::new(());
    let pool: Pool<8> = Pool::new(Spin::new());
    for _ in 0..5 {
        let held = Arc::clone(&payload);
        pool.execute(move || {
            drop(held);
            unreachable!();
        })
        .unwrap();
    }
    assert_eq!(Arc::strong_count(&payload), 6);
    drop(pool);
    assert_eq!(Arc::strong_count(&payload), 1);
}

#[test]
fn a_submit_that_races_with_close_is_run_or_handed_back() {
    let _watchdog = watchdog();
    for _ in 0..rounds(500) {
        let pool: Pool<8, Lab> = Pool::new(Lab::without_clock());
        let runs = Arc::new(AtomicUsize::new(0));
        let accepted = AtomicUsize::new(0);
        thread::scope(|scope| {
            serve(&pool, 1, || {
                for _ in 0..2 {
                    scope.spawn(|| {
                        loop {
                            let count = Arc::clone(&runs);
                            let job = move || {
                                count.fetch_add(1, SeqCst);
                            };
                            match pool.execute(job) {
                                Ok(()) => _ = accepted.fetch_add(1, SeqCst),
                                Err(rejected) if rejected.is_full() => thread::yield_now(),
                                Err(_) => break,
                            }
                        }
                    });
                }
                wait_until(|| runs.load(SeqCst) > 5);
            });
        });
        assert_eq!(runs.load(SeqCst), accepted.load(SeqCst));
        assert_eq!(Arc::strong_count(&runs), 1, "every job is gone");
    }
}

#[test]
fn a_spawn_hook_that_fails_says_how_many_workers_there_are() {
    let _watchdog = watchdog();
    let pool: Pool<8, Lab> = Pool::new(Lab::without_clock());
    let runs = AtomicUsize::new(0);
    thread::scope(|scope| {
        let asked = Cell::new(0);
        let error = pool
            .start(5, |worker| {
                asked.set(asked.get() + 1);
                if asked.get() == 3 {
                    return Err("no stack");
                }
                scope.spawn(move || worker.run());
                Ok(())
            })
            .unwrap_err();
        assert_eq!(asked.get(), 3, "it is not asked again");
        assert_eq!(error.started(), 2);
        assert_eq!(
            error.to_string(),
            "the spawn hook failed at worker 2 of 5: no stack"
        );
        assert_eq!(error.into_inner(), Some("no stack"));
        // The two that there are keep serving: no element ends before three threads are at it.
        assert!(format!("{pool:?}").contains("workers: 2"), "{pool:?}");
        pool.map(0..100, (), |_| {
            runs.fetch_add(1, SeqCst);
            wait_until(|| runs.load(SeqCst) >= 3);
        });
        pool.close();
    });
}

#[test]
fn a_spawn_hook_s_error_is_the_source_of_the_pool_s() {
    use std::error::Error;
    use std::io;
    let pool: Pool<2> = Pool::new(Spin::new());
    let error = pool
        .start(1, |_| Err(io::Error::from(io::ErrorKind::OutOfMemory)))
        .unwrap_err();
    let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::OutOfMemory);
}

#[test]
fn a_pool_has_room_for_so_many_workers() {
    let most = if usize::BITS == 64 { 256 } else { 32 };
    let pool: Pool<2> = Pool::new(Spin::new());
    let mut workers = Vec::new();
    let mut start = |wanted| {
        pool.start(wanted, |worker| {
            workers.push(worker);
            Ok::<(), String>(())
        })
    };
    start(most).unwrap();
    let error = start(1).unwrap_err();
    assert_eq!(error.started(), 0);
    assert!(
        error
            .to_string()
            .contains(&format!("{most} workers at most")),
        "{error}"
    );
    assert!(error.into_inner().is_none(), "the hook was not asked");
    // A worker that goes makes room for another.
    drop(workers.remove(most / 2));
    drop(by_hand(&pool));
    drop(by_hand(&pool));
    assert!(format!("{pool:?}").contains(&format!("workers: {}", most - 1)));
}

#[test]
fn a_worker_may_be_dropped_and_its_jobs_are_another_s() {
    let pool: Pool<4> = Pool::new(Spin::new());
    let runs = Arc::new(AtomicUsize::new(0));
    for _ in 0..2 {
        let count = Arc::clone(&runs);
        pool.execute(move || _ = count.fetch_add(1, SeqCst))
            .unwrap();
        drop(by_hand(&pool));
    }
    let mut worker = by_hand(&pool);
    assert!(worker.step() && worker.step() && !worker.step());
    assert_eq!(runs.load(SeqCst), 2);
}

#[cfg(feature = "std")]
mod threads {
    use std::error::Error;
    use std::io;
    use std::sync::{Mutex, mpsc};
    use std::thread::Builder;
    use std::time::Duration;

    use ringpool::{StartError, ThreadPool, Threads};

    use super::*;

    #[test]
    fn dropping_the_pool_runs_what_is_queued_and_joins() {
        let _watchdog = watchdog();
        let runs = Arc::new(AtomicUsize::new(0));
        let alive = Arc::new(());
        let pool = ThreadPool::<64>::with_spawn(Threads::new(), 2, |_, body| {
            let alive = Arc::clone(&alive);
            Builder::new().spawn(move || {
                let _alive = alive;
                body();
                thread::sleep(Duration::from_millis(10));
            })
        })
        .unwrap();
        for _ in 0..64 {
            let runs = Arc::clone(&runs);
            pool.execute(move || _ = runs.fetch_add(1, SeqCst)).unwrap();
        }
        drop(pool);
        assert_eq!(runs.load(SeqCst), 64);
        assert_eq!(Arc::strong_count(&alive), 1, "the threads have ended");
    }

    #[test]
    fn a_pool_dropped_by_its_own_job_does_not_join_itself() {
        let _watchdog = watchdog();
        for _ in 0..rounds(100) {
            let home = Arc::new(Mutex::new(Some(ThreadPool::new(2).unwrap())));
            let (log, runs) = mpsc::channel();
            {
                let guard = home.lock().unwrap();
                let pool = guard.as_ref().unwrap();
                let home = Arc::clone(&home);
                let last = log.clone();
                pool.execute(move || {
                    let pool = home.lock().unwrap().take();
                    drop(pool);
                    last.send(10).unwrap();
                })
                .unwrap();
                for k in 0..10 {
                    let log = log.clone();
                    pool.execute(move || log.send(k).unwrap()).unwrap();
                }
            }
            drop(log);
            // The channel ends when the last job has run and is gone.
            assert_eq!(runs.iter().count(), 11);
        }
    }

    #[test]
    fn a_pool_may_be_dropped_within_another_s_map() {
        let _watchdog = watchdog();
        let outer = ThreadPool::new(2).unwrap();
        let home = Mutex::new(Some(ThreadPool::new(2).unwrap()));
        outer.map(0..100, (), |_| drop(home.lock().unwrap().take()));
        assert!(home.lock().unwrap().is_none());
    }

    #[test]
    fn with_no_threads_queued_jobs_are_dropped_and_maps_run_here() {
        let pool = ThreadPool::new(0).unwrap();
        assert!(format!("{pool:?}").starts_with("ThreadPool { threads: 0,"));
        let payload = Arc::new(());
        let held = Arc::clone(&payload);
        static RAN: AtomicBool = AtomicBool::new(false);
        pool.execute(move || {
            drop(held);
            RAN.store(true, SeqCst);
        })
        .unwrap();
        let mut ids = vec![None; 100];
        pool.map(0..100, &mut ids, |_| Some(thread::current().id()));
        assert_eq!(ids, [Some(thread::current().id()); 100]);
        drop(pool);
        assert_eq!(Arc::strong_count(&payload), 1);
        assert!(!RAN.load(SeqCst));
    }

    #[test]
    fn with_no_threads_somebody_may_step_a_worker() {
        let pool = ThreadPool::new(0).unwrap();
        let (log, runs) = mpsc::channel();
        pool.execute(move || log.send(thread::current().id()).unwrap())
            .unwrap();
        let mut worker = by_hand(&*pool);
        assert!(worker.step() && !worker.step());
        assert!(runs.iter().eq([thread::current().id()]));
    }

    #[test]
    fn a_hook_that_fails_at_k_joins_the_k_threads() {
        let _watchdog = watchdog();
        for k in 0..4 {
            let alive = Arc::new(());
            let error = ThreadPool::<4>::with_spawn(Threads::new(), 4, |number, body| {
                if number == k {
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, "no thread left"));
                }
                let alive = Arc::clone(&alive);
                Builder::new().spawn(move || {
                    let _alive = alive;
                    body();
                    thread::sleep(Duration::from_millis(10));
                })
            })
            .unwrap_err();
            assert_eq!(Arc::strong_count(&alive), 1, "the threads have ended");
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            let message = format!("the spawn hook failed at worker {k} of 4: no thread left");
            assert_eq!(error.to_string(), message);
            let inner = error.get_ref().unwrap();
            let inner = inner.downcast_ref::<StartError<io::Error>>().unwrap();
            assert_eq!(inner.started(), k);
            assert!(inner.source().is_some());
        }
    }

    #[test]
    fn a_hook_that_drops_the_body_makes_a_pool_with_fewer_workers() {
        let _watchdog = watchdog();
        let pool = ThreadPool::<4>::with_spawn(Threads::new(), 3, |k, body| {
            let body = (k != 1).then_some(body);
            Builder::new().spawn(move || body.into_iter().for_each(|body| body()))
        })
        .unwrap();
        assert!(format!("{pool:?}").contains("workers: 2"), "{pool:?}");
        let mut ys = [0; 100];
        pool.map(0..100, &mut ys, |k| k);
        assert_eq!(ys[99], 99);
    }

    #[test]
    fn too_many_threads_are_an_error_at_once() {
        let error = ThreadPool::new(10_000).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("10000 threads: "), "{error}");

        let most = if usize::BITS == 64 { 256 } else { 32 };
        let pool = |workers| {
            ThreadPool::<2>::with_spawn(Threads::new(), workers, |_, body| {
                Builder::new().spawn(move || drop(body))
            })
        };
        assert_eq!(
            pool(most + 1).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
        pool(most).unwrap();
    }

    #[test]
    fn threads_have_the_pool_s_name() {
        let _watchdog = watchdog();
        let pool = ThreadPool::new(1).unwrap();
        let (log, names) = mpsc::channel();
        pool.execute(move || {
            log.send(thread::current().name().map(String::from))
                .unwrap()
        })
        .unwrap();
        assert_eq!(names.recv().unwrap().as_deref(), Some("ringpool-0"));
        assert!(format!("{pool:?}").starts_with("ThreadPool { threads: 1, pool: Pool {"));
    }

    #[test]
    fn sleeping_threads_hear_of_the_end() {
        let _watchdog = watchdog();
        for _ in 0..rounds(200) {
            let platform = Threads::new().with_spins(0);
            let pool =
                ThreadPool::<4>::with_spawn(platform, 3, |_, body| Builder::new().spawn(body))
                    .unwrap();
            wait_until(|| format!("{pool:?}").contains("sleepers: 3"));
        }
    }

    #[test]
    fn submits_race_with_close_on_threads_that_sleep() {
        let _watchdog = watchdog();
        for spins in (0..rounds(500) as u32).map(|round| round % 3 * 10) {
            let platform = Threads::new().with_spins(spins);
            let pool =
                ThreadPool::<8>::with_spawn(platform, 2, |_, body| Builder::new().spawn(body))
                    .unwrap();
            let (runs, accepted) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        loop {
                            let count = Arc::clone(&runs);
                            match pool.execute(move || _ = count.fetch_add(1, SeqCst)) {
                                Ok(()) => _ = accepted.fetch_add(1, SeqCst),
                                Err(rejected) if rejected.is_full() => thread::yield_now(),
                                Err(_) => break,
                            }
                        }
                    });
                }
                wait_until(|| runs.load(SeqCst) > 5);
                pool.close();
            });
            drop(pool);
            assert_eq!(runs.load(SeqCst), accepted.load(SeqCst));
            assert_eq!(Arc::strong_count(&runs), 1, "every job is gone");
        }
    }
}
