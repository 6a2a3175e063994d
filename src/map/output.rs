//! What a map writes: slices, arrays and vectors that are there already, uninitialised slices,
//! vectors that grow, nothing.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::{ptr, slice};

use crate::map::input::check_lengths;

/// Where [`Pool::map`](crate::Pool::map) puts its results, in the order of the input.
///
/// | output | what happens to it | `map` returns |
/// |---|---|---|
/// | `()` | nothing; the function returns `()` | `()` |
/// | `&mut [R]`, `&mut [R; N]`, `&mut Vec<R>` | each element is replaced | `()` |
/// | `Vec<R>` | the results are appended | the vector |
/// | `&mut [MaybeUninit<R>]` | each element is initialised | the same slice as `&mut [R]` |
///
/// `Vec` is for the feature `std`. Slices, arrays and `&mut Vec` have the input's length already,
/// or `map` panics before it touches an element; `capacity` is not length. A vector by value can
/// have any length. This trait is sealed.
///
/// `R: Send` is all that results have to be: `io::Result<File>` is fine, and so are borrows from
/// the input.
///
/// # Vectors by value
///
/// The caller reserves room for all results before the first element, once; if the vector has the
/// capacity it allocates nothing. As in `Vec::reserve`, a length that no vector can have is a
/// panic. If the function panics, the vector is dropped with all that it had and got.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "std")] {
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// let paths = ["/", "/no/such/file"];
/// let found = pool.map(&paths, Vec::new(), std::fs::metadata); // a Vec<io::Result<Metadata>>
/// assert!(found[0].is_ok() && found[1].is_err());
///
/// let squares = pool.map(0..3, Vec::with_capacity(6), |k| k * k);
/// let squares = pool.map(3..6, squares, |k| k * k); // appended, in the same memory
/// assert_eq!(squares, [0, 1, 4, 9, 16, 25]);
///
/// // The first error of all, or all the results.
/// let numbers = pool.map(&["1", "2", "three"], Vec::new(), |text| text.parse::<u32>());
/// let numbers: Result<Vec<u32>, _> = numbers.into_iter().collect();
/// assert!(numbers.is_err());
/// # }
/// ```
///
/// # Who drops the results
///
/// Slices, arrays and vectors own their elements: `map` drops an old value that a result replaces,
/// and the owner drops the results. A `MaybeUninit` drops nothing, and the slice that `map` returns
/// is borrowed: results leak unless the caller moves them out or drops them. When `map` returns,
/// all of them are initialised. When the function panics, `map` has dropped those that were.
///
/// ```
/// use core::mem::MaybeUninit;
///
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// let mut places = [const { MaybeUninit::uninit() }; 3];
/// let names: &mut [String] = pool.map(0..3, &mut places[..], |k| format!("slot {k}"));
/// assert_eq!(names, ["slot 0", "slot 1", "slot 2"]);
///
/// // SAFETY: `map` has initialised all of them.
/// let names: [String; 3] = places.map(|place| unsafe { place.assume_init() }); // owned
/// assert_eq!(names[2], "slot 2");
///
/// // In memory that stays, such as a static buffer, they are dropped in their place.
/// let mut places = [const { MaybeUninit::uninit() }; 3];
/// let names: &mut [String] = pool.map(0..3, &mut places[..], |k| format!("slot {k}"));
/// // SAFETY: they are initialised, and not used again.
/// unsafe { core::ptr::drop_in_place(names) };
/// ```
///
/// `Option` does it without `unsafe`:
///
/// ```
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// let mut names = [const { None }; 3];
/// pool.map(0..3, &mut names, |k| Some(format!("slot {k}")));
/// assert_eq!(names[1].as_deref(), Some("slot 1"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an output of `map`",
    label = "takes no results of type `{R}`",
    note = "the order is `map(input, output, function)`: the output comes second, `()` if there is \
        none",
    note = "outputs are `&mut ys` for slices, arrays and (feature `std`) vectors as long as the \
        input, `&mut [MaybeUninit<_>]`, and (feature `std`) `Vec::new()`, to which results are \
        appended and which is returned"
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

/// Keeps others from implementing [`Output`]: `map` relies on what it says. The pair is sealed, or
/// others could add results of their own types to `()` and slices.
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
/// Results may be put, and dropped, on any thread: an implementation that is `Sync` vouches for
/// that.
pub unsafe trait Sink<R>: Sync {
    type Done;

    /// Puts what `result` gives for each index of the range, in order.
    ///
    /// # Safety
    ///
    /// *once*: The range is within the length, and no other context puts any of it, before or
    /// after.
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
/// A function of its own because its parameter tells the compiler that nothing else refers to these
/// places. So what `act` reads can stay in registers while they are written: 2 % less time for
/// elements of 10 ns.
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

// SAFETY: *once*: through a shared `Assign` results are moved in from any thread, and old ones
// dropped there; `R: Send` allows that.
unsafe impl<R: Send> Sync for Assign<'_, R> {}

// SAFETY: as above.
unsafe impl<R: Send> Sink<R> for Assign<'_, R> {
    type Done = ();

    #[inline(always)]
    unsafe fn put_all(&self, range: Range<usize>, mut result: impl FnMut(usize) -> R) {
        // SAFETY: *once*: the range is within the slice.
        let first = unsafe { self.first.add(range.start) };
        // SAFETY: *once*: no other participant has these indices; neither has the function, nor a
        // drop: the slice is borrowed for 'a. It is initialised.
        let places = unsafe { slice::from_raw_parts_mut(first, range.len()) };
        // An old value whose drop panics is replaced all the same.
        each(places, range.start, |place, index| *place = result(index));
    }

    unsafe fn done(self) {}
}

/// Places that results initialise.
#[derive(Debug)]
pub(super) struct Places<R>(pub(super) *mut R);

impl<R> Places<R> {
    /// # Safety
    ///
    /// As [`Sink::put_all`]; the places are valid for writes, and nothing else refers to them.
    #[inline(always)]
    pub(super) unsafe fn put_all(&self, range: Range<usize>, mut result: impl FnMut(usize) -> R) {
        // SAFETY: *once*: the range is within the places.
        let first = unsafe { self.0.add(range.start) };
        // SAFETY: *once*: no other participant has these indices, nor has the function, the
        // caller's promise.
        let places = unsafe { slice::from_raw_parts_mut(first.cast(), range.len()) };
        each(places, range.start, |place: &mut MaybeUninit<R>, index| {
            place.write(result(index));
        });
    }

    /// # Safety
    ///
    /// As [`Sink::undo`].
    pub(super) unsafe fn undo(&self, range: Range<usize>) {
        // SAFETY: *done*: the range is within the places.
        let first = unsafe { self.0.add(range.start) };
        // SAFETY: *done*: all of it was put.
        unsafe { ptr::slice_from_raw_parts_mut(first, range.len()).drop_in_place() };
    }
}

// SAFETY: *once*: through shared `Places` results are moved in from any thread; `R: Send` allows
// that.
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
            "ringpool: the input has {len} elements, the output has 0: capacity is not length. To \
             append the results to a vector, pass it by value; it is returned"
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
