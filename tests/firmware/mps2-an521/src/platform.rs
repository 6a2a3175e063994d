//! How two cores wait, wake each other and tell the time: with the crate's [`Wfe`](ringpool::Wfe), the event
//! registers that QEMU lacks around it, and a counter that both can read.

use checks::events::Events;
use ringpool::Platform;

#[derive(Default)]
pub struct Mps2;

pub static EVENTS: Events<2> = Events::new();

impl Platform for Mps2 {
    fn park(&self, spot: usize) {
        EVENTS.wait(core(), spot);
    }

    fn unpark(&self, spot: usize) {
        EVENTS.send(spot);
    }

    fn ticks(&self) -> u64 {
        now()
    }

    fn quantum(&self) -> u64 {
        MILLISECOND / 100
    }
}

/// The board's cycle counter runs at 20 MHz.
pub const MILLISECOND: u64 = 20_000;

/// The board's cycle counter, which wraps at 32 bits.
pub fn now() -> u64 {
    // SAFETY: reading it changes nothing.
    unsafe { (0x5030_2018 as *const u32).read_volatile() }.into()
}

/// The core that this runs on.
pub fn core() -> usize {
    // SAFETY: each core reads its own number there.
    unsafe { (0x5001_f000 as *const u32).read_volatile() as usize }
}
