//! A clock that is cheap to read: it is read between a submit and the job's start, so what it costs
//! is measured too.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

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

/// Now, on the clock that [`sleep_until`] goes by.
pub fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .expect("every Unix has it")
        .into()
}

/// Returns at once if that is past.
pub fn sleep_until(time: Duration) {
    while monotonic() < time {
        let flags = ClockNanosleepFlags::TIMER_ABSTIME;
        // A signal may end it early.
        _ = clock_nanosleep(ClockId::CLOCK_MONOTONIC, flags, &time.into());
    }
}

/// From now on this thread is woken when it is due, as by an interrupt: else Linux adds up to 50
/// us.
pub fn sleep_exactly() {
    prctl::set_timerslack(1).expect("any number will do");
}
