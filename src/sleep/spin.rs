//! How long a worker that has run dry looks for work before it sleeps: a policy, no proof rests on
//! it. The most is `Platform::spins`; a caller of `map` that waits for helpers looks that often.
//!
//! A look costs the processor's time, and sleeping costs a wake-up. Each worker keeps one
//! number: how many looks it takes before it sleeps. A look that found work, or helping a map, sets
//! it to the most. Each sleep halves it, and every 16th sets it to the most, to see whether looking
//! pays by now.
//!
//! A worker that keeps up with a producer of tiny jobs slows it down: each reads the line that the
//! other is about to write. So a worker that found its last jobs at once, many times in a row,
//! pauses before it looks again, as long as many jobs have come meanwhile. A network card that
//! holds back interrupts does the same.

use crate::tuning::{SLEEPS_PER_TRY, STREAM};

/// How many looks a worker takes before it sleeps.
pub(crate) struct SpinBudget {
    looks: u32,
    most: u32,
    sleeps: u32,
}

impl SpinBudget {
    /// On a platform with so many spins.
    pub(crate) fn new(most: u32) -> Self {
        Self {
            looks: most,
            most,
            sleeps: 0,
        }
    }

    pub(crate) fn looks(&self) -> u32 {
        self.looks
    }

    /// A look found work, or the worker helped a map.
    pub(crate) fn paid(&mut self) {
        self.looks = self.most;
    }

    /// No look found work, and the worker slept.
    pub(crate) fn slept(&mut self) {
        self.sleeps = (self.sleeps + 1) % SLEEPS_PER_TRY;
        self.looks = match self.sleeps {
            0 => self.most,
            _ => self.looks / 2,
        };
    }
}

/// Whether a worker has caught up with a stream of tiny jobs.
#[derive(Default)]
pub(crate) struct Stream {
    /// How many times in a row work was found within `STREAM` looks. Beyond `STREAM` the worker
    /// pauses.
    near: u32,
}

impl Stream {
    /// The worker had this many turns since it last ran dry. Whether it is to pause before it
    /// looks.
    pub(crate) fn pauses(&mut self, turns: u32) -> bool {
        if self.near > STREAM && turns < STREAM {
            self.near = 0;
        } else if self.near == STREAM {
            self.near += 1;
        }
        self.near > STREAM
    }

    /// The worker took so many looks, and found work or not.
    pub(crate) fn looked(&mut self, looks: u32, found: bool) {
        if !found || looks >= STREAM {
            self.near = 0;
        } else if self.near < STREAM {
            self.near += 1;
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
    use super::*;

    fn after(sleeps: u32) -> SpinBudget {
        let mut budget = SpinBudget::new(300);
        (0..sleeps).for_each(|_| budget.slept());
        budget
    }

    #[test]
    fn each_sleep_halves_the_looks_and_every_so_many_th_gives_the_most() {
        let looks = [0, 1, 2, 3, 9, SLEEPS_PER_TRY - 1].map(|sleeps| after(sleeps).looks());
        assert_eq!(looks, [300, 150, 75, 37, 0, 0]);
        for tries in 1..4 {
            assert_eq!(after(tries * SLEEPS_PER_TRY).looks(), 300);
            assert_eq!(after(tries * SLEEPS_PER_TRY + 1).looks(), 150);
        }
    }

    #[test]
    fn looking_that_paid_gives_the_most_looks() {
        let mut budget = after(9);
        budget.paid();
        assert_eq!(budget.looks(), 300);
        budget.slept();
        assert_eq!(budget.looks(), 150);
    }

    #[test]
    fn a_platform_without_spins_never_looks() {
        let mut budget = SpinBudget::new(0);
        for _ in 0..2 * SLEEPS_PER_TRY {
            budget.paid();
            budget.slept();
            assert_eq!(budget.looks(), 0);
        }
    }

    /// A worker that has found its jobs at once so many times.
    fn near(times: u32) -> Stream {
        let mut stream = Stream::default();
        for _ in 0..times {
            assert!(!stream.pauses(1));
            stream.looked(STREAM - 1, true);
        }
        stream
    }

    #[test]
    fn a_worker_pauses_when_it_found_its_jobs_at_once_so_many_times_in_a_row() {
        assert!(!near(STREAM - 1).pauses(1));
        assert!(near(STREAM).pauses(1));
        for (looks, found) in [(STREAM, true), (0, false)] {
            let mut stream = near(STREAM);
            stream.looked(looks, found);
            assert!(!stream.pauses(1));
        }
    }

    #[test]
    fn it_goes_on_as_long_as_many_jobs_come_meanwhile() {
        let mut stream = near(STREAM);
        assert!(stream.pauses(1));
        for _ in 0..10 {
            stream.looked(0, true);
            assert!(stream.pauses(STREAM));
        }
        stream.looked(0, true);
        assert!(!stream.pauses(STREAM - 1));
        stream.looked(0, true);
        assert!(!stream.pauses(STREAM), "it has to find a stream anew");
    }
}
