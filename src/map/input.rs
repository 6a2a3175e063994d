//! What a map reads: slices, arrays, ranges, tuples of inputs. `chunks` and `vectors` have more.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Range, RangeInclusive};
use core::ptr;

/// What [`Pool::map`](crate::Pool::map) takes its elements from.
///
/// | input | item |
/// |---|---|
/// | `&[T]`, `&[T; N]`, `&Vec<T>` | `&T` |
/// | `&mut [T]`, `&mut [T; N]`, `&mut Vec<T>` | `&mut T` |
/// | `[T; N]`, `Vec<T>` | `T`, moved into the function |
/// | `a..b`, `a..=b` of an integer type of at most 64 bits | the integer |
/// | [`chunks(&xs, n)`](crate::chunks()) | `&[T]` of `n` elements; the last may be shorter |
/// | [`chunks_mut(&mut xs, n)`](crate::chunks_mut) | `&mut [T]`; the last may be shorter |
/// | `(A, B)`, `(A, B, C)`, `(A, B, C, D)` of inputs of one length | a tuple of their items |
///
/// `Vec` is for the feature `std`. Everything else is collected first: iterators, `HashMap`s,
/// `chars()`. This trait is sealed.
///
/// `&T` items need `T: Sync`; `&mut T` and `T` items need `T: Send`.
///
/// # Arrays and vectors by value
///
/// Their items belong to the function. If it panics, `map` drops the items that it did not get. The
/// memory of a vector is freed when the map is over.
///
/// An array moves on the caller's stack. A debug build has up to nine copies of it there at a time:
/// 10 000 `String`s of 24 bytes overflow the 2 MiB of a thread (2.1 MB measured, rustc 1.95; a
/// release build has one copy). A vector moves three words: pass a large array as a vector, or by
/// reference.
///
/// # Ranges
///
/// A range of literals has the integer type that its use gives it, and `i32` if that leaves it
/// open, as in a `for` loop.
///
/// # Panics
///
/// `map` panics before it touches an element if the inputs of a tuple differ in length, or a range
/// has more elements than a `usize` can count.
///
/// # Examples
///
/// ```
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// let names = [String::from("ring"), String::from("slot")];
/// let mut lengths = [0; 2];
/// pool.map(&names, &mut lengths, |name| name.len()); // by reference
/// assert_eq!(lengths, [4, 4]);
///
/// pool.map((1..=2, &mut lengths), (), |(k, length)| *length *= k); // in step, in place
/// assert_eq!(lengths, [4, 8]);
///
/// let mut upper = [const { String::new() }; 2];
/// pool.map(names, &mut upper, |name| name.to_uppercase()); // by value
/// assert_eq!(upper, ["RING", "SLOT"]);
/// ```
///
/// What is not an input is collected first:
///
/// ```
/// # #[cfg(feature = "std")] {
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// let ages = std::collections::BTreeMap::from([("Ada", 36), ("Alan", 41)]);
/// let pairs: Vec<_> = ages.into_iter().collect();
/// let lines = pool.map(pairs, Vec::new(), |(name, age)| format!("{name} was {age}"));
/// assert_eq!(lines, ["Ada was 36", "Alan was 41"]);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an input of `map`",
    label = "not an input of `map`",
    note = "inputs are `&xs`, `&mut xs` and `xs` for arrays and (feature `std`) vectors, slices, \
        ranges of integers, `ringpool::chunks`, and tuples of inputs",
    note = "an iterator, a map, a set, a list or a string is not: collect it first, as in \
        `let xs: Vec<_> = text.chars().collect();`"
)]
pub trait Input: Sized + Sealed {
    /// An element, as the function gets it.
    type Item;

    #[doc(hidden)]
    type Source: Source<Item = Self::Item>;

    #[doc(hidden)]
    #[track_caller]
    fn elements(&self) -> usize;

    #[doc(hidden)]
    fn into_source(self) -> Self::Source;
}

/// Keeps others from implementing [`Input`]: `map` relies on what it says.
pub trait Sealed {}

impl<T> Sealed for &[T] {}
impl<T> Sealed for &mut [T] {}
impl<T> Sealed for Range<T> {}
impl<T> Sealed for RangeInclusive<T> {}
impl<T, const N: usize> Sealed for [T; N] {}

/// An input taken apart, so that many threads can take elements through a shared reference.
///
/// # Safety
///
/// Items may be taken on any thread: an implementation that is `Sync` vouches for that.
pub unsafe trait Source: Sync {
    type Item;

    /// # Safety
    ///
    /// *once*: `index` is below the input's length, and each is taken or discarded at most once.
    unsafe fn take(&self, index: usize) -> Self::Item;

    /// Drops elements that will not be taken.
    ///
    /// # Safety
    ///
    /// As `take`, for each index of the range.
    unsafe fn discard(&self, _range: Range<usize>) {}
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Shared<'a, T>(&'a [T]);

// SAFETY: a `&T` may go to any thread if `T: Sync`, which `&[T]: Sync` (a supertrait's bound)
// requires.
unsafe impl<'a, T: Sync> Source for Shared<'a, T> {
    type Item = &'a T;

    #[inline(always)]
    unsafe fn take(&self, index: usize) -> &'a T {
        // SAFETY: *once*: `index` is within the slice.
        unsafe { self.0.get_unchecked(index) }
    }
}

/// A `&mut [T]` whose elements are lent out one by one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Exclusive<'a, T> {
    first: *mut T,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: *once*: through a shared `Exclusive` one gets `&mut T`s, each once: a `T` is only ever on
// one thread at a time, which `T: Send` allows.
unsafe impl<T: Send> Sync for Exclusive<'_, T> {}

// SAFETY: as above.
unsafe impl<'a, T: Send> Source for Exclusive<'a, T> {
    type Item = &'a mut T;

    #[inline(always)]
    unsafe fn take(&self, index: usize) -> &'a mut T {
        // SAFETY: *once*: `index` is within the slice.
        let element = unsafe { self.first.add(index) };
        // SAFETY: *once*: no index is taken twice; and the slice is borrowed for 'a.
        unsafe { &mut *element }
    }
}

/// A number that a range can count.
#[diagnostic::on_unimplemented(
    message = "a range of `{Self}` is not an input of `map`",
    label = "`{Self}` is no integer of up to 64 bits",
    note = "map a range of integers, and make of each what you need"
)]
pub trait Integer: Copy + PartialOrd + Send + Sync {
    /// How many steps it is from one to the other, which is not smaller; `None` if that is more
    /// than a `usize` holds.
    fn steps(from: Self, to: Self) -> Option<usize>;

    /// The number so many steps further, which exists.
    fn step(self, steps: usize) -> Self;
}

macro_rules! integers {
    ($($name:ty)*) => {$(
        impl Integer for $name {
            fn steps(from: Self, to: Self) -> Option<usize> {
                to.abs_diff(from).try_into().ok()
            }

            #[inline(always)]
            fn step(self, steps: usize) -> Self {
                // From a negative number it may be further than its type's largest.
                self.wrapping_add(steps as Self)
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

/// A range, from its start.
#[doc(hidden)]
#[derive(Debug)]
pub struct Counting<T>(T);

// SAFETY: numbers may go anywhere.
unsafe impl<T: Integer> Source for Counting<T> {
    type Item = T;

    #[inline(always)]
    unsafe fn take(&self, index: usize) -> T {
        self.0.step(index)
    }
}

/// Elements that are moved out one by one.
#[derive(Debug)]
pub(super) struct Moved<T>(pub(super) *mut T);

impl<T> Moved<T> {
    /// # Safety
    ///
    /// As [`Source::take`]; the elements are initialised, and their owner neither touches nor drops
    /// them.
    #[inline(always)]
    pub(super) unsafe fn take(&self, index: usize) -> T {
        // SAFETY: *once*: `index` is within the elements.
        let element = unsafe { self.0.add(index) };
        // SAFETY: *once*: no index is taken twice.
        unsafe { element.read() }
    }

    /// # Safety
    ///
    /// As `take`, for each index of the range.
    pub(super) unsafe fn discard(&self, range: Range<usize>) {
        // SAFETY: *once*: the range is within the elements.
        let first = unsafe { self.0.add(range.start) };
        // SAFETY: *once*: none of these was taken, and none will be.
        unsafe { ptr::slice_from_raw_parts_mut(first, range.len()).drop_in_place() };
    }
}

/// An array whose elements are moved out one by one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Owned<T, const N: usize>(UnsafeCell<ManuallyDrop<[T; N]>>);

// SAFETY: *once*: each element is moved to one thread, which `T: Send` allows.
unsafe impl<T: Send, const N: usize> Sync for Owned<T, N> {}

impl<T, const N: usize> Owned<T, N> {
    #[inline(always)]
    fn elements(&self) -> Moved<T> {
        Moved(self.0.get().cast())
    }
}

// SAFETY: as above.
unsafe impl<T: Send, const N: usize> Source for Owned<T, N> {
    type Item = T;

    #[inline(always)]
    unsafe fn take(&self, index: usize) -> T {
        // SAFETY: *once*, the caller's promise; and the array is never dropped as a whole.
        unsafe { self.elements().take(index) }
    }

    unsafe fn discard(&self, range: Range<usize>) {
        // SAFETY: as in `take`.
        unsafe { self.elements().discard(range) };
    }
}

/// Panics if the lengths differ.
#[inline]
#[track_caller]
pub(super) fn check_lengths(one: &str, length: usize, other: &str, other_length: usize) {
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn differ(one: &str, length: usize, other: &str, other_length: usize) -> ! {
        panic!("ringpool: the {one} has {length} elements, the {other} has {other_length}");
    }
    if length != other_length {
        differ(one, length, other, other_length);
    }
}

impl<'a, T: Sync> Input for &'a [T] {
    type Item = &'a T;
    type Source = Shared<'a, T>;

    fn elements(&self) -> usize {
        self.len()
    }

    fn into_source(self) -> Self::Source {
        Shared(self)
    }
}

impl<'a, T: Send> Input for &'a mut [T] {
    type Item = &'a mut T;
    type Source = Exclusive<'a, T>;

    fn elements(&self) -> usize {
        self.len()
    }

    fn into_source(self) -> Self::Source {
        Exclusive {
            first: self.as_mut_ptr(),
            lifetime: PhantomData,
        }
    }
}

impl<T: Integer> Input for Range<T> {
    type Item = T;
    type Source = Counting<T>;

    fn elements(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        check_range(T::steps(self.start, self.end))
    }

    fn into_source(self) -> Self::Source {
        Counting(self.start)
    }
}

impl<T: Integer> Input for RangeInclusive<T> {
    type Item = T;
    type Source = Counting<T>;

    fn elements(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let steps = T::steps(*self.start(), *self.end());
        check_range(steps.and_then(|steps| steps.checked_add(1)))
    }

    fn into_source(self) -> Self::Source {
        Counting(*self.start())
    }
}

/// Panics if a range has more elements than a map can have.
#[inline]
#[track_caller]
fn check_range(elements: Option<usize>) -> usize {
    elements.expect("ringpool: the range has more elements than a usize can count")
}

impl<T: Send, const N: usize> Input for [T; N] {
    type Item = T;
    type Source = Owned<T, N>;

    fn elements(&self) -> usize {
        N
    }

    fn into_source(self) -> Self::Source {
        Owned(UnsafeCell::new(ManuallyDrop::new(self)))
    }
}

/// What can be seen as a slice is an input like that slice.
macro_rules! like_slices {
    ($(($($generics:tt)*) $name:ty;)*) => {$(
        impl<T, $($generics)*> Sealed for &$name {}
        impl<T, $($generics)*> Sealed for &mut $name {}

        impl<'a, T: Sync, $($generics)*> Input for &'a $name {
            type Item = &'a T;
            type Source = Shared<'a, T>;

            fn elements(&self) -> usize {
                self.len()
            }

            fn into_source(self) -> Self::Source {
                self.as_slice().into_source()
            }
        }

        impl<'a, T: Send, $($generics)*> Input for &'a mut $name {
            type Item = &'a mut T;
            type Source = Exclusive<'a, T>;

            fn elements(&self) -> usize {
                self.len()
            }

            fn into_source(self) -> Self::Source {
                self.as_mut_slice().into_source()
            }
        }
    )*};
}

like_slices! { (const N: usize) [T; N]; }
#[cfg(feature = "std")]
like_slices! { () std::vec::Vec<T>; }

/// Tuples of inputs are walked in step.
macro_rules! zip {
    ($first:ident $(, $rest:ident)+) => {
        impl<$first, $($rest),+> Sealed for ($first, $($rest),+) {}

        #[allow(non_snake_case, reason = "a type parameter's name serves for its value")]
        impl<$first: Input, $($rest: Input),+> Input for ($first, $($rest),+) {
            type Item = ($first::Item, $($rest::Item),+);
            type Source = ($first::Source, $($rest::Source),+);

            #[track_caller]
            fn elements(&self) -> usize {
                let ($first, $($rest),+) = self;
                let elements = $first.elements();
                $(check_lengths("input", elements, "input beside it", $rest.elements());)+
                elements
            }

            fn into_source(self) -> Self::Source {
                let ($first, $($rest),+) = self;
                ($first.into_source(), $($rest.into_source()),+)
            }
        }

        // SAFETY: each part is a source, and gets the same promises.
        #[allow(non_snake_case, reason = "a type parameter's name serves for its value")]
        unsafe impl<$first: Source, $($rest: Source),+> Source for ($first, $($rest),+) {
            type Item = ($first::Item, $($rest::Item),+);

            #[inline(always)]
            unsafe fn take(&self, index: usize) -> Self::Item {
                let ($first, $($rest),+) = self;
                (
                    // SAFETY: *once*, the caller's promise.
                    unsafe { $first.take(index) },
                    $(
                        // SAFETY: *once*, the caller's promise.
                        unsafe { $rest.take(index) }
                    ),+
                )
            }

            unsafe fn discard(&self, range: Range<usize>) {
                let ($first, $($rest),+) = self;
                $(
                    // SAFETY: *once*, the caller's promise.
                    crate::unwind::contain(|| unsafe { $rest.discard(range.clone()) });
                )+
                // SAFETY: *once*, the caller's promise.
                unsafe { $first.discard(range) };
            }
        }
    };
}

zip!(A, B);
zip!(A, B, C);
zip!(A, B, C, D);
