//! How one Cortex-M core sleeps and tells the time.
//!
//! It sleeps with WFI. Interrupts are masked (PRIMASK) from the look at the token until the core sleeps: one that
//! comes between the two would leave its token and find nobody asleep, and WFI would wait for the next. A pending
//! interrupt ends WFI even while it is masked, and runs once it is let through.
//!
//! (`WFE` needs no masking, and is what several cores want. But QEMU's WFE does not wait, so there it
//! would prove nothing.)
//!
//! The clock is SysTick: the periods that have passed, as its interrupt counts them, and how far the counter has
//! come in this one. On a chip with a free-running timer or a cycle counter, `ticks` is one read of that.

use cortex_m::interrupt;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use portable_atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use ringpool::Platform;

#[derive(Default)]
pub struct CortexM;

/// Somebody has been woken. One token for all spots: with one core, one at most waits.
///
/// Relaxed, as all atomics here: there is one core, and masking keeps the compiler from moving anything.
static TOKEN: AtomicBool = AtomicBool::new(false);

/// How often the core has slept.
pub static NAPS: AtomicUsize = AtomicUsize::new(0);

impl Platform for CortexM {
    fn park(&self, _spot: usize) {
        loop {
            let woken = interrupt::free(|_| {
                let woken = TOKEN.load(Ordering::Relaxed);
                if !woken {
                    NAPS.store(NAPS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                    cortex_m::asm::wfi();
                }
                TOKEN.store(false, Ordering::Relaxed);
                woken
            });
            // What ended the WFI has run by now, and may have left a token.
            if woken {
                break;
            }
        }
    }

    fn unpark(&self, _spot: usize) {
        interrupt::free(|_| TOKEN.store(true, Ordering::Relaxed));
    }

    fn ticks(&self) -> u64 {
        now().into()
    }

    fn quantum(&self) -> u64 {
        MILLISECOND / 50
    }
}

/// SysTick counts the core's cycles.
pub const MILLISECOND: u64 = if cfg!(target_has_atomic = "ptr") {
    25_000 // MPS2
} else {
    16_000 // micro:bit
};

/// Ticks in all periods that have passed, without the one that runs.
static PASSED: AtomicU32 = AtomicU32::new(0);

/// How long the period is that runs, and the one after it, which the counter will reload.
static PERIOD: AtomicU32 = AtomicU32::new(0);
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Has SysTick interrupt every `period` ticks, until [`on_tick`] says otherwise.
pub fn start_clock(syst: &mut SYST, period: u32) {
    PERIOD.store(period, Ordering::Relaxed);
    NEXT.store(period, Ordering::Relaxed);
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(period - 1);
    syst.clear_current();
    syst.enable_interrupt();
    syst.enable_counter();
}

/// To be called by every SysTick interrupt, before the period that runs now is over. The one after it will be of
/// `length` ticks.
pub fn on_tick(length: u32) {
    let period = PERIOD.load(Ordering::Relaxed);
    let passed = PASSED.load(Ordering::Relaxed).wrapping_add(period);
    PASSED.store(passed, Ordering::Relaxed);
    PERIOD.store(NEXT.load(Ordering::Relaxed), Ordering::Relaxed);
    NEXT.store(length, Ordering::Relaxed);
    // SAFETY: takes effect when the counter wraps, and nobody else writes it.
    unsafe { (*SYST::PTR).rvr.write(length - 1) };
}

/// Ticks since the clock was started, modulo 2^32.
pub fn now() -> u32 {
    interrupt::free(|_| {
        let mut passed = PASSED.load(Ordering::Relaxed);
        let mut period = PERIOD.load(Ordering::Relaxed);
        let mut left = SYST::get_current();
        if SCB::is_pendst_pending() {
            // It has wrapped, and the interrupt has not run yet.
            passed = passed.wrapping_add(period);
            period = NEXT.load(Ordering::Relaxed);
            left = SYST::get_current();
        }
        passed.wrapping_add(match left {
            0 => 0, // about to reload
            _ => period - left,
        })
    })
}
