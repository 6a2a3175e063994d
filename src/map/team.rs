//! Teams: how helpers join a map and leave it, so that none is left in a frame that is gone.
//!
//! The slots for teams live in the pool, the map's state on its caller's stack. A slot's `state` is
//! one word:
//!
//! | value | meaning |
//! |---|---|
//! | 0 | free |
//! | `HELD` | a caller has it and is filling in `frame` |
//! | `HELD + OPEN + n` | workers may join; `n` of them have |
//! | `HELD + n` | no worker joins any more; `n` have not left yet |
//! | `HELD + WAITING + n` | the same, and the caller is parked at the slot's spot |
//!
//! A worker that has seen `OPEN` adds one. If `OPEN` was still there when it did, it has joined,
//! and reads `frame` after it; while it is counted, the caller cannot give the slot back, so what
//! it reads is the frame of a map that waits for it. If the slot was reused since the worker first
//! looked, it joins the later map, which is as good. If it came too late it takes the one off
//! again, and touches nothing else: so any state, even *free*, may count a worker by mistake for a
//! moment. (Joining by compare-exchange, 128 workers that come at once fail 6 700 times:
//! `docs/scaling.md`.) Its last touch of the frame is before its leaving decrement; what it needs
//! after that (the platform, the spot's number) is in the pool.

use core::ptr;

use crate::platform::{CALLERS, MAX_WORKERS, Platform};
use crate::sleep::Sleep;
use crate::sync::{AtomicUsize, Ordering, UnsafeCell, array_of, const_fn};

/// As many maps as can have helpers at the same time in one pool.
const TEAMS: usize = CALLERS;

const HELD: usize = 1 << (usize::BITS - 1);
const OPEN: usize = 1 << (usize::BITS - 2);
const WAITING: usize = 1 << (usize::BITS - 3);
const HELPERS: usize = WAITING - 1;

// Each bit has one meaning, no count reaches a flag, and no caller parks at a worker's spot.
static_assertions::const_assert!(HELD ^ OPEN ^ WAITING ^ HELPERS == usize::MAX);
static_assertions::const_assert!(MAX_WORKERS <= HELPERS);
static_assertions::const_assert!(TEAMS <= CALLERS);

pub(crate) struct Teams {
    teams: [Team; TEAMS],
}

pub(super) struct Team {
    state: AtomicUsize,
    /// Invariant *frame*: while `state` is open or counts a helper that has joined, this is the
    /// frame of a map whose caller will not leave it before the count is zero.
    ///
    /// Not an atomic: so that model checkers and sanitizers see who reads it when.
    frame: UnsafeCell<*const ()>,
}

// SAFETY: *frame*: who reads it may follow it, on any thread.
unsafe impl Send for Team {}

// SAFETY: *frame*: it is written by the one that holds the slot, and read by those who have joined.
unsafe impl Sync for Team {}

impl Team {
    /// How many workers help; a snapshot.
    pub(super) fn helpers(&self) -> usize {
        self.state.load(Ordering::Relaxed) & HELPERS
    }
}

impl Teams {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                teams: array_of![
                    Team { state: AtomicUsize::new(0), frame: UnsafeCell::new(ptr::null()) };
                    TEAMS
                ],
            }
        }
    }

    /// Whether a worker could join somewhere.
    ///
    /// Relaxed: a sleeper's fence orders these loads after its bit, and joining has the acquire.
    #[inline]
    pub(crate) fn any_open(&self) -> bool {
        let or = |bits, team: &Team| bits | team.state.load(Ordering::Relaxed);
        self.teams.iter().fold(0, or) & OPEN != 0
    }

    /// Takes a free slot, if there is one.
    pub(super) fn hold(&self) -> Option<Held<'_>> {
        for (spot, team) in self.teams.iter().enumerate() {
            // Acquire: pairs with the release in `close`: the last caller is out of `park`, and its
            // helpers have read `frame`.
            if team.state.load(Ordering::Relaxed) == 0
                && team
                    .state
                    .compare_exchange(0, HELD, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return Some(Held { team, spot });
            }
        }
        None
    }

    /// Joins an open team, if there is one. `preference` spreads workers over teams.
    #[inline]
    pub(super) fn join<P: Platform>(
        &self,
        preference: usize,
        sleep: &Sleep<P>,
    ) -> Option<Joined<'_>> {
        // The usual answer, and the quick one.
        if !self.any_open() {
            return None;
        }
        self.join_open(preference, sleep)
    }

    fn join_open<P: Platform>(&self, preference: usize, sleep: &Sleep<P>) -> Option<Joined<'_>> {
        for k in 0..TEAMS {
            let spot = (preference + k) % TEAMS;
            let team = &self.teams[spot];
            if team.state.load(Ordering::Relaxed) & OPEN == 0 {
                continue;
            }
            // Not a compare-exchange: where many come at once, all but one would fail, again and
            // again. Acquire: pairs with the release in `open`: the frame is filled in.
            let before = team.state.fetch_add(1, Ordering::Acquire);
            let joined = Joined { team, spot };
            if before & OPEN != 0 {
                return Some(joined);
            }
            joined.leave(sleep);
        }
        None
    }
}

/// A slot that a caller of `map` has, from before it opens it until it closes it.
pub(super) struct Held<'p> {
    team: &'p Team,
    spot: usize,
}

impl<'p> Held<'p> {
    pub(super) fn team(&self) -> &'p Team {
        self.team
    }

    /// Lets workers join.
    pub(super) fn open(&self, frame: *const ()) {
        // SAFETY: *frame*: the slot is held and not open, and no worker has joined.
        self.team.frame.with_mut(|place| unsafe { *place = frame });
        // Release: pairs with the acquire in `join`.
        self.team.state.fetch_or(OPEN, Ordering::Release);
    }

    /// Lets no worker join any more, waits until all have left, and gives the slot back.
    pub(super) fn close<P: Platform>(self, sleep: &Sleep<P>) {
        let Self { team, spot } = self;
        let platform = sleep.platform();
        let mut state = team.state.fetch_and(!OPEN, Ordering::Relaxed);
        for _ in 0..platform.spins() {
            if state & HELPERS == 0 {
                break;
            }
            platform.relax();
            state = team.state.load(Ordering::Relaxed);
        }
        if state & HELPERS != 0 {
            state = team.state.fetch_or(WAITING, Ordering::Relaxed);
            while state & HELPERS != 0 {
                platform.park(spot);
                state = team.state.load(Ordering::Relaxed);
            }
        }
        // Acquire: pairs with the release in `leave`: what the helpers did is seen.
        team.state.load(Ordering::Acquire);
        // No store: a worker may be counted by mistake. Release: pairs with the acquire in `hold`;
        // this caller is out of `park` when the next one has the spot.
        team.state.fetch_and(!(HELD | WAITING), Ordering::Release);
    }
}

/// A team that a worker is counted in.
pub(crate) struct Joined<'p> {
    team: &'p Team,
    spot: usize,
}

impl<'p> Joined<'p> {
    pub(super) fn team(&self) -> &'p Team {
        self.team
    }

    /// The frame to work in; alive until `leave`.
    pub(super) fn frame(&self) -> *const () {
        // SAFETY: *frame*: this worker is counted, so no caller writes it.
        self.team.frame.with(|place| unsafe { *place })
    }

    /// The work is all taken: lets no worker join any more.
    pub(super) fn exhausted(&self) {
        if self.team.state.load(Ordering::Relaxed) & OPEN != 0 {
            // Relaxed: it only keeps others out.
            self.team.state.fetch_and(!OPEN, Ordering::Relaxed);
        }
    }

    /// Leaves. From the decrement on, the frame may be gone and the slot another map's.
    pub(super) fn leave<P: Platform>(self, sleep: &Sleep<P>) {
        let Self { team, spot } = self;
        // Release: pairs with the acquire in `close`.
        let after = team.state.fetch_sub(1, Ordering::Release) - 1;
        if after == HELD | WAITING {
            sleep.platform().unpark(spot);
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "std", not(any(ringpool_loom, ringpool_shuttle))))]
mod tests;
