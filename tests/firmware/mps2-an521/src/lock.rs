//! Atomics for two cores without compare-and-swap: critical sections that keep this core's interrupts out and hold a
//! lock that both cores see.
//!
//! The lock is made of hardware, as the RP2040's are, in which a read of a spinlock claims it. This board has
//! none, but an SPI controller (PL022) that is looped back to itself is one: what is written into its FIFO is
//! read once. So there is one byte in the FIFO, and the core that reads it has the lock. (An empty FIFO reads as 0
//! in QEMU; ARM's manual leaves that open.)

use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering};

use cortex_m::{asm, interrupt, register::primask};

use crate::platform::core;

/// The first of the SPI controllers: control registers 0 and 1, and the FIFO.
const CR0: *mut u32 = 0x5020_5000 as *mut u32;
const CR1: *mut u32 = 0x5020_5004 as *mut u32;
const DATA: *mut u32 = 0x5020_5008 as *mut u32;

const TOKEN: u32 = 0x55;

/// Puts the token into the FIFO. Before any atomic operation that reads and writes, on the first core.
pub fn set_up() {
    // Bytes; enabled and looped back; the token.
    for (register, value) in [(CR0, 7), (CR1, 3), (DATA, TOKEN)] {
        // SAFETY: nothing else uses this controller.
        unsafe { ptr::write_volatile(register, value) };
    }
}

/// The core that holds the lock, from 1; 0 is none. Relaxed, because a core only looks whether it is its own number.
static OWNER: AtomicU8 = AtomicU8::new(0);

/// What `acquire` returns: how it found interrupts, or that the core held the lock already.
const MASKED: u8 = 0;
const UNMASKED: u8 = 1;
const NESTED: u8 = 2;

struct Lock;
critical_section::set_impl!(Lock);

// SAFETY: one core at a time has the token; and what could come in between on that one is kept out.
unsafe impl critical_section::Impl for Lock {
    unsafe fn acquire() -> u8 {
        let me = core() as u8 + 1;
        if OWNER.load(Ordering::Relaxed) == me {
            return NESTED;
        }
        let before = match primask::read().is_active() {
            true => UNMASKED,
            false => MASKED,
        };
        loop {
            interrupt::disable();
            // SAFETY: takes the token, if it is there.
            if unsafe { ptr::read_volatile(DATA) } != 0 {
                break;
            }
            if before == UNMASKED {
                // SAFETY: they were before.
                unsafe { interrupt::enable() };
            }
        }
        // What the other core did while it had the token is seen after this.
        asm::dmb();
        OWNER.store(me, Ordering::Relaxed);
        before
    }

    unsafe fn release(before: u8) {
        if before == NESTED {
            return;
        }
        OWNER.store(0, Ordering::Relaxed);
        // What this core did is seen by the next one that has the token.
        asm::dmb();
        // SAFETY: gives the token back.
        unsafe { ptr::write_volatile(DATA, TOKEN) };
        if before == UNMASKED {
            // SAFETY: they were before.
            unsafe { interrupt::enable() };
        }
    }
}
