//! A map without its types: what the driver and the helpers run.

use core::marker::PhantomData;
use core::mem;
use core::ops::Range;

use crate::map::input::Source;
use crate::map::output::Sink;
use crate::unwind;

/// A map whose types are forgotten.
///
/// Invariant *once*: each of the elements that all inputs and the output of a map have is run or
/// discarded at most once, on one thread.
///
/// Invariant *done*: what is handed to the caller as initialised, or undone, was run to the end.
pub(super) trait Task: Sync {
    /// Maps the elements of `range`. If inputs or results need dropping, `at` is the element at
    /// work, and a panic leaves it there, with its input consumed and no result. Otherwise `at`
    /// stays at the range's start, and `discard` and `undo` do nothing.
    ///
    /// # Safety
    ///
    /// *once*: The range is within the map, and no element of it was or will be run or discarded
    /// again.
    unsafe fn run(&self, range: Range<usize>, at: &mut usize);

    /// Drops inputs.
    ///
    /// # Safety
    ///
    /// As `run`.
    unsafe fn discard(&self, range: Range<usize>);

    /// Drops results.
    ///
    /// # Safety
    ///
    /// *done*: All of the range was run to the end, and is undone once.
    unsafe fn undo(&self, range: Range<usize>);
}

pub(super) struct Mapping<S, K, F, R> {
    pub(super) source: S,
    pub(super) sink: K,
    pub(super) function: F,
    pub(super) result: PhantomData<fn() -> R>,
}

impl<S: Source, K: Sink<R>, F, R> Mapping<S, K, F, R> {
    /// Whether it matters where a panic was.
    const DROPS: bool = mem::needs_drop::<S::Item>() || mem::needs_drop::<R>();
}

impl<S: Source, K: Sink<R>, F: Fn(S::Item) -> R + Sync, R> Task for Mapping<S, K, F, R> {
    unsafe fn run(&self, range: Range<usize>, at: &mut usize) {
        *at = range.start;
        let result = |index| {
            if Self::DROPS {
                *at = index;
            }
            // SAFETY: *once*, the caller's promise.
            let item = unsafe { self.source.take(index) };
            (self.function)(item)
        };
        // SAFETY: *once*, the caller's promise.
        unsafe { self.sink.put_all(range, result) };
    }

    unsafe fn discard(&self, range: Range<usize>) {
        if Self::DROPS {
            // SAFETY: *once*, the caller's promise.
            unwind::contain(|| unsafe { self.source.discard(range) });
        }
    }

    unsafe fn undo(&self, range: Range<usize>) {
        if Self::DROPS {
            // SAFETY: *done*, the caller's promise.
            unwind::contain(|| unsafe { self.sink.undo(range) });
        }
    }
}
