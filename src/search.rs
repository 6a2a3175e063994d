//! How a worker that has run dry looks for more: two habits, each learned from what came of it.
//!
//! *It does not spin in vain.* Spinning before it sleeps saves a wake-up if work comes soon. If it came later than that
//! so many times in a row, the worker sleeps at once, until a sleep was so short that spinning might have saved it.
//! Besides the processor's time, that saves whoever wakes it: Linux lets a thread that is woken go first if it ran
//! little of late. (Measured with one job each millisecond, on two threads that share a core: from submit to start 4.2
//! us, as long as a bare futex takes; 9.5 us if the worker had spun for 10 us after each job.)
//!
//! *It looks away from a stream.* A worker that keeps up with a submitter of tiny jobs slows it down: each reads the
//! very line that the other is about to write. So a worker that has run dry quickly, many times in a row, waits until a
//! quarter of the ring is filled, for a microsecond or two at most, before it looks at the next slot. It goes on like
//! that while jobs are the faster for it by an eighth; if they are not, it tries again later, and later. (Measured: from
//! 38 to 13 ns a job, where an SPSC stream of such slots takes 18. The idea is that of a network card's that holds
//! back interrupts.) Jobs that are submitted one after another's end, and those of a slower stream, start as soon as
//! they did.
//!
//! Both need a clock, and a platform that spins.

use core::mem;

/// In a model checker's mixes, which are short, once is often.
const MODEL: bool = cfg!(all(any(loom, shuttle), not(counted)));

/// So many spins that find nothing, in a row, are enough.
const IN_VAIN: u32 = if MODEL { 1 } else { 8 };
/// Up to so many quanta a sleep is short, counted from when the worker ran dry: some six times as long as a thread of
/// [`Threads`](crate::Threads) spins, for waking up is counted too.
const SHORT: u64 = 32;

/// A worker runs dry quickly if that takes this part of a quantum for each job, at most.
const QUICK: u64 = 4;
/// It looks away when it ran dry quickly so many times in a row; if that does not pay, after twice as many, and so on.
const TRY: u32 = if MODEL { 1 } else { 16 };
const TRY_AT_MOST: u32 = 1 << 12;

/// What one worker has learned. Times are in ticks.
pub(crate) struct Search {
    in_vain: u32,
    /// How long it has slept, counted from when it had run dry; 0: it has not.
    slept: u64,
    /// When it last ran dry, and how many jobs had been taken from the ring by then.
    dry_at: u64,
    taken: usize,
    /// How many times in a row it ran dry quickly, and how long that took for how many jobs.
    quick: u32,
    ticks: u64,
    jobs: u64,
    /// How many `quick` it takes to look away.
    tries: u32,
    looks_away: bool,
}

impl Search {
    pub(crate) const fn new() -> Self {
        Self {
            in_vain: 0,
            slept: 0,
            dry_at: 0,
            taken: 0,
            quick: 0,
            ticks: 0,
            jobs: 0,
            tries: TRY,
            looks_away: false,
        }
    }

    /// The worker has run dry, at `now`, when so many jobs had been `taken` from the ring.
    ///
    /// (A closure, because `Threads` takes some 50 us to find its quantum out: not before the first job.)
    pub(crate) fn ran_dry(&mut self, now: u64, taken: usize, quantum: impl Fn() -> u64) {
        let slept = mem::take(&mut self.slept);
        if slept != 0 && slept <= quantum().saturating_mul(SHORT) {
            self.in_vain = 0;
        }
        let ticks = now.wrapping_sub(mem::replace(&mut self.dry_at, now));
        let jobs = taken.wrapping_sub(mem::replace(&mut self.taken, taken)) as u64;
        if self.looks_away {
            // Ticks a job, then and now, both times the product of the jobs.
            let before = self.ticks.saturating_mul(jobs);
            self.looks_away = ticks.saturating_mul(self.jobs) <= before - before / 8;
            self.tries = match self.looks_away {
                true => TRY,
                false => (2 * self.tries).min(TRY_AT_MOST),
            };
            self.quick = 0;
            return;
        }
        // A clock that stands still says nothing.
        let quick = ticks != 0
            && jobs != 0
            && ticks.saturating_mul(QUICK) <= quantum().saturating_mul(jobs);
        if !quick {
            self.quick = 0;
            return;
        }
        if self.quick == 0 {
            (self.ticks, self.jobs) = (0, 0);
        }
        self.quick += 1;
        self.ticks = self.ticks.saturating_add(ticks);
        self.jobs = self.jobs.saturating_add(jobs);
        self.looks_away = self.quick >= self.tries;
    }

    /// Whether it should wait, for a little while, until a good part of the ring is filled.
    pub(crate) fn looks_away(&self) -> bool {
        self.looks_away
    }

    /// How many times it should look before it sleeps, on a platform with so many `spins`.
    pub(crate) fn looks(&self, spins: u32) -> u32 {
        match self.in_vain {
            IN_VAIN => 0,
            _ => spins,
        }
    }

    /// It looked, and found something.
    pub(crate) fn found(&mut self) {
        self.in_vain = 0;
    }

    /// It looked, found nothing, slept, and was woken at `now`.
    pub(crate) fn slept(&mut self, now: u64) {
        self.slept = now.wrapping_sub(self.dry_at);
        if self.slept != 0 {
            self.in_vain = (self.in_vain + 1).min(IN_VAIN);
        }
    }
}

#[cfg(test)]
#[cfg(not(any(loom, shuttle)))]
mod tests {
    use super::*;

    const QUANTUM: u64 = 800;
    const LOOKS: u32 = 300;

    /// A worker, its clock, and how many jobs were taken.
    struct Worker {
        search: Search,
        now: u64,
        taken: usize,
    }

    impl Worker {
        fn new() -> Self {
            let search = Search::new();
            let (now, taken) = (1_000_000, usize::MAX - 100);
            let mut this = Self { search, now, taken };
            this.dry(0, 0);
            this.dry(QUANTUM, 0);
            this
        }

        /// Runs dry, `ticks` after the last time, with `jobs` between.
        fn dry(&mut self, ticks: u64, jobs: usize) {
            self.now += ticks;
            self.taken = self.taken.wrapping_add(jobs);
            self.search.ran_dry(self.now, self.taken, || QUANTUM);
        }

        /// Spins if it should, sleeps so long, and has one job of a tick.
        fn sleep(&mut self, ticks: u64) {
            self.now += ticks;
            self.search.slept(self.now);
            self.dry(1, 1);
        }

        fn spins(&self) -> bool {
            let looks = self.search.looks(LOOKS);
            assert!([0, LOOKS].contains(&looks));
            looks != 0
        }

        /// How many times it has to run dry quickly before it looks away.
        fn until_it_looks_away(&mut self, ticks: u64, jobs: usize) -> u32 {
            let mut times = 0;
            while !self.search.looks_away() {
                self.dry(ticks, jobs);
                times += 1;
                assert!(times < 100_000);
            }
            times
        }
    }

    #[test]
    fn who_spins_in_vain_sleeps_at_once_until_a_sleep_was_short() {
        let mut worker = Worker::new();
        for _ in 0..2 {
            for _ in 0..IN_VAIN {
                assert!(worker.spins());
                worker.sleep(SHORT * QUANTUM + 1);
            }
            for _ in 0..100 {
                assert!(!worker.spins());
                worker.sleep(SHORT * QUANTUM + 1);
            }
            worker.sleep(SHORT * QUANTUM);
        }
        assert!(worker.spins());
    }

    #[test]
    fn who_found_something_spins_on() {
        let mut worker = Worker::new();
        for _ in 0..IN_VAIN {
            for _ in 1..IN_VAIN {
                worker.sleep(SHORT * QUANTUM + 1);
            }
            assert!(worker.spins());
            worker.search.found();
        }
    }

    #[test]
    fn without_a_clock_it_spins_always_and_never_looks_away() {
        let mut search = Search::new();
        for taken in 0..100 {
            search.ran_dry(7, taken, || 0);
            assert!(!search.looks_away());
            search.slept(7);
            assert_eq!(search.looks(LOOKS), LOOKS);
        }
    }

    #[test]
    fn it_looks_away_from_a_stream_while_that_pays() {
        let mut worker = Worker::new();
        let slow = (QUANTUM / QUICK, 1);
        assert_eq!(worker.until_it_looks_away(slow.0, slow.1), TRY);
        for _ in 0..10 {
            // As many ticks a job, less an eighth.
            worker.dry(7 * slow.0, 8);
            assert!(worker.search.looks_away());
        }
        worker.dry(7 * slow.0 + 1, 8);
        assert!(!worker.search.looks_away());
    }

    #[test]
    fn it_tries_again_later_and_later() {
        let mut worker = Worker::new();
        let mut times = TRY;
        for _ in 0..10 {
            assert_eq!(worker.until_it_looks_away(10, 1), times);
            worker.dry(10, 1);
            assert!(!worker.search.looks_away());
            times = (2 * times).min(TRY_AT_MOST);
        }
        assert_eq!(times, TRY_AT_MOST);
        // Once it paid, all is as in the beginning, but for its last failure.
        worker.until_it_looks_away(10, 1);
        worker.dry(5, 1);
        assert!(worker.search.looks_away());
        worker.dry(QUANTUM, 0);
        assert_eq!(worker.until_it_looks_away(10, 1), 2 * TRY);
    }

    #[test]
    fn a_pause_or_a_long_job_or_a_map_ends_a_stream() {
        for (ticks, jobs) in [
            (QUANTUM / QUICK + 1, 1),
            (2 * QUANTUM / QUICK + 1, 2),
            (1, 0),
        ] {
            let mut worker = Worker::new();
            for _ in 0..100 {
                for _ in 1..TRY {
                    worker.dry(10, 1);
                }
                worker.dry(ticks, jobs);
                assert!(!worker.search.looks_away());
            }
        }
    }

    #[test]
    fn long_times_do_no_harm() {
        let mut worker = Worker::new();
        worker.until_it_looks_away(1, 1);
        worker.search.ran_dry(u64::MAX, 0, || u64::MAX);
        worker.search.ran_dry(0, usize::MAX, || u64::MAX);
        let mut taken: usize = 0;
        for k in 0..100 {
            taken = taken.wrapping_add(usize::MAX / 2);
            let now = u64::MAX / 4 * (k % 4);
            worker.search.ran_dry(now, taken, || u64::MAX);
        }
        worker.search.slept(u64::MAX);
    }
}
