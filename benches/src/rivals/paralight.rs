//! paralight: its caller waits while its threads compute. Fixed ranges for even work, work stealing
//! for other work, as its documentation recommends; threads are not pinned to cores, as in its
//! examples.

use paralight::prelude::*;

use super::{ForkJoin, Load, Work};

/// A pool for each strategy, made when it is needed: a table needs one of them.
pub struct Paralight {
    threads: usize,
    pool: Option<ThreadPool>,
}

impl ForkJoin for Paralight {
    fn start(threads: usize) -> Self {
        let pool = None;
        Self { threads, pool }
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&mut self, work: Work, out: &mut [u64], f: &F) {
        let pool = self.pool.get_or_insert_with(|| {
            let builder = ThreadPoolBuilder {
                num_threads: ThreadCount::try_from(self.threads).expect("not 0"),
                range_strategy: match work.load {
                    Load::Even => RangeStrategy::Fixed,
                    Load::Uneven | Load::Few => RangeStrategy::WorkStealing,
                },
                cpu_pinning: CpuPinningPolicy::No,
            };
            builder.build()
        });
        let len = out.len();
        (out.par_iter_mut(), (0..len).into_par_iter())
            .zip_eq()
            .with_thread_pool(pool)
            .for_each(|(y, i)| *y = f(i));
    }
}
