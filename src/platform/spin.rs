//! The platform that spins.

use core::fmt;
use core::marker::PhantomData;

use crate::platform::Platform;

/// The platform that needs nothing: it waits by spinning with the strategy `R`, and never sleeps.
///
/// It has a clock where the processor has one that every context may read: on x86-64 the time-stamp
/// counter, with a quantum of 2^13 counts (2 to 4 us); on AArch64 the generic timer's `cntvct_el0`,
/// with one of 2 us by `cntfrq_el0` (if firmware never set that, there is no clock; and a kernel
/// has to let its programs read them, as most do). Elsewhere it has none.
///
/// For workers that must not burn their core: on ARM take [`Wfe`](crate::Wfe), with the feature
/// `std` [`Threads`](crate::Threads), or write a [`Platform`].
///
/// Not for tasks of different priority on one core, where one that spins keeps a lower one from
/// ever finishing what it waits for.
///
/// # Examples
///
/// ```
/// use ringpool::{Pool, Spin};
///
/// static POOL: Pool<16> = Pool::new(Spin::new());
///
/// let mut squares = [0; 10];
/// POOL.map(0..10, &mut squares, |i| i * i); // no worker yet: the caller does it all
/// assert_eq!(squares[9], 81);
/// ```
pub struct Spin<R: spin::RelaxStrategy = spin::Spin>(PhantomData<fn() -> R>);

impl<R: spin::RelaxStrategy> Spin<R> {
    /// The platform, for a `static` too.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: spin::RelaxStrategy> Platform for Spin<R> {
    #[inline]
    fn park(&self, _spot: usize) {
        crate::sync::relax::<R>();
    }

    #[inline]
    fn unpark(&self, _spot: usize) {}

    #[inline]
    fn ticks(&self) -> u64 {
        crate::native::ticks()
    }

    #[inline]
    fn quantum(&self) -> u64 {
        crate::native::quantum()
    }

    // Its waiters are awake whatever they do; so that `map` knows.
    #[inline]
    fn spins(&self) -> u32 {
        100
    }

    #[inline]
    fn relax(&self) {
        crate::sync::relax::<R>();
    }
}

impl Default for Spin {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: spin::RelaxStrategy> fmt::Debug for Spin<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spin")
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
    use core::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_platform_need_not_spin_nor_have_a_clock() {
        struct Bare;
        impl Platform for Bare {
            fn park(&self, _: usize) {}

            fn unpark(&self, _: usize) {}
        }
        assert_eq!((Bare.ticks(), Bare.quantum(), Bare.spins()), (0, 0, 0));
    }

    #[test]
    fn spin_waits_by_its_strategy() {
        static RELAXED: AtomicU32 = AtomicU32::new(0);
        struct Counting;
        impl spin::RelaxStrategy for Counting {
            fn relax() {
                RELAXED.fetch_add(1, Ordering::Relaxed);
            }
        }
        let platform = Spin::<Counting>::new();
        platform.park(0);
        platform.relax();
        assert_eq!(RELAXED.load(Ordering::Relaxed), 2);
        assert_ne!(platform.spins(), 0, "its waiters are awake");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn spin_has_the_processor_s_clock() {
        let platform = Spin::default();
        let start = platform.ticks();
        while platform.ticks() == start {}
        assert_eq!(platform.quantum(), 8192);
    }

    #[cfg(target_arch = "aarch64")]
    #[test]
    fn spin_and_wfe_have_the_processor_s_clock() {
        let platform = Spin::default();
        let start = platform.ticks();
        while platform.ticks() == start {}
        // Two microseconds of a timer of 1 MHz to 1 GHz.
        assert!((2..=2000).contains(&platform.quantum()));
        assert_eq!(crate::Wfe.quantum(), platform.quantum());
        assert!(crate::Wfe.ticks() > start);
    }
}
