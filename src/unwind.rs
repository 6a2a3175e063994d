//! Where panics stop. With `std` they are caught and carried; without it there is nothing to catch
//! them with, and a panic that would leave other contexts in a dead frame ends the program.

#[cfg(feature = "std")]
mod with_std {
    use std::any::Any;
    use std::boxed::Box;
    use std::mem;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// What a panic carries.
    pub(crate) type Payload = Box<dyn Any + Send>;

    /// Runs `f`; its panic, if any, is the error.
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        catch_unwind(AssertUnwindSafe(f))
    }

    /// Goes on with a panic.
    pub(crate) fn resume(payload: Payload) -> ! {
        resume_unwind(payload)
    }

    /// Runs `f` and lets no panic out; the panic hook has printed it. Returns whether there was
    /// one.
    #[inline]
    pub(crate) fn contain(f: impl FnOnce()) -> bool {
        match catch(f) {
            Ok(()) => false,
            Err(payload) => {
                discard(payload);
                true
            }
        }
    }

    /// Drops a payload, whose drop may panic itself: with a payload that is leaked.
    #[cold]
    pub(crate) fn discard(payload: Payload) {
        if let Err(another) = catch(|| drop(payload)) {
            mem::forget(another);
        }
    }
}
#[cfg(feature = "std")]
pub(crate) use with_std::*;

#[cfg(not(feature = "std"))]
mod without_std {
    use super::Bomb;

    /// There are no payloads.
    pub(crate) enum Payload {}

    /// Runs `f`, which must not unwind: a panic that gets this far is turned into an abort by a
    /// second one.
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        let bomb = Bomb;
        let result = f();
        core::mem::forget(bomb);
        Ok(result)
    }

    /// Runs `f`; a panic goes on to the caller of the worker's `run` or `step`.
    #[inline]
    pub(crate) fn contain(f: impl FnOnce()) -> bool {
        f();
        false
    }
}
#[cfg(not(feature = "std"))]
pub(crate) use without_std::*;

/// Ends the program if it is dropped, which happens only when a panic unwinds past it: a panic in
/// drop while unwinding aborts.
pub(crate) struct Bomb;

impl Drop for Bomb {
    #[cold]
    fn drop(&mut self) {
        panic!("ringpool: a panic would leave other threads in a frame that is gone");
    }
}
