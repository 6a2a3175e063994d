//! How cores wait, wake each other and tell the time: with the crate's [`Wfe`].
//!
//! QEMU (7.2) has no event register: WFE goes on at once, or when another core has had its turn, and SEV does nothing.
//! With `Wfe` alone, nobody would ever sleep, and a wake-up that is not sent would not be missed. So here is
//! the event register that QEMU lacks, around `Wfe`.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ringpool::{Platform, Wfe};

use crate::{CORES, cpu};

#[derive(Default)]
pub struct Event;

/// How often a core has waited.
pub static NAPS: AtomicUsize = AtomicUsize::new(0);

/// Each core's event register.
static EVENTS: [AtomicBool; CORES] = [const { AtomicBool::new(false) }; CORES];

impl Platform for Event {
    fn park(&self, spot: usize) {
        NAPS.fetch_add(1, Ordering::Relaxed);
        // Acquire: pairs with the release in `unpark`.
        while !EVENTS[cpu::core()].swap(false, Ordering::Acquire) {
            Wfe.park(spot);
        }
    }

    fn unpark(&self, spot: usize) {
        for event in &EVENTS {
            event.store(true, Ordering::Release);
        }
        Wfe.unpark(spot);
    }

    fn ticks(&self) -> u64 {
        now()
    }

    #[cfg(target_arch = "aarch64")]
    fn quantum(&self) -> u64 {
        Wfe.quantum()
    }

    #[cfg(target_arch = "arm")]
    fn quantum(&self) -> u64 {
        2 * MILLISECOND / 1000
    }
}

/// The timer runs at 62.5 MHz on this machine.
pub const MILLISECOND: u64 = 62_500;

pub fn now() -> u64 {
    #[cfg(target_arch = "aarch64")]
    return Wfe.ticks();
    #[cfg(target_arch = "arm")]
    cpu::ticks()
}
