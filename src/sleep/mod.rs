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

pub(crate) mod spin;

use crate::platform::{CALLERS, GROUP, GROUPS, Platform};
use crate::sync::{AtomicUsize, Line, Ordering, array_of, const_fn, fence};

pub(crate) struct Sleep<P> {
    /// A bit for each worker that sleeps or is about to. Producers read it.
    asleep: Line<[AtomicUsize; GROUPS]>,
    /// How many workers search or are on their way. Signed: a woken worker may subtract itself before
    /// the one that woke it has added it.
    searching: Line<AtomicUsize>,
    /// A bit for each worker there is.
    numbers: [AtomicUsize; GROUPS],
    platform: P,
}

impl<P> Sleep<P> {
    const_fn! {
        pub(crate) const fn new(platform: P) -> Self {
            Self {
                asleep: Line::new(array_of![AtomicUsize::new(0); GROUPS]),
                searching: Line::new(AtomicUsize::new(0)),
                numbers: array_of![AtomicUsize::new(0); GROUPS],
                platform,
            }
        }
    }
}

impl<P: Platform> Sleep<P> {
    pub(crate) fn platform(&self) -> &P {
        &self.platform
    }

    // Workers come and go.

    /// Finds a number for a new worker; `None` if there are `MAX_WORKERS`.
    pub(crate) fn claim_number(&self) -> Option<usize> {
        for (group, word) in self.numbers.iter().enumerate() {
            let mut bits = word.load(Ordering::Relaxed);
            while bits != usize::MAX {
                let bit = (!bits).trailing_zeros() as usize;
                // Acquire: pairs with the release in `release_number`: the last worker of that number
                // is out of `park`.
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
    pub(crate) fn release_number(&self, worker: usize) {
        // Release: pairs with the acquire in `claim_number`.
        let (word, bit) = place(&self.numbers, worker);
        word.fetch_and(!bit, Ordering::Release);
    }

    /// How many workers there are, in whatever state; a snapshot.
    pub(crate) fn workers(&self) -> usize {
        count(&self.numbers)
    }

    /// How many of them sleep; a snapshot.
    pub(crate) fn sleepers(&self) -> usize {
        count(&self.asleep)
    }

    /// Whether all of them sleep; a snapshot.
    pub(crate) fn all_sleep(&self) -> bool {
        let mut workers = self.numbers.iter().zip(&*self.asleep);
        workers.all(|(there, asleep)| {
            there.load(Ordering::Relaxed) & !asleep.load(Ordering::Relaxed) == 0
        })
    }

    /// Whether a worker sleeps.
    ///
    /// Relaxed: a fence comes before, in all that must not miss one.
    #[inline(always)]
    pub(crate) fn any_asleep(&self) -> bool {
        let or = |bits, word: &AtomicUsize| bits | word.load(Ordering::Relaxed);
        self.asleep.iter().fold(0, or) != 0
    }

    /// How many workers search or are on their way.
    ///
    /// Relaxed: a fence comes before, in all that must not rely on one that has found something.
    #[inline]
    pub(crate) fn searching(&self) -> usize {
        (self.searching.load(Ordering::Relaxed) as isize).max(0) as usize
    }

    // A worker's states.

    /// Busy to searching.
    pub(crate) fn search(&self) {
        self.searching.fetch_add(1, Ordering::Relaxed);
    }

    /// Searching to busy, with work in hand. Producers relied on this worker: if more is `queued` than
    /// the others who search will take, it wakes one more.
    pub(crate) fn found(&self, queued: impl Fn() -> usize) {
        self.searching.fetch_sub(1, Ordering::Relaxed);
        // F3. Pairs with F1 and F2.
        fence(Ordering::SeqCst);
        if self.any_asleep() && queued() > self.searching() {
            self.wake(1, 0);
        }
    }

    /// Searching to asleep and back to searching, unless there is a reason to stay.
    pub(crate) fn sleep(&self, worker: usize, reason_to_stay: impl Fn() -> bool) {
        let (word, bit) = place(&self.asleep, worker);
        word.fetch_or(bit, Ordering::Relaxed);
        self.searching.fetch_sub(1, Ordering::Relaxed);
        // F2. Pairs with F1 and F3, and with the release in `wake_all`.
        fence(Ordering::SeqCst);
        if reason_to_stay() && word.fetch_and(!bit, Ordering::Relaxed) & bit != 0 {
            // It withdrew by itself; the one that wakes a worker counts it.
            return self.search();
        }
        while word.load(Ordering::Relaxed) & bit != 0 {
            self.platform.park(CALLERS + worker);
        }
    }

    /// Searching to gone: the pool is finished. `wake_all` has to follow.
    pub(crate) fn stop_searching(&self) {
        self.searching.fetch_sub(1, Ordering::Relaxed);
    }

    // Producers, and callers of `map`.

    /// A job was published, and so many are queued: wakes one more worker unless as many search.
    #[inline]
    pub(crate) fn notify(&self, queued: impl Fn() -> usize) {
        self.announce();
        if self.any_asleep() {
            self.wake_for_job(queued);
        }
    }

    #[inline(never)]
    fn wake_for_job(&self, queued: impl Fn() -> usize) {
        // With none searching, the job just published is one too many already.
        let searching = self.searching();
        if searching == 0 || queued() > searching {
            self.wake(1, 0);
        }
    }

    /// What was published before is seen by each worker that falls asleep, or that worker is seen asleep.
    #[inline(always)]
    pub(crate) fn announce(&self) {
        // F1. Pairs with F2 and F3.
        fence(Ordering::SeqCst);
    }

    /// Wakes so many, or as many as sleep, from worker `first` on if they can be had there.
    pub(crate) fn wake(&self, wanted: usize, first: usize) {
        let mut left = wanted;
        for k in 0..GROUPS {
            let group = (first / GROUP + k) % GROUPS;
            let word = &self.asleep[group];
            let mut bits = word.load(Ordering::Relaxed);
            while left != 0 && bits != 0 {
                let bit = match bits >> (first % GROUP) << (first % GROUP) {
                    0 => bits.trailing_zeros(),
                    above => above.trailing_zeros(),
                } as usize;
                bits = word.fetch_and(!(1 << bit), Ordering::Relaxed);
                if bits & (1 << bit) != 0 {
                    bits &= !(1 << bit);
                    left -= 1;
                    // It is on its way.
                    self.search();
                    self.platform.unpark(CALLERS + group * GROUP + bit);
                }
            }
        }
    }

    /// The pool is closed: every worker has to see it.
    pub(crate) fn wake_all(&self) {
        for (group, word) in self.asleep.iter().enumerate() {
            // Release: pairs with F2 of the workers whose bit comes later. (Both change the word, so one of
            // them sees the other; that takes no fence.)
            let mut bits = word.swap(0, Ordering::Release);
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                self.search();
                self.platform.unpark(CALLERS + group * GROUP + bit);
            }
        }
    }
}

/// Where a worker's bit is.
fn place(words: &[AtomicUsize; GROUPS], worker: usize) -> (&AtomicUsize, usize) {
    match GROUPS {
        1 => (&words[0], 1 << worker),
        _ => (&words[worker / GROUP % GROUPS], 1 << (worker % GROUP)),
    }
}

/// How many bits are set; a snapshot.
fn count(words: &[AtomicUsize; GROUPS]) -> usize {
    let ones = |word: &AtomicUsize| word.load(Ordering::Relaxed).count_ones() as usize;
    words.iter().map(ones).sum()
}

#[cfg(test)]
#[cfg(all(feature = "std", not(any(ringpool_loom, ringpool_shuttle))))]
pub(crate) mod tests;
