//! This crate.

use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use ringpool::{ThreadPool, Threads};

use super::{Executor, Shared, Work};

/// Job slots: the default.
pub const CAPACITY: usize = 1024;

/// As it comes: workers sleep when they have nothing to do. Waits when it is full.
pub struct Ringpool(ThreadPool<CAPACITY>);

impl Shared for Ringpool {
    /// One worker less than threads: the caller of `map` works too.
    fn start(threads: usize) -> Self {
        Executor::start(threads - 1)
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, _: Work, out: &mut [u64], f: &F) {
        self.0.map(0..out.len(), out, f);
    }
}

impl Executor for Ringpool {
    fn start(threads: usize) -> Self {
        Self(ThreadPool::new(threads).expect("threads"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        execute_or_wait(&self.0, job);
    }
}

/// Full: spins and yields for as long as a ring of tiny jobs lasts, and then some; then sleeps, as
/// `examples/back_pressure.rs` does.
fn execute_or_wait(pool: &ThreadPool<CAPACITY>, job: impl FnOnce() + Send + 'static) {
    const PAUSE: Duration = Duration::from_micros(100);
    let Err(mut rejected) = pool.execute(job) else {
        return;
    };
    let (backoff, since) = (Backoff::new(), Instant::now());
    while let Err(again) = pool.execute(rejected.into_inner()) {
        rejected = again;
        if since.elapsed() < PAUSE {
            backoff.snooze();
        } else {
            thread::sleep(PAUSE);
        }
    }
}

/// Its workers never sleep.
pub struct Awake(Ringpool);

impl Shared for Awake {
    fn start(threads: usize) -> Self {
        Executor::start(threads - 1)
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        self.0.fill(work, out, f);
    }
}

impl Executor for Awake {
    fn start(threads: usize) -> Self {
        let platform = Threads::new().with_spins(u32::MAX);
        let spawn = |_, body| Builder::new().spawn(body);
        let pool = ThreadPool::with_spawn(platform, threads, spawn);
        Self(Ringpool(pool.expect("threads")))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.execute(job);
    }
}

/// The submitter runs the job when it is full.
pub struct Inline(Ringpool);

impl Executor for Inline {
    fn start(threads: usize) -> Self {
        Self(Executor::start(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        if let Err(rejected) = self.0.0.execute(job) {
            rejected.into_inner()();
        }
    }
}
