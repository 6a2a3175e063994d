//! The pool on one Cortex-M core, in 16 KiB of RAM: a super-loop, jobs from the SysTick interrupt, and WFI.

#![no_std]
#![no_main]

mod platform;

use core::fmt;

use checks::{Board, Checked};
use cortex_m_rt::{ExceptionFrame, entry, exception};
use cortex_m_semihosting::{debug, hprintln};
use portable_atomic::{AtomicBool, AtomicU32, Ordering};
use ringpool::Worker;

use crate::platform::{CortexM, MILLISECOND, NAPS};

static POOL: Checked<CortexM> = Checked::new(CortexM);

/// SysTick's interrupt, which is the clock's too, submits jobs.
static SUBMITS: AtomicBool = AtomicBool::new(false);

#[entry]
fn main() -> ! {
    let mut core = cortex_m::Peripherals::take().unwrap();
    platform::start_clock(&mut core.SYST, period());
    checks::super_loop::run(&POOL);
    debug::exit(debug::EXIT_SUCCESS);
    loop {
        cortex_m::asm::wfi();
    }
}

impl Board for CortexM {
    const CORES: usize = 1;
    const MILLISECOND: u64 = MILLISECOND;
    const PATIENCE: u64 = LONG as u64 / 2;

    fn now() -> u64 {
        platform::now().into()
    }

    fn core() -> usize {
        0
    }

    fn spawn(_: Worker<'static>) -> Result<(), &'static str> {
        Err("no second core")
    }

    fn naps() -> usize {
        NAPS.load(Ordering::Relaxed)
    }

    fn interrupts(on: bool) {
        SUBMITS.store(on, Ordering::Relaxed);
    }

    fn print(line: fmt::Arguments<'_>) {
        hprintln!("{}", line);
    }
}

/// Every other period of SysTick is long enough for all that there is to do; those between are of all lengths,
/// so that the interrupt comes everywhere, right before a WFI too.
const LONG: u32 = 8000;
const SHORT: u32 = if cfg!(target_has_atomic = "ptr") {
    200
} else {
    500 // or a division in software may keep `on_tick` until it is over
};

/// The length of the next period, in ticks.
fn period() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.load(Ordering::Relaxed);
    COUNT.store(count.wrapping_add(1), Ordering::Relaxed);
    match count % 2 {
        0 => LONG,
        _ => SHORT + count / 2 * 619 % 3001,
    }
}

#[exception]
fn SysTick() {
    platform::on_tick(period());
    if SUBMITS.load(Ordering::Relaxed) {
        checks::interrupt(&POOL);
    }
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    panic!("{frame:?}");
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}
