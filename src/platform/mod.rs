//! What the pool needs from the world around it: a way to sleep and a clock.

#[cfg(feature = "std")]
mod parker;
pub(crate) mod spin;
#[cfg(feature = "std")]
pub(crate) mod threads;
#[cfg(any(target_arch = "arm", target_arch = "aarch64", doc))]
pub(crate) mod wfe;

#[cfg(doc)]
use crate::Spin;
use crate::sync::size;

/// How many words of bits: enough for 256 workers on 64-bit targets, 32 on 32-bit ones.
pub(crate) const GROUPS: usize = size(if usize::BITS >= 64 { 4 } else { 1 }, 1);
/// Whether many may contend for a word; on a microcontroller, few do.
pub(crate) const MANY_CORES: bool = cfg!(feature = "std") || usize::BITS >= 64;
/// Bits of a word that stand for a worker each.
pub(crate) const GROUP: usize = usize::BITS as usize;

/// The most workers that a pool can have at a time.
pub(crate) const MAX_WORKERS: usize = GROUPS * GROUP;

/// Spots below this belong to callers of `map`, one for each team.
pub(crate) const CALLERS: usize = size(4, 2);

/// All spots are below this.
#[cfg(feature = "std")]
pub(crate) const SPOTS: usize = CALLERS + MAX_WORKERS;

/// The hooks by which a pool waits, wakes and reads the time.
///
/// A *spot* is a binary semaphore that is named by a number. Spots `0..4` belong to threads that
/// wait for the end of their `map`; worker `k` of a pool (counted from 0 in the order of
/// [`Pool::start`](crate::Pool::start)) has spot `4 + k`. A worker that is dropped gives its spot
/// back. So a table by spot needs 4 and as many as there are workers at a time, of all calls of
/// `start`, stepped ones too. Each pool counts from 0: state by spot belongs into the platform's
/// value, one value a pool, not into a `static` that two pools share.
///
/// What an implementation must guarantee:
///
/// * [`unpark(spot)`](Self::unpark) leaves a token there, at most one; [`park(spot)`](Self::park)
///   consumes it or waits for one. An `unpark` before the `park` is not lost.
/// * What was done before `unpark` is seen after the `park` that took its token, as with any
///   semaphore: release and acquire.
/// * No hook panics. (If one does, the program may leak, hang or abort; it stays free of undefined
///   behaviour.)
///
/// What the pool guarantees:
///
/// * At most one thread is in `park` for a spot at a time.
/// * After `park` returns, it checks what it waited for: returning early, or always at once, is
///   allowed. So a wake-up may be a broadcast that ignores the number (WFE and SEV on ARM).
///
/// Which context calls what:
///
/// * `park`, `ticks`, `quantum`, `spins`, `relax`: workers and callers of `map`.
/// * `unpark`: these, and each context that calls `execute` or `close`. If that is an interrupt
///   handler, `unpark` must be safe there.
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

    /// Leaves a token at `spot` and wakes the thread that waits there.
    fn unpark(&self, spot: usize);

    /// A clock that goes up, in ticks of any length. It is read about once for each chunk of a
    /// `map`, so it should be cheap (a cycle counter). One that stands still is no clock. It
    /// may wrap or jump: that may make one map slow and the next guess wrong.
    fn ticks(&self) -> u64 {
        0
    }

    /// How much work is worth asking for help, in ticks: about what it costs to wake a worker, 2 us
    /// on a desktop. A `map` that is known from its last call to take less stays on its caller;
    /// chunks take a few times as long. 0 says that there is no clock: each `map` then asks for
    /// help before its first element.
    fn quantum(&self) -> u64 {
        0
    }

    /// How many times a worker looks for work before it parks, at most, and how many times a caller
    /// of `map` looks for the last helper's end. 0 (the default) parks at once. A worker whose
    /// looks find nothing takes half as many the next time, and as many as it may every 16th
    /// time.
    fn spins(&self) -> u32 {
        0
    }

    /// What to do between two looks: a spin-loop hint by default.
    fn relax(&self) {
        core::hint::spin_loop();
    }
}

/// By reference: a platform that firmware also uses itself, or a `dyn Platform`. Two pools share
/// one only if its hooks ignore the spot, as those of [`Spin`] do: otherwise two threads park at
/// one spot.
impl<P: Platform + ?Sized> Platform for &P {
    fn park(&self, spot: usize) {
        (**self).park(spot);
    }

    fn unpark(&self, spot: usize) {
        (**self).unpark(spot);
    }

    fn ticks(&self) -> u64 {
        (**self).ticks()
    }

    fn quantum(&self) -> u64 {
        (**self).quantum()
    }

    fn spins(&self) -> u32 {
        (**self).spins()
    }

    fn relax(&self) {
        (**self).relax();
    }
}
