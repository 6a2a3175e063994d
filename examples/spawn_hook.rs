//! A pool in a `static`, without std: you say how to sleep, what time it is, and how workers start.
//!
//! On the host a thread stands for a second core or a task. What would be different on a chip stands
//! beside it; the rest is what firmware would say.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};
use std::thread;
use std::time::Instant;

use ringpool::{Platform, Pool, Worker};

/// How this machine sleeps, wakes and counts time.
struct Board {
    /// A bit for each spot that has a token.
    tokens: Mutex<u64>,
    changed: Condvar,
}

impl Platform for Board {
    // ARM: `ringpool::Wfe.park(spot)`. FreeRTOS: `ulTaskNotifyTake(pdTRUE, portMAX_DELAY)`.
    fn park(&self, spot: usize) {
        let mut tokens = self.tokens.lock().unwrap();
        while *tokens & 1 << spot == 0 {
            tokens = self.changed.wait(tokens).unwrap();
        }
        *tokens &= !(1 << spot);
    }

    // ARM: `Wfe.unpark(spot)`. FreeRTOS: `xTaskNotifyGive(task_of[spot])`.
    fn unpark(&self, spot: usize) {
        *self.tokens.lock().unwrap() |= 1 << spot;
        self.changed.notify_all();
    }

    // A cycle counter, or a timer that runs at 1 MHz. (On AArch64 `Wfe` has one.)
    fn ticks(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_micros() as u64
    }

    fn quantum(&self) -> u64 {
        2 // microseconds: a map that takes less stays on its caller
    }
}

static POOL: Pool<16, Board> = Pool::new(Board {
    tokens: Mutex::new(0),
    changed: Condvar::new(),
});

static BLINKS: AtomicU32 = AtomicU32::new(0);

/// The spawn hook: starts the next core, or says that there is none.
///
/// On an RP2040: put `worker` into a static cell, launch core 1, take it from there and `run` it.
fn start_core(core: usize, worker: Worker<'static>) -> Result<(), &'static str> {
    const CORES: usize = 2;
    if core > CORES {
        return Err("no such core");
    }
    thread::spawn(move || worker.run());
    Ok(())
}

fn main() {
    // Core 0 is this one. Asking for three more is asking for too many, and is no disaster.
    let mut core = 0;
    let error = POOL
        .start(3, |worker| {
            core += 1;
            start_core(core, worker)
        })
        .unwrap_err();
    println!("{error}; going on with {}", error.started());
    assert_eq!(error.started(), 2);

    // Borrowed data, on the stack, in parallel.
    let samples: [i32; 4096] = core::array::from_fn(|n| n as i32 % 100);
    let mut squares = [0; 4096];
    POOL.map(&samples, &mut squares, |s| s * s);
    println!("the energy is {}", squares.iter().sum::<i32>());
    assert!(
        samples
            .iter()
            .zip(&squares)
            .all(|(s, square)| s * s == *square)
    );

    // Jobs, as from a driver. There is room for 16; what to do with the 17th is for you to say.
    let mut late = 0;
    for _ in 0..20 {
        let blink = || {
            BLINKS.fetch_add(1, Ordering::Release);
        };
        if let Err(rejected) = POOL.execute(blink) {
            late += 1;
            rejected.into_inner()(); // runs here
        }
    }
    while BLINKS.load(Ordering::Acquire) < 20 {
        thread::yield_now();
    }
    println!("20 blinks, {late} of them on this core");
}
