//! A worker as its thread sees it, and a pool as its workers see it.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// A place in a pool from which jobs are run and maps helped: what
/// [`Pool::start`](crate::Pool::start) hands to the spawn hook.
///
/// The hook gives it to a thread, a task or a core, which calls [`run`](Self::run); or the program
/// keeps it and calls [`step`](Self::step) now and then.
#[must_use = "a worker that is dropped serves nothing"]
pub struct Worker<'p> {
    pool: &'p (dyn Serve + 'p),
    number: usize,
}

impl<'p> Worker<'p> {
    pub(crate) fn new(pool: &'p (dyn Serve + 'p), number: usize) -> Self {
        Self { pool, number }
    }

    /// Serves the pool until it is closed and all its jobs are taken.
    ///
    /// # Panics
    ///
    /// With the feature `std`, a job's panic does not get here: the panic hook has reported it, and
    /// the worker goes on. Without it, a job's panic goes through here. Where panics abort
    /// (`panic = "abort"`), either ends the process.
    pub fn run(self) {
        self.pool.serve(self.number);
    }

    /// Runs at most one job, then helps at most one `map` until its work is all taken or a job is
    /// queued. Waits for nothing.
    ///
    /// Returns whether there was anything to do. For super-loops, and for threads that would rather
    /// work than wait.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringpool::{Pool, Spin};
    ///
    /// static POOL: Pool<16> = Pool::new(Spin::new());
    ///
    /// let mut worker = None;
    /// POOL.start(1, |w| {
    ///     worker = Some(w);
    ///     Ok::<(), ()>(())
    /// })
    /// .unwrap();
    /// let mut worker = worker.unwrap();
    ///
    /// POOL.execute(|| println!("hello from the loop")).unwrap();
    /// while worker.step() {}
    /// ```
    pub fn step(&mut self) -> bool {
        self.pool.step(self.number)
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        self.pool.release_number(self.number);
    }
}

// As for `Pool`. A job's panic that goes through `step`, or through `run`, which ends the worker
// then (without `std`), leaves nothing half done: `step` may be called again.
impl UnwindSafe for Worker<'_> {}

impl RefUnwindSafe for Worker<'_> {}

impl fmt::Debug for Worker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A pool as its workers see it, whatever its parameters.
pub(crate) trait Serve: Sync {
    fn serve(&self, worker: usize);
    fn step(&self, worker: usize) -> bool;
    fn release_number(&self, worker: usize);
}

#[cfg(test)]
#[cfg(not(any(feature = "std", ringpool_loom, ringpool_shuttle)))]
mod tests {
    extern crate std;

    use std::boxed::Box;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::{Condvar, Mutex};
    use std::thread;

    use crate::{Platform, Pool};

    /// A worker that parks stays there until there is a token.
    struct Tokens(Mutex<[bool; 256]>, Condvar);

    impl Platform for Tokens {
        fn park(&self, spot: usize) {
            let tokens = self.0.lock().unwrap();
            self.1.wait_while(tokens, |it| !it[spot]).unwrap()[spot] = false;
        }

        fn unpark(&self, spot: usize) {
            self.0.lock().unwrap()[spot] = true;
            self.1.notify_all();
        }
    }

    #[test]
    fn a_worker_that_the_last_job_unwinds_tells_the_others_of_the_end() {
        let pool: Pool<4, Tokens> = Pool::new(Tokens(Mutex::new([false; 256]), Condvar::new()));
        thread::scope(|scope| {
            let claim = pool.ring.claim().ok().unwrap();
            let start = pool.start(3, |worker| {
                let run = || catch_unwind(AssertUnwindSafe(|| worker.run()));
                scope.spawn(move || _ = run());
                Ok::<(), ()>(())
            });
            start.unwrap();
            // Accepted and not yet written when the pool closes: no worker may leave.
            pool.close();
            while pool.sleepers() != 3 {
                thread::yield_now();
            }
            claim.fill(|| resume_unwind(Box::new("the last job")));
            pool.sleep.notify(|| pool.ring.len());
            // One is woken; as it unwinds it wakes the others, or this scope does not end.
        });
        assert_eq!(pool.workers(), 0);
    }
}
