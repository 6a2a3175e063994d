//! How harts wait, wake each other and tell the time with the CLINT, which most RISC-V chips have: `msip`, a
//! software interrupt for each hart, and `mtime`, a clock for all.
//!
//! RISC-V has no event that a hart could wait for, as ARM has; but WFI returns when an interrupt is *pending*,
//! even if it is not let through. So the pending software interrupt is the token: it stays pending, whenever it
//! comes, until the one who waits takes it back. It is enabled during WFI only, and no handler ever runs for it.
//!
//! A hart has one token. So an interrupt handler that calls `map`, which may wait, has to set its hart's `msip` before
//! it returns: it may have taken the token of whom it interrupted.

use core::arch::asm;

use portable_atomic::{AtomicUsize, Ordering};
use ringpool::Platform;

const CLINT: usize = 0x0200_0000;

/// The numbers of spots up to the first worker's.
const CALLERS: usize = 4;

#[derive(Default)]
pub struct Clint;

/// How often a hart has waited.
pub static NAPS: AtomicUsize = AtomicUsize::new(0);

/// Hart `hart`'s software interrupt: 1 is pending.
fn msip(hart: usize) -> *mut u32 {
    (CLINT + 4 * hart) as *mut u32
}

impl Platform for Clint {
    fn park(&self, _spot: usize) {
        NAPS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: other interrupts are kept out from the moment when this one may end the WFI until it is
        // taken back, or `on_trap` would meet it; nothing but `mie` and `mstatus` changes.
        unsafe {
            asm!(
                "csrrci {status}, mstatus, 8",
                "csrs mie, {software}",
                "wfi",
                "csrc mie, {software}",
                "andi {status}, {status}, 8",
                "csrs mstatus, {status}",
                status = out(reg) _,
                software = in(reg) 1 << 3,
            );
        }
        // SAFETY: this hart's own register.
        unsafe { msip(hart()).write_volatile(0) };
        // What was done before the interrupt was sent is seen after this.
        // SAFETY: a fence.
        unsafe { asm!("fence iorw, iorw") };
    }

    fn unpark(&self, spot: usize) {
        // What was done before this is seen by whom it wakes.
        // SAFETY: a fence.
        unsafe { asm!("fence iorw, iorw") };
        let harts = match spot.checked_sub(CALLERS) {
            Some(worker) => {
                // Worker k is on hart k + 1, or on the only one.
                let hart = (worker + 1) % crate::HARTS;
                hart..hart + 1
            }
            // Callers of `map` may be anywhere. Waking all is allowed, and it happens seldom.
            None => 0..crate::HARTS,
        };
        for hart in harts {
            // SAFETY: sets a bit; no memory is touched.
            unsafe { msip(hart).write_volatile(1) };
        }
    }

    fn ticks(&self) -> u64 {
        now()
    }

    fn quantum(&self) -> u64 {
        2 * MILLISECOND / 1000
    }
}

/// `mtime` runs at 10 MHz on this machine.
pub const MILLISECOND: u64 = 10_000;

/// The low half of `mtime`, which wraps after seven minutes: one read, on 32 bits too.
pub fn now() -> u64 {
    // SAFETY: reading the clock changes nothing.
    unsafe { ((CLINT + 0xbff8) as *const u32).read_volatile() }.into()
}

/// The hart that this runs on.
pub fn hart() -> usize {
    let hart;
    // SAFETY: reading its number changes nothing.
    unsafe { asm!("csrr {}, mhartid", out(reg) hart) };
    hart
}

/// Has hart 0's timer interrupt it `ticks` from now.
pub fn set_timer(ticks: u64) {
    let then = now().wrapping_add(ticks) as u32;
    // SAFETY: hart 0's `mtimecmp`, low half.
    unsafe { ((CLINT + 0x4000) as *mut u32).write_volatile(then) };
    // SAFETY: and its high half, which is 0 for the first seven minutes after reset.
    unsafe { ((CLINT + 0x4004) as *mut u32).write_volatile(0) };
}

/// Lets the timer interrupt this hart, or keeps it out.
pub fn let_timer_through(on: bool) {
    if on {
        // SAFETY: `on_trap` is there to handle it.
        unsafe { asm!("csrs mie, {}", "csrsi mstatus, 8", in(reg) 1 << 7) };
    } else {
        // SAFETY: one interrupt less.
        unsafe { asm!("csrci mstatus, 8", "csrc mie, {}", in(reg) 1 << 7) };
    }
}
