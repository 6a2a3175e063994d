//! How often the kernel is called: counted by `syscalls.c`.

#[cfg(not(counts_syscalls))]
use elsewhere::{COUNTING, WAITS, WAKES, YIELDS};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::*};

#[cfg(counts_syscalls)]
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

/// Nobody counts there.
#[cfg(not(counts_syscalls))]
mod elsewhere {
    use super::{AtomicI32, AtomicU64};

    pub static COUNTING: AtomicI32 = AtomicI32::new(0);
    pub static WAKES: AtomicU64 = AtomicU64::new(0);
    pub static WAITS: AtomicU64 = AtomicU64::new(0);
    pub static YIELDS: AtomicU64 = AtomicU64::new(0);
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
    if cfg!(not(counts_syscalls)) {
        panic!("calls are counted on Linux with glibc only");
    }
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
