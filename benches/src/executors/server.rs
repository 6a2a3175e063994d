//! A server: requests come at random, whether or not it keeps up with them. How long each takes,
//! from when it was due to its end.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::thread;
use std::time::Duration;

use super::{Workload, clock, leak};
use crate::cores;
use crate::rivals::{Executor, Load, Shared, Work};
use crate::table::{Setup, Turn};
use crate::work::Element;

/// Requests by a Poisson process. The submitter sleeps until the next one is due, and computes
/// nothing.
#[derive(Clone, Copy)]
pub struct Server {
    /// What a request computes: the mean.
    pub service: Duration,
    /// Whether that is distributed exponentially; else all compute the same.
    pub exponential: bool,
    /// How much of all cores the requests take.
    pub load: f64,
}

struct Request {
    /// Since the first could come.
    due: Duration,
    work: Element,
    /// When it ended, in ns after it was due; 0: it has not.
    taken: AtomicU64,
}

impl Server {
    fn requests(self, setup: &Setup, seconds: f64, seed: u64) -> Vec<Request> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut exponential = |mean: f64| -mean * (1.0 - random.f64()).ln();
        let service = self.service.as_secs_f64();
        let every = service / (self.load * cores() as f64);
        let mut due = 0.0;
        let mut requests = Vec::new();
        while requests.len() < 10 || due < seconds {
            due += exponential(every);
            let service = match self.exponential {
                true => exponential(service),
                false => service,
            };
            requests.push(Request {
                due: Duration::from_secs_f64(due),
                work: setup.calibrated.for_ns((service * 1e9) as u32),
                taken: AtomicU64::new(0),
            });
        }
        requests
    }

    fn turn_with<E: Executor>(self, pool: &'static E, setup: &Setup) -> Turn {
        let setup = *setup;
        let mut seed = setup.seed << 32;
        let mut serve = move |seconds| {
            seed += 1;
            let requests = leak(self.requests(&setup, seconds, seed));
            clock::sleep_exactly();
            let begin = clock::monotonic() + Duration::from_millis(1);
            for request in requests {
                let due = begin + request.due;
                clock::sleep_until(due);
                pool.execute(move || {
                    black_box(request.work.run());
                    let taken = clock::monotonic() - due;
                    request.taken.store(taken.as_nanos() as u64, Release);
                });
            }
            let taken = |request: &Request| loop {
                match request.taken.load(Acquire) {
                    0 => thread::sleep(Duration::from_micros(100)),
                    taken => break taken as f64,
                }
            };
            requests.iter().map(taken).collect()
        };
        let _: Vec<f64> = serve(0.05);
        let seconds = setup.seconds.unwrap_or(0.04);
        Box::new(move || serve(seconds))
    }
}

impl Workload for Server {
    fn turn<E: Executor>(self, setup: &Setup) -> Turn {
        let pool = leak(E::start(super::workers(setup)));
        self.turn_with(pool, setup)
    }
}

/// How often another thread maps meanwhile, 10 000 elements of 1 us.
const MAP_EVERY: Duration = Duration::from_millis(20);

/// The same, while another thread maps with the same pool now and then.
pub fn beside_maps<E: Executor + Shared>(server: Server) -> impl Fn(&Setup) -> Turn {
    move |setup| {
        let pool = leak(<E as Executor>::start(super::workers(setup)));
        let element = setup.calibrated.for_ns(1000);
        thread::spawn(move || {
            let work = Work {
                load: Load::Even,
                piece: 1,
            };
            let mut out = vec![0; 10_000];
            loop {
                let next = clock::monotonic() + MAP_EVERY;
                pool.fill(work, &mut out, &|i| black_box(&element).run() ^ i as u64);
                black_box(&mut out);
                clock::sleep_until(next);
            }
        });
        server.turn_with(pool, setup)
    }
}
