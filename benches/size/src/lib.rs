//! What jobs do, and how one waits for them: the same in all programs.

use std::sync::atomic::{AtomicU32, Ordering::*};
use std::thread;
use std::time::Duration;

static SUM: AtomicU32 = AtomicU32::new(0);

/// One of ten jobs, numbered from 1.
pub fn add(number: u32) {
    SUM.fetch_add(number, Relaxed);
}

/// Until all ten have run. Each has run once, or this waits for ever, or panics.
pub fn wait() {
    while SUM.load(Relaxed) < 55 {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(SUM.load(Relaxed) == 55);
}
