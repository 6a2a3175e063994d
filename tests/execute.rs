//! `execute`: who runs a job, when, and who gets it back.

mod common;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, mpsc};
use std::thread;

use common::{Lab, Ledger, by_hand, rounds, serve, wait_until, watchdog};
use ringpool::{Job, Platform, Pool, Spin};

#[test]
fn jobs_run_in_the_order_in_which_they_were_queued() {
    let pool: Pool<8> = Pool::new(Spin::new());
    let mut worker = by_hand(&pool);
    let (log, order) = mpsc::channel();
    for k in 0..8 {
        let log = log.clone();
        pool.execute(move || log.send(k).unwrap()).unwrap();
    }
    while worker.step() {}
    assert_eq!(
        order.try_iter().collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 6, 7]
    );
}

#[test]
fn a_full_ring_hands_the_job_back() {
    let pool: Pool<4> = Pool::new(Spin::new());
    let runs = Arc::new(AtomicUsize::new(0));
    let job = || {
        let runs = Arc::clone(&runs);
        move || {
            runs.fetch_add(1, SeqCst);
        }
    };
    for _ in 0..4 {
        pool.execute(job()).unwrap();
    }
    let rejected = pool.execute(job()).unwrap_err();
    assert!(rejected.is_full() && !rejected.is_closed());
    assert_eq!(rejected.to_string(), "the pool's ring is full");
    assert_eq!(Arc::strong_count(&runs), 1 + 4 + 1, "it is alive");
    assert_eq!(runs.load(SeqCst), 0, "nothing ran");
    rejected.into_inner()();
    assert_eq!(runs.load(SeqCst), 1, "it still works");

    // A slot that is free again takes a job again.
    let mut worker = by_hand(&pool);
    assert!(worker.step());
    pool.execute(job()).unwrap();
    assert!(pool.execute(job()).unwrap_err().is_full());
}

#[test]
fn a_closed_pool_hands_the_job_back() {
    let pool: Pool<4> = Pool::new(Spin::new());
    pool.close();
    let payload = Arc::new(());
    let held = Arc::clone(&payload);
    let rejected = pool.execute(move || drop(held)).unwrap_err();
    assert!(rejected.is_closed() && !rejected.is_full());
    assert_eq!(rejected.to_string(), "the pool is closed");
    assert_eq!(Arc::strong_count(&payload), 2);
    drop(rejected);
    assert_eq!(Arc::strong_count(&payload), 1);
}

/// A job whose parts can be reached when it is rejected.
struct Request {
    number: usize,
    served: mpsc::Sender<usize>,
}

impl Job for Request {
    fn run(self) {
        self.served.send(self.number).unwrap();
    }
}

#[test]
fn a_job_of_a_type_of_its_own_comes_back_whole_or_runs() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let (served, log) = mpsc::channel();
    let request = |number| Request {
        number,
        served: served.clone(),
    };
    pool.execute(request(0)).unwrap();
    pool.execute(Box::new(|| ())).unwrap();
    let back = pool.execute(request(1)).unwrap_err().into_inner();
    assert_eq!(back.number, 1);
    let mut worker = by_hand(&pool);
    assert!(worker.step());
    pool.execute(back).unwrap();
    while worker.step() {}
    assert_eq!(log.try_iter().collect::<Vec<_>>(), [0, 1]);

    // One that is never run is dropped with the pool.
    pool.execute(request(2)).unwrap();
    drop(worker);
    drop((pool, served));
    assert_eq!(log.recv(), Err(mpsc::RecvError));
}

#[test]
fn a_job_may_hold_what_is_aligned_to_two_words() {
    const WORD: usize = size_of::<usize>();
    #[cfg_attr(target_pointer_width = "64", repr(align(16)))]
    #[cfg_attr(target_pointer_width = "32", repr(align(8)))]
    struct Aligned {
        word: usize,
        drops: Arc<AtomicUsize>,
    }
    impl Drop for Aligned {
        fn drop(&mut self) {
            assert_eq!((&raw const *self).addr() % (2 * WORD), 0);
            self.drops.fetch_add(self.word, SeqCst);
        }
    }
    fn test<const WORDS: usize>() {
        // The second slot: the ring itself is aligned to more than that.
        let pool: Pool<2, Spin, WORDS> = Pool::new(Spin::new());
        let drops = Arc::new(AtomicUsize::new(0));
        let job = |word| {
            let drops = Arc::clone(&drops);
            let aligned = Aligned { word, drops };
            move || drop(aligned)
        };
        pool.execute(job(1)).unwrap();
        pool.execute(job(2)).unwrap();
        assert!(by_hand(&pool).step());
        assert_eq!(drops.load(SeqCst), 1);
        // In its slot.
        drop(pool);
        assert_eq!(drops.load(SeqCst), 3);
    }
    test::<2>();
    test::<3>();
    test::<6>();

    let pool: Pool<4> = Pool::new(Spin::new());
    let (sender, receiver) = mpsc::channel();
    #[cfg(target_pointer_width = "64")]
    let number = u128::MAX / 3;
    #[cfg(not(target_pointer_width = "64"))]
    let number = u64::MAX / 3;
    pool.execute(move || sender.send(number).unwrap()).unwrap();
    assert!(by_hand(&pool).step());
    assert_eq!(receiver.recv(), Ok(number));
}

#[test]
fn a_pool_counts_its_jobs_and_workers() {
    let pool: Pool<4> = Pool::new(Spin::new());
    let counts = || (pool.queued(), pool.workers(), pool.sleepers());
    assert_eq!((pool.capacity(), counts()), (4, (0, 0, 0)));
    pool.execute(|| ()).unwrap();
    pool.execute(|| ()).unwrap();
    let (mut one, other) = (by_hand(&pool), by_hand(&pool));
    assert_eq!(counts(), (2, 2, 0));
    assert!(one.step());
    drop(other);
    pool.close();
    assert_eq!(counts(), (1, 1, 0));
}

#[test]
fn a_pool_takes_a_platform_by_reference() {
    let _watchdog = watchdog();
    /// Each hook says which one it is.
    struct Named;
    impl Platform for Named {
        fn park(&self, _: usize) {
            thread::yield_now();
        }
        fn unpark(&self, _: usize) {}
        fn ticks(&self) -> u64 {
            11
        }
        fn quantum(&self) -> u64 {
            12
        }
        fn spins(&self) -> u32 {
            13
        }
    }
    fn by_value(platform: impl Platform) -> (u64, u64, u32) {
        platform.unpark(0);
        platform.relax();
        (platform.ticks(), platform.quantum(), platform.spins())
    }
    let shared: &dyn Platform = &Named;
    assert_eq!(by_value(shared), (11, 12, 13));
    let pool: Pool<4, &dyn Platform> = Pool::new(shared);
    let runs = AtomicUsize::new(0);
    serve(&pool, 2, || {
        pool.map(0..100, (), |_| _ = runs.fetch_add(1, SeqCst));
        wait_until(|| pool.sleepers() == 2);
        pool.execute(|| ()).unwrap();
        wait_until(|| pool.queued() == 0);
    });
    assert_eq!((runs.into_inner(), pool.workers()), (100, 0));
}

#[test]
fn a_rejection_is_an_error_whatever_the_job_is() {
    fn fails(pool: &Pool<2>) -> Result<(), Box<dyn Error>> {
        pool.execute(|| ())?;
        Ok(())
    }
    let pool = Pool::new(Spin::new());
    fails(&pool).unwrap();
    fails(&pool).unwrap();
    let error = fails(&pool).unwrap_err();
    assert_eq!(error.to_string(), "the pool's ring is full");
    assert_eq!(format!("{error:?}"), "Rejected { reason: Full, .. }");
}

#[test]
fn a_job_may_submit_jobs() {
    let _watchdog = watchdog();
    static POOL: Pool<64, Lab> = Pool::new(Lab::without_clock());
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    fn split(depth: usize) {
        RUNS.fetch_add(1, SeqCst);
        for _ in 0..2 {
            if depth != 0 {
                POOL.execute(move || split(depth - 1)).unwrap();
            }
        }
    }
    serve(&POOL, 2, || {
        POOL.execute(|| split(4)).unwrap();
        wait_until(|| RUNS.load(SeqCst) == 31);
    });
    assert_eq!(RUNS.load(SeqCst), 31);
}

#[test]
fn a_job_that_finds_the_ring_full_gets_its_job_back() {
    let _watchdog = watchdog();
    static POOL: Pool<2, Lab> = Pool::new(Lab::without_clock());
    static REJECTED: AtomicUsize = AtomicUsize::new(0);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let mut worker = by_hand(&POOL);
    POOL.execute(|| {
        for _ in 0..5 {
            let job = || {
                RUNS.fetch_add(1, SeqCst);
            };
            if let Err(rejected) = POOL.execute(job) {
                assert!(rejected.is_full());
                REJECTED.fetch_add(1, SeqCst);
                rejected.into_inner()();
            }
        }
    })
    .unwrap();
    while worker.step() {}
    assert_eq!((RUNS.load(SeqCst), REJECTED.load(SeqCst)), (5, 3));
}

#[test]
fn the_function_of_a_map_may_submit_jobs() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<256, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 2, || {
        pool.map(0..200, (), |_| {
            let job = || {
                RUNS.fetch_add(1, SeqCst);
            };
            pool.execute(job).unwrap();
        });
    });
    assert_eq!(RUNS.load(SeqCst), 200);
}

#[test]
fn closures_of_every_size_that_fits_arrive_whole() {
    static SUM: AtomicUsize = AtomicUsize::new(0);
    fn submit<const N: usize, const CAPACITY: usize, const WORDS: usize>(
        pool: &Pool<CAPACITY, Spin, WORDS>,
    ) {
        let numbers: [usize; N] = std::array::from_fn(|k| k + 1);
        pool.execute(move || {
            SUM.fetch_add(numbers.iter().sum(), SeqCst);
        })
        .unwrap();
    }
    let pool: Pool<8> = Pool::new(Spin::new());
    submit::<0, 8, 6>(&pool);
    submit::<1, 8, 6>(&pool);
    submit::<2, 8, 6>(&pool);
    submit::<6, 8, 6>(&pool);
    let small: Pool<2, Spin, 0> = Pool::new(Spin::new());
    submit::<0, 2, 0>(&small);
    let large: Pool<2, Spin, 100> = Pool::new(Spin::new());
    submit::<100, 2, 100>(&large);
    while by_hand(&pool).step() {}
    while by_hand(&small).step() {}
    while by_hand(&large).step() {}
    assert_eq!(SUM.load(SeqCst), 1 + 3 + 21 + 5050);
}

#[test]
fn what_is_smaller_than_a_word_arrives_whole() {
    static SEEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    fn submit(pool: &Pool<4>, number: impl Into<u32> + Send + 'static) {
        pool.execute(move || SEEN.lock().unwrap().push(number.into()))
            .unwrap();
    }
    let pool = Pool::new(Spin::new());
    submit(&pool, 0x01_u8);
    submit(&pool, 0x0102_u16);
    submit(&pool, 0x0102_0304_u32);
    let mut worker = by_hand(&pool);
    while worker.step() {}
    assert_eq!(*SEEN.lock().unwrap(), [0x01, 0x0102, 0x0102_0304]);
}

#[test]
fn every_accepted_job_runs_exactly_once() {
    let _watchdog = watchdog();
    const PRODUCERS: usize = 3;
    let each = rounds(10_000);
    let runs: Arc<[AtomicUsize]> = (0..PRODUCERS * each).map(|_| AtomicUsize::new(0)).collect();
    let pool: Pool<32, Lab> = Pool::new(Lab::without_clock());
    serve(&pool, 3, || {
        thread::scope(|scope| {
            for producer in 0..PRODUCERS {
                let (pool, runs) = (&pool, &runs);
                scope.spawn(move || {
                    for k in producer * each..(producer + 1) * each {
                        let runs = Arc::clone(runs);
                        let mut job = move || {
                            runs[k].fetch_add(1, SeqCst);
                        };
                        while let Err(rejected) = pool.execute(job) {
                            assert!(rejected.is_full());
                            job = rejected.into_inner();
                            thread::yield_now();
                        }
                    }
                });
            }
        });
    });
    for (k, runs) in runs.iter().enumerate() {
        assert_eq!(runs.load(SeqCst), 1, "job {k}");
    }
}

#[test]
fn what_a_job_captures_is_dropped_once_whatever_becomes_of_the_job() {
    let ledger = Ledger::new(6);
    let pool: Pool<4> = Pool::new(Spin::new());
    for id in 0..6 {
        let entry = ledger.make(id);
        // The last two find the ring full.
        let _ = pool.execute(move || drop(entry));
    }
    let mut worker = by_hand(&pool);
    assert!(worker.step() && worker.step()); // two run
    drop(worker);
    drop(pool); // two are dropped
    assert_eq!(ledger.made(), 6);
    ledger.check();
}

#[test]
fn a_job_is_dropped_as_soon_as_it_has_run() {
    let pool: Pool<4> = Pool::new(Spin::new());
    let payload = Arc::new(());
    let held = Arc::clone(&payload);
    pool.execute(move || assert_eq!(Arc::strong_count(&held), 2))
        .unwrap();
    by_hand(&pool).step();
    assert_eq!(Arc::strong_count(&payload), 1);
}

#[test]
fn workers_run_jobs_side_by_side() {
    let _watchdog = watchdog();
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<8, Lab> = Pool::new(Lab::without_clock());
    serve(&pool, 3, || {
        for _ in 0..3 {
            pool.execute(|| {
                INSIDE.fetch_add(1, SeqCst);
                wait_until(|| INSIDE.load(SeqCst) == 3);
            })
            .unwrap();
        }
    });
}

#[test]
fn neither_jobs_nor_maps_starve_the_other() {
    let _watchdog = watchdog();
    static POOL: Pool<4, Lab> = Pool::new(Lab::hasty());
    static STOP: AtomicBool = AtomicBool::new(false);
    static HELPED: AtomicBool = AtomicBool::new(false);
    static MAPPED: AtomicBool = AtomicBool::new(false);
    // A job that queues itself again and again keeps the only worker busy with jobs.
    fn again() {
        if !STOP.load(SeqCst) {
            POOL.execute(again).unwrap();
        }
    }
    serve(&POOL, 1, || {
        POOL.execute(again).unwrap();
        let caller = thread::current().id();
        // The worker helps in spite of the jobs...
        POOL.map(0..1000, (), |k| {
            if thread::current().id() != caller {
                HELPED.store(true, SeqCst);
            }
            if k == 1 {
                wait_until(|| HELPED.load(SeqCst));
            }
        });
        STOP.store(true, SeqCst);
        // ... and takes a job in spite of the maps.
        POOL.execute(|| MAPPED.store(true, SeqCst)).unwrap();
        while !MAPPED.load(SeqCst) {
            POOL.map(0..100, (), |_| ());
        }
    });
}

#[test]
fn a_pool_says_how_it_is() {
    let pool: Pool<8> = Pool::new(Spin::new());
    let worker = by_hand(&pool);
    pool.execute(|| ()).unwrap();
    pool.close();
    assert_eq!(
        format!("{pool:?}"),
        match cfg!(feature = "std") {
            true => {
                "Pool { capacity: 8, queued: 1, closed: true, workers: 1, sleepers: 0, panics: 0 }"
            }
            false => "Pool { capacity: 8, queued: 1, closed: true, workers: 1, sleepers: 0 }",
        }
    );
    assert_eq!(format!("{worker:?}"), "Worker { number: 0, .. }");
    assert_eq!(format!("{:?}", <Spin>::new()), "Spin");
    #[cfg(feature = "std")]
    {
        let threads = ringpool::Threads::new().with_spins(7);
        assert_eq!(format!("{threads:?}"), "Threads { spins: 7, .. }");
        assert_eq!(ringpool::Platform::spins(&threads), 7);
    }
}

#[test]
fn workers_that_only_spin_count_as_asleep_and_hear_of_jobs() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<8> = Pool::new(Spin::new());
    serve(&pool, 2, || {
        for round in 1..=100 {
            wait_until(|| pool.sleepers() == 2);
            pool.execute(|| _ = RUNS.fetch_add(1, SeqCst)).unwrap();
            wait_until(|| RUNS.load(SeqCst) == round);
        }
    });
}

#[test]
fn jobs_may_wait_for_each_other_s_locks() {
    let _watchdog = watchdog();
    let total = Arc::new(Mutex::new(0));
    let pool: Pool<64, Lab> = Pool::new(Lab::without_clock());
    serve(&pool, 3, || {
        for _ in 0..64 {
            let total = Arc::clone(&total);
            pool.execute(move || *total.lock().unwrap() += 1).unwrap();
        }
    });
    assert_eq!(*total.lock().unwrap(), 64);
}
