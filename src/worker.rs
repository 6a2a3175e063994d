//! A worker as its thread sees it, and a pool as its workers see it.

use core::fmt;

/// A place in a pool from which jobs are run and maps helped: what
/// [`Pool::start`](crate::Pool::start) hands to the spawn hook.
///
/// The hook gives it to a thread, a task or a core, which calls [`run`](Self::run); or somebody keeps it
/// and calls [`step`](Self::step) now and then.
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
    /// With the feature `std`, a job's panic does not get here: the panic hook has reported it, and the
    /// worker goes on. Without it, a job's panic goes through here. Where panics abort
    /// (`panic = "abort"`), either ends the process.
    pub fn run(self) {
        self.pool.serve(self.number);
    }

    /// Runs at most one job, then helps at most one `map` until its work is all taken. Waits for nothing,
    /// but for a microsecond or two, on platforms that spin, for the caller of that `map` to see its end.
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
