//! `mem::forget` of every public value: nothing may rest on a destructor but memory.
//!
//! Not even memory is lost here, so that a leak detector has nothing to say: what is forgotten owns none, or
//! stays where it is in a `static`, whose destructor never runs either. The one leak that there is is ignored.
#![allow(
    clippy::forget_non_drop,
    reason = "whether a type has a destructor is not the test's business"
)]

mod common;

use std::array;
use std::mem::{MaybeUninit, forget};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use common::{Lab, by_hand, serve, wait_until, watchdog};
use ringpool::{Pool, Spin};

/// Counts its drops.
struct Counted(&'static AtomicUsize);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_forgotten_pool_forgets_its_jobs() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<4> = Pool::new(Spin::new());
    let held = Counted(&DROPS);
    pool.execute(move || drop(held)).unwrap();
    forget(pool);
    assert_eq!(DROPS.load(SeqCst), 0);
}

#[test]
fn a_forgotten_worker_is_one_that_never_works() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    for platform in [Lab::without_clock(), Lab::hasty()] {
        let pool: Pool<4, Lab> = Pool::new(platform);
        forget(by_hand(&pool));
        let mut worker = by_hand(&pool);
        worker.step();
        forget(worker);
        RUNS.store(0, SeqCst);
        serve(&pool, 1, || {
            let job = || {
                RUNS.fetch_add(1, SeqCst);
            };
            pool.execute(job).unwrap();
            let mut ys = [0; 100];
            pool.map(0..100, &mut ys, |k| k + 1);
            assert_eq!(ys, array::from_fn(|k| k + 1));
            wait_until(|| RUNS.load(SeqCst) == 1);
        });
        assert!(format!("{pool:?}").contains("workers: 2"), "{pool:?}");
    }
}

#[test]
fn a_pool_whose_workers_were_all_forgotten_has_no_room_for_more() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let forget_all = || {
        pool.start(1000, |worker| {
            forget(worker);
            Ok::<(), ()>(())
        })
    };
    let error = forget_all().unwrap_err();
    assert!(error.started() >= 31);
    forget(error);
    assert_eq!(forget_all().unwrap_err().started(), 0);
    let mut ys = [0; 100];
    pool.map(0..100, &mut ys, |k| k);
    assert_eq!(ys[99], 99);
}

#[test]
fn a_forgotten_error_of_the_spawn_hook_leaves_the_pool_as_it_is() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<2> = Pool::new(Spin::new());
    let error = pool.start(1, |_| Err(Counted(&DROPS))).unwrap_err();
    forget(error);
    assert_eq!(DROPS.load(SeqCst), 0);
    pool.execute(|| ()).unwrap();
    assert!(by_hand(&pool).step());
}

#[test]
fn a_forgotten_rejection_forgets_its_job() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<2> = Pool::new(Spin::new());
    pool.close();
    let held = Counted(&DROPS);
    forget(pool.execute(move || drop(held)));
    assert_eq!(DROPS.load(SeqCst), 0);
}

#[test]
fn forgotten_results_are_results_that_are_not_dropped() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<2> = Pool::new(Spin::new());
    let mut places = [const { MaybeUninit::uninit() }; 3];
    #[allow(forgetting_references, reason = "the point of it")]
    forget(pool.map(0..3, &mut places[..], |_| Counted(&DROPS)));
    assert_eq!(DROPS.load(SeqCst), 0);
}

#[test]
fn forgotten_inputs_and_outputs_are_borrows_that_end() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let (xs, mut ys) = ([1, 2, 3], [0; 3]);
    forget((&xs, &mut ys));
    pool.map(&xs, &mut ys, |x| x + 1);
    assert_eq!(ys, [2, 3, 4]);
    forget(([(); 3], 0..3));
}

#[test]
fn items_that_the_function_forgets_are_dropped_by_nobody() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    let _watchdog = watchdog();
    for platform in [Lab::lazy(), Lab::hasty()] {
        DROPS.store(0, SeqCst);
        let pool: Pool<2, Lab> = Pool::new(platform);
        serve(&pool, 2, || {
            let items: [_; 100] = array::from_fn(|k| (k, Counted(&DROPS)));
            pool.map(items, (), |(k, item)| {
                if k % 2 == 0 {
                    forget(item);
                }
            });
        });
        assert_eq!(DROPS.load(SeqCst), 50);
    }
}

#[test]
fn a_map_waits_for_its_helpers_whatever_its_caller_forgets() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 2, || {
        for _ in 0..100 {
            // What the map borrows is gone right after it: no value stands between the two.
            let xs = vec![1_u64; 100];
            let mut ys = vec![0_u64; 100];
            #[allow(clippy::unit_arg, forgetting_copy_types, reason = "the point of it")]
            forget(pool.map(&xs[..], &mut ys[..], |x| x + 1));
            assert_eq!(ys, [2; 100]);
        }
    });
}

#[test]
#[ignore = "it leaks, for ci/sanitize.sh to see that leaks are seen"]
fn a_leak() {
    forget(std::hint::black_box(Box::new(1)));
}

#[test]
fn platforms_may_be_forgotten() {
    forget(<Spin>::new());
    #[cfg(feature = "std")]
    forget(ringpool::Threads::new());
}

#[cfg(feature = "std")]
mod threads {
    use std::io;
    use std::sync::{Mutex, OnceLock, mpsc};
    use std::thread::Builder;

    use ringpool::{ThreadPool, Threads};

    use super::*;

    #[cfg(not(miri))] // which wants every thread to end
    #[test]
    fn a_forgotten_thread_pool_goes_on() {
        let _watchdog = watchdog();
        static FORGOTTEN: OnceLock<ThreadPool> = OnceLock::new();
        let pool = FORGOTTEN.get_or_init(|| ThreadPool::new(2).unwrap());
        let (log, runs) = mpsc::channel();
        for k in 0..100 {
            let log = log.clone();
            pool.execute(move || log.send(k).unwrap()).unwrap();
        }
        drop(log);
        assert_eq!(runs.iter().count(), 100);
    }

    #[test]
    fn a_forgotten_body_is_a_thread_that_never_works() {
        let _watchdog = watchdog();
        static FORGOTTEN: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);
        let pool = ThreadPool::<4>::with_spawn(Threads::new(), 2, |k, body| {
            if k == 0 {
                *FORGOTTEN.lock().unwrap() = Some(body);
                return Builder::new().spawn(|| ());
            }
            Builder::new().spawn(body)
        })
        .unwrap();
        let mut ys = [0; 100];
        pool.map(0..100, &mut ys, |k| k);
        assert_eq!(ys[99], 99);
        assert!(format!("{pool:?}").contains("workers: 2"), "{pool:?}");
        drop(pool);
    }

    #[test]
    fn a_forgotten_error_of_a_thread_pool_keeps_no_thread() {
        let _watchdog = watchdog();
        static FORGOTTEN: OnceLock<io::Error> = OnceLock::new();
        let mut threads = Vec::new();
        let result = ThreadPool::<4>::with_spawn(Threads::new(), 2, |k, body| {
            if k == 1 {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            let (end, ended) = mpsc::channel::<()>();
            threads.push(ended);
            Builder::new().spawn(move || {
                let _end = end;
                body();
            })
        });
        FORGOTTEN.set(result.unwrap_err()).unwrap();
        assert!(threads[0].recv().is_err(), "the thread has ended");
    }
}
