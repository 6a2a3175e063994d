use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::vec::Vec;

use super::*;
use crate::{Spin, Threads};

const UNPARK: usize = usize::MAX;

/// Counts the waits between looks, and does something at one. To park is wait 0, to unpark wait
/// `UNPARK`. It has a clock if its quantum is not 0; each look at it takes a tick.
struct Host {
    spins: u32,
    waits: AtomicUsize,
    then: fn(usize),
    now: AtomicU64,
    quantum: u64,
}

impl Host {
    const fn new(spins: u32, then: fn(usize)) -> Self {
        Self::with_clock(spins, 0, then)
    }

    const fn with_clock(spins: u32, quantum: u64, then: fn(usize)) -> Self {
        Self {
            spins,
            waits: AtomicUsize::new(0),
            then,
            now: AtomicU64::new(0),
            quantum,
        }
    }
}

impl Platform for Host {
    fn park(&self, _: usize) {
        (self.then)(0);
    }

    fn unpark(&self, _: usize) {
        (self.then)(UNPARK);
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        if !UNCOUNTED.get() {
            (self.then)(1 + self.waits.fetch_add(1, SeqCst));
        }
    }

    fn ticks(&self) -> u64 {
        self.now.fetch_add(1, SeqCst) * self.quantum.min(1)
    }

    fn quantum(&self) -> u64 {
        self.quantum
    }
}

std::thread_local! {
    /// This thread's waits are none of a worker.
    static UNCOUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Serves the pool on this thread, until something closes it.
fn serve<const CAPACITY: usize>(pool: &'static Pool<CAPACITY, Host>) {
    let start = pool.start(1, |worker| {
        worker.run();
        Ok::<(), ()>(())
    });
    start.unwrap();
}

fn waits<const CAPACITY: usize>(pool: &Pool<CAPACITY, Host>) -> usize {
    pool.sleep.platform().waits.load(SeqCst)
}

/// What a worker sees that looks for a while, and after how many waits.
fn spin(pool: &Pool<4, Host>) -> (bool, usize) {
    let found = pool.spin(&mut pool.sleep.platform().spins());
    (found, waits(pool))
}

#[test]
fn a_worker_looks_so_many_times() {
    let pool = Pool::new(Host::new(700, |_| ()));
    assert_eq!(spin(&pool), (false, 700));
}

#[test]
fn a_worker_that_looks_sees_a_job() {
    static POOL: Pool<4, Host> = Pool::new(Host::new(700, |wait| {
        if wait == 300 {
            POOL.execute(|| ()).unwrap();
        }
    }));
    assert_eq!(spin(&POOL), (true, 300));
    let pool = Pool::new(Host::new(0, |_| ()));
    pool.execute(|| ()).unwrap();
    assert_eq!(spin(&pool), (true, 0));
}

#[test]
fn a_worker_that_looks_sees_the_end_now_and_then() {
    static POOL: Pool<4, Host> = Pool::new(Host::new(100_000, |wait| {
        if wait == 300 {
            POOL.close();
        }
    }));
    assert_eq!(spin(&POOL), (false, 415));
}

/// Counts the waits before each park.
type Parks = Mutex<Vec<usize>>;

/// A worker of `pool` parks; how many times now?
fn note_park(parks: &Parks, pool: &Pool<4, Host>) -> usize {
    let mut parks = parks.lock().unwrap();
    parks.push(waits(pool));
    parks.len()
}

/// Serves the pool on this thread. Returns the waits before each park, since the one before.
fn waits_before_each_park(pool: &'static Pool<4, Host>, parks: &Parks) -> Vec<usize> {
    serve(pool);
    let mut before = 0;
    let parks = parks.lock().unwrap();
    let each = parks
        .iter()
        .map(|waits| waits - mem::replace(&mut before, *waits));
    each.collect()
}

#[test]
fn each_sleep_halves_the_looks_until_one_finds_work_or_it_is_time_to_try() {
    static PARKS: Parks = Mutex::new(Vec::new());
    static POOL: Pool<4, Host> = Pool::new(Host::new(256, |wait| {
        let found = 256 + 128 + 64 + 8;
        if wait == 0 && note_park(&PARKS, &POOL) == 18 {
            POOL.close();
        } else if wait == 0 || wait == found {
            POOL.execute(|| ()).unwrap();
        }
    }));
    // The fourth spin finds a job in its 8th look. The 17th is after 16 sleeps.
    assert_eq!(
        waits_before_each_park(&POOL, &PARKS),
        [
            256,
            128,
            64,
            8 + 256,
            128,
            64,
            32,
            16,
            8,
            4,
            2,
            1,
            0,
            0,
            0,
            0,
            256,
            128
        ]
    );
}

/// Waits for another thread.
fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

#[test]
fn a_worker_that_helped_a_map_looks_as_often_as_it_can() {
    static PARKS: Parks = Mutex::new(Vec::new());
    static WOKEN: AtomicBool = AtomicBool::new(false);
    static HELPED: AtomicBool = AtomicBool::new(false);
    static POOL: Pool<4, Host> = Pool::new(Host::new(32, |wait| match wait {
        0 => match note_park(&PARKS, &POOL) {
            2 => {
                WOKEN.store(false, SeqCst);
                thread::spawn(map);
                wait_until(|| WOKEN.load(SeqCst));
            }
            5 => POOL.close(),
            _ => POOL.execute(|| ()).unwrap(),
        },
        UNPARK => WOKEN.store(true, SeqCst),
        _ => (),
    }));
    fn map() {
        UNCOUNTED.set(true);
        POOL.map(0..3, (), |_| match UNCOUNTED.get() {
            true => wait_until(|| HELPED.load(SeqCst)),
            false => HELPED.store(true, SeqCst),
        });
    }
    assert_eq!(waits_before_each_park(&POOL, &PARKS), [32, 16, 32, 16, 8]);
}

/// A worker of this pool that is counted as searching.
fn searcher<const CAPACITY: usize>(pool: &Pool<CAPACITY, Host>) -> WorkerState {
    pool.sleep.search();
    WorkerState {
        searching: true,
        ..WorkerState::default()
    }
}

#[test]
fn a_worker_that_wakes_another_before_its_job_has_freed_the_slot_before() {
    static RESULT: Mutex<Option<bool>> = Mutex::new(None);
    static POOL: Pool<2, Host> = Pool::new(Host::new(0, |wait| {
        assert_eq!(wait, UNPARK);
        *RESULT.lock().unwrap() = Some(POOL.execute(|| ()).is_ok());
    }));
    (0..2).for_each(|_| POOL.execute(|| ()).unwrap());
    POOL.sleep.lay_down([1]);
    assert!(POOL.run_once(0, &mut searcher(&POOL)));
    assert_eq!(*RESULT.lock().unwrap(), Some(true));
}

#[test]
fn a_searcher_that_takes_a_job_wakes_one_more_if_another_job_is_queued_or_a_team_is_open() {
    static WOKEN: AtomicUsize = AtomicUsize::new(0);
    static POOL: Pool<4, Host> = Pool::new(Host::new(0, |_| _ = WOKEN.fetch_add(1, SeqCst)));
    let take_a_job = |queued: usize, expected: usize| {
        WOKEN.store(0, SeqCst);
        POOL.sleep.lay_down([5]);
        // (A panic in a job would be contained.)
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        let first = || SEEN.store(WOKEN.load(SeqCst), SeqCst);
        assert!(POOL.ring.push(first).is_ok());
        (1..queued).for_each(|_| assert!(POOL.ring.push(|| ()).is_ok()));
        assert!(POOL.run_once(0, &mut searcher(&POOL)));
        assert_eq!(SEEN.load(SeqCst), expected, "before the job");
        while POOL.run_once(0, &mut WorkerState::default()) {}
        POOL.sleep.wake_all();
        (0..POOL.sleep.searching()).for_each(|_| POOL.sleep.stop_searching());
    };
    take_a_job(1, 0);
    take_a_job(2, 1);
    POOL.sleep.claim_number();
    let elements = AtomicUsize::new(0);
    POOL.map(0..2, (), |k| {
        elements.fetch_add(1, SeqCst);
        if k == 0 {
            assert!(POOL.maps.any_open());
            take_a_job(1, 1);
        }
    });
    assert_eq!(elements.load(SeqCst), 2);
}

/// Its look at the ring is the one that a producer relied on.
#[test]
fn a_searcher_that_joins_a_team_wakes_one_more_if_a_job_is_queued() {
    static WOKEN: AtomicUsize = AtomicUsize::new(0);
    for queued in [0, 1] {
        let pool: Pool<4, Host> = Pool::new(Host::new(0, |_| _ = WOKEN.fetch_add(1, SeqCst)));
        WOKEN.store(0, SeqCst);
        // Accepted, and not published when the searcher looks for a job.
        let claims: Vec<_> = (0..queued)
            .map(|_| pool.ring.claim().ok().unwrap())
            .collect();
        pool.sleep.claim_number();
        pool.map(0..2, (), |k| match k {
            // One element is left: the team itself wakes none for it.
            0 => {
                pool.sleep.lay_down([5]);
                assert!(pool.run_once(0, &mut searcher(&pool)));
                assert_eq!(WOKEN.load(SeqCst), queued);
            }
            _ => assert_eq!(
                WOKEN.load(SeqCst),
                queued,
                "before its element, which may be long"
            ),
        });
        assert_eq!(pool.sleep.searching(), queued, "it is none itself");
        claims.into_iter().for_each(|claim| claim.fill(|| ()));
    }
}

#[test]
fn a_job_is_work_and_so_is_an_open_team() {
    let pool: Pool<4, Host> = Pool::new(Host::new(0, |_| ()));
    assert!(!pool.has_work());
    pool.execute(|| ()).unwrap();
    assert!(pool.has_work());
    assert!(pool.run_once(0, &mut WorkerState::default()));
    assert!(!pool.has_work());
    pool.sleep.claim_number();
    pool.map(0..10, (), |_| assert!(pool.has_work()));
    assert!(!pool.has_work());
    let helped = AtomicUsize::new(0);
    pool.map(0..10, (), |k| {
        if k == 0 {
            let mut state = WorkerState::default();
            assert!(pool.run_once(0, &mut state));
            assert!(state.helped);
            helped.fetch_add(1, SeqCst);
        }
    });
    assert_eq!(helped.into_inner(), 1);
}

#[test]
fn a_worker_sleeps_while_a_producer_is_stopped_halfway_and_wakes_when_it_goes_on() {
    let pool: Pool<4, Threads> = Pool::new(Threads::new());
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        let claim = pool.ring.claim().ok().unwrap();
        let start = pool.start(1, |worker| {
            scope.spawn(|| worker.run());
            Ok::<(), ()>(())
        });
        start.unwrap();
        let behind = sender.clone();
        pool.execute(move || behind.send(2).unwrap()).unwrap();
        wait_until(|| pool.sleep.sleepers() == 1);
        assert!(receiver.try_recv().is_err());
        claim.fill(move || sender.send(1).unwrap());
        pool.sleep.notify(|| pool.ring.len());
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(receiver.recv(), Ok(2));
        pool.close();
    });
}

#[test]
fn all_workers_that_wait_for_a_late_job_hear_of_the_end() {
    let pool: Pool<4, Threads> = Pool::new(Threads::new());
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        let claim = pool.ring.claim().ok().unwrap();
        let start = pool.start(3, |worker| {
            scope.spawn(|| worker.run());
            Ok::<(), ()>(())
        });
        start.unwrap();
        // Accepted and not yet written when the pool closes: no worker may leave.
        pool.close();
        wait_until(|| pool.sleep.sleepers() == 3);
        claim.fill(move || sender.send(()).unwrap());
        pool.sleep.notify(|| pool.ring.len());
        // One is woken; as it leaves it wakes the others, or this scope does not end.
    });
    assert_eq!(receiver.recv(), Ok(()));
}

#[test]
fn while_a_producer_is_stopped_halfway_no_other_waits() {
    let pool: Pool<4> = Pool::new(Spin::new());
    let mut worker = None;
    pool.start(1, |it| {
        worker = Some(it);
        Ok::<(), ()>(())
    })
    .unwrap();
    let mut worker = worker.unwrap();
    let (sender, receiver) = channel();
    let job = |k| {
        let sender = sender.clone();
        move || sender.send(k).unwrap()
    };
    let claim = pool.ring.claim().ok().unwrap();
    (1..4).for_each(|k| pool.execute(job(k)).unwrap());
    assert!(pool.execute(|| ()).unwrap_err().is_full());
    assert!(!worker.step());
    let mut ys = [0; 100];
    pool.map(0..100, &mut ys, |k| k);
    assert!((0..100).eq(ys));
    claim.fill(job(0));
    pool.sleep.notify(|| pool.ring.len());
    while worker.step() {}
    assert!(receiver.try_iter().eq(0..4));
}

#[test]
fn a_worker_that_helps_a_map_is_not_counted_on_for_jobs() {
    let pool: Pool<4, Threads> = Pool::new(Threads::new());
    let [helping, runs] = [const { AtomicBool::new(false) }; 2];
    let runs = std::sync::Arc::new(runs);
    let caller = thread::current().id();
    thread::scope(|scope| {
        let hire = || {
            let start = pool.start(1, |worker| {
                scope.spawn(|| worker.run());
                Ok::<(), ()>(())
            });
            start.unwrap();
            wait_until(|| pool.sleep.sleepers() != 0);
        };
        hire();
        let hired = AtomicBool::new(false);
        pool.map(0..2, (), |_| {
            if thread::current().id() != caller {
                helping.store(true, SeqCst);
                // For a job that another worker has to wake up for.
                wait_until(|| runs.load(SeqCst));
            } else if !hired.swap(true, SeqCst) {
                wait_until(|| helping.load(SeqCst));
                // It finds the team's work all taken, and sleeps.
                hire();
                let runs = runs.clone();
                pool.execute(move || runs.store(true, SeqCst)).unwrap();
            }
        });
        pool.close();
    });
}
