//! A job now and then: how long until it starts, and what the submitter pays for it.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::Duration;

use crossbeam_utils::Backoff;

use super::{Workload, clock, leak};
use crate::rivals::Executor;
use crate::table::{Setup, Turn};

/// When each job started, in ticks; 0: it has not.
static STARTED: [AtomicU64; JOBS] = [const { AtomicU64::new(0) }; JOBS];
/// The most jobs of a turn.
const JOBS: usize = 1 << 18;

fn started(number: u64) -> &'static AtomicU64 {
    &STARTED[number as usize % JOBS]
}

/// What job `number` does.
#[inline(always)]
pub fn start(number: u64) {
    started(number).store(clock::now(), Release);
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
    /// A turn of submits, which do not wait for the jobs to start; `submit(number)` has another
    /// thread call [`start(number)`](start), for the numbers from 1.
    pub fn turn(self, setup: &Setup, submit: impl Fn(u64) + 'static) -> Turn {
        let period = clock::ticks(self.every.as_nanos() as u64);
        let mut last = 0;
        let mut run = move |jobs: usize| {
            let numbers = last + 1..=last + jobs as u64;
            last += jobs as u64;
            numbers
                .clone()
                .for_each(|number| started(number).store(0, Relaxed));
            let mut calls = vec![(1, 1); jobs];
            clock::sleep_exactly();
            for (number, call) in numbers.clone().zip(&mut calls) {
                let wake = clock::monotonic() + self.every;
                let before = clock::now();
                submit(number);
                *call = (before, clock::now());
                match self.then {
                    Then::Sleeps => clock::sleep_until(wake),
                    Then::Computes => {
                        while clock::now() < before + period {
                            spin_loop();
                        }
                    }
                }
            }
            let backoff = Backoff::new();
            while numbers
                .clone()
                .any(|number| started(number).load(Acquire) == 0)
            {
                backoff.snooze();
            }
            let taken = |(number, (before, after)): (u64, (u64, u64))| {
                clock::ns(match self.what {
                    What::ToStart => started(number).load(Acquire).saturating_sub(before),
                    What::Call => after - before,
                })
            };
            numbers.zip(calls).map(taken).collect::<Vec<_>>()
        };
        let jobs = match setup.seconds {
            Some(seconds) => ((seconds / self.every.as_secs_f64()) as usize).clamp(10, JOBS),
            // A turn takes some 40 ms at most.
            None => (40_000_000 / self.every.as_nanos() as usize).min(200),
        };
        Box::new(move || {
            run(jobs / 10);
            run(jobs)
        })
    }
}

impl Workload for Pace {
    fn turn<E: Executor>(self, setup: &Setup) -> Turn {
        let pool = leak(E::start(super::workers(setup)));
        Pace::turn(self, setup, move |number| {
            pool.execute(move || start(number))
        })
    }
}
