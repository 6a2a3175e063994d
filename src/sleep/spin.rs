//! How long a worker that has run dry looks for work before it sleeps: a policy, nothing rests on it.
//!
//! A look costs the processor's time, and sleeping costs a wake-up. A worker has one number of looks. A
//! spin that found something doubles the next; one that did not halves it. Being woken soon after it
//! ran dry, or helping a map, sets it back to the most: the next map comes soon, mostly.

use crate::tuning::{FEWEST_LOOKS, SHORT_SLEEP_QUANTA};

/// How many looks a worker takes before it sleeps.
pub(crate) struct SpinBudget {
    looks: u32,
    most: u32,
}

impl SpinBudget {
    /// On a platform with so many spins.
    pub(crate) fn new(most: u32) -> Self {
        Self { looks: most, most }
    }

    pub(crate) fn looks(&self) -> u32 {
        self.looks
    }

    /// A spin ended, having found work or not.
    pub(crate) fn spun(&mut self, found: bool) {
        self.looks = match found {
            true => self.looks.saturating_mul(2),
            false => (self.looks / 2).max(FEWEST_LOOKS),
        }
        .min(self.most);
    }

    /// The worker helped a map.
    pub(crate) fn helped(&mut self) {
        self.looks = self.most;
    }

    /// The worker was woken so many ticks after it ran dry.
    pub(crate) fn slept(&mut self, ticks: u64, quantum: impl FnOnce() -> u64) {
        if self.looks != self.most && ticks < quantum().saturating_mul(SHORT_SLEEP_QUANTA) {
            self.looks = self.most;
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
    use super::*;

    fn budget(most: u32, fruitless: u32) -> SpinBudget {
        let mut budget = SpinBudget::new(most);
        (0..fruitless).for_each(|_| budget.spun(false));
        budget
    }

    #[test]
    fn a_fruitless_spin_halves_the_next_down_to_the_fewest_looks() {
        let looks = [0, 1, 2, 6, 7, 8, 20].map(|fruitless| budget(300, fruitless).looks());
        assert_eq!(looks, [300, 150, 75, 4, 4, 4, 4]);
    }

    #[test]
    fn a_spin_that_found_work_doubles_the_next_up_to_the_most() {
        let mut budget = budget(300, 7);
        for expected in [8, 16, 32, 64, 128, 256, 300, 300] {
            budget.spun(true);
            assert_eq!(budget.looks(), expected);
        }
    }

    #[test]
    fn a_platform_with_few_spins_has_no_more() {
        for most in 0..FEWEST_LOOKS {
            let mut budget = SpinBudget::new(most);
            for found in [false, true] {
                budget.spun(found);
                assert_eq!(budget.looks(), most);
            }
        }
    }

    #[test]
    fn help_with_a_map_and_a_short_sleep_give_the_most_looks() {
        let mut helper = budget(300, 9);
        helper.helped();
        assert_eq!(helper.looks(), 300);
        for (ticks, quantum, looks) in [
            (0, 1, 300),
            (SHORT_SLEEP_QUANTA * 100 - 1, 100, 300),
            (SHORT_SLEEP_QUANTA * 100, 100, 4),
            (u64::MAX - 1, u64::MAX, 300),
            // Without a clock no sleep is known to be short.
            (0, 0, 4),
        ] {
            let mut sleeper = budget(300, 9);
            sleeper.slept(ticks, || quantum);
            assert_eq!(sleeper.looks(), looks, "{ticks} of {quantum}");
        }
    }

    #[test]
    fn a_worker_with_the_most_looks_does_not_ask_for_the_quantum() {
        budget(300, 0).slept(0, || unreachable!());
    }
}
