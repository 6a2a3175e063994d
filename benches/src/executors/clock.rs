//! A clock that is cheap to read: it is read between a submit and the job's start, so what it costs is measured too.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Now, in ticks. The same on all cores.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: every x86-64 processor has it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn now() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    EPOCH.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// What so many ticks are in ns.
pub fn ns(ticks: u64) -> f64 {
    ticks as f64 * ns_per_tick()
}

/// How many ticks so many ns are.
pub fn ticks(ns: u64) -> u64 {
    (ns as f64 / ns_per_tick()) as u64
}

/// Measured against std's clock when first asked for.
fn ns_per_tick() -> f64 {
    static NS_PER_TICK: OnceLock<f64> = OnceLock::new();
    *NS_PER_TICK.get_or_init(|| {
        let (start, first) = (Instant::now(), now());
        std::thread::sleep(Duration::from_millis(20));
        start.elapsed().as_nanos() as f64 / (now() - first) as f64
    })
}
