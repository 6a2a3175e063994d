//! What a model is about: it happens in some execution, or the check fails.
//!
//! A model whose scenario has become impossible passes, and says nothing. So each names the events
//! it is about, they are noted where they happen, and the check looks whether all were reached.
//!
//! Nothing here is the checker's, but the canary's own words: it orders nothing, and adds no
//! interleavings. Both checkers run all threads of a model on the one thread that called them.

extern crate std;

use core::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::thread_local;
use std::vec::Vec;

use super::checker::thread::{self, ThreadId};

#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "each checker has models of its own")]
pub(super) enum Event {
    /// Positions of the ring wrapped to zero.
    Wrapped,
    /// A push found the ring full.
    Full,
    /// A pop found the ring empty.
    Empty,
    /// Every consumer got a job.
    AllConsumed,
    /// A submit was refused because the pool was closed.
    Refused,
    /// A submit was accepted.
    Accepted,
    /// A worker parked.
    Slept,
    /// A worker's `park` returned.
    Woke,
    /// A caller of `map` parked.
    CallerParked,
    /// Callers of two maps parked at one spot, one after the other.
    SpotHandedOn,
    /// A team was opened.
    Opened,
    /// A worker was in a team.
    Helped,
    /// Two maps had help.
    TwoHelped,
    /// Two workers were in one team at once.
    TwoHelpers,
    /// A map's function panicked at a helper.
    HelperPanicked,
    /// A job ran on a worker while another that counted as searching was frozen.
    RanBesideFrozen,
    /// A worker froze while it looked for work.
    FrozeSearching,
    /// A worker froze when it was woken.
    FrozeWaking,
    /// A number was given back and claimed by another.
    NumberHandedOn,
    /// What the model's own text says.
    Point,
}

const EVENTS: usize = Event::Point as usize + 1;

thread_local! {
    /// A bit for each event of this execution.
    static NOW: Cell<usize> = const { Cell::new(0) };
    /// In how many executions each event happened.
    static COUNTS: RefCell<[usize; EVENTS]> = const { RefCell::new([0; EVENTS]) };
    /// How many maps had help in this execution.
    static HELPED: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn reached(event: Event) {
    NOW.set(NOW.get() | 1 << event as usize);
}

/// Whether it has happened in this execution.
pub(super) fn is_reached(event: Event) -> bool {
    NOW.get() >> (event as usize) & 1 != 0
}

/// `model`, whose executions are watched.
pub(super) fn watched(
    model: impl Fn() + Send + Sync + 'static,
) -> impl Fn() + Send + Sync + 'static {
    move || {
        NOW.set(0);
        HELPED.set(0);
        model();
        COUNTS.with_borrow_mut(|counts| {
            for (event, count) in counts.iter_mut().enumerate() {
                *count += NOW.get() >> event & 1;
            }
        });
    }
}

/// Every one of them happened in some execution since the last call.
pub(super) fn assert_reached(events: &[Event]) {
    let counts = COUNTS.replace([0; EVENTS]);
    for &event in events {
        std::println!("{event:?} in {} executions", counts[event as usize]);
        assert_ne!(
            counts[event as usize], 0,
            "the model never comes to {event:?}"
        );
    }
}

/// Lives in a map's frame. loom reports a touch that races with the frame's end, shuttle one that
/// comes after it.
pub(crate) struct Canary {
    life: Life,
    /// Who touched it, in order, beside its map's caller.
    helpers: Mutex<Vec<ThreadId>>,
    caller: ThreadId,
}

impl Canary {
    pub(crate) fn new() -> Self {
        // A frame is there only for a team.
        reached(Event::Opened);
        Self {
            life: Life::new(),
            helpers: Mutex::default(),
            caller: thread::current().id(),
        }
    }

    pub(crate) fn touch(&self) {
        self.life.touch();
        let me = thread::current().id();
        if cfg!(ringpool_counted) || me == self.caller {
            return;
        }
        let mut helpers = self.helpers.lock().unwrap();
        if helpers.is_empty() {
            reached(Event::Helped);
            HELPED.set(HELPED.get() + 1);
            if HELPED.get() == 2 {
                reached(Event::TwoHelped);
            }
        }
        // Each touches it once more before it leaves: so another one's touch between two of its own
        // shows that both are there.
        let mut since = helpers.iter().skip_while(|helper| **helper != me);
        if since.any(|helper| *helper != me) {
            reached(Event::TwoHelpers);
        }
        helpers.push(me);
    }
}

#[cfg(ringpool_loom)]
use in_loom::Life;
#[cfg(ringpool_shuttle)]
use in_shuttle::Life;

#[cfg(ringpool_loom)]
mod in_loom {
    use crate::sync::{AtomicUsize, Ordering, UnsafeCell};

    pub(super) struct Life {
        seen: AtomicUsize,
        alive: UnsafeCell<bool>,
    }

    impl Life {
        pub(super) fn new() -> Self {
            Self {
                seen: AtomicUsize::new(0),
                alive: UnsafeCell::new(true),
            }
        }

        pub(super) fn touch(&self) {
            self.seen.load(Ordering::Relaxed);
            // SAFETY: loom reports this read if it races with the write in `drop`.
            self.alive.with(|alive| assert!(unsafe { *alive }));
        }
    }

    impl Drop for Life {
        fn drop(&mut self) {
            self.seen.store(1, Ordering::Relaxed);
            // SAFETY: loom reports this write if a helper may still read.
            self.alive.with_mut(|alive| unsafe { *alive = false });
        }
    }
}

#[cfg(ringpool_shuttle)]
mod in_shuttle {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    /// What is hardly ever in memory by chance.
    const ALIVE: usize = usize::from_ne_bytes(*b"canary! ");

    pub(super) struct Life(AtomicUsize);

    impl Life {
        pub(super) fn new() -> Self {
            Self(AtomicUsize::new(ALIVE))
        }

        pub(super) fn touch(&self) {
            assert_eq!(self.0.load(Relaxed), ALIVE);
        }
    }

    impl Drop for Life {
        fn drop(&mut self) {
            self.0.store(0, Relaxed);
        }
    }
}
