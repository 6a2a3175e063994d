//! rayon: its caller waits while as many threads as there are cores compute, as in the global pool that its
//! documentation recommends. Only that pool's number of threads is set.

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::{Shared, Work};

pub struct Rayon;

impl Shared for Rayon {
    fn start(threads: usize) -> Self {
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        builder.build_global().expect("threads");
        Self
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        let elements = out.par_iter_mut().with_min_len(work.piece).enumerate();
        elements.for_each(|(i, y)| *y = f(i));
    }
}
