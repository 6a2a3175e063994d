//! The one place that knows which atomics are in use: `core`'s, `portable-atomic`'s (targets without
//! compare-and-swap), a checker's (`--cfg ringpool_loom`, `--cfg ringpool_shuttle`) or those that count (`--cfg ringpool_counted`, on top of
//! shuttle).

#[cfg(not(any(ringpool_loom, ringpool_shuttle, feature = "portable-atomic")))]
pub(crate) use core::sync::atomic::{AtomicUsize, Ordering, fence};

#[cfg(all(not(any(ringpool_loom, ringpool_shuttle)), feature = "portable-atomic"))]
pub(crate) use portable_atomic::{AtomicUsize, Ordering, fence};

#[cfg(ringpool_loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicUsize, Ordering, fence},
};

#[cfg(all(ringpool_shuttle, not(ringpool_counted)))]
pub(crate) use shuttle::sync::atomic::{AtomicUsize, Ordering, fence};

#[cfg(ringpool_counted)]
pub(crate) use crate::models::counted::{AtomicUsize, Backoff, Ordering, fence, spin_loop};

#[cfg(not(ringpool_counted))]
pub(crate) use {core::hint::spin_loop, crossbeam_utils::Backoff};

/// `core::cell::UnsafeCell` in the shape that a model checker can watch: an access is a closure.
#[cfg(not(ringpool_loom))]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(ringpool_loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
        access(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

/// Keeps hot words of different owners on different cache lines where memory is plentiful (64-bit
/// targets); costs nothing on 32-bit ones.
#[cfg(target_pointer_width = "64")]
pub(crate) use crossbeam_utils::CachePadded as Line;

#[cfg(not(target_pointer_width = "64"))]
pub(crate) struct Line<T>(T);

#[cfg(not(target_pointer_width = "64"))]
impl<T> Line<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }
}

#[cfg(not(target_pointer_width = "64"))]
impl<T> core::ops::Deref for Line<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Lives in a map's stack frame; every helper touches it while it works there. Nothing in
/// production; loom reports a touch that races with the frame's end, shuttle one that comes after it.
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
pub(crate) struct Canary;

#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
impl Canary {
    pub(crate) fn new() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn touch(&self) {}
}

#[cfg(ringpool_loom)]
pub(crate) struct Canary {
    seen: AtomicUsize,
    alive: UnsafeCell<bool>,
}

#[cfg(ringpool_loom)]
impl Canary {
    pub(crate) fn new() -> Self {
        Self {
            seen: AtomicUsize::new(0),
            alive: UnsafeCell::new(true),
        }
    }

    pub(crate) fn touch(&self) {
        self.seen.load(Ordering::Relaxed);
        // SAFETY: loom reports this read if it races with the write in `drop`.
        self.alive.with(|alive| assert!(unsafe { *alive }));
    }
}

#[cfg(ringpool_loom)]
impl Drop for Canary {
    fn drop(&mut self) {
        self.seen.store(1, Ordering::Relaxed);
        // SAFETY: loom reports this write if a helper may still read.
        self.alive.with_mut(|alive| unsafe { *alive = false });
    }
}

#[cfg(ringpool_shuttle)]
pub(crate) struct Canary {
    /// Not shuttle's: it shall order nothing.
    life: core::sync::atomic::AtomicUsize,
}

#[cfg(ringpool_shuttle)]
impl Canary {
    /// What is hardly ever in memory by chance.
    const ALIVE: usize = usize::from_ne_bytes(*b"canary! ");

    pub(crate) fn new() -> Self {
        Self {
            life: core::sync::atomic::AtomicUsize::new(Self::ALIVE),
        }
    }

    pub(crate) fn touch(&self) {
        assert_eq!(self.life.load(Ordering::Relaxed), Self::ALIVE);
    }
}

#[cfg(ringpool_shuttle)]
impl Drop for Canary {
    fn drop(&mut self) {
        self.life.store(0, Ordering::Relaxed);
    }
}

/// A constructor that is `const` in production; loom's atomics have none.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(ringpool_loom))]
        $(#[$meta])*
        $vis const fn $($rest)*
        #[cfg(ringpool_loom)]
        $(#[$meta])*
        $vis fn $($rest)*
    };
}
pub(crate) use const_fn;

/// An array whose every element is `$new`, in a constructor made by `const_fn!`.
macro_rules! array_of {
    ($new:expr; $len:expr) => {{
        #[cfg(not(ringpool_loom))]
        let array = [const { $new }; $len];
        #[cfg(ringpool_loom)]
        let array = core::array::from_fn(|_| $new);
        array
    }};
}
pub(crate) use array_of;

/// A size in production, and the smaller one with which loom can go through everything.
pub(crate) const fn size(production: usize, model: usize) -> usize {
    if cfg!(ringpool_loom) {
        model
    } else {
        production
    }
}

/// One turn of a wait for another context.
#[inline(always)]
pub(crate) fn relax<R: spin::RelaxStrategy>() {
    #[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
    R::relax();
    #[cfg(ringpool_loom)]
    loom::thread::yield_now();
    #[cfg(ringpool_shuttle)]
    shuttle::thread::yield_now();
}
