//! rayon: its caller waits while as many threads as there are cores compute, as in the global pool
//! that its documentation recommends; but a pool of our own, so that it can have any number of
//! threads.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Executor, Shared, Work};

pub struct Rayon(ThreadPool);

impl Shared for Rayon {
    fn start(threads: usize) -> Self {
        Executor::start(threads)
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        self.0.install(|| {
            let elements = out.par_iter_mut().with_min_len(work.piece).enumerate();
            elements.for_each(|(i, y)| *y = f(i));
        });
    }
}

impl Executor for Rayon {
    fn start(threads: usize) -> Self {
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        Self(builder.build().expect("threads"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.spawn(job);
    }
}
