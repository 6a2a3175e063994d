//! The contestants: each pool behind the same two traits, configured as its own documentation advises.

/// A pool that can fill borrowed memory in parallel.
pub trait ForkJoin: Sync + 'static {
    /// `threads` counts all that compute, the caller included if it works too.
    fn start(threads: usize) -> Self;

    /// `out[i] = f(i)` for all `i`.
    fn fill<F: Fn(usize) -> u64 + Sync>(&self, out: &mut [u64], f: F);
}

/// A pool that runs jobs of their own, some time soon.
pub trait Executor: Sync + 'static {
    /// `threads` counts those that run jobs.
    fn start(threads: usize) -> Self;

    /// Queues a job. Where the queue is full, it waits as the pool's documentation advises.
    fn execute<F: FnOnce() + Send + 'static>(&self, job: F);
}
