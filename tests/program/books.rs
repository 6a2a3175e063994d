//! What is known of a program that runs, and what must be true of it.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use ringpool::{Platform, Pool};

use super::End;
use crate::common::wait_until;

pub type Payload = Box<dyn Any + Send>;

/// What a planned panic carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tag(usize);

/// Panics, without a message on the terminal.
pub fn raise() -> ! {
    static TAGS: AtomicUsize = AtomicUsize::new(0);
    resume_unwind(Box::new(Tag(TAGS.fetch_add(1, SeqCst))))
}

/// What is known of a program that runs.
#[derive(Default)]
pub struct World(Mutex<Books>);

#[derive(Default)]
pub struct Books {
    pub jobs: Vec<Fate>,
    /// What is queued, in order; as long as only the program's own thread works.
    pub queue: VecDeque<usize>,
    /// Which jobs workers began, in order.
    pub begun: Vec<usize>,
    /// How many jobs were accepted, or may be right now.
    pub claims: usize,
    /// Threads that take jobs, besides the program's own.
    pub threads: usize,
    /// Threads that submit, besides.
    pub crowded: bool,
    /// The program's own thread takes jobs.
    pub steps: bool,
    pub closing: bool,
    pub closed: bool,
    /// Workers that are kept or forgotten.
    pub idlers: usize,
    pub failures: Vec<String>,
}

pub struct Fate {
    pub producer: usize,
    pub rejected: bool,
    pub runs: usize,
    pub drops: usize,
}

/// The producer that is the program's own thread; others are jobs, and threads of a crowd.
pub const MAIN: usize = usize::MAX;

impl Books {
    /// Whether everything is determined.
    pub fn alone(&self) -> bool {
        self.threads == 0 && !self.crowded
    }

    /// What is queued is not known any more, if others work here: but all of it will run.
    pub fn give_up(&mut self) {
        if !self.alone() {
            self.queue.clear();
        }
    }

    pub fn one_consumer(&self) -> bool {
        self.threads + usize::from(self.steps) <= 1
    }
}

impl World {
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f`. A panic that the program did not ask for is a failure.
    pub fn planned<R>(&self, f: impl FnOnce() -> R) -> Result<R, Payload> {
        let result = catch_unwind(AssertUnwindSafe(f));
        if let Err(payload) = &result {
            if !payload.is::<Tag>() {
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or_else(|| payload.downcast_ref().map(|it: &&str| it.to_string()));
                self.books().failures.push(text.unwrap_or_default());
            }
        }
        result
    }

    /// Threads are about to take jobs.
    pub fn hire(&self, threads: usize) {
        let mut books = self.books();
        books.threads += threads;
        books.give_up();
    }

    /// A pool that is forgotten runs its jobs if it has threads, and keeps them if it has not.
    pub fn forget_for_a_while<const C: usize, P: Platform>(&self, end: End, pool: &Pool<C, P>) {
        if let End::Forget = end {
            wait_until(|| self.books().threads == 0 || pool.queued() == 0);
        }
    }

    /// After the pool is gone.
    pub fn audit(&self) {
        let books = self.books();
        assert!(books.failures.is_empty(), "{:?}", books.failures);
        for (id, job) in books.jobs.iter().enumerate() {
            let runs = usize::from(!books.queue.contains(&id));
            assert_eq!(job.drops, 1, "drops of job {id}");
            assert!(
                job.rejected || job.runs == runs,
                "job {id} ran {} times",
                job.runs
            );
        }
        if books.one_consumer() {
            let mut last = HashMap::new();
            for id in &books.begun {
                let before = last.insert(books.jobs[*id].producer, *id);
                assert!(before < Some(*id), "{before:?} ran before {id}");
            }
        }
    }
}

/// What a job carries. Its drop is counted, and may panic.
pub struct Ticket {
    pub id: usize,
    pub world: Arc<World>,
    pub grenade: bool,
}

impl Ticket {
    pub fn begin(&self) {
        let mut books = self.world.books();
        let fate = &mut books.jobs[self.id];
        fate.runs += 1;
        assert_eq!(fate.runs, 1, "job {} runs again", self.id);
        if !fate.rejected {
            books.begun.push(self.id);
            if books.alone() {
                assert_eq!(books.queue.pop_front(), Some(self.id), "jobs run in order");
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.world.books().jobs[self.id].drops += 1;
        if self.grenade && !thread::panicking() {
            raise();
        }
    }
}
