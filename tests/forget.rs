//! `mem::forget` of every public value: nothing may rest on a destructor but memory.
#![cfg(not(loom))]
#![cfg(not(miri))] // which calls every one of these a leak, as they are
#![allow(
    clippy::forget_non_drop,
    reason = "whether a type has a destructor is not the test's business"
)]

mod common;

use std::mem::{MaybeUninit, forget};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use common::{Lab, by_hand, serve, wait_until, watchdog};
use ringpool::{Pool, Spin};

#[test]
fn a_forgotten_pool_forgets_its_jobs() {
    let payload = Arc::new(());
    let pool: Pool<4> = Pool::new(Spin::new());
    let held = Arc::clone(&payload);
    pool.execute(move || drop(held)).unwrap();
    forget(pool);
    assert_eq!(Arc::strong_count(&payload), 2);
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
            assert_eq!(ys, std::array::from_fn(|k| k + 1));
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
fn a_forgotten_rejection_forgets_its_job() {
    let payload = Arc::new(());
    let pool: Pool<2> = Pool::new(Spin::new());
    pool.close();
    let held = Arc::clone(&payload);
    forget(pool.execute(move || drop(held)));
    assert_eq!(Arc::strong_count(&payload), 2);
}

#[test]
fn forgotten_results_are_results_that_leak() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let payload = Arc::new(());
    let mut places = [const { MaybeUninit::uninit() }; 3];
    #[allow(forgetting_references, reason = "the point of it")]
    forget(pool.map(0..3, &mut places[..], |_| Arc::clone(&payload)));
    assert_eq!(Arc::strong_count(&payload), 4);
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
fn platforms_may_be_forgotten() {
    forget(<Spin>::new());
    #[cfg(feature = "std")]
    forget(ringpool::Threads::new());
}

#[cfg(feature = "std")]
#[test]
fn a_forgotten_thread_pool_goes_on() {
    let _watchdog = watchdog();
    use std::sync::mpsc;
    let pool = ringpool::ThreadPool::new(2).unwrap();
    let (log, runs) = mpsc::channel();
    for k in 0..100 {
        let log = log.clone();
        pool.execute(move || log.send(k).unwrap()).unwrap();
    }
    forget(pool);
    drop(log);
    assert_eq!(runs.iter().count(), 100);
}

#[cfg(feature = "std")]
#[test]
fn a_forgotten_body_is_a_thread_that_never_works() {
    let _watchdog = watchdog();
    let pool = ringpool::ThreadPool::<4>::with_spawn(ringpool::Threads::new(), 2, |k, body| {
        let body = if k == 0 {
            forget(body);
            None
        } else {
            Some(body)
        };
        std::thread::Builder::new().spawn(move || body.into_iter().for_each(|body| body()))
    })
    .unwrap();
    let mut ys = [0; 100];
    pool.map(0..100, &mut ys, |k| k);
    assert_eq!(ys[99], 99);
}
