//! Model checks of the code that ships, in two ways:
//!
//! * `loom` goes through *all* interleavings, and reorderings, of small mixes (`ci/loom.sh`);
//! * `shuttle` tries many interleavings of larger ones, with the real sizes (`ci/shuttle.sh`).
//!
//! Here is what both need, on top of a `checker` that is the one or the other.

extern crate std;

#[cfg(loom)]
mod loom;
#[cfg(shuttle)]
mod shuttle;

#[cfg(loom)]
use ::loom as checker;
#[cfg(shuttle)]
use ::shuttle as checker;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::vec;
use std::vec::Vec;

use checker::sync::{Condvar, Mutex, MutexGuard};
use checker::thread;

use crate::idle::CALLERS;
use crate::sync::UnsafeCell;
use crate::{Platform, Pool, Worker};

// What jobs do here: they are counted. The counters are not the checker's: they shall order nothing.

#[derive(Default)]
struct Count {
    accepted: AtomicUsize,
    ran: AtomicUsize,
    dropped: AtomicUsize,
}

/// What each job captures.
struct Ticket(Arc<Count>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Relaxed);
    }
}

impl Count {
    fn job(self: &Arc<Self>) -> impl FnOnce() + Send + 'static {
        let ticket = Ticket(Arc::clone(self));
        move || {
            ticket.0.ran.fetch_add(1, Relaxed);
        }
    }

    /// Accepted jobs ran once, the others not at all; and all that they captured is gone.
    fn settle(&self, submitted: usize) {
        assert_eq!(self.ran.load(Relaxed), self.accepted.load(Relaxed));
        assert_eq!(self.dropped.load(Relaxed), submitted);
    }
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
        self.parked.fetch_add(1, Relaxed);
        let mut token = self.spots[spot].wait();
        *token = false;
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
        self.1.notify_one();
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
    pool: Arc<Pool<CAPACITY, P, 3>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl<const CAPACITY: usize, P: Platform + Send + 'static> Staffed<CAPACITY, P> {
    fn on(platform: P, workers: usize) -> Self {
        let pool = Arc::new(Pool::new(platform));
        let threads = (0..workers).map(|_| {
            let number = pool.idle.enlist().unwrap();
            let pool = Arc::clone(&pool);
            thread::spawn(move || Worker::new(&*pool, number).run())
        });
        let threads = threads.collect();
        Self { pool, threads }
    }

    /// All workers leave, or the checker reports a deadlock.
    fn close(self) {
        self.pool.close();
        for thread in self.threads {
            thread.join().unwrap();
        }
        assert!(self.pool.ring.is_finished());
        assert_eq!(self.pool.idle.sleepers(), 0);
        assert_eq!(self.pool.idle.workers(), 0);
    }
}

fn submit<const CAPACITY: usize>(pool: &Pool<CAPACITY, impl Platform, 3>, count: &Arc<Count>) {
    if pool.execute(count.job()).is_ok() {
        count.accepted.fetch_add(1, Relaxed);
    }
}

// The map.

/// An element that loom watches: who changes it must be ordered with whoever did before.
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

fn once<const CAPACITY: usize>(pool: &Pool<CAPACITY, impl Platform, 3>, length: usize) {
    let elements = Element::row(length);
    let mut results = vec![0; length];
    pool.map(&elements[..], &mut results[..], |element| {
        element.bump();
        element.value() + 1
    });
    for (element, result) in elements.iter().zip(results) {
        assert_eq!((element.value(), result), (1, 2));
    }
}

/// The second map has the frame and the team slot of the first.
fn twice<const CAPACITY: usize>(pool: &Pool<CAPACITY, impl Platform, 3>, length: usize) {
    once(pool, length);
    once(pool, length);
}
