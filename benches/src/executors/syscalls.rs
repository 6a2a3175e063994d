//! How often the kernel is called: counted by `syscalls.c`.

use std::ffi::{c_int, c_ulong};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::*};

const _: () = assert!(size_of::<c_int>() == 4 && size_of::<c_ulong>() == 8);

unsafe extern "C" {
    #[link_name = "ringpool_counting"]
    safe static COUNTING: AtomicI32;
    #[link_name = "ringpool_wakes"]
    safe static WAKES: AtomicU64;
    #[link_name = "ringpool_waits"]
    safe static WAITS: AtomicU64;
    #[link_name = "ringpool_yields"]
    safe static YIELDS: AtomicU64;
}

pub struct Syscalls {
    pub wakes: u64,
    waits: u64,
    yields: u64,
}

impl Syscalls {
    pub fn all(&self) -> u64 {
        self.wakes + self.waits + self.yields
    }
}

/// Of all threads, while `f` runs.
pub fn during(f: impl FnOnce()) -> Syscalls {
    for counter in [&WAKES, &WAITS, &YIELDS] {
        counter.store(0, Relaxed);
    }
    COUNTING.store(1, SeqCst);
    f();
    COUNTING.store(0, SeqCst);
    Syscalls {
        wakes: WAKES.load(Relaxed),
        waits: WAITS.load(Relaxed),
        yields: YIELDS.load(Relaxed),
    }
}
