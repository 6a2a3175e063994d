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
        if self.looks != self.most && ticks <= quantum().saturating_mul(SHORT_SLEEP_QUANTA) {
            self.looks = self.most;
        }
    }
}
