//! The bounded multi-producer multi-consumer ring of job slots.
//!
//! The algorithm is Dmitry Vyukov's bounded MPMC queue (1024cores.net): a slot's sequence number
//! says whose turn it is. Three things differ here.
//!
//! * **A position is even.** Positions go up by two and wrap; the lowest bit of `tail` is the
//!   *closed* flag. Closing is one atomic operation on the word that every submit must change, so a
//!   submit is either before it (and will be run) or after it (and is handed back).
//! * **A slot stores its sequence minus twice its index**, so an empty ring is all zeroes:
//!
//!   | `seq` | the slot |
//!   |---|---|
//!   | `lap` | free, for the producer of this lap |
//!   | `lap + 1` | holds a job, for the consumer of this lap |
//!   | `lap + 2 * CAPACITY` | free again, for the next lap |
//!
//!   where `lap` is the position with the slot's part of it cut off.
//! * **No context waits.** A producer that finds its slot still occupied says *full*, a consumer
//!   that finds its slot unwritten says *empty*. So the ring is lock-*light*, not lock-free: a
//!   producer that is preempted between its claim and its publish hides the jobs behind it until it
//!   goes on, and a consumer that is preempted while it moves a job out makes the ring look full
//!   once the producers are a lap ahead. Neither makes anyone spin.
//!
//! A producer prefetches, for writing, the slot a few ahead: a locked instruction waits for the
//! stores before it, and those wait for lines that a consumer has touched. (`benches/` has the
//! difference as `execute`, one producer.) A consumer does not: where it has caught up, it would
//! take the lines that the producer has just prefetched; measured, a job took up to twice as long.

use crossbeam_utils::CachePadded;

use crate::job::Job;
use crate::native::prefetch_for_write;
use crate::platform::MANY_CORES;
use crate::queue::slot::{OnTaken, Slot};
use crate::sync::{AtomicUsize, Backoff, Ordering, array_of, const_fn};
use crate::tuning::PREFETCH_AHEAD;

/// In `tail`: no new jobs.
const CLOSED: usize = 1;
/// From one position to the next.
const STEP: usize = 2;
// The flag is no part of a position, and positions wrap at the end of a lap.
static_assertions::const_assert!(CLOSED < STEP && STEP.is_power_of_two());

/// Invariant *turn*: the context whose compare-exchange moved `tail` past a position owns that slot
/// until it stores `lap + 1` there; the one that moved `head` past it owns it, filled, from there
/// until it stores `lap + 2 * CAPACITY`. No other context touches the job in it.
#[repr(C)]
pub(crate) struct Ring<const CAPACITY: usize, const WORDS: usize> {
    /// Consumers' side: the next position to take.
    head: CachePadded<AtomicUsize>,
    /// Producers' side: the next position to fill, and `CLOSED`.
    tail: CachePadded<AtomicUsize>,
    slots: [Slot<WORDS>; CAPACITY],
}

// SAFETY: *turn* gives each slot one owner at a time; what crosses threads are the jobs, which are
// `Send`.
unsafe impl<const CAPACITY: usize, const WORDS: usize> Sync for Ring<CAPACITY, WORDS> {}

/// Another context was faster.
#[inline]
fn back_off(backoff: &Backoff) {
    match MANY_CORES {
        true => backoff.spin(),
        false => core::hint::spin_loop(),
    }
}

/// Why a ring took no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

/// A slot that its producer owns and has to fill.
#[must_use]
pub(crate) struct Vacant<'r, const WORDS: usize> {
    slot: &'r Slot<WORDS>,
    lap: usize,
}

/// A slot that its consumer owns and has to empty.
#[must_use]
pub(crate) struct Occupied<'r, const WORDS: usize> {
    slot: &'r Slot<WORDS>,
    next_lap: usize,
}

impl<const CAPACITY: usize, const WORDS: usize> Ring<CAPACITY, WORDS> {
    const VALID: () = assert!(
        CAPACITY.is_power_of_two() && CAPACITY >= 2 && CAPACITY <= usize::MAX / 8,
        "ringpool: CAPACITY must be a power of two, and at least 2"
    );

    const_fn! {
        /// An empty ring.
        pub(crate) const fn new() -> Self {
            const { Self::VALID };
            Self {
                head: CachePadded::new(AtomicUsize::new(0)),
                tail: CachePadded::new(AtomicUsize::new(0)),
                slots: array_of![Slot::new(); CAPACITY],
            }
        }
    }

    /// Makes an empty ring in its place, however large: none goes over the stack.
    ///
    /// # Safety
    ///
    /// `place` is valid for writes, and aligned.
    #[cfg(feature = "std")]
    pub(crate) unsafe fn init(place: *mut Self) {
        const { Self::VALID };
        // SAFETY: the caller's promise; and an empty ring is all zeroes: atomics of 0, and slots
        // that may be uninitialised.
        #[cfg(not(ringpool_loom))]
        unsafe {
            place.write_bytes(0, 1);
        }
        // SAFETY: the caller's promise.
        #[cfg(ringpool_loom)]
        unsafe {
            place.write(Self::new());
        }
    }

    /// An empty ring at the beginning of `lap`, a multiple of `STEP * CAPACITY`.
    #[cfg(test)]
    pub(crate) fn starting_at(lap: usize) -> Self {
        let ring = Self::new();
        ring.head.store(lap, Ordering::Relaxed);
        ring.tail.store(lap, Ordering::Relaxed);
        for slot in &ring.slots {
            slot.seq.store(lap, Ordering::Relaxed);
        }
        ring
    }

    #[inline(always)]
    fn slot(&self, position: usize) -> &Slot<WORDS> {
        &self.slots[(position / STEP) & (CAPACITY - 1)]
    }

    #[inline(always)]
    fn lap(position: usize) -> usize {
        position & !(STEP * CAPACITY - 1)
    }

    /// Puts a job in, or hands it back. Bounded time unless other producers keep succeeding.
    #[inline]
    pub(crate) fn push<J: Job>(&self, job: J) -> Result<(), (J, Refusal)> {
        match self.claim() {
            Ok(vacant) => {
                vacant.fill(job);
                Ok(())
            }
            Err(refusal) => Err((job, refusal)),
        }
    }

    #[inline]
    pub(crate) fn claim(&self) -> Result<Vacant<'_, WORDS>, Refusal> {
        let backoff = Backoff::new();
        let mut tail = self.tail.load(Ordering::Relaxed);
        loop {
            if tail & CLOSED != 0 {
                return Err(Refusal::Closed);
            }
            let slot = self.slot(tail);
            let lap = Self::lap(tail);
            // Acquire: pairs with the release in `Slot::run`; the last lap's job has been moved
            // out.
            let turn = slot.seq.load(Ordering::Acquire).wrapping_sub(lap) as isize;
            if turn == 0 {
                // Relaxed: the order of slots comes from `seq`; this only decides who owns it.
                match self.tail.compare_exchange_weak(
                    tail,
                    tail.wrapping_add(STEP),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => {
                        prefetch_for_write(self.slot(tail.wrapping_add(STEP * PREFETCH_AHEAD)));
                        return Ok(Vacant { slot, lap });
                    }
                    Err(now) => tail = now,
                }
                back_off(&backoff);
            } else if turn < 0 {
                // Last lap's job is still in there.
                return Err(Refusal::Full);
            } else {
                // Another producer took this position meanwhile.
                tail = self.tail.load(Ordering::Relaxed);
            }
        }
    }

    /// Takes the oldest job, if the slot at the head holds one. Bounded time unless other consumers
    /// keep succeeding.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Occupied<'_, WORDS>> {
        let backoff = Backoff::new();
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(head);
            let lap = Self::lap(head);
            // Acquire: pairs with the release in `Slot::fill`; the job is written.
            let turn = slot.seq.load(Ordering::Acquire).wrapping_sub(lap) as isize;
            if turn == 1 {
                // Relaxed: as in `claim`.
                match self.head.compare_exchange_weak(
                    head,
                    head.wrapping_add(STEP),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => {
                        let next_lap = lap.wrapping_add(STEP * CAPACITY);
                        return Some(Occupied { slot, next_lap });
                    }
                    Err(_) => {
                        back_off(&backoff);
                        head = self.head.load(Ordering::Relaxed);
                    }
                }
            } else if turn <= 0 {
                // Not written yet, or its job of the last lap is still being moved out.
                return None;
            } else {
                // Another consumer took this position meanwhile.
                head = self.head.load(Ordering::Relaxed);
            }
        }
    }

    /// Whether the slot at the head holds a job, or had one when the head had just moved: whether
    /// `pop` is worth a try.
    ///
    /// A slot that is claimed but not written is *not* ready, or a worker would spin on a preempted
    /// producer. Relaxed: `pop` has the acquire; a sleeper's fence orders this load after its bit.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        let head = self.head.load(Ordering::Relaxed);
        let turn = self.slot(head).seq.load(Ordering::Relaxed);
        turn.wrapping_sub(Self::lap(head)) as isize > 0
    }

    /// No new jobs from here on.
    pub(crate) fn close(&self) {
        // Relaxed: everything that this must be ordered with goes through `tail` itself; sleepers
        // are told by `Sleep::wake_all`, which has the release.
        self.tail.fetch_or(CLOSED, Ordering::Relaxed);
    }

    /// Closed, and every job that was accepted has been taken.
    pub(crate) fn is_finished(&self) -> bool {
        let tail = self.tail.load(Ordering::Relaxed);
        // Once closed, `tail` never changes again.
        tail & CLOSED != 0 && self.head.load(Ordering::Relaxed) == tail & !CLOSED
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.tail.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// How many positions are claimed and not yet taken; a snapshot.
    pub(crate) fn len(&self) -> usize {
        let head = self.head.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Relaxed) & !CLOSED;
        (tail.wrapping_sub(head) / STEP).min(CAPACITY)
    }
}

impl<const WORDS: usize> Vacant<'_, WORDS> {
    #[inline(always)]
    pub(crate) fn fill<J: Job>(self, job: J) {
        // SAFETY: *turn*: the slot is ours, and empty.
        unsafe { self.slot.fill(job, self.lap.wrapping_add(1)) };
    }
}

impl<const WORDS: usize> Occupied<'_, WORDS> {
    /// Frees the slot, does what is to be done before, and runs the job.
    #[inline(always)]
    pub(crate) fn run(self, on_taken: Option<&dyn OnTaken>) {
        // SAFETY: *turn*: the slot is ours, and filled.
        unsafe { self.slot.run(self.next_lap, on_taken) };
    }
}

impl<const CAPACITY: usize, const WORDS: usize> Drop for Ring<CAPACITY, WORDS> {
    fn drop(&mut self) {
        while let Some(Occupied { slot, .. }) = self.pop() {
            // SAFETY: *turn*: the slot is ours, filled, and stays so.
            crate::unwind::contain(|| unsafe { slot.drop() });
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests;
