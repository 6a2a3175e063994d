//! By hand, with std alone: boxed closures in a deque, a mutex and a condition variable.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

static JOBS: Mutex<VecDeque<Job>> = Mutex::new(VecDeque::new());
static MORE: Condvar = Condvar::new();

fn work() {
    loop {
        let jobs = JOBS.lock().expect("no panic");
        let mut jobs = MORE
            .wait_while(jobs, |jobs| jobs.is_empty())
            .expect("no panic");
        let job = jobs.pop_front();
        drop(jobs);
        if let Some(job) = job {
            job();
        }
    }
}

fn main() {
    for _ in 0..2 {
        thread::spawn(work);
    }
    for number in 1..=10 {
        let job = Box::new(move || ringpool_size::add(number));
        JOBS.lock().expect("no panic").push_back(job);
        MORE.notify_one();
    }
    ringpool_size::wait();
}
