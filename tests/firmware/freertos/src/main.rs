//! The pool under FreeRTOS, on one core: tasks of several priorities as workers and as producers, and a timer
//! interrupt that submits jobs. The same checks run on a Cortex-M3 and on the host, where the kernel's Posix port
//! makes a thread of each task, lets one run at a time, and interrupts it by a signal.
//!
//! `platform.rs` and `platform.c` are what a firmware of your own would take from here.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg_attr(target_os = "none", path = "cortex_m3.rs")]
#[cfg_attr(not(target_os = "none"), path = "host.rs")]
mod board;
mod checks;
mod platform;
mod rtos;

#[cfg(not(target_os = "none"))]
fn main() {
    start()
}

/// What the board's `main` calls.
fn start() -> ! {
    let start = platform::task(checks::run, rtos::TOP);
    start.expect("the first task");
    rtos::start_scheduler()
}
