//! scoped_threadpool: a boxed job for each chunk. It has no chunks of its own: one for each thread,
//! or more if the work is uneven. Its caller waits.

use scoped_threadpool::Pool;

use super::{ForkJoin, Load, Work, fill_alone};

pub struct ScopedThreadpool(Pool);

impl ForkJoin for ScopedThreadpool {
    fn start(threads: usize) -> Self {
        Self(Pool::new(threads.try_into().expect("not that many")))
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&mut self, work: Work, out: &mut [u64], f: &F) {
        let threads = self.0.thread_count() as usize;
        let chunk = match work.load {
            Load::Even => out.len().div_ceil(threads),
            Load::Uneven => out.len().div_ceil(threads * 64),
            Load::Few => 1,
        };
        self.0.scoped(|scope| {
            for (k, part) in out.chunks_mut(chunk).enumerate() {
                scope.execute(move || fill_alone(k * chunk, part, f));
            }
        });
    }
}
