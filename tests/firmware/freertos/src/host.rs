//! The host, by the kernel's Posix port. The interrupt is the kernel's tick: a signal.

use std::cell::Cell;
use std::ffi::c_int;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many words a large job has: it takes some microseconds to copy.
pub const LARGE: usize = 16384;
/// How many rounds of a loop a long job has: an eighth of a tick.
pub const LONG: usize = 200_000;

pub fn print(line: fmt::Arguments<'_>) {
    println!("{line}");
}

pub fn exit() -> ! {
    unsafe extern "C" {
        safe fn vPortDisableInterrupts();
    }
    // Or the signal comes in the middle of it.
    vPortDisableInterrupts();
    std::process::exit(0)
}

/// What the idle task does.
pub fn idle() {
    std::thread::sleep(Duration::from_micros(100));
}

static INTERRUPTS: AtomicBool = AtomicBool::new(false);

/// Lets the tick be an interrupt of the checks', or not.
pub fn interrupts(on: bool) {
    INTERRUPTS.store(on, Ordering::Relaxed);
}

thread_local! {
    /// Of a thread, because the kernel may switch to another one in the middle of it.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// `xPortIsInsideInterrupt`.
#[unsafe(no_mangle)]
extern "C" fn inside_interrupt() -> c_int {
    INSIDE.get().into()
}

#[unsafe(no_mangle)]
extern "C" fn vApplicationTickHook() {
    if INTERRUPTS.load(Ordering::Relaxed) {
        INSIDE.set(true);
        crate::checks::on_interrupt();
        INSIDE.set(false);
    }
}
