//! Many tiny jobs: what one takes, from the first submit to the last job's end.
//!
//! A job adds its number to a sum, so that the sum says when all have run, and that none ran twice.
//! The number is captured: a job that captures nothing would cost no allocation in a pool that
//! boxes its jobs.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;

use super::{Workload, clock, leak};
use crate::rivals::Executor;
use crate::table::{Setup, Turn};

static SUM: AtomicU64 = AtomicU64::new(0);

/// Runs `submit`, which queues jobs numbered from 1 to `jobs`; ns a job.
fn measure(jobs: u64, submit: impl FnOnce()) -> f64 {
    SUM.store(0, Relaxed);
    let start = clock::now();
    submit();
    let all = jobs * (jobs + 1) / 2;
    // If a worker should be on this core, it gets its turn.
    let backoff = Backoff::new();
    while SUM.load(Relaxed) < all {
        backoff.snooze();
    }
    let ns = clock::ns(clock::now() - start);
    assert_eq!(SUM.load(Relaxed), all, "each job runs once");
    ns / jobs as f64
}

/// Small bursts for 10 ms, so that the kernel finds a core for each thread; then one that counts.
fn turn(jobs: u64, burst: impl Fn(u64) -> f64 + 'static) -> Turn {
    Box::new(move || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(10) {
            burst(1000);
        }
        vec![burst(jobs)]
    })
}

fn count(number: u64) {
    SUM.fetch_add(number, Relaxed);
}

/// Threads outside of the pool that submit.
#[derive(Clone, Copy)]
pub struct Producers(pub u64);

impl Workload for Producers {
    fn turn<E: Executor>(self, setup: &Setup) -> Turn {
        let pool = leak(E::start(super::workers(setup)));
        let submit = move |producer: u64, jobs: u64| {
            for number in 1 + producer * jobs..1 + (producer + 1) * jobs {
                pool.execute(move || count(number));
            }
        };
        let burst = move |jobs: u64| {
            static GO: AtomicBool = AtomicBool::new(false);
            static WAITING: AtomicU64 = AtomicU64::new(0);
            let each = jobs / self.0;
            GO.store(false, Relaxed);
            WAITING.store(0, Relaxed);
            thread::scope(|scope| {
                for producer in 1..self.0 {
                    scope.spawn(move || {
                        WAITING.fetch_add(1, Relaxed);
                        while !GO.load(Relaxed) {
                            spin_loop();
                        }
                        submit(producer, each);
                    });
                }
                while WAITING.load(Relaxed) + 1 < self.0 {
                    thread::yield_now();
                }
                measure(each * self.0, || {
                    GO.store(true, Relaxed);
                    submit(0, each);
                })
            })
        };
        turn(100_000, burst)
    }
}

/// Job `i` submits jobs `2 i` and `2 i + 1`, if there are so many.
#[derive(Clone, Copy)]
pub struct Tree;

fn node<E: Executor>(pool: &'static E, number: u64, jobs: u64) {
    for child in [2 * number, 2 * number + 1] {
        if child <= jobs {
            pool.execute(move || node(pool, child, jobs));
        }
    }
    count(number);
}

impl Workload for Tree {
    fn turn<E: Executor>(self, setup: &Setup) -> Turn {
        let pool = leak(E::start(super::workers(setup)));
        let grow = move |jobs| measure(jobs, || pool.execute(move || node(pool, 1, jobs)));
        turn(100_000, grow)
    }
}

/// Each job submits the next one.
#[derive(Clone, Copy)]
pub struct Chain;

fn link<E: Executor>(pool: &'static E, number: u64) {
    if number > 1 {
        pool.execute(move || link(pool, number - 1));
    }
    count(number);
}

impl Workload for Chain {
    fn turn<E: Executor>(self, setup: &Setup) -> Turn {
        let pool = leak(E::start(super::workers(setup)));
        let pull = move |jobs| measure(jobs, || pool.execute(move || link(pool, jobs)));
        turn(50_000, pull)
    }
}
