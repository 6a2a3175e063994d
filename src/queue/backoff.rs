//! Consumers that meet at the head.

use crate::sync::spin_loop;

/// The crowd that a consumer meets at the head: it stays away four times as long each time that it meets somebody, so that
/// whoever is there can take a job, and half as long for each job that it takes; 64 pauses at most, or 4 for each
/// consumer there is. (Counted, `docs/scaling.md`: where each job begins with a short wait, a tiny one takes 1.4 times as
/// long with 16 workers, and 2.8 times with 64.)
pub(crate) struct Crowd {
    /// It waits two to the power of this pauses, next time and at most.
    pub(super) next: u32,
    most: u32,
}

impl Crowd {
    #[inline]
    pub(crate) fn of(consumers: impl FnOnce() -> usize) -> Self {
        // A firmware has few.
        let most = match cfg!(feature = "std") {
            true => (4 * consumers()).max(64).ilog2(),
            false => 6,
        };
        Self { next: 0, most }
    }

    #[inline]
    pub(super) fn wait(&mut self) {
        for _ in 0..1 << self.next {
            spin_loop();
        }
        self.next = (self.next + 2).min(self.most);
    }

    #[inline]
    pub(super) fn thins(&mut self) {
        if self.next != 0 {
            self.next -= 1;
        }
    }
}
