//! What a map reads: a slice in pieces of so many elements. (The chunks that participants take are
//! those of `frame` and `lanes`.)

use core::marker::PhantomData;
use core::slice;

use crate::map::input::{Input, Sealed, Source};

/// An input of [`map`](crate::Pool::map): `slice` in pieces of `size` elements, each a `&[T]`, from
/// its start on. The last may be shorter. As [`slice::chunks`], for many threads at once.
///
/// For elements that are too small to be mapped one by one, and results that are one for many of
/// them. Which thread gets how many pieces is the pool's business; `size` only says what the
/// function sees at a time.
///
/// # Panics
///
/// If `size` is 0.
///
/// # Examples
///
/// A sum by partial sums:
///
/// ```
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// let samples = [0.5_f32; 1000];
/// let mut sums = [0.0; 4]; // 300, 300, 300 and 100 samples
/// pool.map(ringpool::chunks(&samples, 300), &mut sums, |part| part.iter().sum());
/// assert_eq!(sums.iter().sum::<f32>(), 500.0);
/// ```
///
/// With the feature `std` the results need no array of the right length:
///
/// ```
/// # #[cfg(feature = "std")] {
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// let text = "so many words in one line";
/// let spaces = pool.map(ringpool::chunks(text.as_bytes(), 10), Vec::new(), |part| {
///     part.iter().filter(|byte| **byte == b' ').count()
/// });
/// assert_eq!(spaces, [2, 2, 1]);
/// # }
/// ```
#[track_caller]
pub fn chunks<T: Sync>(slice: &[T], size: usize) -> impl Input<Item = &[T]> {
    check_size(size);
    Chunks { slice, size }
}

/// An input of [`map`](crate::Pool::map): `slice` in pieces of `size` elements, each a `&mut [T]`,
/// from its start on. The last may be shorter. As [`slice::chunks_mut`], for many threads at once.
///
/// # Panics
///
/// If `size` is 0.
///
/// # Examples
///
/// An image by rows, with the number of each:
///
/// ```
/// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
/// const WIDTH: usize = 16;
/// const HEIGHT: usize = 9;
/// let mut image = [0u8; WIDTH * HEIGHT];
/// pool.map((ringpool::chunks_mut(&mut image, WIDTH), 0..HEIGHT), (), |(row, y)| {
///     for (x, pixel) in row.iter_mut().enumerate() {
///         *pixel = (x * y) as u8;
///     }
/// });
/// assert_eq!(image[8 * WIDTH + 15], 120);
/// ```
#[track_caller]
pub fn chunks_mut<T: Send>(slice: &mut [T], size: usize) -> impl Input<Item = &mut [T]> {
    check_size(size);
    ChunksMut {
        first: slice.as_mut_ptr(),
        len: slice.len(),
        size,
        lifetime: PhantomData,
    }
}

#[track_caller]
fn check_size(size: usize) {
    assert!(size != 0, "ringpool: the size of a chunk must not be 0");
}

struct Chunks<'a, T> {
    slice: &'a [T],
    size: usize,
}

impl<T> Sealed for Chunks<'_, T> {}

impl<'a, T: Sync> Input for Chunks<'a, T> {
    type Item = &'a [T];
    type Source = Self;

    fn elements(&self) -> usize {
        self.slice.len().div_ceil(self.size)
    }

    fn into_source(self) -> Self {
        self
    }
}

// SAFETY: a `&[T]` may go to any thread if `T: Sync`.
unsafe impl<'a, T: Sync> Source for Chunks<'a, T> {
    type Item = &'a [T];

    #[inline(always)]
    unsafe fn take(&self, index: usize) -> &'a [T] {
        let start = index * self.size;
        let len = self.size.min(self.slice.len() - start);
        // SAFETY: *once*: `index` is below the number of chunks, so this one begins within the
        // slice; and it ends there.
        unsafe { self.slice.get_unchecked(start..start + len) }
    }
}

/// A `&mut [T]` whose pieces are lent out one by one.
struct ChunksMut<'a, T> {
    first: *mut T,
    len: usize,
    size: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: *once*: through a shared `ChunksMut` one gets `&mut [T]`s that do not overlap, each once:
// a `T` is only ever on one thread at a time, which `T: Send` allows.
unsafe impl<T: Send> Sync for ChunksMut<'_, T> {}

impl<T> Sealed for ChunksMut<'_, T> {}

impl<'a, T: Send> Input for ChunksMut<'a, T> {
    type Item = &'a mut [T];
    type Source = Self;

    fn elements(&self) -> usize {
        self.len.div_ceil(self.size)
    }

    fn into_source(self) -> Self {
        self
    }
}

// SAFETY: as for `Sync`.
unsafe impl<'a, T: Send> Source for ChunksMut<'a, T> {
    type Item = &'a mut [T];

    #[inline(always)]
    unsafe fn take(&self, index: usize) -> &'a mut [T] {
        let start = index * self.size;
        let len = self.size.min(self.len - start);
        // SAFETY: *once*: `index` is below the number of chunks, so this one begins within the
        // slice.
        let first = unsafe { self.first.add(start) };
        // SAFETY: *once*: no index is taken twice, and chunks do not overlap; this one ends within
        // the slice, which is borrowed for 'a.
        unsafe { slice::from_raw_parts_mut(first, len) }
    }
}
