//! How x86-64 processors sleep, wake each other and tell the time, with the privileges that a UEFI application has.
//!
//! MONITOR names a line of memory, and MWAIT waits until somebody writes there. (In QEMU it returns at once if there
//! are several processors: there, this spins.)

use core::arch::asm;
use core::arch::x86_64::{__cpuid, _rdtsc};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use ringpool::Platform;
use uefi::boot;

/// The numbers of spots up to the first worker's.
const CALLERS: usize = 4;

#[derive(Default)]
pub struct Uefi;

/// A token. Alone on its line, which is what MONITOR watches.
#[repr(align(64))]
struct Token(AtomicBool);

static TOKENS: [Token; CALLERS + crate::PROCESSORS - 1] =
    [const { Token(AtomicBool::new(false)) }; CALLERS + crate::PROCESSORS - 1];

/// How often a processor has waited.
pub static NAPS: AtomicUsize = AtomicUsize::new(0);

impl Platform for Uefi {
    fn park(&self, spot: usize) {
        let Token(token) = &TOKENS[spot];
        let mut waited = false;
        // Acquire: pairs with the release in `unpark`.
        while !token.swap(false, Ordering::Acquire) {
            if !waited {
                NAPS.fetch_add(1, Ordering::Relaxed);
                waited = true;
            }
            // SAFETY: no memory is touched. What is written to this line from now on ends the MWAIT.
            unsafe { asm!("monitor", in("rax") token, in("ecx") 0, in("edx") 0) };
            if !token.load(Ordering::Relaxed) {
                // SAFETY: waits, for an interrupt at most; no memory is touched.
                unsafe { asm!("mwait", in("eax") 0, in("ecx") 0) };
            }
        }
    }

    fn unpark(&self, spot: usize) {
        // Release: pairs with the acquire in `park`.
        TOKENS[spot].0.store(true, Ordering::Release);
    }

    fn ticks(&self) -> u64 {
        now()
    }

    fn quantum(&self) -> u64 {
        MILLISECOND / 500
    }
}

pub const MILLISECOND: u64 = 10_000;

/// How many counts of the time-stamp counter a millisecond has.
static COUNTS: AtomicU64 = AtomicU64::new(0);

fn count() -> u64 {
    // SAFETY: every x86-64 processor has it; reading it touches no memory.
    unsafe { _rdtsc() }
}

/// Measures the time-stamp counter by the firmware's clock.
pub fn start_clock() {
    let start = count();
    boot::stall(Duration::from_millis(10));
    COUNTS.store((count() - start) / 10, Ordering::Relaxed);
}

/// The time, in ticks of 100 ns.
pub fn now() -> u64 {
    count() / (COUNTS.load(Ordering::Relaxed) / MILLISECOND)
}

/// The number of the processor that this runs on: of its interrupt controller.
pub fn processor() -> usize {
    (__cpuid(1).ebx >> 24) as usize
}

/// Writes a byte to a port.
pub fn out(port: u16, byte: u8) {
    // SAFETY: the emulator's console or the way out of it; no memory is touched.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte) };
}
