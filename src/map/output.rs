//! What a map writes: slices, arrays and vectors that are there already, uninitialised slices, nothing.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::{ptr, slice};

/// Where [`Pool::map`](crate::Pool::map) puts its results, in the order of the input.
///
/// | output | what happens | `map` returns |
/// |---|---|---|
/// | `()` | nothing; the function returns `()` | `()` |
/// | `&mut [R]`, `&mut [R; N]`, `&mut Vec<R>` | each element is assigned; the old one is dropped | `()` |
/// | `&mut [MaybeUninit<R>]` | each element is initialised | the same slice as `&mut [R]` |
///
/// (`Vec` with the feature `std`; it must have the input's length already.) This trait is sealed.
pub trait Output<R>: Sized + Sealed<R> {
    /// What the map returns.
    type Done;

    #[doc(hidden)]
    type Sink: Sink<R, Done = Self::Done>;

    #[doc(hidden)]
    fn into_sink(self) -> Self::Sink;
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

    /// How many results it holds; `None` if it holds any number.
    fn elements(&self) -> Option<usize>;

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

    fn elements(&self) -> Option<usize> {
        None
    }

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
    len: usize,
    lifetime: PhantomData<&'a mut [R]>,
}

// SAFETY: *once*: through a shared `Assign` results are moved in from any thread, and old ones dropped there;
// `R: Send` allows that.
unsafe impl<R: Send> Sync for Assign<'_, R> {}

// SAFETY: as above.
unsafe impl<R: Send> Sink<R> for Assign<'_, R> {
    type Done = ();

    fn elements(&self) -> Option<usize> {
        Some(self.len)
    }

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

/// A slice that results initialise.
#[doc(hidden)]
#[derive(Debug)]
pub struct Init<'a, R> {
    first: *mut R,
    len: usize,
    lifetime: PhantomData<&'a mut [R]>,
}

// SAFETY: as for `Assign`.
unsafe impl<R: Send> Sync for Init<'_, R> {}

// SAFETY: as above.
unsafe impl<'a, R: Send> Sink<R> for Init<'a, R> {
    type Done = &'a mut [R];

    fn elements(&self) -> Option<usize> {
        Some(self.len)
    }

    #[inline(always)]
    unsafe fn put_all(&self, range: Range<usize>, mut result: impl FnMut(usize) -> R) {
        // SAFETY: *once*: the range is within the slice.
        let first = unsafe { self.first.add(range.start) };
        // SAFETY: *once*: nobody else has these indices, nor has the function: the slice is borrowed for 'a.
        let places = unsafe { slice::from_raw_parts_mut(first.cast(), range.len()) };
        each(places, range.start, |place: &mut MaybeUninit<R>, index| {
            place.write(result(index));
        });
    }

    unsafe fn undo(&self, range: Range<usize>) {
        // SAFETY: *done*: the range is within the slice.
        let first = unsafe { self.first.add(range.start) };
        // SAFETY: *done*: all of it was put.
        unsafe { ptr::slice_from_raw_parts_mut(first, range.len()).drop_in_place() };
    }

    unsafe fn done(self) -> &'a mut [R] {
        // SAFETY: *done*: all indices were put; and the slice is borrowed for 'a.
        unsafe { slice::from_raw_parts_mut(self.first, self.len) }
    }
}

impl Output<()> for () {
    type Done = ();
    type Sink = Nothing;

    fn into_sink(self) -> Nothing {
        Nothing
    }
}

impl<'a, R: Send> Output<R> for &'a mut [R] {
    type Done = ();
    type Sink = Assign<'a, R>;

    fn into_sink(self) -> Self::Sink {
        Assign {
            first: self.as_mut_ptr(),
            len: self.len(),
            lifetime: PhantomData,
        }
    }
}

impl<'a, R: Send, const N: usize> Output<R> for &'a mut [R; N] {
    type Done = ();
    type Sink = Assign<'a, R>;

    fn into_sink(self) -> Self::Sink {
        self.as_mut_slice().into_sink()
    }
}

#[cfg(feature = "std")]
impl<'a, R: Send> Output<R> for &'a mut std::vec::Vec<R> {
    type Done = ();
    type Sink = Assign<'a, R>;

    fn into_sink(self) -> Self::Sink {
        self.as_mut_slice().into_sink()
    }
}

impl<'a, R: Send> Output<R> for &'a mut [MaybeUninit<R>] {
    type Done = &'a mut [R];
    type Sink = Init<'a, R>;

    fn into_sink(self) -> Self::Sink {
        Init {
            first: self.as_mut_ptr().cast(),
            len: self.len(),
            lifetime: PhantomData,
        }
    }
}
