//! `std::thread::scope`: no pool, but a new thread for each chunk, of which there are as many as
//! threads. The caller does the first one.

use super::{Shared, Work, fill_alone};

pub struct Threads(usize);

impl Shared for Threads {
    fn start(threads: usize) -> Self {
        Self(threads)
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, _: Work, out: &mut [u64], f: &F) {
        let chunk = out.len().div_ceil(self.0);
        let mut parts = out.chunks_mut(chunk).enumerate();
        let first = parts.next();
        std::thread::scope(|scope| {
            for (k, part) in parts {
                scope.spawn(move || fill_alone(k * chunk, part, f));
            }
            if let Some((_, part)) = first {
                fill_alone(0, part, f);
            }
        });
    }
}
