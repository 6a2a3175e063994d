//! Who sleeps and who is woken: no wake-up is lost, and none is made that is not needed.
//!
//! # States
//!
//! A worker that is driven by [`Worker::run`](crate::Worker::run) is in one of three states:
//!
//! * *busy*: in a job or a team, or between two that it found at once. Not counted anywhere.
//! * *searching*: it found nothing and looks again and again, a bounded number of times, or it was just
//!   woken. Counted in `searching`.
//! * *asleep*: its bit is set in `asleep`; it parks at its spot until somebody clears the bit.
//!
//! Besides, `WAKING` is set in a word of `asleep` from the moment when a submitter clears a bit there
//! until that worker, or another one that was woken there, is counted as searching. Two words, because they
//! live on different lines: a submitter reads `asleep` at every submit, and it changes only when somebody
//! falls asleep or wakes; `searching` changes whenever a worker runs dry, and a submitter reads it only if
//! somebody is asleep.
//!
//! # Protocol
//!
//! ```text
//! submit:  publish the job
//!          F1  fence(SeqCst)
//!          asleep == 0: return                              <- all that it costs when all are awake
//!          somebody is waking or searching: return
//!          clear one bit and set WAKING (one compare-exchange), unpark that worker
//!
//! worker,  searching += 1
//! dry:     look for work, a bounded number of times; found: see below
//!          set my bit in asleep; searching -= 1
//!          F2  fence(SeqCst)
//!          work ready, or finished: clear my bit; else park until it is clear
//!          searching += 1; clear WAKING if my bit was cleared for me
//!          look again
//!
//! worker,  searching -= 1; if it was the last one:
//! found:       F3  fence(SeqCst)
//!              more work ready: as a submit
//!          do the work
//!
//! close:   set the flag
//!          clear all bits (release), unpark all of them
//! ```
//!
//! # Why no wake-up is lost
//!
//! All these operations are relaxed but two; it is the fences that order them. Of two contexts that each change
//! a word, pass a fence and then read what the other changes, at least one sees the other's change: the one
//! whose fence is the later in the one order that all of them have. And what an atomic was before the earlier
//! fence is seen after the later one.
//!
//! Take a job J whose submitter has passed F1, and suppose that nobody is woken for it.
//!
//! * *It read `asleep == 0`.* A worker that sets its bit later passes F2 later. If F1 comes before F2 in
//!   the order of fences, the worker sees J and withdraws. If F2 came before F1, the submitter would
//!   have seen the bit. (Dekker's handshake; it needs both fences.)
//! * *It saw somebody searching or waking.* That worker W then either goes back to sleep, by F2, or finds
//!   work, by F3, or is not the last searcher when it does, and then the same holds for the last one,
//!   whose F3 sees all that W did before its own `searching -= 1` (a release, the one that is needed).
//!   Before that F2 or F3, `searching` or `WAKING` was changed, and the submitter did not see the change;
//!   so F1 comes before it, and the look at the ring that follows sees J. W takes it, or wakes another.
//!
//! J may lie behind jobs that are published later, and a look at the ring may see an old head. Of all the jobs
//! up to J, take the last F1. Whoever looks after that one finds all these slots published, at whatever head
//! it sees; whoever looks before it has its bit seen by that submitter.
//!
//! The look at the ring is at *the head slot*, never at `head != tail`: a slot that is claimed but not
//! written counts as empty, so nobody spins on a preempted producer. That is safe because its producer
//! notifies after its own publish, and whoever takes that job looks for the next one (F3).
//!
//! Shutting down is a flag, not a job: it needs no room in the ring. A worker leaves when the ring is
//! closed and drained, and wakes all others as it leaves. A submit that was accepted just before `close`
//! notifies like any other; so the worker it wakes, or the one that was searching, sees the end.
//!
//! `map` opens its team before F1 and has as many woken as it has work for, less those who search already. Without `std`
//! it wakes them itself; else whoever takes a chunk of the work, its caller too, wakes some before, as long as any are
//! wanted. (Only the caller passes a fence, so another may miss one who has just fallen asleep: then the map has a helper
//! less. And those who are woken may find jobs first: then others are woken only with the caller's next chunk.)
//!
//! The handshake is the one that rayon, Eigen's `EventCount` and tokio use; counting those who search, so
//! that one wake-up is under way at a time, is tokio's and Go's.

use crate::platform::Platform;
use crate::sync::{AtomicUsize, Line, Ordering, array_of, const_fn, fence, size};

/// How many words of bits: enough for 252 workers on 64-bit targets, 31 on 32-bit ones.
const GROUPS: usize = size(if usize::BITS >= 64 { 4 } else { 1 }, 1);
/// Bits of a word that stand for a worker each.
const GROUP: usize = usize::BITS as usize - 1;
/// The bit that is left: a worker of this word is waking.
const WAKING: usize = 1 << GROUP;

/// The most workers that a pool can have at a time.
pub(crate) const MAX_WORKERS: usize = GROUPS * GROUP;

/// Spots below this belong to callers of `map`, one for each team.
pub(crate) const CALLERS: usize = size(4, 2);

/// All spots are below this.
#[cfg(feature = "std")]
pub(crate) const SPOTS: usize = CALLERS + MAX_WORKERS;

pub(crate) struct Idle<P> {
    /// A bit for each worker that sleeps or is about to, and `WAKING`. Submitters read it.
    asleep: Line<[AtomicUsize; GROUPS]>,
    /// How many workers search. Workers change it.
    searching: Line<AtomicUsize>,
    /// A bit for each worker there is.
    enlisted: [AtomicUsize; GROUPS],
    platform: P,
}

impl<P> Idle<P> {
    const_fn! {
        pub(crate) const fn new(platform: P) -> Self {
            Self {
                asleep: Line::new(array_of![AtomicUsize::new(0); GROUPS]),
                searching: Line::new(AtomicUsize::new(0)),
                enlisted: array_of![AtomicUsize::new(0); GROUPS],
                platform,
            }
        }
    }
}

impl<P: Platform> Idle<P> {
    pub(crate) fn platform(&self) -> &P {
        &self.platform
    }

    // Workers come and go.

    /// Finds a number for a new worker; `None` if there are `MAX_WORKERS`.
    pub(crate) fn enlist(&self) -> Option<usize> {
        for (group, word) in self.enlisted.iter().enumerate() {
            let mut bits = word.load(Ordering::Relaxed);
            while bits != WAKING - 1 {
                let bit = (!bits).trailing_zeros() as usize;
                // Acquire: pairs with the release in `discharge`: whoever had the number is out of `park`.
                match word.compare_exchange_weak(
                    bits,
                    bits | 1 << bit,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Some(group * GROUP + bit),
                    Err(now) => bits = now,
                }
            }
        }
        None
    }

    /// Gives a worker's number back.
    pub(crate) fn discharge(&self, worker: usize) {
        // Release: pairs with the acquire in `enlist`.
        let (word, bit) = seat(&self.enlisted, worker);
        word.fetch_and(!bit, Ordering::Release);
    }

    /// How many workers there are, whatever they do; a snapshot.
    pub(crate) fn workers(&self) -> usize {
        let count = |word: &AtomicUsize| word.load(Ordering::Relaxed).count_ones() as usize;
        self.enlisted.iter().map(count).sum()
    }

    /// Whether all of them sleep; a snapshot.
    pub(crate) fn all_sleep(&self) -> bool {
        for (enlisted, asleep) in self.enlisted.iter().zip(&*self.asleep) {
            if enlisted.load(Ordering::Relaxed) & !asleep.load(Ordering::Relaxed) != 0 {
                return false;
            }
        }
        true
    }

    /// How many of them sleep; a snapshot.
    pub(crate) fn sleepers(&self) -> usize {
        let count =
            |word: &AtomicUsize| (word.load(Ordering::Relaxed) & !WAKING).count_ones() as usize;
        self.asleep.iter().map(count).sum()
    }

    // A worker's states.

    /// Busy to searching.
    pub(crate) fn search(&self) {
        self.searching.fetch_add(1, Ordering::Relaxed);
    }

    /// Searching to busy, with work at hand. The last one that searches has to look whether there is
    /// more, because submitters relied on it.
    pub(crate) fn found(&self, more: impl Fn() -> bool) {
        // Release: pairs with the fence below, of the last searcher, who looks for all of them.
        if self.searching.fetch_sub(1, Ordering::Release) == 1 {
            // F3. Pairs with F1; and acquires what the other searchers did.
            fence(Ordering::SeqCst);
            if self.someone_sleeps() && more() {
                self.wake_one();
            }
        }
    }

    /// Searching to asleep and back, unless there is something to do.
    pub(crate) fn sleep(&self, worker: usize, reason_to_stay: impl Fn() -> bool) {
        let (word, bit) = seat(&self.asleep, worker);
        word.fetch_or(bit, Ordering::Relaxed);
        self.searching.fetch_sub(1, Ordering::Relaxed);
        // F2. Pairs with F1, and with the release in `wake_all`.
        fence(Ordering::SeqCst);
        if !reason_to_stay() {
            while word.load(Ordering::Relaxed) & bit != 0 {
                self.platform.park(CALLERS + worker);
            }
        }
        // Counted before WAKING goes: mostly a submitter sees the one or the other. (One that sees neither
        // wakes somebody in vain.)
        self.searching.fetch_add(1, Ordering::Relaxed);
        if word.fetch_and(!bit, Ordering::Relaxed) & bit == 0 {
            word.fetch_and(!WAKING, Ordering::Relaxed);
        }
    }

    /// Searching to gone: the pool is finished. `wake_all` has to follow.
    pub(crate) fn stop_searching(&self) {
        self.searching.fetch_sub(1, Ordering::Relaxed);
    }

    // Whoever has work for them.

    /// There is a new job: wakes somebody unless somebody is awake who will see it.
    #[inline]
    pub(crate) fn notify(&self) {
        // F1. Pairs with F2 and F3.
        fence(Ordering::SeqCst);
        if self.someone_sleeps() {
            self.wake_one();
        }
    }

    #[inline(always)]
    fn someone_sleeps(&self) -> bool {
        let mut bits = 0;
        for word in &*self.asleep {
            bits |= word.load(Ordering::Relaxed);
        }
        bits != 0
    }

    /// After F1 or F3, and with somebody asleep.
    #[inline(never)]
    fn wake_one(&self) {
        let waking = |word: &AtomicUsize| word.load(Ordering::Relaxed) & WAKING != 0;
        if self.asleep.iter().any(waking) || self.searching.load(Ordering::Relaxed) != 0 {
            return;
        }
        for (group, word) in self.asleep.iter().enumerate() {
            let mut bits = word.load(Ordering::Relaxed);
            while bits != 0 {
                if bits & WAKING != 0 {
                    return;
                }
                // The lowest bit: the same few workers stay warm.
                let bit = bits.trailing_zeros() as usize;
                match word.compare_exchange_weak(
                    bits,
                    bits & !(1 << bit) | WAKING,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return self.platform.unpark(CALLERS + group * GROUP + bit),
                    Err(now) => bits = now,
                }
            }
        }
    }

    /// A team is open with work for `helpers`: wakes as many, less those who search. With `std`, it only returns how many,
    /// for those to wake who do the work.
    pub(crate) fn wake(&self, helpers: usize) -> usize {
        // F1. Pairs with F2.
        fence(Ordering::SeqCst);
        let wanted = helpers.saturating_sub(self.searching.load(Ordering::Relaxed));
        if cfg!(not(feature = "std")) {
            return self.wake_sleepers(wanted, 0);
        }
        wanted.min(self.sleepers())
    }

    /// Wakes so many, or as many as sleep, from worker `first` on if they can be had there. Returns how many that were.
    #[inline]
    pub(crate) fn wake_sleepers(&self, wanted: usize, first: usize) -> usize {
        let mut left = wanted;
        for k in 0..GROUPS {
            let group = (first / GROUP + k) % GROUPS;
            let word = &self.asleep[group];
            let mut bits = word.load(Ordering::Relaxed) & !WAKING;
            while left != 0 && bits != 0 {
                let bit = match bits >> (first % GROUP) << (first % GROUP) {
                    0 => bits.trailing_zeros(),
                    above => above.trailing_zeros(),
                } as usize;
                bits = word.fetch_and(!(1 << bit), Ordering::Relaxed) & !WAKING;
                if bits & (1 << bit) != 0 {
                    bits &= !(1 << bit);
                    left -= 1;
                    self.platform.unpark(CALLERS + group * GROUP + bit);
                }
            }
        }
        wanted - left
    }

    /// The pool is closed: everyone shall see it.
    pub(crate) fn wake_all(&self) {
        for (group, word) in self.asleep.iter().enumerate() {
            // Release: pairs with F2 of those whose bit comes later. (Both change the word, so one of them sees
            // the other; that takes no fence.)
            let mut bits = word.swap(0, Ordering::Release) & !WAKING;
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                self.platform.unpark(CALLERS + group * GROUP + bit);
            }
        }
    }
}

/// Where a worker's bit is.
fn seat(words: &[AtomicUsize; GROUPS], worker: usize) -> (&AtomicUsize, usize) {
    match GROUPS {
        1 => (&words[0], 1 << worker),
        _ => (&words[worker / GROUP % GROUPS], 1 << (worker % GROUP)),
    }
}

#[cfg(test)]
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
mod tests {
    use std::sync::Mutex;
    use std::vec::Vec;

    use super::*;

    /// Notes whom the pool wakes. Nobody parks here.
    #[derive(Default)]
    struct Log(Mutex<Vec<usize>>);

    impl Platform for Log {
        fn park(&self, spot: usize) {
            unreachable!("spot {spot}");
        }

        fn unpark(&self, spot: usize) {
            self.0.lock().unwrap().push(spot);
        }
    }

    impl<P> Idle<P> {
        /// As if these workers slept.
        pub(crate) fn lay_down(&self, workers: impl IntoIterator<Item = usize>) {
            for worker in workers {
                let (word, bit) = seat(&self.asleep, worker);
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    fn asleep(workers: impl IntoIterator<Item = usize>) -> Idle<Log> {
        let idle = Idle::new(Log::default());
        idle.lay_down(workers);
        idle
    }

    /// Those woken since somebody last asked.
    fn woken(idle: &Idle<Log>) -> Vec<usize> {
        let spots = core::mem::take(&mut *idle.platform().0.lock().unwrap());
        spots.into_iter().map(|spot| spot - CALLERS).collect()
    }

    fn bits<P>(idle: &Idle<P>) -> Vec<usize> {
        let load = |word: &AtomicUsize| word.load(Ordering::Relaxed);
        idle.asleep.iter().map(load).collect()
    }

    const fn bit_of(worker: usize) -> usize {
        1 << (worker % GROUP)
    }

    const LAST: usize = MAX_WORKERS - 1;
    /// Some in each word, the first and the last.
    const FEW: [usize; 6] = [0, 3, 7, 7 + LAST / 2, LAST - 1, LAST];

    #[test]
    fn every_worker_has_a_number_of_its_own() {
        let idle = asleep([]);
        for number in 0..MAX_WORKERS {
            assert_eq!(idle.workers(), number);
            assert_eq!(idle.enlist(), Some(number));
        }
        assert_eq!(idle.enlist(), None);
        for number in FEW.into_iter().rev() {
            idle.discharge(number);
            assert_eq!(idle.workers(), MAX_WORKERS - 1);
            assert_eq!(idle.enlist(), Some(number));
        }
    }

    #[test]
    fn all_are_woken_at_the_end_each_at_its_spot() {
        let idle = asleep(0..MAX_WORKERS);
        assert_eq!(idle.sleepers(), MAX_WORKERS);
        idle.wake_all();
        let spots = idle.platform().0.lock().unwrap().clone();
        assert_eq!(spots, Vec::from_iter(CALLERS..SPOTS));
        assert_eq!(idle.sleepers(), 0);
        assert_eq!(bits(&idle), [0; GROUPS]);

        let idle = asleep(FEW);
        idle.wake_all();
        assert_eq!(woken(&idle), FEW);
    }

    #[test]
    fn a_job_wakes_the_lowest_sleeper_if_nobody_is_awake_who_will_see_it() {
        let idle = asleep([]);
        idle.notify();
        assert_eq!(bits(&idle), [0; GROUPS]);

        for (k, lowest) in FEW.into_iter().enumerate() {
            let idle = asleep(FEW[k..].iter().copied());
            idle.search();
            idle.notify();
            assert_eq!(woken(&idle), [], "one searches");
            idle.stop_searching();
            let mut expected = bits(&idle);
            idle.notify();
            assert_eq!(woken(&idle), [lowest]);
            expected[lowest / GROUP] &= !bit_of(lowest);
            expected[lowest / GROUP] |= WAKING;
            assert_eq!(bits(&idle), expected);
            assert_eq!(idle.sleepers(), FEW.len() - k - 1);
            idle.notify();
            assert_eq!(woken(&idle), [], "one is waking");
        }
    }

    #[test]
    fn who_is_the_last_to_find_work_wakes_another_if_there_is_more() {
        let idle = asleep([5]);
        idle.search();
        idle.search();
        idle.found(|| unreachable!("another searches"));
        assert_eq!(woken(&idle), []);
        idle.found(|| false);
        assert_eq!(woken(&idle), []);
        idle.search();
        idle.found(|| true);
        assert_eq!(woken(&idle), [5]);

        let idle = asleep([]);
        idle.search();
        idle.found(|| unreachable!("there is nobody to wake"));
    }

    #[test]
    fn a_team_wakes_as_many_as_it_has_work_for_less_those_who_search() {
        for searching in 0..3 {
            for helpers in 0..FEW.len() + 3 {
                let idle = asleep(FEW);
                idle.asleep[0].fetch_or(WAKING, Ordering::Relaxed);
                (0..searching).for_each(|_| idle.search());
                let sleepers = helpers.saturating_sub(searching).min(FEW.len());
                assert_eq!(idle.wake(helpers), sleepers);
                assert_eq!(woken(&idle), []);
                assert_eq!(idle.wake_sleepers(sleepers, 0), sleepers);
                assert_eq!(woken(&idle), FEW[..sleepers]);
                let rest = asleep(FEW[sleepers..].iter().copied());
                rest.asleep[0].fetch_or(WAKING, Ordering::Relaxed);
                assert_eq!(bits(&idle), bits(&rest));
            }
        }
        let idle = asleep(0..MAX_WORKERS);
        idle.wake_sleepers(2, 0);
        assert_eq!(woken(&idle), [0, 1]);
    }

    #[test]
    fn who_helps_wakes_others_from_its_own_place_on() {
        for first in (0..MAX_WORKERS).chain([4 * MAX_WORKERS]) {
            let idle = asleep(0..MAX_WORKERS);
            assert_eq!(idle.wake_sleepers(2, first), 2);
            let group = first / GROUP % GROUPS * GROUP;
            let place = |k| group + (first % GROUP + k) % GROUP;
            assert_eq!(woken(&idle), [place(0), place(1)]);
        }
        let idle = asleep(FEW);
        assert_eq!(idle.wake_sleepers(100, 5), FEW.len());
        assert_eq!(woken(&idle).len(), FEW.len());
        assert_eq!(idle.wake_sleepers(1, 5), 0);
    }

    #[test]
    fn who_was_woken_by_somebody_else_meanwhile_does_not_count() {
        /// Whoever is woken first closes the pool at once.
        struct Hasty(Mutex<Vec<usize>>);
        static IDLE: Idle<Hasty> = Idle::new(Hasty(Mutex::new(Vec::new())));
        impl Platform for Hasty {
            fn park(&self, _: usize) {}

            fn unpark(&self, spot: usize) {
                self.0.lock().unwrap().push(spot - CALLERS);
                IDLE.wake_all();
            }
        }
        IDLE.lay_down(0..3);
        IDLE.wake_sleepers(3, 0);
        assert_eq!(*IDLE.platform().0.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn a_worker_with_a_reason_to_stay_withdraws() {
        let idle = asleep([1]);
        idle.asleep[0].fetch_or(WAKING, Ordering::Relaxed);
        let before = bits(&idle);
        for worker in [0, LAST] {
            idle.search();
            let mut expected = bits(&idle);
            expected[worker / GROUP] |= bit_of(worker);
            idle.sleep(worker, || {
                assert_eq!(bits(&idle), expected, "it looks when its bit can be seen");
                assert_eq!(idle.searching.load(Ordering::Relaxed), 0);
                true
            });
            assert_eq!(bits(&idle), before);
            assert_eq!(idle.searching.load(Ordering::Relaxed), 1);
            idle.stop_searching();
        }
    }

    #[test]
    fn a_sleeper_parks_until_it_is_woken_and_counts_as_waking_until_it_searches() {
        /// Parking returns early once, and then because a job has come.
        struct Host(AtomicUsize);
        static IDLE: Idle<Host> = Idle::new(Host(AtomicUsize::new(0)));
        impl Platform for Host {
            fn park(&self, spot: usize) {
                assert_eq!(spot, SPOTS - 2);
                assert_eq!(IDLE.searching.load(Ordering::Relaxed), 0);
                if self.0.fetch_add(1, Ordering::Relaxed) == 1 {
                    IDLE.notify();
                    assert_eq!(bits(&IDLE)[GROUPS - 1], WAKING | bit_of(LAST));
                }
            }

            fn unpark(&self, spot: usize) {
                assert_eq!(spot, SPOTS - 2);
            }
        }
        // The one with the lower number is woken.
        IDLE.lay_down([LAST]);
        IDLE.search();
        IDLE.sleep(LAST - 1, || false);
        assert_eq!(IDLE.platform().0.load(Ordering::Relaxed), 2);
        assert_eq!(IDLE.searching.load(Ordering::Relaxed), 1);
        assert_eq!(bits(&IDLE)[GROUPS - 1], bit_of(LAST));
    }
}
