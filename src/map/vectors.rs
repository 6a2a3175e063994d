//! Vectors by value: one that a map takes its elements out of, one to which it appends its results.

use core::mem;
use core::ops::Range;
use std::vec::Vec;

use crate::map::input::{self, Input, Moved, Source};
use crate::map::output::{self, Output, Places, Sink};
use crate::unwind;

/// A vector whose elements are moved out one by one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Emptied<T> {
    elements: Moved<T>,
    /// Has no elements any more, and frees their memory in the end.
    _memory: Vec<T>,
}

// SAFETY: *once*: each element is moved to one thread, which `T: Send` allows; and nothing touches
// the vector.
unsafe impl<T: Send> Sync for Emptied<T> {}

// SAFETY: as above.
unsafe impl<T: Send> Source for Emptied<T> {
    type Item = T;

    #[inline(always)]
    unsafe fn take(&self, index: usize) -> T {
        // SAFETY: *once*, the caller's promise; and the vector has no elements.
        unsafe { self.elements.take(index) }
    }

    unsafe fn discard(&self, range: Range<usize>) {
        // SAFETY: as in `take`.
        unsafe { self.elements.discard(range) };
    }
}

impl<T> input::Sealed for Vec<T> {}

impl<T: Send> Input for Vec<T> {
    type Item = T;
    type Source = Emptied<T>;

    fn elements(&self) -> usize {
        self.len()
    }

    fn into_source(mut self) -> Self::Source {
        // SAFETY: no elements are initialised. From here on *once* answers for those there were:
        // each is taken or discarded, or leaks.
        unsafe { self.set_len(0) };
        Emptied {
            elements: Moved(self.as_mut_ptr()),
            _memory: self,
        }
    }
}

/// A vector to which results are appended. It has the length it came with until all are there:
/// so what it drops, if a panic drops it, is what it came with.
#[doc(hidden)]
#[expect(
    missing_debug_implementations,
    reason = "it would show elements that are not `Sync`"
)]
pub struct Append<R> {
    vec: Vec<R>,
    /// What its capacity has room for behind its elements.
    places: Places<R>,
    len: usize,
}

// SAFETY: through a shared `Append` there is no way to the vector's own elements; and for `places`
// `R: Send` is enough.
unsafe impl<R: Send> Sync for Append<R> {}

// SAFETY: as above.
unsafe impl<R: Send> Sink<R> for Append<R> {
    type Done = Vec<R>;

    #[inline(always)]
    unsafe fn put_all(&self, range: Range<usize>, result: impl FnMut(usize) -> R) {
        // SAFETY: *once*, the caller's promise; and nothing else refers to the vector's spare
        // capacity, which `into_sink` has reserved.
        unsafe { self.places.put_all(range, result) };
    }

    unsafe fn undo(&self, range: Range<usize>) {
        // SAFETY: *done*, the caller's promise; and the vector does not count them among its
        // elements.
        unsafe { self.places.undo(range) };
    }

    unsafe fn done(mut self) -> Vec<R> {
        let mut vec = mem::take(&mut self.vec);
        let len = vec.len() + self.len;
        // SAFETY: *done*: all that are new were put, in what `into_sink` has reserved.
        unsafe { vec.set_len(len) };
        vec
    }
}

impl<R> Drop for Append<R> {
    /// For a panic that drops the vector: what its elements' own drops panic with ends here, as
    /// with all else that such a panic drops.
    fn drop(&mut self) {
        if !self.vec.is_empty() {
            let vec = mem::take(&mut self.vec);
            unwind::contain(|| drop(vec));
        }
    }
}

impl<R> output::Sealed<R> for Vec<R> {}

impl<R: Send> Output<R> for Vec<R> {
    type Done = Self;
    type Sink = Append<R>;

    fn into_sink(mut self, len: usize) -> Append<R> {
        self.reserve(len);
        let elements = self.len();
        // SAFETY: the vector has at least as much capacity as elements.
        let first = unsafe { self.as_mut_ptr().add(elements) };
        Append {
            vec: self,
            places: Places(first),
            len,
        }
    }
}
