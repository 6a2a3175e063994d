//! What a wrong guess costs at most: threads that never come, functions whose cost is another one than was
//! thought, jobs behind maps. Nothing here is measured: threads wait for each other, and the clock shows what the
//! elements say. (With a clock by hand, `src/map/tests.rs` has the other rows of that table.)

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, Scope};

use common::{AtEnd, Tokens, wait_until, watchdog};
use ringpool::{Platform, Pool};

/// A platform on which wake-ups are lost and spinning workers freeze, until it thaws.
struct Host {
    quantum: u64,
    spins: u32,
    now: AtomicU64,
    /// The clock shows the same time for ever.
    stands: bool,
    tokens: Tokens,
    unparks: AtomicUsize,
    /// Spots below this one are not woken.
    lost_below: usize,
    lost: Mutex<Vec<usize>>,
    /// Workers that spin stop there.
    freezes: AtomicBool,
    frozen: AtomicUsize,
    thawed: AtomicBool,
}

/// Worker 0's spot.
const FIRST: usize = 4;
/// Ticks.
const QUANTUM: u64 = 1000;
/// An element that is worth many wake-ups.
const LONG: u64 = 1000 * QUANTUM;

impl Host {
    fn new() -> Self {
        Self {
            quantum: QUANTUM,
            spins: 0,
            now: AtomicU64::new(1),
            stands: false,
            tokens: Tokens::new(),
            unparks: AtomicUsize::new(0),
            lost_below: 0,
            lost: Mutex::default(),
            freezes: AtomicBool::new(false),
            frozen: AtomicUsize::new(0),
            thawed: AtomicBool::new(false),
        }
    }

    /// One with a clock, one without, and one whose clock stands still.
    fn of_every_clock() -> [Self; 3] {
        let mut hosts = [Self::new(), Self::new(), Self::new()];
        hosts[1].quantum = 0;
        hosts[2].stands = true;
        hosts
    }

    fn pass(&self, ticks: u64) {
        self.now.fetch_add(ticks, SeqCst);
    }

    fn unparks(&self) -> usize {
        self.unparks.load(SeqCst)
    }

    fn thaw(&self) {
        self.thawed.store(true, SeqCst);
        let lost = std::mem::take(&mut *self.lost.lock().unwrap());
        lost.into_iter().for_each(|spot| self.tokens.leave(spot));
    }
}

impl Platform for &Host {
    fn park(&self, spot: usize) {
        self.tokens.take(spot);
    }

    fn unpark(&self, spot: usize) {
        self.unparks.fetch_add(1, SeqCst);
        let mut lost = self.lost.lock().unwrap();
        if spot < self.lost_below && !self.thawed.load(SeqCst) {
            lost.push(spot);
        } else {
            self.tokens.leave(spot);
        }
    }

    fn ticks(&self) -> u64 {
        match self.stands {
            true => 1,
            false => self.now.load(SeqCst),
        }
    }

    fn quantum(&self) -> u64 {
        self.quantum
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        if self.freezes.load(SeqCst) && !self.thawed.load(SeqCst) {
            self.frozen.fetch_add(1, SeqCst);
            wait_until(|| self.thawed.load(SeqCst));
        }
        thread::yield_now();
    }
}

type HostPool<'h> = Pool<64, &'h Host>;

fn add_workers<'s>(scope: &'s Scope<'s, '_>, pool: &'s HostPool<'_>, workers: usize) {
    let start = pool.start(workers, |worker| {
        scope.spawn(move || worker.run());
        Ok::<(), ()>(())
    });
    start.unwrap();
}

fn wait_until_asleep(pool: &HostPool<'_>, workers: usize) {
    wait_until(|| pool.sleepers() == workers);
}

/// Runs `test` on a pool with so many workers, which sleep.
fn with_sleepers(host: &Host, workers: usize, test: impl FnOnce(&HostPool<'_>)) {
    let _watchdog = watchdog();
    let pool = Pool::new(host);
    thread::scope(|scope| {
        let _end = AtEnd(|| {
            host.thaw();
            pool.close();
        });
        add_workers(scope, &pool, workers);
        wait_until_asleep(&pool, workers);
        test(&pool);
    });
}

/// Submits jobs one by one, of which all but `late` have to run.
fn all_but_a_few_run(pool: &HostPool<'_>, late: usize) {
    let runs = Arc::new(AtomicUsize::new(0));
    for submitted in 1..=20 {
        let runs_too = Arc::clone(&runs);
        pool.execute(move || _ = runs_too.fetch_add(1, SeqCst))
            .unwrap();
        wait_until(|| runs.load(SeqCst) + late >= submitted);
    }
}

#[test]
fn a_woken_worker_that_never_comes_is_late_for_one_job() {
    for lost in 1..4 {
        let mut host = Host::new();
        host.lost_below = FIRST + lost;
        with_sleepers(&host, lost + 2, |pool| {
            all_but_a_few_run(pool, lost);
            assert_eq!(host.lost.lock().unwrap().len(), lost, "they were woken");
        });
    }
}

#[test]
fn a_searcher_that_is_frozen_is_late_for_one_job() {
    for frozen in 1..4 {
        let mut host = Host::new();
        host.spins = 100;
        let _watchdog = watchdog();
        let pool = Pool::new(&host);
        thread::scope(|scope| {
            let _end = AtEnd(|| {
                host.thaw();
                pool.close();
            });
            add_workers(scope, &pool, frozen);
            wait_until_asleep(&pool, frozen);
            // Each takes a job, and spins after it.
            host.freezes.store(true, SeqCst);
            let barrier = Arc::new(Barrier::new(frozen));
            for _ in 0..frozen {
                let barrier = Arc::clone(&barrier);
                pool.execute(move || _ = barrier.wait()).unwrap();
            }
            wait_until(|| host.frozen.load(SeqCst) == frozen);
            host.freezes.store(false, SeqCst);
            add_workers(scope, &pool, 2);
            wait_until_asleep(&pool, 2);
            all_but_a_few_run(&pool, frozen);
        });
    }
}

#[test]
fn a_submit_wakes_one_worker_at_most() {
    const WORKERS: usize = 8;
    let mut host = Host::new();
    host.lost_below = usize::MAX;
    with_sleepers(&host, WORKERS, |pool| {
        for submitted in 1..=20 {
            pool.execute(|| ()).unwrap();
            // None comes: each job wakes another one, while there is one.
            assert_eq!(host.unparks(), submitted.min(WORKERS));
        }
    });
}

/// What a worker does, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Did {
    Element,
    /// An element, in which a job was queued.
    Submit,
    Job,
}

#[test]
fn a_job_begins_at_the_end_of_a_helper_s_chunk_and_the_helper_comes_back() {
    const ELEMENTS: usize = 100;
    for host in Host::of_every_clock() {
        with_sleepers(&host, 1, |pool| {
            let did = Arc::new(Mutex::new(Vec::new()));
            let caller = thread::current().id();
            let count = |it| did.lock().unwrap().iter().filter(|did| **did == it).count();
            pool.map(0..ELEMENTS, (), |_| {
                host.pass(LONG);
                if thread::current().id() == caller {
                    // The helper has all to itself, until it has come back from five jobs.
                    wait_until(|| {
                        let did = did.lock().unwrap();
                        let last = did.iter().rposition(|did| *did == Did::Job);
                        let jobs = did.iter().filter(|did| **did == Did::Job).count();
                        jobs == 5 && did[last.unwrap()..].contains(&Did::Element)
                    });
                    return;
                }
                let submits = count(Did::Submit) < 5 && count(Did::Submit) == count(Did::Job);
                did.lock().unwrap().push(match submits {
                    true => Did::Submit,
                    false => Did::Element,
                });
                if submits {
                    let did = Arc::clone(&did);
                    pool.execute(move || did.lock().unwrap().push(Did::Job))
                        .unwrap();
                }
            });
            let did = did.lock().unwrap();
            // Half of the elements are in its lane, and a chunk is an eighth of that, if none is cheap.
            let longest = match (host.quantum, host.stands) {
                (0, _) => ELEMENTS / 2 / 8,
                // What takes no time is thought to be cheap.
                (_, true) => 16,
                (_, false) => 1,
            };
            let waited = did
                .split(|did| *did == Did::Submit)
                .skip(1)
                .map(|after| after.iter().position(|did| *did == Did::Job));
            for waited in waited {
                assert!(waited.is_some_and(|elements| elements < longest), "{did:?}");
            }
        });
    }
}

/// Every worker helps a map; another's element never ends.
#[test]
fn a_job_begins_when_the_first_of_all_helpers_ends_its_chunk() {
    const WORKERS: usize = 3;
    for host in Host::of_every_clock() {
        with_sleepers(&host, WORKERS, |pool| {
            let (inside, ran) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
            let submitted = AtomicBool::new(false);
            pool.map(0..100, (), |_| {
                host.pass(LONG);
                let number = inside.fetch_add(1, SeqCst);
                if number <= WORKERS {
                    wait_until(|| inside.load(SeqCst) > WORKERS);
                }
                // One submits, when all are at an element; one goes on; the others wait for the job.
                if number == 0 {
                    let ran = Arc::clone(&ran);
                    pool.execute(move || ran.store(true, SeqCst)).unwrap();
                    submitted.store(true, SeqCst);
                }
                wait_until(|| submitted.load(SeqCst));
                if number < WORKERS - 1 {
                    wait_until(|| ran.load(SeqCst));
                }
            });
        });
    }
}

#[test]
fn a_map_that_is_not_known_wakes_one_worker_before_its_first_element_ends() {
    for mut host in Host::of_every_clock() {
        host.lost_below = usize::MAX;
        let host = host;
        with_sleepers(&host, 8, |pool| {
            let begun = AtomicUsize::new(0);
            pool.map(0..100, (), |_| {
                if begun.fetch_add(1, SeqCst) == 0 {
                    assert_eq!(host.unparks(), 1);
                }
                host.pass(1);
            });
            if host.quantum != 0 && !host.stands {
                assert_eq!(host.unparks(), 1, "it was short");
            }
        });
    }
}

#[test]
fn with_so_many_idle_workers_one_element_more_is_at_work_at_once_in_every_call() {
    for workers in [1, 2, 8] {
        for host in Host::of_every_clock() {
            with_sleepers(&host, workers, |pool| {
                let barrier = Barrier::new(workers + 1);
                for _ in 0..20 {
                    pool.map(0..workers + 1, (), |_| {
                        host.pass(LONG);
                        barrier.wait();
                    });
                }
            });
        }
    }
}

#[test]
fn the_first_two_long_elements_behind_short_ones_are_at_work_at_once_in_the_first_call() {
    for (len, short) in [(9, 1), (10_000, 9900), (200, 73)] {
        for host in Host::of_every_clock() {
            with_sleepers(&host, 8, |pool| {
                let threads = Mutex::new(HashSet::new());
                pool.map(0..len, (), |k| {
                    if k < short {
                        return host.pass(1);
                    }
                    host.pass(LONG);
                    threads.lock().unwrap().insert(thread::current().id());
                    wait_until(|| threads.lock().unwrap().len() > 1);
                });
            });
        }
    }
}

/// A function of its own for each `N`: ten short elements.
fn short_map<const N: usize>(pool: &HostPool<'_>, host: &Host) {
    let (caller, done) = (thread::current().id(), AtomicBool::new(false));
    pool.map(0..10, (), |_| {
        host.pass(1 + N as u64 / 10);
        if thread::current().id() == caller {
            done.store(true, SeqCst);
        }
        // A caller learns from its own elements: it has to have one.
        wait_until(|| done.load(SeqCst));
    });
}

macro_rules! ten_short_maps {
    ($($tens:literal)*) => {
        [$(
            short_map::<{ 10 * $tens }>,
            short_map::<{ 10 * $tens + 1 }>,
            short_map::<{ 10 * $tens + 2 }>,
            short_map::<{ 10 * $tens + 3 }>,
            short_map::<{ 10 * $tens + 4 }>,
            short_map::<{ 10 * $tens + 5 }>,
            short_map::<{ 10 * $tens + 6 }>,
            short_map::<{ 10 * $tens + 7 }>,
            short_map::<{ 10 * $tens + 8 }>,
            short_map::<{ 10 * $tens + 9 }>,
        )*]
    };
}

#[test]
fn more_short_functions_than_are_remembered_wake_no_worker_after_their_first_calls() {
    const MAPS: [fn(&HostPool<'_>, &Host); 100] = ten_short_maps!(0 1 2 3 4 5 6 7 8 9);
    let host = Host::new();
    with_sleepers(&host, 2, |pool| {
        for round in 0..4 {
            let before = host.unparks();
            for map in MAPS {
                map(pool, &host);
                wait_until_asleep(pool, 2);
            }
            let woken = host.unparks() - before;
            assert_eq!(woken != 0, round == 0, "{woken} in round {round}");
        }
    });
}

#[test]
fn a_map_known_to_be_short_wakes_no_worker_and_stays_on_its_caller() {
    let host = Host::new();
    with_sleepers(&host, 2, |pool| {
        let caller = thread::current().id();
        for call in 0..100 {
            let before = host.unparks();
            let done = AtomicBool::new(false);
            pool.map(0..50, (), |_| {
                host.pass(1);
                let here = thread::current().id() == caller;
                assert!(here || call == 0);
                done.fetch_or(here, SeqCst);
                wait_until(|| done.load(SeqCst));
            });
            assert_eq!(host.unparks() != before, call == 0);
            wait_until_asleep(pool, 2);
        }
    });
}
