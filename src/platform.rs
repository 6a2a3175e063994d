//! What the pool needs from the world around it: a way to sleep and a clock.

use core::fmt;
use core::marker::PhantomData;

/// The hooks by which a pool waits, wakes and reads the time.
///
/// A *spot* is a binary semaphore that is named by a number. Spots `0..4` belong to threads that wait
/// for the end of their `map`; worker `k` of a pool (counted from 0 in the order of
/// [`Pool::start`](crate::Pool::start)) has spot `4 + k`. A worker that is dropped gives its spot back.
///
/// What an implementation must guarantee:
///
/// * [`unpark(spot)`](Self::unpark) leaves a token there, at most one; [`park(spot)`](Self::park)
///   consumes it or waits for one. An `unpark` before the `park` is not lost.
/// * What was done before `unpark` is seen after the `park` that took its token, as with any semaphore:
///   release and acquire.
/// * No hook panics. (If one does, the program may leak, hang or abort; it stays free of undefined behaviour.)
///
/// What the pool guarantees:
///
/// * At most one thread is in `park` for a spot at a time.
/// * After `park` returns, it checks what it waited for: returning early, or always at once, is allowed.
///   So a wake-up may be a broadcast that ignores the number (WFE and SEV on ARM).
///
/// Which context calls what:
///
/// * `park`, `ticks`, `quantum`, `spins`, `relax`, `give_way`: workers and callers of `map`.
/// * `unpark`: these, and whoever calls `execute` or `close`. If that is an interrupt handler, `unpark`
///   must be safe there.
///
/// # Examples
///
/// On a 32-bit ARM chip with a counter that runs at 1 MHz, [`Wfe`](crate::Wfe) and a clock:
///
/// ```
/// use ringpool::{Platform, Pool};
/// # #[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
/// use ringpool::Wfe;
/// # #[cfg(not(any(target_arch = "arm", target_arch = "aarch64")))]
/// # use ringpool::Spin as Wfe;
/// # #[cfg(not(any(target_arch = "arm", target_arch = "aarch64")))]
/// # #[allow(non_upper_case_globals)]
/// # const Wfe: Wfe = Wfe::new();
/// # fn timer_us() -> u32 { 0 }
///
/// struct Chip;
///
/// impl Platform for Chip {
///     fn park(&self, spot: usize) {
///         Wfe.park(spot);
///     }
///     fn unpark(&self, spot: usize) {
///         Wfe.unpark(spot); // wakes everybody, which is allowed
///     }
///     fn ticks(&self) -> u64 {
///         timer_us().into()
///     }
///     fn quantum(&self) -> u64 {
///         2 // microseconds
///     }
/// }
///
/// static POOL: Pool<16, Chip> = Pool::new(Chip);
/// ```
pub trait Platform: Sync {
    /// Waits for a token at `spot` and consumes it. May return without one.
    fn park(&self, spot: usize);

    /// Leaves a token at `spot` and wakes whoever waits there.
    fn unpark(&self, spot: usize);

    /// A clock that goes up, in ticks of any length. It is read about once for each chunk of a `map`, and, by a worker that
    /// spins, when it has run dry and while it waits in a stream of jobs; so it should be cheap (a cycle counter). One
    /// that stands still is no clock. It may wrap or jump: that may make one map slow and the next guess wrong.
    fn ticks(&self) -> u64 {
        0
    }

    /// How much work is worth asking for help, in ticks: about what it costs to wake a worker, 2 us on a
    /// desktop. A `map` stays on its caller until it has run for this long, unless it is known to be long
    /// from the last call; and its chunks take a few times as long. A worker that spins may leave a job of a stream of tiny
    /// ones waiting for as long, if that makes them faster. 0 says that there is no clock: a `map` then asks for help after
    /// its first element.
    fn quantum(&self) -> u64 {
        0
    }

    /// How many times a worker looks for work, and a caller of `map` for the last helper's end, before it
    /// parks. 0 (the default) parks at once; a `map` then counts on nobody's being awake from the one
    /// before. A worker that looked in vain 8 times in a row parks at once too, but for every 3rd to 33rd time; until it finds
    /// something so, helps a map, or is woken within 32 quanta after it ran out of work.
    fn spins(&self) -> u32 {
        0
    }

    /// What to do between two looks: a spin-loop hint by default.
    fn relax(&self) {
        core::hint::spin_loop();
    }

    /// Lets whoever else wants this core have it, and is back soon: called now and then by a `map`'s caller
    /// and helpers that wait for each other, and by a worker that has had much to do, before it sleeps, because they
    /// may share a core with whom they wait for. Nothing by default.
    fn give_way(&self) {}
}

/// The platform that needs nothing: it waits by spinning with the strategy `R`, and never sleeps.
///
/// It has a clock where the processor has one that every context may read: on x86-64 the time-stamp counter,
/// with a quantum of 2^13 counts (2 to 4 us); on AArch64 the generic timer's `cntvct_el0`, with one of 2 us
/// by `cntfrq_el0` (if firmware never set that, there is no clock; and a kernel has to let its programs read them,
/// as most do). Elsewhere it has none.
///
/// For workers that must not burn their core: on ARM take [`Wfe`](crate::Wfe), with the feature `std`
/// [`Threads`](crate::Threads), or write a [`Platform`].
///
/// Not for tasks of different priority on one core, where one that spins keeps a lower one from ever
/// finishing what it waits for.
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

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[inline]
    fn ticks(&self) -> u64 {
        crate::clock::ticks()
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[inline]
    fn quantum(&self) -> u64 {
        crate::clock::quantum()
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
#[cfg(not(any(loom, shuttle)))]
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
