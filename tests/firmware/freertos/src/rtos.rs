//! What the checks need from the kernel, besides the pool's platform.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Priorities; the idle task has 0.
pub const LOW: usize = 1;
pub const MIDDLE: usize = 2;
pub const HIGH: usize = 3;
pub const TOP: usize = 4;

unsafe extern "C" {
    safe fn vTaskStartScheduler();
    safe fn vTaskDelay(ticks: usize);
    safe fn xTaskGetTickCount() -> usize;
    safe fn xTaskGetCurrentTaskHandle() -> *mut c_void;
    safe fn uxTaskGetNumberOfTasks() -> usize;
    fn vTaskPrioritySet(task: *mut c_void, priority: usize);
}

pub fn start_scheduler() -> ! {
    vTaskStartScheduler();
    unreachable!("the scheduler never ends");
}

/// Blocks this task for so many ticks, the one at work included.
pub fn delay(ticks: usize) {
    vTaskDelay(ticks);
}

/// Ticks so far.
pub fn now() -> usize {
    xTaskGetTickCount()
}

/// The task that this runs in.
pub fn current() -> usize {
    xTaskGetCurrentTaskHandle().addr()
}

/// How many tasks there are.
pub fn tasks() -> usize {
    uxTaskGetNumberOfTasks()
}

/// Gives this task another priority.
pub fn set_priority(priority: usize) {
    // SAFETY: null is this task.
    unsafe { vTaskPrioritySet(ptr::null_mut(), priority) };
}

/// Computes for so many ticks, without ever blocking.
pub fn compute(ticks: usize) {
    let start = now();
    while now().wrapping_sub(start) < ticks {
        core::hint::spin_loop();
    }
}

/// Blocks until something is so that must become so.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = now();
    while !is_so() {
        assert!(
            now().wrapping_sub(start) < 30_000,
            "waited 30 s until {what}"
        );
        delay(1);
    }
}

/// How often the idle task came round.
pub static IDLE: AtomicUsize = AtomicUsize::new(0);

#[unsafe(no_mangle)]
extern "C" fn vApplicationIdleHook() {
    IDLE.fetch_add(1, SeqCst);
    crate::board::idle();
}

/// `configASSERT`.
#[unsafe(no_mangle)]
extern "C" fn assertion_failed(file: *const c_char, line: c_int) -> ! {
    // SAFETY: `__FILE__` is a string.
    let file = unsafe { CStr::from_ptr(file) };
    panic!("configASSERT, {}:{line}", file.to_str().unwrap_or("?"));
}
