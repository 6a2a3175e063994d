//! Platforms at their worst, as far as [`Platform`] lets them: a `park` that comes back early or late, an
//! `unpark` that comes before its time, late, twice or to everybody, and clocks that are no clocks. Whatever they
//! do, every accepted job runs once, maps have their results, and all workers leave.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use common::{
    AtEnd, Tokens, check_maps_within_a_map, dawdle, rounds, serve, two_help_at_once, wait_until,
    watchdog,
};
use ringpool::{Platform, Pool, Spin};

#[derive(Clone, Copy, Debug)]
enum Park {
    /// Waits for the token.
    ForToken,
    AtOnce,
    /// Every third time at once.
    Sometimes,
    /// Waits for the token, and a while longer.
    Late,
}

#[derive(Clone, Copy, Debug)]
enum Unpark {
    Once,
    Twice,
    Everybody,
    /// There is a token everywhere from the start, and another one whenever somebody parks.
    Unasked,
    /// Another thread does it a while later.
    Late,
}

#[derive(Clone, Copy, Debug)]
enum Clock {
    GoesOn,
    StandsStill,
    GoesBackwards,
    /// And stays there.
    JumpsToItsEnd,
    Wraps,
    /// From one end to the other and back.
    Swings,
}

/// Some more than there are.
const SPOTS: usize = 8;

struct Shaky {
    park: Park,
    unpark: Unpark,
    clock: Clock,
    quantum: u64,
    spins: u32,
    tokens: Tokens,
    parks: AtomicUsize,
    looks: AtomicU64,
    /// For `Unpark::Late`: who shall get a token; `None` is the end.
    letters: Sender<Option<usize>>,
}

impl Shaky {
    /// The other thread of `Unpark::Late`.
    fn deliver(&self, letters: Receiver<Option<usize>>) {
        let spots = letters.into_iter().map_while(|letter| letter);
        for (round, spot) in spots.enumerate() {
            dawdle(round);
            thread::yield_now();
            self.tokens.leave(spot);
        }
    }
}

impl Platform for &Shaky {
    fn park(&self, spot: usize) {
        let parks = self.parks.fetch_add(1, SeqCst);
        if matches!(self.unpark, Unpark::Unasked) {
            self.tokens.leave(parks % SPOTS);
        }
        match self.park {
            Park::AtOnce => return thread::yield_now(),
            Park::Sometimes if parks % 3 == 0 => return,
            _ => (),
        }
        self.tokens.take(spot);
        if matches!(self.park, Park::Late) {
            dawdle(parks);
            thread::yield_now();
        }
    }

    fn unpark(&self, spot: usize) {
        match self.unpark {
            Unpark::Once | Unpark::Unasked => self.tokens.leave(spot),
            Unpark::Twice => {
                self.tokens.leave(spot);
                thread::yield_now();
                self.tokens.leave(spot);
            }
            Unpark::Everybody => (0..SPOTS).for_each(|spot| self.tokens.leave(spot)),
            Unpark::Late => self.letters.send(Some(spot)).unwrap(),
        }
    }

    fn ticks(&self) -> u64 {
        let look = self.looks.fetch_add(1, SeqCst);
        match self.clock {
            Clock::GoesOn => look,
            Clock::StandsStill => 7,
            Clock::GoesBackwards => 1000_u64.wrapping_sub(look * 10),
            Clock::JumpsToItsEnd if look > 10 => u64::MAX,
            Clock::JumpsToItsEnd => look,
            Clock::Wraps => look.wrapping_sub(10),
            Clock::Swings if look % 2 == 0 => look,
            Clock::Swings => u64::MAX - look,
        }
    }

    fn quantum(&self) -> u64 {
        self.quantum
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        thread::yield_now();
    }
}

/// Jobs, maps within maps, and the end.
fn scenario(park: Park, unpark: Unpark, clock: Clock, quantum: u64, spins: u32) {
    let (letters, mailbox) = mpsc::channel();
    let shaky = Shaky {
        park,
        unpark,
        clock,
        quantum,
        spins,
        tokens: Tokens::new(),
        parks: AtomicUsize::new(0),
        looks: AtomicU64::new(0),
        letters,
    };
    if let Unpark::Unasked = unpark {
        (0..SPOTS).for_each(|spot| shaky.tokens.leave(spot));
    }
    let pool: Pool<4, &Shaky> = Pool::new(&shaky);
    let (runs, mut accepted) = (Arc::new(AtomicUsize::new(0)), 0);
    thread::scope(|scope| {
        scope.spawn(|| shaky.deliver(mailbox));
        let _end = AtEnd(|| shaky.letters.send(None).unwrap());
        serve(&pool, 2, || {
            two_help_at_once(&pool);
            let mut submit = |jobs| {
                for _ in 0..jobs {
                    let runs = Arc::clone(&runs);
                    let job = move || _ = runs.fetch_add(1, SeqCst);
                    accepted += usize::from(pool.execute(job).is_ok());
                }
                accepted
            };
            for round in 0..4 {
                submit(2 * round);
                check_maps_within_a_map(&pool, 6, round);
                let accepted = submit(round);
                wait_until(|| runs.load(SeqCst) == accepted);
            }
        });
    });
    assert_eq!(runs.load(SeqCst), accepted);
    let end = format!("{pool:?}");
    assert!(end.contains("workers: 0, sleepers: 0"), "{end}");
}

const CLOCKS: [Clock; 6] = [
    Clock::GoesOn,
    Clock::StandsStill,
    Clock::GoesBackwards,
    Clock::JumpsToItsEnd,
    Clock::Wraps,
    Clock::Swings,
];
const QUANTA: [u64; 5] = [0, 1, 1000, u64::MAX / 20, u64::MAX];
const SPINS: [u32; 3] = [0, 3, u32::MAX];

fn on_every_spot(test: impl Fn(Park, Unpark)) {
    let _watchdog = watchdog();
    for park in [Park::ForToken, Park::AtOnce, Park::Sometimes, Park::Late] {
        for unpark in [
            Unpark::Once,
            Unpark::Twice,
            Unpark::Everybody,
            Unpark::Unasked,
            Unpark::Late,
        ] {
            println!("{park:?} {unpark:?}");
            test(park, unpark);
        }
    }
}

#[test]
fn spots_of_every_kind() {
    on_every_spot(|park, unpark| {
        for spins in SPINS {
            for _ in 0..rounds(10) {
                scenario(park, unpark, Clock::GoesOn, 1, spins);
            }
        }
    });
}

#[test]
fn clocks_of_every_kind() {
    on_every_spot(|park, unpark| {
        for clock in CLOCKS {
            for quantum in QUANTA {
                scenario(park, unpark, clock, quantum, 3);
            }
        }
    });
}

#[test]
fn workers_that_are_started_at_once_get_numbers_of_their_own() {
    const STARTERS: usize = 4;
    let _watchdog = watchdog();
    let barrier = Barrier::new(STARTERS);
    for round in 0..rounds(2000) {
        let pool: Pool<2> = Pool::new(Spin::new());
        let workers = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for starter in 0..STARTERS {
                let (pool, workers, barrier) = (&pool, &workers, &barrier);
                scope.spawn(move || {
                    let mut own = Vec::new();
                    barrier.wait();
                    dawdle(round * starter);
                    let start = pool.start(7, |worker| {
                        own.push(worker);
                        Ok::<(), ()>(())
                    });
                    start.unwrap();
                    workers.lock().unwrap().append(&mut own);
                });
            }
        });
        let workers = workers.into_inner().unwrap();
        assert_eq!(
            (workers.len(), pool.workers()),
            (7 * STARTERS, 7 * STARTERS)
        );
        let numbers: HashSet<_> = workers.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(numbers.len(), 7 * STARTERS);
    }
}
