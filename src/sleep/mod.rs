#![doc = include_str!("README.md")]

pub(crate) mod spin;

use crate::platform::{CALLERS, GROUP, GROUPS, MANY_CORES, Platform};
use crate::sync::{AtomicUsize, Line, Ordering, array_of, const_fn, fence};

pub(crate) struct Sleep<P> {
    /// A bit for each worker that sleeps or is about to. Producers read it.
    asleep: Line<[AtomicUsize; GROUPS]>,
    /// How many workers search or are on their way. Signed: a woken worker may subtract itself
    /// before the one that woke it has added it.
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
                // Acquire: pairs with the release in `release_number`: the last worker of that
                // number is out of `park`.
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
        match GROUPS {
            1 => self.asleep[0].load(Ordering::Relaxed) != 0,
            _ => self.asleep.iter().fold(0, or) != 0,
        }
    }

    /// How many workers search or are on their way.
    ///
    /// A fence comes before, in all that must not rely on one that has found something.
    #[inline]
    pub(crate) fn searching(&self) -> usize {
        // Acquire: pairs with the waker's F1 or F3, which comes before its `search`: the job that a
        // worker was woken for is counted.
        (self.searching.load(Ordering::Acquire) as isize).max(0) as usize
    }

    // A worker's states.

    /// Busy to searching; or, by its waker, asleep to searching.
    pub(crate) fn search(&self) {
        self.searching.fetch_add(1, Ordering::Relaxed);
    }

    /// Searching to busy, with work in hand. Producers relied on this worker: if more is `queued`
    /// than the others who search will take, it wakes one more.
    pub(crate) fn found(&self, queued: impl Fn() -> usize) {
        self.searching.fetch_sub(1, Ordering::Relaxed);
        // F3. Pairs with F1 and F2.
        fence(Ordering::SeqCst);
        if self.any_asleep() {
            // In this order: what is queued may be newer than the count, but lacks no job that a
            // counted worker was woken for.
            let searching = self.searching();
            if queued() > searching {
                self.wake(1, 0);
            }
        }
    }

    /// Searching to asleep and back to searching, unless there is a reason to stay.
    pub(crate) fn sleep(&self, worker: usize, reason_to_stay: impl Fn() -> bool) {
        let (word, bit) = place(&self.asleep, worker);
        // First off the count: a waker that sees the bit puts it on again.
        self.searching.fetch_sub(1, Ordering::Relaxed);
        word.fetch_or(bit, Ordering::Relaxed);
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

    /// What was published before is seen by each worker that falls asleep, or that worker is seen
    /// asleep.
    #[inline(always)]
    pub(crate) fn announce(&self) {
        // F1. Pairs with F2 and F3.
        fence(Ordering::SeqCst);
    }

    /// Wakes so many, or as many as sleep, from worker `first` on if they can be had there.
    pub(crate) fn wake(&self, wanted: usize, first: usize) {
        let first = if MANY_CORES { first } else { 0 };
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
            // Release: pairs with F2 of the workers whose bit comes later. (Both change the word,
            // so one of them sees the other; that takes no fence.)
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
