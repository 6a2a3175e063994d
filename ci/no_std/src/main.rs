//! All of the pool's surface, in a program that has no operating system, no allocator and no std. That it
//! links is the proof; it is not meant to be flashed.

#![no_std]
#![no_main]

use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use ringpool::{Platform, Pool, Worker};

struct Board;

impl Platform for Board {
    fn park(&self, _spot: usize) {}
    fn unpark(&self, _spot: usize) {}
}

static POOL: Pool<16, Board> = Pool::new(Board);

/// Jobs that found no room.
static LATE: AtomicU32 = AtomicU32::new(0);

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut worker: Option<Worker<'static>> = None;
    let started = POOL.start(2, |w| match worker {
        None => {
            worker = Some(w);
            Ok(())
        }
        Some(_) => Err("there is one core"),
    });
    assert!(started.is_err_and(|error| error.started() == 1));

    if POOL.execute(|| LATE.store(0, Ordering::Relaxed)).is_err() {
        LATE.store(1, Ordering::Relaxed);
    }

    let samples = [3, 1, 4, 1, 5];
    let mut sums = [0; 5];
    POOL.map((&samples, 0..5), &mut sums, |(sample, n)| sample + n);
    let mut squares = [const { MaybeUninit::uninit() }; 5];
    let squares = POOL.map(sums, &mut squares[..], |sum| sum * sum);
    POOL.map(squares, (), |square| *square += 1);

    POOL.close();
    if let Some(worker) = worker {
        worker.run();
    }
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// How this firmware makes atomics out of nothing: one core, which does not take interrupts.
#[cfg(feature = "portable-atomic")]
mod single_core {
    use critical_section::RawRestoreState;

    struct NoInterrupts;
    critical_section::set_impl!(NoInterrupts);

    // SAFETY: there is one core, and it never enables interrupts: every section is critical.
    unsafe impl critical_section::Impl for NoInterrupts {
        unsafe fn acquire() -> RawRestoreState {
            false
        }

        unsafe fn release(_: RawRestoreState) {}
    }
}
