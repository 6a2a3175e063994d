//! The pool on two Cortex-M33: the first core calls and is interrupted, the second is the worker, as on many chips
//! with two cores. Built for ARMv6-M these are like the RP2040's Cortex-M0+: there is no compare-and-swap, and a lock
//! of the board makes the critical sections.

#![no_std]
#![no_main]

mod boot;
#[cfg(not(target_has_atomic = "ptr"))]
mod lock;
mod platform;

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use checks::{Board, Checked};
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::debug;
use ringpool::Worker;

use crate::platform::{EVENTS, MILLISECOND, Mps2};

static POOL: Checked<Mps2> = Checked::new(Mps2);

/// The second core's worker, until it takes it.
static MAIL: spin::Mutex<Option<Worker<'static>>> = spin::Mutex::new(None);

/// SysTick's interrupt submits jobs.
static SUBMITS: AtomicBool = AtomicBool::new(false);

#[entry]
fn main() -> ! {
    #[cfg(not(target_has_atomic = "ptr"))]
    lock::set_up();
    let mut first_core = cortex_m::Peripherals::take().unwrap();
    let timer = &mut first_core.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(1000);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
    checks::cores::run(&POOL);
    boot::exit(debug::EXIT_SUCCESS)
}

/// Where the second core begins.
pub extern "C" fn second_core() -> ! {
    let worker = MAIL.lock().take();
    checks::cores::serve(worker.expect("it was put there before this core was started"));
    loop {
        cortex_m::asm::wfi();
    }
}

impl Board for Mps2 {
    const CORES: usize = 2;
    const MILLISECOND: u64 = MILLISECOND;

    fn now() -> u64 {
        platform::now()
    }

    fn core() -> usize {
        platform::core()
    }

    fn spawn(worker: Worker<'static>) -> Result<(), &'static str> {
        *MAIL.lock() = Some(worker);
        boot::start_second_core();
        Ok(())
    }

    fn naps() -> usize {
        EVENTS.naps()
    }

    fn interrupts(on: bool) {
        SUBMITS.store(on, Ordering::Relaxed);
    }

    fn print(line: fmt::Arguments<'_>) {
        boot::print(line);
    }
}

#[exception]
fn SysTick() {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.load(Ordering::Relaxed).wrapping_add(1);
    COUNT.store(count, Ordering::Relaxed);
    // About 50 us, and always another length.
    // SAFETY: takes effect when the counter wraps, and nobody else writes it.
    unsafe { (*SYST::PTR).rvr.write(700 + count * 619 % 601) };
    if SUBMITS.load(Ordering::Relaxed) {
        checks::interrupt(&POOL);
    }
}
