//! The platform of std threads.

use std::fmt;

use crate::platform::Platform;
use crate::platform::SPOTS;
use crate::platform::parker::Parker;
use crate::tuning::SPINS;

/// The platform of [`ThreadPool`](crate::ThreadPool): threads that spin for a short while, then
/// sleep.
///
/// Its clock is the time-stamp counter on x86-64, else [`Instant`](std::time::Instant). There is
/// none on `wasm32-unknown-unknown`, where `Instant::now` panics, and none where the system's clock
/// stands still.
///
/// On Linux it sleeps by a futex, which takes no lock: `execute` may be called from a signal
/// handler. (That is, on x86, Arm, s390x, and RISC-V and LoongArch of 64 bits.) Elsewhere it sleeps
/// by std's mutex and condition variable, and it may not; where std makes them of pthread's, as on
/// macOS, each allocates when it is first used.
pub struct Threads {
    spots: [Parker; SPOTS],
    spins: u32,
}

impl Threads {
    /// The platform, for a `static` too.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            spots: [const { Parker::new() }; SPOTS],
            spins: SPINS,
        }
    }

    /// How many times a thread looks for work before it sleeps, at most: the price in CPU time of
    /// not having to be woken. The default, 300, is some 10 us. A thread whose looks find
    /// nothing takes half as many the next time, and as many as it may every 16th time.
    #[must_use]
    pub const fn with_spins(mut self, spins: u32) -> Self {
        self.spins = spins;
        self
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::new()
    }
}

impl Platform for Threads {
    fn park(&self, spot: usize) {
        self.spots[spot].park();
    }

    fn unpark(&self, spot: usize) {
        self.spots[spot].unpark();
    }

    #[inline]
    fn ticks(&self) -> u64 {
        clock::ticks()
    }

    #[inline]
    fn quantum(&self) -> u64 {
        clock::quantum()
    }

    #[inline]
    fn spins(&self) -> u32 {
        self.spins
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("spins", &self.spins)
            .finish_non_exhaustive()
    }
}

/// What time it is: by the time-stamp counter, else by std's clock, where there is one.
mod clock {
    use core::sync::atomic::{AtomicU64, Ordering};
    use std::sync::OnceLock;
    use std::time::Instant;

    use crate::native;
    use crate::tuning::QUANTUM_NS;

    /// [`Instant::now`] panics on these.
    const NONE: bool = cfg!(any(
        all(target_family = "wasm", target_os = "unknown"),
        target_os = "zkvm"
    ));

    #[inline]
    pub(super) fn ticks() -> u64 {
        if native::TSC {
            native::ticks()
        } else if NONE {
            0
        } else {
            static START: OnceLock<Instant> = OnceLock::new();
            START.get_or_init(Instant::now).elapsed().as_nanos() as u64
        }
    }

    #[inline]
    pub(super) fn quantum() -> u64 {
        /// One more than the ticks of a quantum, once they are known.
        static KNOWN: AtomicU64 = AtomicU64::new(0);
        if native::TSC {
            // Relaxed: the number stands for itself; several threads may find it out at once.
            match KNOWN.load(Ordering::Relaxed) {
                0 => {
                    let quantum = calibrate();
                    KNOWN.store(quantum + 1, Ordering::Relaxed);
                    quantum
                }
                known => known - 1,
            }
        } else if NONE {
            0
        } else {
            QUANTUM_NS
        }
    }

    /// Finds out how fast the counter runs: the median of a few short looks, some 50 us in all. 0
    /// if one of the clocks stands still.
    #[cold]
    fn calibrate() -> u64 {
        let mut quanta = [(); 5].map(|()| {
            let start = Instant::now();
            rate(|| start.elapsed().as_nanos() as u64, native::ticks).unwrap_or(0)
        });
        quanta.sort_unstable();
        quanta[quanta.len() / 2]
    }

    /// How many ticks a quantum has, by a clock that has just started; `None` if that clock stands
    /// still: after a million looks, some tens of milliseconds.
    pub(super) fn rate(elapsed: impl Fn() -> u64, ticks: impl Fn() -> u64) -> Option<u64> {
        let start = ticks();
        (0..1_000_000).find_map(|_| {
            let elapsed = elapsed();
            let counted = ticks().wrapping_sub(start);
            (elapsed >= 10_000).then(|| counted.saturating_mul(QUANTUM_NS) / elapsed)
        })
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    #[test]
    fn a_quantum_is_found_out_once() {
        let platform = Threads::new();
        let quantum = platform.quantum();
        // Two microseconds of a clock of 50 MHz to 100 GHz.
        assert!((100..200_000).contains(&quantum), "{quantum}");
        assert_eq!(platform.quantum(), quantum);
    }

    #[test]
    fn a_clock_that_stands_still_is_given_up() {
        let counter = AtomicU64::new(0);
        let ticks = || counter.fetch_add(1, Relaxed);
        assert_eq!(clock::rate(|| 0, ticks), None);
        assert!(counter.into_inner() < 10_000_000);
        // Ten times as fast as nanoseconds, and not at all.
        let time = AtomicU64::new(0);
        let elapsed = || time.fetch_add(100, Relaxed);
        let fast = clock::rate(elapsed, || 10 * time.load(Relaxed));
        assert!((19_000..21_000).contains(&fast.unwrap()), "{fast:?}");
        time.store(0, Relaxed);
        assert_eq!(clock::rate(elapsed, || 7), Some(0));
    }

    #[test]
    fn the_clock_goes_on() {
        let platform = Threads::default();
        let start = platform.ticks();
        while platform.ticks() == start {}
    }
}
