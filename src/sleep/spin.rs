//! How long a worker that has run dry looks for work before it sleeps: a policy, no proof rests on it.
//!
//! A look costs the processor's time, and sleeping costs a wake-up. A worker has one number of looks. A
//! look that found work, or helping a map, sets it to the most. Each sleep halves it, and every 16th
//! sets it to the most, to see whether looking pays by now.

use crate::tuning::SLEEPS_PER_TRY;

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
}
