//! A thread stops in the middle of something, for as long as you like: in a job, in the function of a map, in a
//! hook of the platform. The others go on: jobs run, maps return. Only what needs the frozen one waits for it.
//!
//! (A producer that stops between its claim and its publish is in the unit tests of `ring` and `worker`: there is
//! no hook in between.)

mod common;

use std::array;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope, ThreadId};

use common::{AtEnd, Lab, Tokens, serve, wait_until, watchdog};
use ringpool::{Platform, Pool};

/// Where a thread can stop.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Function,
    Ticks,
    Relax,
    Park,
    /// Before the token is there.
    Unpark,
    /// After it.
    Unparked,
}

/// A platform whose hooks have a trap.
struct Ice {
    spins: u32,
    now: AtomicU64,
    tokens: Tokens,
    /// Whether a map's caller is in `park`.
    caller_parks: AtomicBool,
    trap: Mutex<Option<(Place, ThreadId)>>,
    frozen: AtomicBool,
    thawed: AtomicBool,
}

impl Ice {
    fn new(spins: u32) -> Self {
        Self {
            spins,
            now: AtomicU64::new(0),
            tokens: Tokens::new(),
            caller_parks: AtomicBool::new(false),
            trap: Mutex::new(None),
            frozen: AtomicBool::new(false),
            thawed: AtomicBool::new(false),
        }
    }

    /// This thread will stop when it comes to `place`; here, if that is here.
    fn set_trap(&self, place: Place) {
        *self.trap.lock().unwrap() = Some((place, thread::current().id()));
        self.pass(Place::Function);
    }

    fn pass(&self, place: Place) {
        let caught = *self.trap.lock().unwrap() == Some((place, thread::current().id()));
        if caught && !self.frozen.swap(true, SeqCst) {
            wait_until(|| self.thawed.load(SeqCst));
        }
    }

    /// Whether a thread has stopped.
    fn frozen(&self) -> bool {
        self.frozen.load(SeqCst)
    }
}

impl Platform for &Ice {
    fn park(&self, spot: usize) {
        self.pass(Place::Park);
        let is_caller = spot < 4;
        if is_caller {
            self.caller_parks.store(true, SeqCst);
        }
        self.tokens.take(spot);
        if is_caller {
            self.caller_parks.store(false, SeqCst);
        }
    }

    fn unpark(&self, spot: usize) {
        self.pass(Place::Unpark);
        self.tokens.leave(spot);
        self.pass(Place::Unparked);
    }

    fn ticks(&self) -> u64 {
        self.pass(Place::Ticks);
        self.now.fetch_add(1, SeqCst)
    }

    fn quantum(&self) -> u64 {
        1
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        self.pass(Place::Relax);
        thread::yield_now();
    }
}

/// Checks that jobs run and maps return.
fn others_go_on<P: Platform>(pool: &Pool<16, P>) {
    let runs = Arc::new(AtomicUsize::new(0));
    for _ in 0..8 {
        let runs = Arc::clone(&runs);
        pool.execute(move || _ = runs.fetch_add(1, SeqCst)).unwrap();
    }
    wait_until(|| runs.load(SeqCst) == 8);
    maps_return(pool);
}

fn maps_return<P: Platform>(pool: &Pool<16, P>) {
    let mut ys = [0; 50];
    pool.map(0..50, &mut ys, |k| k + 1);
    assert_eq!(ys, array::from_fn(|k| k + 1));
}

fn add_workers<'s, P: Platform>(scope: &'s Scope<'s, '_>, pool: &'s Pool<16, P>, workers: usize) {
    let start = pool.start(workers, |worker| {
        scope.spawn(move || worker.run());
        Ok::<(), ()>(())
    });
    start.unwrap();
}

fn wait_until_it_says<P: Platform>(pool: &Pool<16, P>, words: &str) {
    wait_until(|| format!("{pool:?}").contains(words));
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Caller,
    Helper,
}

/// A map with one helper. One of the two stops at `place`, and the other has not finished by then. `returns` says
/// whether the map is over all the same.
fn somebody_freezes_in_a_team(who: Who, place: Place, spins: u32, returns: bool) {
    println!("{who:?} {place:?} {spins}");
    let ice = Ice::new(spins);
    let pool: Pool<16, &Ice> = Pool::new(&ice);
    let [caller_is_there, helper_is_there, returned] = [const { AtomicBool::new(false) }; 3];
    let waking = matches!(place, Place::Unpark | Place::Unparked);
    let map = || {
        let caller = thread::current().id();
        if who == Who::Caller && waking {
            // It wakes the helper before its first element.
            ice.set_trap(place);
        }
        let mut ys = [0; 100];
        pool.map(0..100, &mut ys, |k| {
            let here = match thread::current().id() == caller {
                true => Who::Caller,
                false => Who::Helper,
            };
            match here {
                Who::Caller => caller_is_there.store(true, SeqCst),
                Who::Helper => helper_is_there.store(true, SeqCst),
            }
            match (who, here) {
                // The helper has to be there.
                (Who::Caller, Who::Caller) if !waking => {
                    ice.set_trap(place);
                    wait_until(|| ice.frozen() || helper_is_there.load(SeqCst));
                }
                (Who::Helper, Who::Helper) => {
                    wait_until(|| caller_is_there.load(SeqCst));
                    ice.set_trap(place);
                    // It wakes the caller only if that sleeps.
                    wait_until(|| !waking || ice.frozen() || ice.caller_parks.load(SeqCst));
                }
                (Who::Helper, Who::Caller) if waking => {
                    wait_until(|| ice.trap.lock().unwrap().is_some());
                }
                _ => wait_until(|| ice.frozen()),
            }
            k + 1
        });
        assert!(returns || ice.thawed.load(SeqCst), "it returned too early");
        assert!((1..=100).eq(ys));
        returned.store(true, SeqCst);
    };
    thread::scope(|scope| {
        let _end = AtEnd(|| {
            ice.thawed.store(true, SeqCst);
            pool.close();
        });
        add_workers(scope, &pool, 1);
        wait_until_it_says(&pool, "sleepers: 1");
        scope.spawn(map);
        wait_until(|| ice.frozen());
        add_workers(scope, &pool, 1);
        others_go_on(&pool);
        wait_until(|| returned.load(SeqCst) == returns);
    });
    assert!(returned.load(SeqCst));
}

#[test]
fn a_map_waits_for_a_helper_that_is_frozen_before_it_leaves_and_nobody_else_does() {
    let _watchdog = watchdog();
    for spins in [0, 100] {
        somebody_freezes_in_a_team(Who::Helper, Place::Function, spins, false);
        somebody_freezes_in_a_team(Who::Helper, Place::Ticks, spins, false);
    }
    // Nobody else can wake the caller.
    somebody_freezes_in_a_team(Who::Helper, Place::Unpark, 0, false);
}

#[test]
fn a_map_does_not_wait_for_a_helper_that_is_frozen_when_it_has_left() {
    let _watchdog = watchdog();
    somebody_freezes_in_a_team(Who::Helper, Place::Unparked, 0, true);
}

#[test]
fn nobody_waits_for_a_caller_that_is_frozen() {
    let _watchdog = watchdog();
    for spins in [0, 100] {
        for place in [
            Place::Function,
            Place::Ticks,
            Place::Unpark,
            Place::Unparked,
        ] {
            somebody_freezes_in_a_team(Who::Caller, place, spins, false);
        }
    }
    somebody_freezes_in_a_team(Who::Caller, Place::Park, 0, false);
    somebody_freezes_in_a_team(Who::Caller, Place::Relax, 100, false);
}

#[test]
fn a_worker_frozen_in_a_job_holds_up_nobody() {
    let _watchdog = watchdog();
    static FROZEN: AtomicBool = AtomicBool::new(false);
    static THAWED: AtomicBool = AtomicBool::new(false);
    let pool: Pool<16, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 2, || {
        let _thaw = AtEnd(|| THAWED.store(true, SeqCst));
        pool.execute(|| {
            FROZEN.store(true, SeqCst);
            wait_until(|| THAWED.load(SeqCst));
        })
        .unwrap();
        wait_until(|| FROZEN.load(SeqCst));
        others_go_on(&pool);
        // Nor at the end.
        pool.close();
        wait_until_it_says(&pool, "workers: 1");
        maps_return(&pool);
    });
}

#[test]
fn while_all_workers_are_frozen_jobs_wait_and_maps_run_on_their_callers() {
    let _watchdog = watchdog();
    static THAWED: AtomicBool = AtomicBool::new(false);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<16, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 2, || {
        let _thaw = AtEnd(|| THAWED.store(true, SeqCst));
        for _ in 0..2 {
            pool.execute(|| wait_until(|| THAWED.load(SeqCst))).unwrap();
        }
        wait_until_it_says(&pool, "queued: 0");
        let job = || {
            RUNS.fetch_add(1, SeqCst);
        };
        while pool.execute(job).is_ok() {}
        maps_return(&pool);
        pool.close();
        maps_return(&pool);
        assert_eq!(RUNS.load(SeqCst), 0);
    });
    assert_eq!(RUNS.load(SeqCst), 16);
}

/// Four maps have helpers at a time.
#[test]
fn while_all_teams_are_frozen_maps_run_on_their_callers() {
    let _watchdog = watchdog();
    let pool: Pool<16, Lab> = Pool::new(Lab::hasty());
    let (callers, thawed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let returned = AtomicUsize::new(0);
    thread::scope(|scope| {
        let _end = AtEnd(|| {
            thawed.store(true, SeqCst);
            pool.close();
        });
        add_workers(scope, &pool, 4);
        for _ in 0..4 {
            scope.spawn(|| {
                let caller = thread::current().id();
                pool.map(0..100, (), |_| {
                    if thread::current().id() == caller {
                        callers.fetch_add(1, SeqCst);
                    }
                    wait_until(|| thawed.load(SeqCst));
                });
                assert!(thawed.load(SeqCst), "it returned too early");
                returned.fetch_add(1, SeqCst);
            });
        }
        wait_until(|| callers.load(SeqCst) == 4);
        maps_return(&pool);
    });
    assert_eq!(returned.load(SeqCst), 4);
}

/// It has queued its job and has taken the sleeper that it wakes. Each further submit wakes another, and nothing is
/// lost.
#[test]
fn a_producer_frozen_before_it_wakes_a_worker_loses_no_job() {
    let _watchdog = watchdog();
    for place in [Place::Unpark, Place::Unparked] {
        let ice = Ice::new(0);
        let pool: Pool<16, &Ice> = Pool::new(&ice);
        let runs = Arc::new(AtomicUsize::new(0));
        let submit = || {
            let runs = Arc::clone(&runs);
            pool.execute(move || _ = runs.fetch_add(1, SeqCst)).unwrap();
        };
        thread::scope(|scope| {
            let _end = AtEnd(|| {
                ice.thawed.store(true, SeqCst);
                pool.close();
            });
            add_workers(scope, &pool, 2);
            wait_until_it_says(&pool, "sleepers: 2");
            scope.spawn(|| {
                ice.set_trap(place);
                submit();
            });
            wait_until(|| ice.frozen());
            (0..8).for_each(|_| submit());
            maps_return(&pool);
            ice.thawed.store(true, SeqCst);
            wait_until(|| runs.load(SeqCst) == 9);
        });
    }
}
