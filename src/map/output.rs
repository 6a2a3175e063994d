//! What a map writes: slices, arrays and vectors that are there already, uninitialised slices, nothing.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::{ptr, slice};

use crate::map::input::check_lengths;

/// Where [`Pool::map`](crate::Pool::map) puts its results, in the order of the input.
///
/// | output | what happens | `map` returns |
/// |---|---|---|
/// | `()` | nothing; the function returns `()` | `()` |
/// | `&mut [R]`, `&mut [R; N]`, `&mut Vec<R>` | each element is assigned; the old one is dropped | `()` |
/// | `&mut [MaybeUninit<R>]` | each element is initialised | the same slice as `&mut [R]` |
///
/// (`Vec` with the feature `std`; it must have the input's length already.) This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an output of `map`",
    label = "takes no results of type `{R}`",
    note = "the order is `map(input, output, function)`: the output comes second, `()` if there is none",
    note = "outputs are `&mut ys` for slices, arrays and (feature `std`) vectors as long as the input, \
        `&mut [MaybeUninit<_>]`, and (feature `std`) `Vec::new()`, to which results are appended and which is returned"
)]
pub trait Output<R>: Sized + Sealed<R> {
    /// What the map returns.
    type Done;

    #[doc(hidden)]
    type Sink: Sink<R, Done = Self::Done>;

    /// For so many results; panics if there is no room for them.
    #[doc(hidden)]
    #[track_caller]
    fn into_sink(self, len: usize) -> Self::Sink;
}

/// Keeps others from implementing [`Output`]: `map` relies on what it says. The pair is sealed, or others could
/// add results of their own types to `()` and slices.
pub trait Sealed<R> {}

impl Sealed<()> for () {}
impl<R> Sealed<R> for &mut [R] {}
impl<R, const N: usize> Sealed<R> for &mut [R; N] {}
#[cfg(feature = "std")]
impl<R> Sealed<R> for &mut std::vec::Vec<R> {}
impl<R> Sealed<R> for &mut [MaybeUninit<R>] {}

/// An output taken apart, so that many threads can put results through a shared reference.
///
/// # Safety
///
/// Results may be put, and dropped, on any thread: an implementation that is `Sync` vouches for that.
pub unsafe trait Sink<R>: Sync {
    type Done;

    /// Puts what `result` gives for each index of the range, in order.
    ///
    /// # Safety
    ///
    /// *once*: The range is within the length, and nobody else puts any of it, before or after.
    unsafe fn put_all(&self, range: Range<usize>, result: impl FnMut(usize) -> R);

    /// Drops results that the caller will not get.
    ///
    /// # Safety
    ///
    /// *done*: All of the range was put, and is not touched afterwards.
    unsafe fn undo(&self, _range: Range<usize>) {}

    /// # Safety
    ///
    /// *done*: All indices were put.
    unsafe fn done(self) -> Self::Done;
}

/// Does something with each of these places and its index, from `first` on.
///
/// A function of its own because its parameter tells the compiler that nothing else refers to these places. So what
/// `act` reads can stay in registers while they are written: 2 % less time for elements of 10 ns.
#[inline]
fn each<P>(places: &mut [P], first: usize, mut act: impl FnMut(&mut P, usize)) {
    let (len, zero) = (places.len(), places.as_mut_ptr().wrapping_sub(first));
    // One number to count up, not two.
    for index in first..first + len {
        // SAFETY: it is a place of the slice, which is ours alone.
        act(unsafe { &mut *zero.wrapping_add(index) }, index);
    }
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Nothing;

// SAFETY: there are no results.
unsafe impl Sink<()> for Nothing {
    type Done = ();

    #[inline(always)]
    unsafe fn put_all(&self, range: Range<usize>, result: impl FnMut(usize)) {
        range.for_each(result);
    }

    unsafe fn done(self) {}
}

/// A slice of values that results replace.
#[doc(hidden)]
#[derive(Debug)]
pub struct Assign<'a, R> {
    first: *mut R,
    lifetime: PhantomData<&'a mut [R]>,
}

// SAFETY: *once*: through a shared `Assign` results are moved in from any thread, and old ones dropped there;
// `R: Send` allows that.
unsafe impl<R: Send> Sync for Assign<'_, R> {}

// SAFETY: as above.
unsafe impl<R: Send> Sink<R> for Assign<'_, R> {
    type Done = ();

    #[inline(always)]
    unsafe fn put_all(&self, range: Range<usize>, mut result: impl FnMut(usize) -> R) {
        // SAFETY: *once*: the range is within the slice.
        let first = unsafe { self.first.add(range.start) };
        // SAFETY: *once*: nobody else has these indices; neither has the function, nor a drop: the slice is borrowed for
        // 'a. It is initialised.
        let places = unsafe { slice::from_raw_parts_mut(first, range.len()) };
        // An old value whose drop panics is replaced all the same.
        each(places, range.start, |place, index| *place = result(index));
    }

    unsafe fn done(self) {}
}

/// Places that results initialise.
#[derive(Debug)]
struct Places<R>(*mut R);

impl<R> Places<R> {
    /// # Safety
    ///
    /// As [`Sink::put_all`]; the places are valid for writes, and nobody else refers to them.
    #[inline(always)]
    unsafe fn put_all(&self, range: Range<usize>, mut result: impl FnMut(usize) -> R) {
        // SAFETY: *once*: the range is within the places.
        let first = unsafe { self.0.add(range.start) };
        // SAFETY: *once*: nobody else has these indices, nor has the function, the caller's promise.
        let places = unsafe { slice::from_raw_parts_mut(first.cast(), range.len()) };
        each(places, range.start, |place: &mut MaybeUninit<R>, index| {
            place.write(result(index));
        });
    }

    /// # Safety
    ///
    /// As [`Sink::undo`].
    unsafe fn undo(&self, range: Range<usize>) {
        // SAFETY: *done*: the range is within the places.
        let first = unsafe { self.0.add(range.start) };
        // SAFETY: *done*: all of it was put.
        unsafe { ptr::slice_from_raw_parts_mut(first, range.len()).drop_in_place() };
    }
}

// SAFETY: *once*: through shared `Places` results are moved in from any thread; `R: Send` allows that.
unsafe impl<R: Send> Sync for Places<R> {}

/// A slice that results initialise.
#[doc(hidden)]
#[derive(Debug)]
pub struct Init<'a, R> {
    places: Places<R>,
    len: usize,
    lifetime: PhantomData<&'a mut [R]>,
}

// SAFETY: as for `Assign`: there is no other way in than `places`.
unsafe impl<R: Send> Sync for Init<'_, R> {}

// SAFETY: as above.
unsafe impl<'a, R: Send> Sink<R> for Init<'a, R> {
    type Done = &'a mut [R];

    #[inline(always)]
    unsafe fn put_all(&self, range: Range<usize>, result: impl FnMut(usize) -> R) {
        // SAFETY: *once*, the caller's promise; and the slice is borrowed for 'a.
        unsafe { self.places.put_all(range, result) };
    }

    unsafe fn undo(&self, range: Range<usize>) {
        // SAFETY: *done*, the caller's promise.
        unsafe { self.places.undo(range) };
    }

    unsafe fn done(self) -> &'a mut [R] {
        // SAFETY: *done*: all indices were put; and the slice is borrowed for 'a.
        unsafe { slice::from_raw_parts_mut(self.places.0, self.len) }
    }
}

#[cfg(feature = "std")]
mod append {
    use core::mem;
    use core::ops::Range;
    use std::vec::Vec;

    use super::{Output, Places, Sealed, Sink};
    use crate::unwind;

    /// A vector to which results are appended. It has the length it came with until all are there: so what it
    /// drops, if a panic drops it, is what it came with.
    #[doc(hidden)]
    #[derive(Debug)]
    pub struct Append<R> {
        vec: Vec<R>,
        /// What its capacity has room for behind its elements.
        places: Places<R>,
        len: usize,
    }

    // SAFETY: through a shared `Append` there is no way to the vector's own elements; and for `places` `R: Send` is
    // enough.
    unsafe impl<R: Send> Sync for Append<R> {}

    // SAFETY: as above.
    unsafe impl<R: Send> Sink<R> for Append<R> {
        type Done = Vec<R>;

        #[inline(always)]
        unsafe fn put_all(&self, range: Range<usize>, result: impl FnMut(usize) -> R) {
            // SAFETY: *once*, the caller's promise; and the vector is ours, and gives no reference to its capacity.
            unsafe { self.places.put_all(range, result) };
        }

        unsafe fn undo(&self, range: Range<usize>) {
            // SAFETY: *done*, the caller's promise; and the vector does not count them among its elements.
            unsafe { self.places.undo(range) };
        }

        unsafe fn done(mut self) -> Vec<R> {
            let mut vec = mem::take(&mut self.vec);
            let len = vec.len() + self.len;
            // SAFETY: *done*: all that are new were put, and `into_sink` has reserved room for them.
            unsafe { vec.set_len(len) };
            vec
        }
    }

    impl<R> Drop for Append<R> {
        /// For a panic that drops the vector: what its elements' own drops panic with ends here, as with all else
        /// that such a panic drops.
        fn drop(&mut self) {
            if !self.vec.is_empty() {
                let vec = mem::take(&mut self.vec);
                unwind::contain(|| drop(vec));
            }
        }
    }

    impl<R> Sealed<R> for Vec<R> {}

    impl<R: Send> Output<R> for Vec<R> {
        type Done = Self;
        type Sink = Append<R>;

        fn into_sink(mut self, len: usize) -> Append<R> {
            self.reserve(len);
            let elements = self.len();
            // SAFETY: it is within the vector's capacity, or at its end.
            let first = unsafe { self.as_mut_ptr().add(elements) };
            Append {
                vec: self,
                places: Places(first),
                len,
            }
        }
    }
}

impl Output<()> for () {
    type Done = ();
    type Sink = Nothing;

    fn into_sink(self, _len: usize) -> Nothing {
        Nothing
    }
}

impl<'a, R: Send> Output<R> for &'a mut [R] {
    type Done = ();
    type Sink = Assign<'a, R>;

    fn into_sink(self, len: usize) -> Self::Sink {
        check_lengths("input", len, "output", self.len());
        Assign {
            first: self.as_mut_ptr(),
            lifetime: PhantomData,
        }
    }
}

impl<'a, R: Send, const N: usize> Output<R> for &'a mut [R; N] {
    type Done = ();
    type Sink = Assign<'a, R>;

    fn into_sink(self, len: usize) -> Self::Sink {
        self.as_mut_slice().into_sink(len)
    }
}

#[cfg(feature = "std")]
impl<'a, R: Send> Output<R> for &'a mut std::vec::Vec<R> {
    type Done = ();
    type Sink = Assign<'a, R>;

    fn into_sink(self, len: usize) -> Self::Sink {
        assert!(
            !self.is_empty() || self.capacity() == 0 || len == 0,
            "ringpool: the input has {len} elements, the output has 0: capacity is not length. To append the results \
             to a vector, pass it by value; it is returned"
        );
        self.as_mut_slice().into_sink(len)
    }
}

impl<'a, R: Send> Output<R> for &'a mut [MaybeUninit<R>] {
    type Done = &'a mut [R];
    type Sink = Init<'a, R>;

    fn into_sink(self, len: usize) -> Self::Sink {
        check_lengths("input", len, "output", self.len());
        Init {
            places: Places(self.as_mut_ptr().cast()),
            len,
            lifetime: PhantomData,
        }
    }
}
