//! A closure, type-erased into a fixed number of words: what a ring slot holds.

use core::mem::{ManuallyDrop, MaybeUninit, align_of, size_of};
use core::ptr;

/// What the words of a [`Job`] are: how to run them and how to drop them.
struct Table {
    run: unsafe fn(*mut ()),
    drop: unsafe fn(*mut ()),
}

/// A `FnOnce() + Send + 'static` kept inline.
///
/// Invariant *job*: `words` holds a live closure of the type that `table` was made for, until `run`
/// or `drop` takes it out, once.
pub(crate) struct Job<const WORDS: usize> {
    table: &'static Table,
    words: [MaybeUninit<usize>; WORDS],
}

impl<const WORDS: usize> Job<WORDS> {
    /// Erases `closure`. One that does not fit is a compile error.
    #[inline(always)]
    pub(crate) fn new<F: FnOnce() + Send + 'static>(closure: F) -> Self {
        const {
            assert!(
                size_of::<F>() <= size_of::<[usize; WORDS]>(),
                "ringpool: this closure is larger than a job slot. Capture less (a reference to a \
                 static, an index), box it (`let job = Box::new(job); move || job()`), or raise the \
                 pool's WORDS parameter"
            );
            assert!(
                align_of::<F>() <= align_of::<usize>(),
                "ringpool: this closure captures a value that is more aligned than a job slot \
                 (one word). Capture a reference to it, or box it"
            );
        }
        let mut words = [MaybeUninit::uninit(); WORDS];
        // SAFETY: `words` is large and aligned enough for an `F`, as asserted above.
        unsafe { words.as_mut_ptr().cast::<F>().write(closure) };
        Self {
            table: const {
                &Table {
                    run: run::<F>,
                    drop: drop::<F>,
                }
            },
            words,
        }
    }

    /// Moves a job out of `place`. (In two parts, which is less code: six words are copied by two
    /// instructions on ARM, and seven by a call.)
    ///
    /// # Safety
    ///
    /// There is a job, which is not used again where it is.
    #[inline(always)]
    pub(crate) unsafe fn take(place: *const Self) -> Self {
        Self {
            // SAFETY: there is a job, as the caller promises.
            table: unsafe { (*place).table },
            // SAFETY: as above.
            words: unsafe { (*place).words },
        }
    }

    /// Runs the closure. A panic in it unwinds through here; the closure is consumed all the same.
    #[inline]
    pub(crate) fn run(self) {
        let job = ManuallyDrop::new(self);
        let (run, mut words) = (job.table.run, job.words);
        // SAFETY: *job*; `ManuallyDrop` keeps `drop` from taking the closure again.
        unsafe { run(words.as_mut_ptr().cast()) };
    }
}

impl<const WORDS: usize> Drop for Job<WORDS> {
    fn drop(&mut self) {
        // SAFETY: *job*: nobody ran it, or `run` would have kept this from happening.
        unsafe { (self.table.drop)(self.words.as_mut_ptr().cast()) };
    }
}

/// # Safety
///
/// `closure` points to a live `F`, which is gone afterwards.
unsafe fn run<F: FnOnce()>(closure: *mut ()) {
    // SAFETY: *job*, which the caller vouches for.
    let closure = unsafe { closure.cast::<F>().read() };
    closure();
}

/// # Safety
///
/// `closure` points to a live `F`, which is gone afterwards.
unsafe fn drop<F>(closure: *mut ()) {
    // SAFETY: *job*, which the caller vouches for.
    unsafe { ptr::drop_in_place(closure.cast::<F>()) };
}
