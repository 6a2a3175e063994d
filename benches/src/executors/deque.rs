//! What one writes by hand with std alone: boxed closures in a deque, a mutex and a condition
//! variable.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::rivals::Executor;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    jobs: Mutex<VecDeque<Job>>,
    more: Condvar,
}

/// Queues without bound.
pub struct Deque(Arc<Queue>);

impl Executor for Deque {
    fn start(threads: usize) -> Self {
        let queue = Arc::new(Queue::default());
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                loop {
                    let jobs = queue.jobs.lock().expect("no panic");
                    let mut jobs = queue
                        .more
                        .wait_while(jobs, |jobs| jobs.is_empty())
                        .expect("no panic");
                    let job = jobs.pop_front();
                    drop(jobs);
                    job.expect("not empty")();
                }
            });
        }
        Self(queue)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0
            .jobs
            .lock()
            .expect("no panic")
            .push_back(Box::new(job));
        self.0.more.notify_one();
    }
}
