//! What QEMU's ARM machines lack.

use portable_atomic::{AtomicBool, AtomicUsize, Ordering};
use ringpool::{Platform, Wfe};

/// Each core's event register, around [`Wfe`].
///
/// QEMU (7.2) has none: WFE goes on at once, or when another core has had its turn, and SEV does nothing. With
/// `Wfe` alone, nobody would ever sleep, and a wake-up that is not sent would not be missed.
pub struct Events<const CORES: usize> {
    events: [AtomicBool; CORES],
    naps: AtomicUsize,
}

impl<const CORES: usize> Events<CORES> {
    pub const fn new() -> Self {
        Self {
            events: [const { AtomicBool::new(false) }; CORES],
            naps: AtomicUsize::new(0),
        }
    }

    /// `park`, on core `core`.
    pub fn wait(&self, core: usize, spot: usize) {
        self.naps.fetch_add(1, Ordering::Relaxed);
        // Acquire: pairs with the release in `send`.
        while !self.events[core].swap(false, Ordering::Acquire) {
            Wfe.park(spot);
        }
    }

    /// `unpark`, for all cores.
    pub fn send(&self, spot: usize) {
        for event in &self.events {
            event.store(true, Ordering::Release);
        }
        Wfe.unpark(spot);
    }

    /// How often a core has waited.
    pub fn naps(&self) -> usize {
        self.naps.load(Ordering::Relaxed)
    }
}
