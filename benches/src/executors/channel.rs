//! What one writes by hand with crossbeam's bounded channel: threads that receive boxed closures.

use std::thread;

use crossbeam_channel::{Sender, TrySendError, bounded};

use crate::rivals::Executor;
use crate::rivals::ringpool::CAPACITY;

type Job = Box<dyn FnOnce() + Send>;

fn start(threads: usize) -> Sender<Job> {
    let (sender, jobs) = bounded::<Job>(CAPACITY);
    for _ in 0..threads {
        let jobs = jobs.clone();
        thread::spawn(move || jobs.iter().for_each(|job| job()));
    }
    sender
}

/// Waits when it is full.
pub struct Waits(Sender<Job>);

impl Executor for Waits {
    fn start(threads: usize) -> Self {
        Self(start(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.send(Box::new(job)).expect("workers");
    }
}

/// The submitter runs the job when it is full.
pub struct Inline(Sender<Job>);

impl Executor for Inline {
    fn start(threads: usize) -> Self {
        Self(start(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        match self.0.try_send(Box::new(job)) {
            Err(TrySendError::Full(job)) => job(),
            sent => sent.expect("workers"),
        }
    }
}
