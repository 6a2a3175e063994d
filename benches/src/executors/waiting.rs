//! Pools that wait: for what their jobs wait for, or for jobs.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::thread;
use std::time::{Duration, Instant};

use super::{Workload, leak};
use crate::harness::cpu_time;
use crate::rivals::{Executor, ForkJoin, Load, Work};
use crate::table::{Setup, Turn};

static DONE: AtomicU64 = AtomicU64::new(0);

/// 32 workers, 200 jobs that sleep 10 ms each: 70 ms, if all workers work.
#[derive(Clone, Copy)]
pub struct Sleeps;

impl Workload for Sleeps {
    fn turn<E: Executor>(self, _: &Setup) -> Turn {
        let pool = E::start(32);
        let burst = move |jobs: u64| {
            DONE.store(0, Relaxed);
            let start = Instant::now();
            for number in 0..jobs {
                pool.execute(move || {
                    thread::sleep(Duration::from_millis(10));
                    DONE.fetch_add(1 + number / jobs, Relaxed);
                });
            }
            while DONE.load(Relaxed) < jobs {
                thread::sleep(Duration::from_micros(100));
            }
            start.elapsed().as_secs_f64() * 1e3
        };
        Box::new(move || {
            burst(32);
            vec![burst(200)]
        })
    }
}

/// CPU time, in ms a second, of so many threads that had something to do and now have not.
#[derive(Clone, Copy)]
pub struct Idle(pub usize);

impl Idle {
    fn measure(self, mut work: impl FnMut() + 'static) -> Turn {
        Box::new(move || {
            work();
            thread::sleep(Duration::from_millis(100));
            let (before, start) = (cpu_time(), Instant::now());
            thread::sleep(Duration::from_millis(500));
            let used = cpu_time() - before;
            vec![used.as_secs_f64() / start.elapsed().as_secs_f64() * 1e3]
        })
    }

    pub fn fork_join<P: ForkJoin>(self) -> impl Fn(&Setup) -> Turn {
        move |_| {
            let mut pool = P::start(self.0);
            let mut out = vec![0; 10_000];
            self.measure(move || {
                let work = Work {
                    load: Load::Even,
                    piece: 1,
                };
                pool.fill(work, &mut out, &|i| 3 * i as u64);
                let right = out.iter().zip(0..).all(|(&out, i)| out == 3 * i);
                assert!(right, "out[i] = f(i)");
            })
        }
    }
}

impl Workload for Idle {
    fn turn<E: Executor>(self, _: &Setup) -> Turn {
        const JOBS: u64 = 1000;
        let pool = leak(E::start(self.0));
        self.measure(move || {
            DONE.store(0, Relaxed);
            for _ in 0..JOBS {
                pool.execute(|| _ = DONE.fetch_add(1, Relaxed));
            }
            while DONE.load(Relaxed) < JOBS {
                spin_loop();
            }
        })
    }
}
