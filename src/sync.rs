//! The one place that knows which atomics are in use: `core`'s, `portable-atomic`'s (targets
//! without compare-and-swap), a checker's (`--cfg ringpool_loom`, `--cfg ringpool_shuttle`) or
//! those that count (`--cfg ringpool_counted`, on top of shuttle).

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
pub(crate) use crate::models::counted::{AtomicUsize, Backoff, Ordering, fence};

#[cfg(not(ringpool_counted))]
pub(crate) use crossbeam_utils::Backoff;

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

/// Keeps hot words of different owners on different cache lines where memory is plentiful
/// (64-bit targets); costs nothing on 32-bit ones.
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

/// Lives in a map's frame; each participant touches it while it works there. Nothing in production;
/// the checkers' one tells a touch that comes when the frame is gone.
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

#[cfg(any(ringpool_loom, ringpool_shuttle))]
pub(crate) use crate::models::reach::Canary;

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
