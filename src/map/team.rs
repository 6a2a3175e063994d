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
//! | `HELD + n` | nobody joins any more; `n` have not left yet |
//! | `HELD + WAITING + n` | likewise, and the caller is parked at the slot's spot |
//!
//! A worker that has seen `OPEN` adds one. If `OPEN` was still there when it did, it has joined, and reads `frame`
//! after it; while it is counted, the caller cannot give the slot back, so what it reads is the frame of a map
//! that waits for it. If the slot was reused since the worker first looked, it joins the later map,
//! which is as good. If it came too late it takes the one off again, and touches nothing else: so any state, even
//! *free*, may count somebody by mistake for a moment. (Joining by compare-exchange, 128 workers that come at
//! once fail 6 700 times: `docs/scaling.md`.) Its last touch of the frame is before its leaving decrement; what it needs after
//! that (the platform, the spot's number) is in the pool.

use core::ptr;

use crate::platform::{CALLERS, Platform};
use crate::sleep::Sleep;
use crate::sync::{AtomicUsize, Ordering, UnsafeCell, array_of, const_fn};

/// As many maps as can have helpers at the same time in one pool.
const TEAMS: usize = CALLERS;

const HELD: usize = 1 << (usize::BITS - 1);
const OPEN: usize = 1 << (usize::BITS - 2);
const WAITING: usize = 1 << (usize::BITS - 3);
const HELPERS: usize = WAITING - 1;

pub(crate) struct Teams {
    teams: [Team; TEAMS],
}

pub(super) struct Team {
    state: AtomicUsize,
    /// Invariant *frame*: while `state` is open or counts a helper that has joined, this is the frame of a map whose
    /// caller will not leave it before the count is zero.
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
            // Acquire: pairs with the release in `close`: the last caller is out of `park`, and its helpers
            // have read `frame`.
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
            // Not a compare-exchange: where many come at once, all but one would fail, again and again.
            // Acquire: pairs with the release in `open`: the frame is filled in.
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
        // SAFETY: *frame*: the slot is held and not open, and nobody has joined.
        self.team.frame.with_mut(|place| unsafe { *place = frame });
        // Release: pairs with the acquire in `join`.
        self.team.state.fetch_or(OPEN, Ordering::Release);
    }

    /// Lets nobody join any more, waits until all have left, and gives the slot back.
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
        // No store: a worker may be counted by mistake. Release: pairs with the acquire in `hold`; this
        // caller is out of `park` when the next one has the spot.
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
        // SAFETY: *frame*: this worker is counted, so nobody writes it.
        self.team.frame.with(|place| unsafe { *place })
    }

    /// The work is all taken: lets nobody join any more.
    pub(super) fn exhausted(&self) {
        if self.team.state.load(Ordering::Relaxed) & OPEN != 0 {
            // Relaxed: it only keeps others out.
            self.team.state.fetch_and(!OPEN, Ordering::Relaxed);
        }
    }

    /// Leaves. From the decrement on, the frame may be gone and the slot somebody else's.
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
mod tests {
    use std::sync::Mutex;
    use std::vec::Vec;

    use super::*;

    /// What waiting is made of, in the order in which it happens.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Wait {
        Relax,
        GiveWay,
        Park(usize),
        Unpark(usize),
    }
    use Wait::{GiveWay, Park, Relax, Unpark};

    /// Notes every wait, and does something at one.
    struct Log<F> {
        spins: u32,
        waits: Mutex<Vec<Wait>>,
        then: F,
    }

    impl<F: Fn(usize) + Sync> Log<F> {
        fn note(&self, wait: Wait) {
            let mut waits = self.waits.lock().unwrap();
            waits.push(wait);
            let count = waits.len();
            drop(waits);
            (self.then)(count);
        }
    }

    impl<F: Fn(usize) + Sync> Platform for Log<F> {
        fn park(&self, spot: usize) {
            self.note(Park(spot));
        }

        fn unpark(&self, spot: usize) {
            self.note(Unpark(spot));
        }

        fn spins(&self) -> u32 {
            self.spins
        }

        fn relax(&self) {
            self.note(Relax);
        }

        fn give_way(&self) {
            self.note(GiveWay);
        }
    }

    /// A pool's idlers, who at their n-th wait do `then(n)`.
    fn idle<F: Fn(usize) + Sync>(spins: u32, then: F) -> Sleep<Log<F>> {
        Sleep::new(Log {
            spins,
            waits: Mutex::default(),
            then,
        })
    }

    fn waits<F: Fn(usize) + Sync>(idle: &Sleep<Log<F>>) -> Vec<Wait> {
        core::mem::take(&mut *idle.platform().waits.lock().unwrap())
    }

    #[test]
    fn every_map_has_a_slot_of_its_own_until_there_are_none() {
        let (teams, idle) = (Teams::new(), idle(0, |_| ()));
        let mut held: Vec<_> = core::iter::from_fn(|| teams.hold()).collect();
        assert_eq!(
            held.iter().map(|held| held.spot).collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        held.remove(2).close(&idle);
        assert_eq!(teams.hold().unwrap().spot, 2);
        assert!(teams.hold().is_none());
        assert_eq!(
            waits(&idle),
            [],
            "without helpers there is nothing to wait for"
        );
    }

    #[test]
    fn workers_join_the_team_they_prefer_or_the_next_that_is_open() {
        let (teams, idle) = (Teams::new(), idle(0, |_| ()));
        let frame = 0;
        let held: Vec<_> = core::iter::from_fn(|| teams.hold()).collect();
        let join = |preference| {
            let joined = teams.join(preference, &idle)?;
            let spot = joined.spot;
            assert_eq!(joined.frame(), (&raw const frame).cast());
            joined.leave(&idle);
            Some(spot)
        };
        assert_eq!(join(0), None, "held is not open");
        held[1].open((&raw const frame).cast());
        held[3].open((&raw const frame).cast());
        assert_eq!([0, 1, 2, 3, 4, 6].map(join), [1, 1, 3, 3, 1, 3].map(Some));
        teams.join(1, &idle).unwrap().exhausted();
        assert_eq!(join(1), Some(3), "its work is all taken");
        assert!(teams.any_open());
        teams.join(3, &idle).unwrap().exhausted();
        assert!(!teams.any_open());
        assert_eq!(join(3), None);
    }

    #[test]
    fn who_comes_too_late_is_off_the_count_again_and_wakes_a_caller_who_waited_for_it() {
        let (teams, idle) = (Teams::new(), idle(0, |_| ()));
        let team = &teams.teams[0];
        let state = || team.state.load(Ordering::Relaxed);
        let come = || {
            team.state.fetch_add(1, Ordering::Relaxed);
            Joined { team, spot: 0 }
        };
        let late = come();
        assert_eq!(teams.hold().unwrap().spot, 1, "it counts as somebody's");
        late.leave(&idle);
        assert_eq!(state(), 0);

        let (held, late) = (teams.hold().unwrap(), come());
        held.open(ptr::null());
        assert_eq!(state(), HELD | OPEN | 1);
        late.leave(&idle);
        assert_eq!(state(), HELD | OPEN);
        assert_eq!(waits(&idle), [GiveWay, GiveWay]);

        team.state.store(HELD | WAITING, Ordering::Relaxed);
        come().leave(&idle);
        assert_eq!(waits(&idle), [Unpark(0), GiveWay]);
        held.close(&idle);
        assert_eq!(teams.hold().unwrap().spot, 0);
    }

    #[test]
    fn a_caller_looks_gives_way_now_and_then_and_parks_until_the_last_helper_has_left() {
        const SPINS: u32 = 2 * LOOKS + 1;
        let (teams, nobody) = (Teams::new(), idle(0, |_| ()));
        let (_first, held) = (teams.hold(), teams.hold().unwrap());
        held.open(ptr::null());
        let helpers = Mutex::new(Vec::from_iter([
            teams.join(1, &nobody),
            teams.join(1, &nobody),
        ]));
        let caller = idle(SPINS, |count| {
            let parked = count.saturating_sub(SPINS as usize);
            assert!(!teams.any_open());
            // The first time it parks one leaves, and it is woken for nothing; the second time the other.
            if parked != 0 {
                helpers
                    .lock()
                    .unwrap()
                    .pop()
                    .flatten()
                    .unwrap()
                    .leave(&nobody);
                assert_eq!(
                    waits(&nobody),
                    [[].as_slice(), &[Unpark(1), GiveWay]][parked - 1]
                );
            }
        });
        held.close(&caller);
        let mut expected = [Relax; SPINS as usize].to_vec();
        expected[LOOKS as usize - 1] = GiveWay;
        expected[2 * LOOKS as usize - 1] = GiveWay;
        expected.extend([Park(1), Park(1)]);
        assert_eq!(waits(&caller), expected);
        assert_eq!(teams.hold().unwrap().spot, 1, "the slot is free again");
    }

    #[test]
    fn a_caller_who_sees_the_last_helper_leave_does_not_park() {
        let (teams, nobody) = (Teams::new(), idle(0, |_| ()));
        let held = teams.hold().unwrap();
        held.open(ptr::null());
        let helper = Mutex::new(teams.join(0, &nobody));
        let caller = idle(100, |count| {
            if count == 5 {
                helper.lock().unwrap().take().unwrap().leave(&nobody);
            }
        });
        held.close(&caller);
        assert_eq!(waits(&caller), [Relax; 5]);
        assert_eq!(waits(&nobody), [GiveWay], "nobody is parked");
    }

    #[test]
    fn the_last_helper_looks_whether_the_caller_has_seen_it_leave_then_gives_way() {
        for (spins, looks) in [(10, 10), (1000, LOOKS as usize)] {
            let (teams, idle) = (Teams::new(), idle(spins, |_| ()));
            let held = teams.hold().unwrap();
            held.open(ptr::null());
            let (one, other) = (teams.join(0, &idle).unwrap(), teams.join(0, &idle).unwrap());
            one.leave(&idle);
            assert_eq!(waits(&idle), [], "another is still there");
            other.leave(&idle);
            let mut expected = [Relax].repeat(looks);
            expected.push(GiveWay);
            assert_eq!(waits(&idle), expected);
        }

        let (teams, nobody) = (Teams::new(), idle(0, |_| ()));
        let held = Mutex::new(teams.hold());
        held.lock().unwrap().as_ref().unwrap().open(ptr::null());
        let helper = idle(100, |count| {
            if count == 5 {
                held.lock().unwrap().take().unwrap().close(&nobody);
            }
        });
        teams.join(0, &helper).unwrap().leave(&helper);
        assert_eq!(waits(&helper), [Relax; 5]);
    }
}
