//! The pool on QEMU's RISC-V `virt` machine: harts as workers, WFI and software interrupts as sleep and wake-up,
//! and jobs from a timer interrupt. With one hart and no compare-and-swap: a super-loop.

#![no_std]
#![no_main]

mod boot;
mod platform;

use core::fmt;

use checks::{Board, Checked};
use portable_atomic::{AtomicUsize, Ordering};
use ringpool::Worker;

use crate::platform::{Clint, MILLISECOND, NAPS};

// Links its critical section.
#[cfg(not(target_has_atomic = "ptr"))]
use riscv_hal as _;

const HARTS: usize = if cfg!(target_has_atomic = "ptr") {
    4
} else {
    1
};

static POOL: Checked<Clint> = Checked::new(Clint);

/// The workers of harts 1 and up, until these take them.
static MAIL: [spin::Mutex<Option<Worker<'static>>>; HARTS] =
    [const { spin::Mutex::new(None) }; HARTS];

/// Harts that have a worker; hart 0 has none.
static HIRED: AtomicUsize = AtomicUsize::new(1);

#[unsafe(no_mangle)]
extern "C" fn main(hart: usize) -> ! {
    if hart == 0 {
        if HARTS == 1 {
            checks::super_loop::run(&POOL);
        } else {
            checks::cores::run(&POOL);
        }
        boot::exit(0);
    }
    if hart < HARTS {
        let worker = loop {
            if let Some(worker) = MAIL[hart].lock().take() {
                break worker;
            }
            core::hint::spin_loop();
        };
        checks::cores::serve(worker);
    }
    loop {
        core::hint::spin_loop();
    }
}

impl Board for Clint {
    const CORES: usize = HARTS;
    const MILLISECOND: u64 = MILLISECOND;

    fn now() -> u64 {
        platform::now()
    }

    fn core() -> usize {
        platform::hart()
    }

    fn spawn(worker: Worker<'static>) -> Result<(), &'static str> {
        let hart = HIRED.fetch_add(1, Ordering::Relaxed);
        *MAIL.get(hart).ok_or("no hart left")?.lock() = Some(worker);
        Ok(())
    }

    fn naps() -> usize {
        NAPS.load(Ordering::Relaxed)
    }

    fn interrupts(on: bool) {
        platform::set_timer(period());
        platform::let_timer_through(on);
    }

    fn print(line: fmt::Arguments<'_>) {
        boot::print(line);
    }
}

/// From one timer interrupt to the next, in turns: long enough for all that there is to do (100 us), and of all
/// lengths, so that it comes everywhere, right before a WFI too.
fn period() -> u64 {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) as u64;
    match count % 2 {
        0 => MILLISECOND / 10,
        _ => 20 + count / 2 * 61 % 307,
    }
}

/// Hart 0's timer interrupt.
fn on_timer() {
    checks::interrupt(&POOL);
    platform::set_timer(period());
}
