//! Model checks of the code that ships, in two ways:
//!
//! * `loom` goes through *all* interleavings, and reorderings, of small mixes (`ci/loom.sh`);
//! * `shuttle` tries many interleavings of larger ones, with the real sizes (`ci/shuttle.sh`).
//!
//! With `--cfg ringpool_counted` nothing is checked: shuttle then runs a simulated machine, whose
//! atomic operations are counted (`ci/counts.sh`).
//!
//! Here is what they need, on top of a `checker` that is the one or the other.

#![cfg_attr(
    ringpool_counted,
    allow(dead_code, unused_imports, reason = "what only the checks need")
)]

extern crate std;

#[cfg(ringpool_counted)]
pub(crate) mod counted;
#[cfg(ringpool_counted)]
mod counts;
#[cfg(ringpool_loom)]
mod loom;
pub(crate) mod reach;
#[cfg(ringpool_loom)]
mod rules;
#[cfg(all(ringpool_shuttle, not(ringpool_counted)))]
mod shuttle;

#[cfg(ringpool_loom)]
use ::loom as checker;
#[cfg(ringpool_shuttle)]
use ::shuttle as checker;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::vec;
use std::vec::Vec;

use checker::sync::{Condvar, Mutex, MutexGuard};
use checker::thread;

use crate::models::reach::{Event, reached};
use crate::platform::CALLERS;
use crate::queue::ring::{Refusal, Ring};
use crate::sync::UnsafeCell;
use crate::{Platform, Pool, Worker};

// What becomes of jobs. Nothing here is the checker's: it must order nothing.

#[derive(Default)]
struct Count {
    issued: AtomicUsize,
    accepted: AtomicUsize,
    /// A bit for each ticket, as in the next two.
    begun: AtomicUsize,
    ran: AtomicUsize,
    dropped: AtomicUsize,
    /// Something ran, or was dropped, twice.
    twice: AtomicBool,
}

/// What each job captures.
struct Ticket {
    count: Arc<Count>,
    bit: usize,
}

impl Ticket {
    /// Whether that is the first time.
    fn begin(&self) -> bool {
        self.count.mark(&self.count.begun, self.bit)
    }

    fn ran(&self) {
        self.count.mark(&self.count.ran, self.bit);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.count.mark(&self.count.dropped, self.bit) {
            // That copy's share in `count` has gone already.
            mem::forget(Arc::clone(&self.count));
        }
    }
}

impl Count {
    /// There are as many as a word has bits.
    fn ticket(self: &Arc<Self>) -> Ticket {
        let number = self.issued.fetch_add(1, Relaxed);
        Ticket {
            count: Arc::clone(self),
            bit: 1usize.checked_shl(number as u32).unwrap(),
        }
    }

    /// Whether that is the first time.
    fn mark(&self, what: &AtomicUsize, bit: usize) -> bool {
        let first = what.fetch_or(bit, Relaxed) & bit == 0;
        if !first {
            self.twice.store(true, Relaxed);
        }
        first
    }

    fn job(self: &Arc<Self>) -> impl FnOnce() + Send + 'static {
        self.job_that(|| ())
    }

    /// A job that has run if `act` comes to its end.
    fn job_that(
        self: &Arc<Self>,
        act: impl FnOnce() + Send + 'static,
    ) -> impl FnOnce() + Send + 'static {
        let ticket = self.ticket();
        move || {
            if !ticket.begin() {
                // What this copy holds has gone with the other.
                mem::forget((act, ticket));
                panic!("a job runs for the second time");
            }
            act();
            ticket.ran();
        }
    }

    /// Accepted jobs ran once, the others not at all; and all that they captured is gone.
    fn settle(&self, submitted: usize) {
        assert_eq!(self.issued.load(Relaxed), submitted);
        self.balance(0);
    }

    /// The same of however many, if so many accepted ones were not run.
    fn balance(&self, not_run: usize) {
        let bits = |word: &AtomicUsize| word.load(Relaxed).count_ones() as usize;
        assert!(!self.twice.load(Relaxed));
        assert_eq!(bits(&self.ran) + not_run, self.accepted.load(Relaxed));
        assert_eq!(bits(&self.dropped), self.issued.load(Relaxed));
    }
}

// The ring.

type SmallRing = Ring<2, 2>;

fn push(ring: &SmallRing, count: &Arc<Count>) -> Result<(), Refusal> {
    match ring.push(count.job()) {
        Ok(()) => {
            count.accepted.fetch_add(1, Relaxed);
            Ok(())
        }
        Err((_job, refusal)) => {
            reached(match refusal {
                Refusal::Full => Event::Full,
                Refusal::Closed => Event::Refused,
            });
            Err(refusal)
        }
    }
}

/// Whether there was a job.
fn pop(ring: &SmallRing) -> bool {
    let Some(job) = ring.pop() else {
        reached(Event::Empty);
        return false;
    };
    job.run(None);
    true
}

/// So many tries, of which one at least finds a job: whether that is so.
fn pops(ring: &SmallRing, tries: usize) -> bool {
    (0..tries).filter(|_| pop(ring)).count() != 0
}

/// Each of `producers` submits so many jobs, each of `consumers` tries to take so many; `fill` jobs
/// are in the ring before, and what is there afterwards is taken then. The last of both is the main
/// thread.
fn traffic(ring: SmallRing, fill: usize, producers: &[usize], consumers: &[usize]) {
    let (ring, count) = (Arc::new(ring), Arc::new(Count::default()));
    for _ in 0..fill {
        push(&ring, &count).unwrap();
    }
    let mut threads = Vec::new();
    for &jobs in producers {
        let (ring, count) = (Arc::clone(&ring), Arc::clone(&count));
        threads.push(thread::spawn(move || {
            for _ in 0..jobs {
                let _ = push(&ring, &count);
            }
            true
        }));
    }
    let (&here, elsewhere) = consumers.split_last().unwrap();
    for &tries in elsewhere {
        let ring = Arc::clone(&ring);
        threads.push(thread::spawn(move || pops(&ring, tries)));
    }
    let mut all = pops(&ring, here);
    for thread in threads {
        all &= thread.join().unwrap();
    }
    if all {
        reached(Event::AllConsumed);
    }
    // The third position of a ring that wraps is zero.
    if count.accepted.load(Relaxed) > 2 {
        reached(Event::Wrapped);
    }
    while let Some(job) = ring.pop() {
        job.run(None);
    }
    assert_eq!(ring.len(), 0);
    // There is room for two, and then there is none.
    assert_eq!(
        [(); 3].map(|()| push(&ring, &count)),
        [Ok(()), Ok(()), Err(Refusal::Full)]
    );
    while let Some(job) = ring.pop() {
        job.run(None);
    }
    count.settle(fill + producers.iter().sum::<usize>() + 3);
}

/// The ring whose second lap is the one after the wrap of the positions.
fn wrapping_ring() -> SmallRing {
    Ring::starting_at(0usize.wrapping_sub(4))
}

// The pool.

/// Spots as they are meant to be: binary semaphores.
struct Spots {
    spots: Vec<Signal>,
    /// How often `park` was called; not the checker's.
    parked: AtomicUsize,
}

impl Spots {
    /// For workers whose numbers are below `workers`.
    fn new(workers: usize) -> Self {
        Self {
            spots: (0..CALLERS + workers).map(|_| Signal::default()).collect(),
            parked: AtomicUsize::new(0),
        }
    }
}

impl Platform for Spots {
    fn park(&self, spot: usize) {
        let worker = spot >= CALLERS;
        self.parked.fetch_add(1, Relaxed);
        reached(if worker {
            Event::Slept
        } else {
            Event::CallerParked
        });
        *self.spots[spot].wait() = false;
        if worker {
            reached(Event::Woke);
        }
    }

    fn unpark(&self, spot: usize) {
        self.spots[spot].give();
    }
}

/// A flag that one can wait for.
#[derive(Default)]
struct Signal(Mutex<bool>, Condvar);

impl Signal {
    fn give(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn wait(&self) -> MutexGuard<'_, bool> {
        let mut given = self.0.lock().unwrap();
        while !*given {
            given = self.1.wait(given).unwrap();
        }
        given
    }
}

/// A pool and the threads of its workers.
struct Staffed<const CAPACITY: usize, P: Platform> {
    pool: Arc<Pool<CAPACITY, P>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl<const CAPACITY: usize, P: Platform + Send + 'static> Staffed<CAPACITY, P> {
    /// No worker yet.
    fn of(pool: Pool<CAPACITY, P>) -> Self {
        Self {
            pool: Arc::new(pool),
            threads: Vec::new(),
        }
    }

    fn add(&mut self, work: impl FnOnce(Worker<'_>) + Send + 'static) {
        let number = self.pool.sleep.claim_number().unwrap();
        let pool = Arc::clone(&self.pool);
        let thread = thread::spawn(move || work(Worker::new(&*pool, number)));
        self.threads.push(thread);
    }

    fn close(self) {
        self.pool.close();
        self.end();
    }

    /// All workers leave, now that the pool is closed, or the checker reports a deadlock.
    fn end(self) {
        for thread in self.threads {
            thread.join().unwrap();
        }
        assert!(self.pool.ring.is_finished());
        assert_eq!(self.pool.sleep.sleepers(), 0);
        assert_eq!(self.pool.sleep.workers(), 0);
    }
}

fn submit<const CAPACITY: usize>(pool: &Pool<CAPACITY, impl Platform>, count: &Arc<Count>) {
    execute(pool, count, count.job());
}

/// Whether `job`, one of `count`'s, was accepted.
fn execute<const CAPACITY: usize>(
    pool: &Pool<CAPACITY, impl Platform>,
    count: &Count,
    job: impl FnOnce() + Send + 'static,
) -> bool {
    let accepted = pool.execute(job).is_ok();
    count.accepted.fetch_add(accepted.into(), Relaxed);
    reached(if accepted {
        Event::Accepted
    } else {
        Event::Refused
    });
    accepted
}

// The map.

/// An element that loom watches: a thread that changes it must be ordered with the one before.
struct Element(UnsafeCell<usize>);

// SAFETY: loom reports what is wrong with that.
unsafe impl Sync for Element {}

impl Element {
    fn row(length: usize) -> Vec<Self> {
        (0..length).map(|_| Self(UnsafeCell::new(0))).collect()
    }

    fn bump(&self) {
        // SAFETY: loom reports a race.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }

    fn value(&self) -> usize {
        // SAFETY: loom reports a race.
        self.0.with(|value| unsafe { *value })
    }
}

fn once<const CAPACITY: usize>(pool: &Pool<CAPACITY, impl Platform>, length: usize) {
    let elements = Element::row(length);
    let mut results = vec![0; length];
    pool.map(0..length, &mut results[..], |k| {
        elements[k].bump();
        elements[k].value() + k
    });
    for (k, result) in results.into_iter().enumerate() {
        assert_eq!((elements[k].value(), result), (1, k + 1));
    }
}
