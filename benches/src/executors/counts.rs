//! What a job costs in things that can be counted.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::thread;
use std::time::Duration;

use super::{Workload, leak, syscalls};
use crate::allocations;
use crate::rivals::Executor;
use crate::table::{Setup, Turn};

/// A burst of 10 000 tiny jobs for workers that sleep, and what of it is counted.
#[derive(Clone, Copy)]
pub enum Burst {
    /// Wake-ups.
    Wakes,
    /// Calls of the kernel by which threads sleep, wake and yield.
    Syscalls,
    Allocations,
}

impl Workload for Burst {
    fn turn<E: Executor>(self, setup: &Setup) -> Turn {
        static SUM: AtomicU64 = AtomicU64::new(0);
        const JOBS: u64 = 10_000;
        let pool = leak(E::start(super::workers(setup)));
        let burst = move || {
            SUM.store(0, Relaxed);
            for number in 1..=JOBS {
                pool.execute(move || _ = SUM.fetch_add(number, Relaxed));
            }
            while SUM.load(Relaxed) < JOBS * (JOBS + 1) / 2 {
                spin_loop();
            }
        };
        Box::new(move || {
            burst();
            thread::sleep(Duration::from_millis(2));
            let count = match self {
                Burst::Wakes => syscalls::during(burst).wakes,
                Burst::Syscalls => syscalls::during(burst).all(),
                Burst::Allocations => allocations::during(burst),
            };
            vec![count as f64]
        })
    }
}
