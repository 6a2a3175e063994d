//! Executors from crates.io. All of these queue without bound.

use crate::rivals::Executor;

/// A fixed number of threads, so core and maximum are the same; started beforehand, as the others'
/// are.
pub struct RustyPool(rusty_pool::ThreadPool);

impl Executor for RustyPool {
    fn start(threads: usize) -> Self {
        let pool = rusty_pool::Builder::new()
            .core_size(threads)
            .max_size(threads)
            .build();
        pool.start_core_threads();
        Self(pool)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.execute(job);
    }
}

/// As its documentation has it.
pub struct Threadpool(threadpool::ThreadPool);

impl Executor for Threadpool {
    fn start(threads: usize) -> Self {
        Self(threadpool::ThreadPool::new(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.execute(job);
    }
}

/// What its README advises for jobs that come from one thread outside of the pool.
pub struct ExecutorsChannel(executors::crossbeam_channel_pool::ThreadPool);

impl Executor for ExecutorsChannel {
    fn start(threads: usize) -> Self {
        Self(executors::crossbeam_channel_pool::ThreadPool::new(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        executors::Executor::execute(&self.0, job);
    }
}

/// What its README advises for jobs that submit jobs, and if one does not know.
pub struct ExecutorsStealing(
    executors::crossbeam_workstealing_pool::ThreadPool<executors::parker::DynParker>,
);

impl Executor for ExecutorsStealing {
    fn start(threads: usize) -> Self {
        Self(executors::crossbeam_workstealing_pool::pool_with_auto_parker(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        executors::Executor::execute(&self.0, job);
    }
}
