//! ringpool under FreeRTOS. To use it, take this file and `platform.c` into your firmware:
//!
//! ```ignore
//! static SPOTS: Spots<2> = Spots::new(); // for a pool of two workers
//! static POOL: Pool<16, FreeRtos<2>> = Pool::new(FreeRtos(&SPOTS));
//!
//! SPOTS.make(); // in `main`, before anybody uses the pool
//! POOL.start(2, |worker| task(move || worker.run(), PRIORITY))?;
//! ```
//!
//! Choose priorities as you would without a pool:
//!
//! * Workers above their producers: a job runs before `execute` returns.
//! * Workers below: jobs wait until the producers wait. When the ring is full, a producer must block
//!   (`vTaskDelay`), not try again and again, or no worker gets to make room.
//! * Workers of one pool at several priorities: a job may have to wait for the lowest of them, because one that is
//!   awake is counted on to take it, even if what is above keeps it from the core.
//! * A `map` waits for its helpers. If these are below, it waits also for whatever runs between: a semaphore
//!   inherits no priority.

use core::ffi::c_void;
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use ringpool::Platform;

unsafe extern "C" {
    safe fn ringpool_semaphore() -> *mut c_void;
    fn ringpool_take(semaphore: *mut c_void);
    fn ringpool_give(semaphore: *mut c_void);
    fn ringpool_task(
        enter: extern "C" fn(*mut c_void),
        body: *const c_void,
        bytes: usize,
        priority: usize,
    ) -> bool;
    fn vTaskDelete(task: *mut c_void);
}

/// The binary semaphores of one pool with up to `WORKERS` workers: a spot is one.
///
/// Not task notifications, which would need less memory: whoever calls `unpark` would have to know which task waits
/// at the spot, and that it has not ended since. A semaphore outlives all tasks.
pub struct Spots<const WORKERS: usize> {
    callers: [AtomicPtr<c_void>; 4],
    workers: [AtomicPtr<c_void>; WORKERS],
}

impl<const WORKERS: usize> Spots<WORKERS> {
    pub const fn new() -> Self {
        Self {
            callers: [const { AtomicPtr::new(ptr::null_mut()) }; 4],
            workers: [const { AtomicPtr::new(ptr::null_mut()) }; WORKERS],
        }
    }

    /// Makes the semaphores. Once, before the pool is used; not from two tasks at a time.
    pub fn make(&self) {
        for spot in self.callers.iter().chain(&self.workers) {
            let semaphore = ringpool_semaphore();
            assert!(!semaphore.is_null(), "raise SEMAPHORES in platform.c");
            // Relaxed: those who use the pool are told of it afterwards.
            spot.store(semaphore, Ordering::Relaxed);
        }
    }

    fn semaphore(&self, spot: usize) -> *mut c_void {
        let semaphore = match spot.checked_sub(self.callers.len()) {
            None => &self.callers[spot],
            Some(worker) => &self.workers[worker],
        };
        semaphore.load(Ordering::Relaxed)
    }
}

/// Waits by semaphores. `unpark` (so `execute` and `close`) may be called from an interrupt too, at a
/// priority that may call the kernel (`configMAX_SYSCALL_INTERRUPT_PRIORITY`).
///
/// * `spins` stays 0. A task that spins keeps those below it from running, and one of them may be what it
///   waits for: a producer in the middle of its submit, a helper of its `map`.
/// * No clock: the kernel's tick of a millisecond is some hundred times what a wake-up costs. So every `map` of two
///   elements or more wakes helpers after its first one. Where maps are often short and there is a cycle counter
///   (`DWT::CYCCNT`), let `ticks` return it, and `quantum` what two context switches cost.
pub struct FreeRtos<const WORKERS: usize>(pub &'static Spots<WORKERS>);

impl<const WORKERS: usize> Platform for FreeRtos<WORKERS> {
    fn park(&self, spot: usize) {
        // SAFETY: `make` made this semaphore, and nobody deletes it.
        unsafe { ringpool_take(self.0.semaphore(spot)) };
    }

    fn unpark(&self, spot: usize) {
        // SAFETY: as above.
        unsafe { ringpool_give(self.0.semaphore(spot)) };
    }
}

/// Makes a task of `priority` that runs `body` and then deletes itself: the spawn hook. Its stack lies in
/// `platform.c`. Not from two tasks at a time.
pub fn task<F: FnOnce() + Send + 'static>(body: F, priority: usize) -> Result<(), &'static str> {
    const { assert!(align_of::<F>() <= align_of::<usize>()) };
    extern "C" fn enter<F: FnOnce()>(body: *mut c_void) {
        // SAFETY: the task has its own copy of a body that `task` has forgotten, and enters once.
        let body = unsafe { body.cast::<F>().read() };
        body();
        // SAFETY: null is this very task, which owns nothing any more.
        unsafe { vTaskDelete(ptr::null_mut()) };
    }
    let mut body = ManuallyDrop::new(body);
    let from = (&raw const body).cast();
    // SAFETY: it copies so many bytes from there, or none.
    if unsafe { ringpool_task(enter::<F>, from, size_of::<F>(), priority) } {
        return Ok(());
    }
    // SAFETY: nobody has a copy.
    unsafe { ManuallyDrop::drop(&mut body) };
    Err("raise TASKS or BODY_WORDS in platform.c")
}
