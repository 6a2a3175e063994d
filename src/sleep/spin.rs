//! How a worker that has run dry looks for more: two habits, each learned from what came of it.
//!
//! *It does not spin in vain.* Spinning before it sleeps saves a wake-up if work comes soon. If nothing came, so many
//! times in a row, the worker sleeps at once, but for now and then, to see whether that has changed; until it finds something
//! so, helps a map, or has slept for so short a time that spinning might have saved it. Besides the processor's time, that
//! saves whoever wakes it: Linux lets a thread that is woken go first if it ran little of late. (Measured with one job each millisecond, on two threads that share a core: from submit to start 4.2 us, as long as
//! a bare futex takes; 9.5 us if the worker had spun for 10 us after each job.)
//!
//! *It looks away from a stream.* A worker that keeps up with a submitter of tiny jobs slows it down: each reads the
//! very line that the other is about to write. So a worker that has run dry quickly, many times in a row, waits until a
//! quarter of the ring is filled, for a quantum at most, before it looks at the next slot. It goes on like that while
//! jobs are the faster for it by an eighth; if they are not, it tries again later, and later. (Measured: from 38 to 13
//! ns a job, where an SPSC stream of such slots takes 18. The idea is that of a network card's that holds back
//! interrupts.) The price is that quantum: for the last jobs of a stream, and, each time that it tries, for one of
//! those who submit a job whenever the last one has ended, and less than half a microsecond after.
//!
//! Both are for platforms that spin; the second needs a clock, and so does what is said of short sleeps.
//!
//! (Tried, and not kept: to give way now and then after a spin in vain. Where the kernel puts a worker and its submitter on
//! one core, it then moves one of them sooner, and a job every 5 us starts after 0.1 us instead of 2.4; but whoever gets the
//! core meanwhile, a stranger or the submitter itself, may keep it for 4 ms, and that was every hundredth job.)

use core::mem;

/// In a model checker's mixes, which are short, once is often.
const MODEL: bool = cfg!(all(
    any(ringpool_loom, ringpool_shuttle),
    not(ringpool_counted)
));

/// So many spins that find nothing, in a row, are enough.
const IN_VAIN: u32 = if MODEL { 1 } else { 8 };
/// From then on it sleeps twice without spinning, then spins once; if in vain, it sleeps 4 times, and so on up to this.
const SLEEPS_AT_MOST: u32 = 32;
/// If a sleep took so many quanta at most, counted from when the worker had run dry, spinning might have saved it. Waking up
/// is counted too, so that this is a few times as long as a thread of [`Threads`](crate::Threads) spins.
const SHORT: u64 = 32;

/// A worker runs dry quickly if that takes this part of a quantum for each of its jobs, at most.
const QUICK: u64 = 4;
/// It looks away when it ran dry quickly so many times in a row; if that does not pay, after twice as many, and so on. If
/// it pays for so long, it looks again, to see whether it still does.
const TRY: u32 = if MODEL { 1 } else { 16 };
const TRY_AT_MOST: u32 = 1 << 12;

/// What one worker has learned. Times are in ticks.
pub(crate) struct Search {
    /// How many spins in a row found nothing; then how many times it slept since the last one, and how many it will.
    in_vain: u32,
    slept: u32,
    sleeps: u32,
    /// When it last ran dry, and for how long it slept since; 0: it did not.
    dry_at: u64,
    sleep: u64,
    /// How many times in a row it ran dry quickly, and how long that took for how many jobs. Then it looks away, and
    /// this is how many times it has.
    times: u32,
    ticks: u64,
    jobs: u64,
    /// How many times it takes.
    tries: u32,
    looks_away: bool,
}

impl Search {
    pub(crate) const fn new() -> Self {
        Self {
            in_vain: 0,
            slept: 0,
            sleeps: 1,
            dry_at: 0,
            sleep: 0,
            times: 0,
            ticks: 0,
            jobs: 0,
            tries: TRY,
            looks_away: false,
        }
    }

    /// The worker has run dry, at `now`, after so many jobs, or times that it helped a map.
    ///
    /// (A closure, because `Threads` takes some 50 us to find its quantum out: not before the first job.)
    pub(crate) fn ran_dry(&mut self, now: u64, jobs: usize, quantum: impl Fn() -> u64) {
        let sleep = mem::take(&mut self.sleep);
        if jobs != 0 && sleep != 0 && sleep <= quantum().saturating_mul(SHORT) {
            self.found();
        }
        let ticks = now.wrapping_sub(mem::replace(&mut self.dry_at, now));
        let jobs = jobs as u64;
        // A clock that stands still says nothing.
        let moved = ticks != 0 && jobs != 0;
        if self.looks_away {
            // Ticks a job, before and now, both times the product of the jobs.
            let before = self.ticks.saturating_mul(jobs);
            let pays = moved && ticks.saturating_mul(self.jobs) <= before - before / 8;
            self.tries = match pays {
                true => TRY,
                false => (2 * self.tries).min(TRY_AT_MOST),
            };
            self.times += 1;
            if !pays || self.times == TRY_AT_MOST {
                self.looks_away = false;
                self.times = 0;
            }
        } else if moved && ticks.saturating_mul(QUICK) <= quantum().saturating_mul(jobs) {
            if self.times == 0 {
                (self.ticks, self.jobs) = (0, 0);
            }
            self.ticks = self.ticks.saturating_add(ticks);
            self.jobs = self.jobs.saturating_add(jobs);
            self.times += 1;
            if self.times >= self.tries {
                self.looks_away = true;
                self.times = 0;
            }
        } else {
            self.times = 0;
        }
    }

    /// When it ran dry, if it should wait until a good part of the ring is filled, for a quantum at most.
    pub(crate) fn looks_away(&self) -> Option<u64> {
        self.looks_away.then_some(self.dry_at)
    }

    /// How many times it should look before it sleeps, on a platform with so many `spins`.
    pub(crate) fn looks(&self, spins: u32) -> u32 {
        match self.in_vain == IN_VAIN && self.slept < self.sleeps {
            true => 0,
            false => spins,
        }
    }

    /// It found something before it slept, or might have; or it helped a map.
    pub(crate) fn found(&mut self) {
        (self.in_vain, self.slept, self.sleeps) = (0, 0, 1);
    }

    /// It slept, and woke up at `now`.
    pub(crate) fn woke(&mut self, now: u64) {
        self.sleep = now.wrapping_sub(self.dry_at);
    }

    /// It looked as often as it should, and will sleep if it still finds nothing.
    pub(crate) fn was_in_vain(&mut self) {
        if self.in_vain < IN_VAIN {
            self.in_vain += 1;
        } else if self.slept < self.sleeps {
            self.slept += 1;
            return;
        }
        if self.in_vain == IN_VAIN {
            self.slept = 0;
            self.sleeps = (2 * self.sleeps).min(SLEEPS_AT_MOST);
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const QUANTUM: u64 = 800;
    const LOOKS: u32 = 300;

    /// A worker and its clock.
    struct Worker {
        search: Search,
        now: u64,
    }

    impl Worker {
        fn new() -> Self {
            let search = Search::new();
            let mut this = Self {
                search,
                now: 1_000_000,
            };
            this.dry(0, 0);
            this
        }

        /// Runs dry, `ticks` after the last time, with `jobs` between.
        fn dry(&mut self, ticks: u64, jobs: usize) {
            self.now = self.now.wrapping_add(ticks);
            self.search.ran_dry(self.now, jobs, || QUANTUM);
        }

        fn looks_away(&self) -> bool {
            let since = self.search.looks_away();
            assert!(since.is_none_or(|since| since == self.now));
            since.is_some()
        }

        /// How many times it has to run dry quickly before it looks away.
        fn until_it_looks_away(&mut self, ticks: u64, jobs: usize) -> u32 {
            let mut times = 0;
            while !self.looks_away() {
                self.dry(ticks, jobs);
                times += 1;
                assert!(times < 100_000);
            }
            times
        }

        /// Spins if it should, finds nothing, and sleeps. Returns whether it did spin.
        fn sleep(&mut self) -> bool {
            let looks = self.search.looks(LOOKS);
            assert!([0, LOOKS].contains(&looks));
            self.search.was_in_vain();
            looks != 0
        }
    }

    #[test]
    fn who_spins_in_vain_sleeps_at_once_and_tries_again_later_and_later() {
        let mut worker = Worker::new();
        for _ in 0..2 {
            for _ in 0..8 {
                assert!(worker.sleep());
            }
            for sleeps in [2, 4, 8, 16, 32, 32, 32] {
                for _ in 0..sleeps {
                    assert!(!worker.sleep());
                }
                assert!(worker.sleep());
            }
            worker.search.found();
        }
    }

    #[test]
    fn who_sleeps_for_a_short_time_spins_the_next_time() {
        let mut worker = Worker::new();
        while worker.sleep() {}
        for (sleep, spins) in [
            (33 * QUANTUM, false),
            (32 * QUANTUM + 1, false),
            (32 * QUANTUM, true),
        ] {
            worker.dry(1, 0);
            worker.now += sleep;
            worker.search.woke(worker.now);
            worker.dry(1, 1);
            assert_eq!(worker.search.looks(LOOKS) != 0, spins);
        }
        let in_vain = (0..).take_while(|_| worker.sleep()).count();
        assert_eq!(in_vain, 8);
    }

    #[test]
    fn who_finds_something_now_and_then_spins_on() {
        let mut worker = Worker::new();
        for _ in 0..10 {
            for _ in 0..7 {
                assert!(worker.sleep());
            }
            worker.search.found();
        }
    }

    #[test]
    fn it_looks_away_from_a_stream_while_that_pays() {
        let mut worker = Worker::new();
        // A quarter of a quantum each.
        assert_eq!(worker.until_it_looks_away(200, 1), TRY);
        for _ in 0..10 {
            // As many ticks a job, less an eighth.
            worker.dry(7 * 200, 8);
            assert!(worker.looks_away());
        }
        worker.dry(7 * 200 + 1, 8);
        assert!(!worker.looks_away());
    }

    #[test]
    fn it_tries_again_later_and_later() {
        let mut worker = Worker::new();
        let mut times = TRY;
        for _ in 0..10 {
            assert_eq!(worker.until_it_looks_away(10, 1), times);
            worker.dry(10, 1);
            assert!(!worker.looks_away());
            times = (2 * times).min(TRY_AT_MOST);
        }
        assert_eq!(times, TRY_AT_MOST);
        // Once it paid, all is as in the beginning, but for its last failure.
        worker.until_it_looks_away(10, 1);
        worker.dry(5, 1);
        assert!(worker.looks_away());
        worker.dry(10, 1);
        assert_eq!(worker.until_it_looks_away(10, 1), 2 * TRY);
    }

    #[test]
    fn it_looks_again_after_a_long_time() {
        let mut worker = Worker::new();
        worker.until_it_looks_away(180, 1);
        let away = (0..).take_while(|_| {
            worker.dry(150, 1);
            worker.looks_away()
        });
        assert_eq!(away.count(), TRY_AT_MOST as usize - 1);
        // It has become faster meanwhile, not by looking away.
        worker.until_it_looks_away(150, 1);
        worker.dry(150, 1);
        assert!(!worker.looks_away());
    }

    #[test]
    fn a_pause_or_a_long_job_or_one_that_others_took_ends_a_stream() {
        for (ticks, jobs) in [(201, 1), (401, 2), (1, 0)] {
            let mut worker = Worker::new();
            for _ in 0..100 {
                for _ in 1..TRY {
                    worker.dry(10, 1);
                }
                worker.dry(ticks, jobs);
                assert!(!worker.looks_away());
            }
            worker.until_it_looks_away(10, 1);
            worker.dry(ticks, jobs);
            assert!(!worker.looks_away());
        }
    }

    #[test]
    fn a_clock_that_stands_still_says_nothing() {
        let mut worker = Worker::new();
        (0..100).for_each(|_| worker.dry(0, 1));
        assert!(!worker.looks_away());
        worker.until_it_looks_away(10, 1);
        worker.dry(0, 1);
        assert!(!worker.looks_away());
        let mut search = Search::new();
        for now in 0..100 {
            search.ran_dry(now, 1, || 0);
            assert!(search.looks_away().is_none(), "without a quantum");
        }
    }

    #[test]
    fn times_of_all_lengths_do_no_harm() {
        let lengths = || [0, 1, 1 << 32, u64::MAX / 8, u64::MAX].into_iter();
        let mut seen = Vec::new();
        let mut search = Search::new();
        for _ in 0..3 {
            for (ticks, quantum) in lengths().flat_map(|x| lengths().map(move |y| (x, y))) {
                for jobs in [0, 1, usize::MAX] {
                    for k in 0..20 {
                        search.ran_dry(ticks.wrapping_mul(k), jobs, || quantum);
                        seen.push(search.looks_away().is_some());
                    }
                }
            }
        }
        assert!(seen.contains(&true) && seen.contains(&false));
    }
}
