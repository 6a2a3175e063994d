//! The pool that this is about.

use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use ringpool::{ThreadPool, Threads};

use crate::rivals::Executor;

/// Job slots: the default.
pub const CAPACITY: usize = 1024;

/// As [`ThreadPool::new`] makes it: threads spin for some 10 us, then sleep.
fn sleeping(threads: usize) -> ThreadPool<CAPACITY> {
    ThreadPool::new(threads).expect("threads")
}

/// Threads that never sleep.
fn awake(threads: usize) -> ThreadPool<CAPACITY> {
    let platform = Threads::new().with_spins(u32::MAX);
    ThreadPool::with_spawn(platform, threads, |_, body| Builder::new().spawn(body))
        .expect("threads")
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

/// Waits when it is full.
pub struct Ringpool(ThreadPool<CAPACITY>);

impl Executor for Ringpool {
    fn start(threads: usize) -> Self {
        Self(sleeping(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        execute_or_wait(&self.0, job);
    }
}

/// The same, but it never sleeps.
pub struct Awake(ThreadPool<CAPACITY>);

impl Executor for Awake {
    fn start(threads: usize) -> Self {
        Self(awake(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        execute_or_wait(&self.0, job);
    }
}

/// The submitter runs the job when it is full.
pub struct Inline(ThreadPool<CAPACITY>);

impl Executor for Inline {
    fn start(threads: usize) -> Self {
        Self(sleeping(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        if let Err(rejected) = self.0.execute(job) {
            rejected.into_inner()();
        }
    }
}
