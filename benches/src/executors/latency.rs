//! One job now and then: how long until it starts, and what the submitter pays for it.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::thread;
use std::time::Duration;

use super::{Workload, clock, leak};
use crate::rivals::Executor;
use crate::table::{Setup, Turn};

/// When the job started, in ticks; 0: it has not.
static STARTED: AtomicU64 = AtomicU64::new(0);
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// What job `number` does.
#[inline(always)]
pub fn start(number: u64) {
    let now = clock::now();
    NUMBER.store(number, Relaxed);
    STARTED.store(now, Release);
}

/// How submits are spaced, and what is measured.
#[derive(Clone, Copy)]
pub struct Pace {
    pub every: Duration,
    /// What the submitter does after it submitted.
    pub then: Then,
    pub what: What,
}

#[derive(Clone, Copy)]
pub enum Then {
    /// Computes: looks at the clock until the next submit is due.
    Computes,
    /// Sleeps until then.
    Sleeps,
}

#[derive(Clone, Copy)]
pub enum What {
    /// From before the submit to the job's first look at the clock.
    ToStart,
    /// From before the submit to its return.
    Call,
}

impl Pace {
    /// A turn of submits; `submit(number)` has someone call [`start(number)`](start).
    pub fn turn(self, submit: impl Fn(u64) + 'static) -> Turn {
        let period = clock::ticks(self.every.as_nanos() as u64);
        // A turn takes some 40 ms at most.
        let samples = (40_000_000 / self.every.as_nanos()).min(200);
        let mut number = 0;
        let mut sample = move || {
            number += 1;
            STARTED.store(0, Relaxed);
            let before = clock::now();
            submit(number);
            let after = clock::now();
            if let Then::Sleeps = self.then {
                thread::sleep(self.every);
            }
            let started = loop {
                match STARTED.load(Acquire) {
                    0 => spin_loop(),
                    started => break started,
                }
            };
            assert_eq!(NUMBER.load(Relaxed), number, "the job that was submitted");
            while clock::now() < before + period {
                spin_loop();
            }
            clock::ns(match self.what {
                What::ToStart => started.saturating_sub(before),
                What::Call => after - before,
            })
        };
        Box::new(move || {
            for _ in 0..samples / 10 {
                sample();
            }
            (0..samples).map(|_| sample()).collect()
        })
    }
}

impl Workload for Pace {
    fn turn<E: Executor>(self, setup: &Setup) -> Turn {
        let pool = leak(E::start(super::workers(setup)));
        Pace::turn(self, move |number| pool.execute(move || start(number)))
    }
}
