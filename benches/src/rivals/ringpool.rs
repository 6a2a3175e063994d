//! This crate. One worker less than threads: the caller of `map` works too.

use ringpool::{ThreadPool, Threads};

use super::{Shared, Work};

/// As it comes: workers sleep when they have nothing to do.
pub struct Ringpool(ThreadPool);

impl Shared for Ringpool {
    fn start(threads: usize) -> Self {
        Self(ThreadPool::new(threads - 1).expect("threads"))
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, _: Work, out: &mut [u64], f: &F) {
        self.0.map(0..out.len(), out, f);
    }
}

/// Its workers never sleep.
pub struct Awake(Ringpool);

impl Shared for Awake {
    fn start(threads: usize) -> Self {
        let platform = Threads::new().with_spins(u32::MAX);
        let spawn = |_, body| std::thread::Builder::new().spawn(body);
        let pool = ThreadPool::with_spawn(platform, threads - 1, spawn);
        Self(Ringpool(pool.expect("threads")))
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        Shared::fill(&self.0, work, out, f);
    }
}
