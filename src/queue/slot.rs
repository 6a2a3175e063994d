//! A slot of the ring, and the closure in it, type-erased into a fixed number of words.
//!
//! A closure moves twice: from its submitter into the slot, and from there, by the code that was made for its
//! type, to where it runs. In between the slot is freed, so that a long job keeps nobody waiting.

use core::mem::{MaybeUninit, align_of, size_of};
use core::ptr;

use crate::sync::{AtomicUsize, Ordering, UnsafeCell, const_fn};

/// What is to be done when a job's slot is free, before the job runs.
///
/// (Not `Fn`: its table of functions is larger, and this one is in every firmware.)
pub(crate) trait Before {
    fn before(&self);
}

/// What the words of a slot are: how to run them and how to drop them.
struct Table<const WORDS: usize> {
    run: unsafe fn(&Slot<WORDS>, usize, Option<&dyn Before>),
    drop: unsafe fn(*mut ()),
}

/// Invariant *job*: in a slot that is filled, `words` holds a live closure of the type that `table` was made for,
/// a `FnOnce() + Send + 'static`, until it is run or dropped, once.
#[repr(C)]
pub(crate) struct Slot<const WORDS: usize> {
    /// Whose turn it is.
    pub(crate) seq: AtomicUsize,
    table: UnsafeCell<MaybeUninit<&'static Table<WORDS>>>,
    words: UnsafeCell<[MaybeUninit<usize>; WORDS]>,
}

// Eight words: one 64-byte cache line on 64-bit targets, 32 bytes on 32-bit ones.
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
static_assertions::assert_eq_size!(Slot<6>, [usize; 8]);

impl<const WORDS: usize> Slot<WORDS> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                seq: AtomicUsize::new(0),
                table: UnsafeCell::new(MaybeUninit::uninit()),
                words: UnsafeCell::new([MaybeUninit::uninit(); WORDS]),
            }
        }
    }

    /// Puts `closure` in and gives the slot away. A closure that does not fit is a compile error.
    ///
    /// # Safety
    ///
    /// The slot is the caller's, and empty.
    #[inline(always)]
    pub(crate) unsafe fn fill<F: FnOnce() + Send + 'static>(&self, closure: F, seq: usize) {
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
        let table = const {
            &Table {
                run: run::<F, WORDS>,
                drop: drop::<F>,
            }
        };
        self.table.with_mut(|place| {
            // SAFETY: the slot is the caller's.
            unsafe { place.write(MaybeUninit::new(table)) };
        });
        self.words.with_mut(|words| {
            // SAFETY: likewise; `words` is large and aligned enough for an `F`, as asserted above.
            unsafe { words.cast::<F>().write(closure) };
        });
        // Release: pairs with the acquire in `Ring::pop`.
        self.seq.store(seq, Ordering::Release);
    }

    /// Takes the closure out, gives the slot away, does what is to be done before, and runs the closure. A panic in either unwinds
    /// through here.
    ///
    /// # Safety
    ///
    /// The slot is the caller's, and filled.
    #[inline(always)]
    pub(crate) unsafe fn run(&self, seq: usize, before: Option<&dyn Before>) {
        // SAFETY: the slot is filled, and the caller's.
        let table = unsafe { self.table() };
        // SAFETY: *job*.
        unsafe { (table.run)(self, seq, before) };
    }

    /// Drops the closure where it is. The slot stays the caller's.
    ///
    /// # Safety
    ///
    /// The slot is the caller's, and filled; it is not run or dropped again.
    pub(crate) unsafe fn drop(&self) {
        // SAFETY: the slot is filled, and the caller's.
        let drop = unsafe { self.table() }.drop;
        // SAFETY: *job*.
        self.words.with_mut(|words| unsafe { drop(words.cast()) });
    }

    /// # Safety
    ///
    /// The slot is the caller's, and filled.
    #[inline(always)]
    unsafe fn table(&self) -> &'static Table<WORDS> {
        // SAFETY: it was written when the slot was filled.
        self.table
            .with(|table| unsafe { table.cast::<&Table<WORDS>>().read() })
    }
}

/// # Safety
///
/// The slot is the caller's, and filled with an `F`.
unsafe fn run<F: FnOnce(), const WORDS: usize>(
    slot: &Slot<WORDS>,
    seq: usize,
    before: Option<&dyn Before>,
) {
    // SAFETY: *job*, which the caller vouches for.
    let closure = slot.words.with(|words| unsafe { words.cast::<F>().read() });
    // Release: pairs with the acquire in `Ring::claim`, one lap on.
    slot.seq.store(seq, Ordering::Release);
    if let Some(before) = before {
        before.before();
    }
    closure();
}

/// # Safety
///
/// `closure` points to a live `F`, which is gone afterwards.
unsafe fn drop<F>(closure: *mut ()) {
    // SAFETY: *job*, which the caller vouches for.
    unsafe { ptr::drop_in_place(closure.cast::<F>()) };
}
