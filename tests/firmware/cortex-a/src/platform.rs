//! How cores wait, wake each other and tell the time: with the crate's [`Wfe`](ringpool::Wfe), and the event
//! registers that QEMU lacks around it.

use checks::events::Events;
use ringpool::Platform;

use crate::{CORES, cpu};

#[derive(Default)]
pub struct Event;

pub static EVENTS: Events<CORES> = Events::new();

impl Platform for Event {
    fn park(&self, spot: usize) {
        EVENTS.wait(cpu::core(), spot);
    }

    fn unpark(&self, spot: usize) {
        EVENTS.send(spot);
    }

    fn ticks(&self) -> u64 {
        now()
    }

    #[cfg(target_arch = "aarch64")]
    fn quantum(&self) -> u64 {
        ringpool::Wfe.quantum()
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
    return ringpool::Wfe.ticks();
    #[cfg(target_arch = "arm")]
    cpu::ticks()
}
