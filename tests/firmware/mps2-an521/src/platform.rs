//! How two cores wait for each other with WFE and SEV, and tell the time by a counter that both can read.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cortex_m::asm;
use ringpool::Platform;

#[derive(Default)]
pub struct Mps2;

/// How often a core has waited.
pub static NAPS: AtomicUsize = AtomicUsize::new(0);

/// QEMU's WFE and SEV do nothing. This is what is missing, the event register of each core: SEV sets all of
/// them, WFE waits until its own is set, and clears it. A chip has them; there one WFE is all of `park`.
static EVENT: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

impl Platform for Mps2 {
    fn park(&self, _spot: usize) {
        NAPS.fetch_add(1, Ordering::Relaxed);
        // Relaxed: the barriers order it.
        while !EVENT[core()].swap(false, Ordering::Relaxed) {
            asm::wfe();
        }
        // What was done before the event was sent is seen after this.
        asm::dmb();
    }

    fn unpark(&self, _spot: usize) {
        // What was done before this is seen by whom it wakes.
        asm::dsb();
        for event in &EVENT {
            event.store(true, Ordering::Relaxed);
        }
        asm::sev();
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
