//! The platform of std threads.

use std::fmt;

use crate::platform::Platform;
use crate::platform::SPOTS;
use crate::platform::parker::Spot;

/// The platform of [`ThreadPool`](crate::ThreadPool): threads that spin for a short while, then sleep.
///
/// Its clock is the time-stamp counter on x86-64, else [`Instant`](std::time::Instant).
///
/// On Linux it sleeps by a futex, which takes no lock: `execute` may be called from a signal handler. (That is, on
/// x86, Arm, s390x, and RISC-V and LoongArch of 64 bits.) Elsewhere it sleeps by std's mutex and condition variable, and
/// it may not; where std makes them of pthread's, as on macOS, each allocates when it is first used.
pub struct Threads {
    spots: [Spot; SPOTS],
    spins: u32,
}

impl Threads {
    /// The platform, for a `static` too.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            spots: [const { Spot::new() }; SPOTS],
            spins: 300,
        }
    }

    /// How many times a thread looks for work before it sleeps: the price in CPU time of not having to be
    /// woken. The default, 300, is some 10 us. A thread that found nothing like that 8 times in a row sleeps at once,
    /// but for every 3rd to 33rd time; until it finds something so, helps a map, or is woken within 64 us after it ran out
    /// of work.
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

/// How long a quantum is.
const QUANTUM_NS: u64 = 2000;

#[cfg(target_arch = "x86_64")]
mod clock {
    use core::sync::atomic::{AtomicU64, Ordering};
    use std::time::Instant;

    pub(super) use crate::platform::clock::ticks;

    /// Ticks per quantum, once they are known.
    static QUANTUM: AtomicU64 = AtomicU64::new(0);

    #[inline]
    pub(super) fn quantum() -> u64 {
        // Relaxed: the number stands for itself; several threads may find it out at once.
        match QUANTUM.load(Ordering::Relaxed) {
            0 => calibrate(),
            quantum => quantum,
        }
    }

    /// Finds out how fast the counter runs: the median of a few short looks, some 50 us in all.
    #[cold]
    fn calibrate() -> u64 {
        let mut quanta = [(); 5].map(|()| {
            let (time, start) = (Instant::now(), ticks());
            loop {
                let elapsed = time.elapsed().as_nanos() as u64;
                let counted = ticks().wrapping_sub(start);
                if elapsed >= 10_000 {
                    break counted.saturating_mul(super::QUANTUM_NS) / elapsed;
                }
            }
        });
        quanta.sort_unstable();
        let quantum = quanta[quanta.len() / 2].max(1);
        QUANTUM.store(quantum, Ordering::Relaxed);
        quantum
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod clock {
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(super) fn ticks() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }

    pub(super) fn quantum() -> u64 {
        super::QUANTUM_NS
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
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
    fn the_clock_goes_on() {
        let platform = Threads::default();
        let start = platform.ticks();
        while platform.ticks() == start {}
    }
}
