//! micropool: the iterators of paralight, split as its documentation says: by threads for even
//! work, by item for few long elements. Its caller works too.

use micropool::iter::*;
use micropool::{ThreadPool, ThreadPoolBuilder};

use super::{Executor, Load, Shared, Work};

pub struct Micropool(ThreadPool);

impl Shared for Micropool {
    fn start(threads: usize) -> Self {
        Executor::start(threads - 1)
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        let len = out.len();
        let elements = (out.par_iter_mut(), (0..len).into_par_iter()).zip_eq();
        let fill = |(y, i): (&mut u64, usize)| *y = f(i);
        match work.load {
            Load::Even => {
                let split = self.0.split_by_threads();
                elements.with_thread_pool(split).for_each(fill);
            }
            // Small enough that the last pieces end at about the same time.
            Load::Uneven => elements
                .with_thread_pool(self.0.split_per(8))
                .for_each(fill),
            Load::Few => elements
                .with_thread_pool(self.0.split_per_item())
                .for_each(fill),
        }
    }
}

impl Executor for Micropool {
    fn start(threads: usize) -> Self {
        let builder = ThreadPoolBuilder::default().num_threads(threads);
        Self(builder.build())
    }

    /// A task that nobody joins.
    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        drop(self.0.spawn_owned(job));
    }
}
