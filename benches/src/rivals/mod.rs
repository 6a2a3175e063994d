//! The contestants: each pool behind the same traits, configured as its own documentation advises.

pub mod chili;
pub mod forkunion;
pub mod forte;
pub mod micropool;
#[cfg(openmp)]
pub mod openmp;
pub mod paralight;
pub mod plain;
pub mod rayon;
pub mod ringpool;
pub mod scoped_threadpool;
pub mod threads;

/// What whoever maps knows about the work, for those pools that want to be told.
#[derive(Clone, Copy)]
pub struct Work {
    pub load: Load,
    /// How many elements are not worth splitting. 1 leaves it to the pool; another number is an
    /// estimate by hand, about a microsecond's worth.
    pub piece: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Load {
    /// All elements cost the same.
    Even,
    /// They do not.
    Uneven,
    /// They are few and long.
    Few,
}

/// A pool that can fill borrowed memory in parallel.
pub trait ForkJoin: 'static {
    /// `threads` counts all that compute, the caller included if it works too.
    fn start(threads: usize) -> Self;

    /// `out[i] = f(i)` for all `i`.
    fn fill<F: Fn(usize) -> u64 + Sync>(&mut self, work: Work, out: &mut [u64], f: &F);
}

/// One that several threads can use at once, and `f` too.
pub trait Shared: Sync + 'static {
    fn start(threads: usize) -> Self;

    /// As [`ForkJoin::fill`].
    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F);
}

impl<P: Shared> ForkJoin for P {
    fn start(threads: usize) -> Self {
        Shared::start(threads)
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&mut self, work: Work, out: &mut [u64], f: &F) {
        Shared::fill(self, work, out, f);
    }
}

/// A pool that runs jobs of their own, some time soon.
pub trait Executor: Sync + 'static {
    /// `threads` counts those that run jobs.
    fn start(threads: usize) -> Self;

    /// Queues a job. Where the queue is full, it waits as the pool's documentation advises.
    fn execute<F: FnOnce() + Send + 'static>(&self, job: F);
}

/// Fills some memory, of which `at` elements come before.
#[inline(always)]
fn fill_alone<F: Fn(usize) -> u64>(at: usize, out: &mut [u64], f: &F) {
    for (i, y) in out.iter_mut().enumerate() {
        *y = f(at + i);
    }
}
