//! No threads at all: interrupts queue their long work, and the main loop does it.
//!
//! On the host a thread stands for the interrupt.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use ringpool::{Pool, Spin};

static POOL: Pool<8> = Pool::new(Spin::new());

static SUM: AtomicU32 = AtomicU32::new(0);
static LOST: AtomicU32 = AtomicU32::new(0);

/// What takes too long for an interrupt handler.
fn process(sample: u32) {
    thread::sleep(Duration::from_micros(20));
    SUM.fetch_add(sample, Ordering::Relaxed);
}

/// The interrupt handler: `execute` takes no lock and never waits.
fn on_sample(sample: u32) {
    if POOL.execute(move || process(sample)).is_err() {
        LOST.fetch_add(sample, Ordering::Relaxed); // the loop is too slow: count it
    }
}

fn main() {
    // The spawn hook keeps the worker instead of starting anything.
    let mut worker = None;
    let started = POOL.start(1, |w| {
        worker = Some(w);
        Ok::<(), ()>(())
    });
    let mut worker = match (started, worker) {
        (Ok(()), Some(worker)) => worker,
        _ => panic!("a new pool has room for a worker"),
    };

    let interrupts = thread::spawn(|| {
        // A burst of twelve for a ring of eight, every other millisecond.
        for burst in 0..50 {
            for sample in 0..12 {
                on_sample(burst * 12 + sample);
            }
            thread::sleep(Duration::from_millis(2));
        }
    });

    // The super-loop. On a chip it would never end.
    let mut idle = 0;
    while !interrupts.is_finished() {
        if !worker.step() {
            idle += 1; // nothing to do: `wfi()`, feed the watchdog, blink
            thread::yield_now();
        }
    }
    while worker.step() {}

    let (sum, lost) = (SUM.load(Ordering::Relaxed), LOST.load(Ordering::Relaxed));
    println!("processed {sum}, lost {lost} for want of room, nothing to do {idle} times");
    assert_eq!(sum + lost, 600 * 599 / 2);
}
