//! A slot of the ring, and the job in it, type-erased into a fixed number of words.
//!
//! A job moves twice: from its producer into the slot, and from there, by the code that was made
//! for its type, to where it runs. In between the slot is freed, so that a long job delays no
//! producer.

use core::mem::{MaybeUninit, align_of, size_of};
use core::ptr;

use crate::job::Job;
use crate::queue::fit::Message;
use crate::sync::{AtomicUsize, Ordering, UnsafeCell, const_fn};

/// What is to be done when a job's slot is free, before the job runs.
///
/// (Not `Fn`: its table of functions is larger, and this one is in every firmware.)
pub(crate) trait OnTaken {
    fn on_taken(&self);
}

/// What the words of a slot are: how to run them and how to drop them.
struct Table<const WORDS: usize> {
    run: unsafe fn(&Slot<WORDS>, usize, Option<&dyn OnTaken>),
    drop: unsafe fn(*mut ()),
}

/// Invariant *job*: in a slot that is filled, `words` holds a live job of the type that `table` was
/// made for, a [`Job`], until it is run or dropped, once.
#[repr(C)]
pub(crate) struct Slot<const WORDS: usize> {
    /// Whose turn it is.
    pub(crate) seq: AtomicUsize,
    table: UnsafeCell<MaybeUninit<&'static Table<WORDS>>>,
    words: UnsafeCell<Words<WORDS>>,
}

/// A job's bytes, aligned to two words: for a `u64` on 32-bit targets, a `u128` on 64-bit ones. The
/// two words before them make that free; an odd `WORDS` leaves one word unused.
#[cfg_attr(target_pointer_width = "64", repr(C, align(16)))]
#[cfg_attr(not(target_pointer_width = "64"), repr(C, align(8)))]
struct Words<const WORDS: usize>([MaybeUninit<usize>; WORDS]);

static_assertions::const_assert!(align_of::<Words<6>>() >= align_of::<u64>());
#[cfg(target_pointer_width = "64")]
static_assertions::const_assert!(align_of::<Words<6>>() >= align_of::<u128>());

// Eight words: one 64-byte cache line on 64-bit targets, 32 bytes on 32-bit ones.
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
static_assertions::assert_eq_size!(Slot<6>, [usize; 8]);
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
static_assertions::assert_eq_size!(Slot<2>, [usize; 4]);

impl<const WORDS: usize> Slot<WORDS> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                seq: AtomicUsize::new(0),
                table: UnsafeCell::new(MaybeUninit::uninit()),
                words: UnsafeCell::new(Words([MaybeUninit::uninit(); WORDS])),
            }
        }
    }

    /// Puts `job` in and gives the slot away. A job that does not fit is a compile error.
    ///
    /// # Safety
    ///
    /// The slot is the caller's, and empty.
    #[inline(always)]
    pub(crate) unsafe fn fill<J: Job>(&self, job: J, seq: usize) {
        const {
            let (needs, has) = (size_of::<J>(), size_of::<[usize; WORDS]>());
            if needs > has {
                panic!("{}", Message::too_large(needs, has).as_str());
            }
        }
        const {
            assert!(
                align_of::<J>() <= align_of::<Words<WORDS>>(),
                "ringpool: this job holds a value that is more aligned than a job slot (two words). \
                 Box that value, or the job: `pool.execute(Box::new(move || ..))`"
            );
        }
        let table = const {
            &Table {
                run: run::<J, WORDS>,
                drop: drop::<J>,
            }
        };
        self.table.with_mut(|place| {
            // SAFETY: the slot is the caller's.
            unsafe { place.write(MaybeUninit::new(table)) };
        });
        self.words.with_mut(|words| {
            // SAFETY: the slot is the caller's; `words` is large and aligned enough for a `J`, as
            // asserted above.
            unsafe { words.cast::<J>().write(job) };
        });
        // Release: pairs with the acquire in `Ring::pop`.
        self.seq.store(seq, Ordering::Release);
    }

    /// Takes the job out, gives the slot away, does what is to be done before, and runs the job. A
    /// panic in either unwinds through here.
    ///
    /// # Safety
    ///
    /// The slot is the caller's, and filled.
    #[inline(always)]
    pub(crate) unsafe fn run(&self, seq: usize, on_taken: Option<&dyn OnTaken>) {
        // SAFETY: the slot is filled, and the caller's.
        let table = unsafe { self.table() };
        // SAFETY: *job*.
        unsafe { (table.run)(self, seq, on_taken) };
    }

    /// Drops the job where it is. The slot stays the caller's.
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
/// The slot is the caller's, and filled with a `J`.
unsafe fn run<J: Job, const WORDS: usize>(
    slot: &Slot<WORDS>,
    seq: usize,
    on_taken: Option<&dyn OnTaken>,
) {
    // SAFETY: *job*, which the caller vouches for.
    let job = slot.words.with(|words| unsafe { words.cast::<J>().read() });
    // Release: pairs with the acquire in `Ring::claim`, one lap on.
    slot.seq.store(seq, Ordering::Release);
    if let Some(hook) = on_taken {
        hook.on_taken();
    }
    job.run();
}

/// # Safety
///
/// `job` points to a live `J`, which is gone afterwards.
unsafe fn drop<J>(job: *mut ()) {
    // SAFETY: *job*, which the caller vouches for.
    unsafe { ptr::drop_in_place(job.cast::<J>()) };
}
