//! [loom] goes through the interleavings, and the reorderings, of the code that ships.
//!
//! `ci/loom.sh` runs these models, with a loom that is mended first (it says why). Sizes are smaller here
//! (`sync::size`), the rest is the same code. A model without a number for `bounded` is searched
//! completely; the others up to that many preemptions, which is what the time allows.
//!
//! What none of them sees: that relaxed operations may take effect *before* earlier ones of the same
//! thread (loom executes each thread in order and lets loads read old values only), and platforms whose
//! `park` returns early.
//!
//! [loom]: https://github.com/tokio-rs/loom

extern crate std;

use std::boxed::Box;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::vec::Vec;

use loom::thread;

use crate::models::{
    Count, Element, Signal, SmallRing, Spots, Staffed, once, pop, push, submit, traffic,
    wrapping_ring,
};
use crate::queue::{backoff::Crowd, ring::Refusal};
use crate::{Pool, Worker};

/// No bound on preemptions.
pub(super) const ALL: Option<usize> = None;

/// Checks `model` in all interleavings with at most so many preemptions, or `LOOM_MAX_PREEMPTIONS`.
pub(super) fn bounded(
    preemptions: impl Into<Option<usize>>,
    model: impl Fn() + Send + Sync + 'static,
) {
    builder(preemptions.into()).check(model);
}

/// The same, of what happens while the workers of `Staffed::asleep` are not told to go.
pub(super) fn focused(
    preemptions: impl Into<Option<usize>>,
    model: impl Fn() + Send + Sync + 'static,
) {
    let mut builder = builder(preemptions.into());
    builder.expect_explicit_explore = true;
    builder.check(model);
}

fn builder(preemptions: Option<usize>) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.max_branches = 10_000;
    builder
}

// The ring.

#[test]
fn one_producer_one_consumer_and_the_wrap() {
    bounded(ALL, || traffic(wrapping_ring(), 0, &[3], &[3]));
}

#[test]
fn two_producers_one_consumer() {
    bounded(4, || traffic(SmallRing::new(), 0, &[1, 1], &[2]));
}

#[test]
fn two_producers_one_consumer_and_the_wrap() {
    bounded(3, || traffic(wrapping_ring(), 1, &[1, 1], &[2]));
}

#[test]
fn one_producer_two_consumers_and_the_wrap() {
    bounded(3, || traffic(wrapping_ring(), 1, &[2], &[1, 1]));
}

#[test]
fn two_producers_two_consumers_and_the_wrap() {
    bounded(3, || traffic(wrapping_ring(), 1, &[1, 1], &[1, 1]));
}

#[test]
fn a_submit_that_races_with_close_is_run_or_handed_back() {
    bounded(ALL, || {
        let (ring, count) = (Arc::new(SmallRing::new()), Arc::new(Count::default()));
        let producer = {
            let (ring, count) = (Arc::clone(&ring), Arc::clone(&count));
            thread::spawn(move || push(&ring, &count))
        };
        ring.close();
        pop(&ring);
        let end = ring.is_finished();
        let submitted = producer.join().unwrap();
        assert_ne!(submitted, Err(Refusal::Full));
        assert_eq!(push(&ring, &count), Err(Refusal::Closed));
        if let Some(job) = ring.pop(&mut Crowd::of(|| 2)) {
            assert!(!end);
            job.run(None);
        }
        assert!(ring.is_finished());
        count.settle(2);
    });
}

// The pool.

impl Staffed<2, Spots> {
    fn new(workers: usize) -> Self {
        let mut this = Self::of(Pool::new(Spots::new(workers)));
        for _ in 0..workers {
            this.add(|worker| worker.run());
        }
        this
    }

    /// For `focused`: all workers sleep when the search begins.
    fn asleep(workers: usize) -> Self {
        let staffed = Self::new(workers);
        while staffed.pool.sleep.platform().parked.load(Relaxed) < workers {
            thread::yield_now();
        }
        loom::explore();
        staffed
    }

    /// One who steps, once.
    fn step(&self) {
        let number = self.pool.sleep.enlist().unwrap();
        Worker::new(&*self.pool, number).step();
    }

    /// For `focused`: the search ends before the workers are told to go.
    fn dismiss(self) {
        loom::stop_exploring();
        self.close();
    }
}

/// `workers` workers, `jobs` jobs from here and one more from each of `others` other threads, which
/// may be too late; then the end.
fn service(workers: usize, jobs: usize, others: usize) {
    let count = Arc::new(Count::default());
    let staffed = Staffed::new(workers);
    let submitters: Vec<_> = (0..others)
        .map(|_| {
            let (pool, count) = (Arc::clone(&staffed.pool), Arc::clone(&count));
            thread::spawn(move || submit(&pool, &count))
        })
        .collect();
    for _ in 0..jobs {
        submit(&staffed.pool, &count);
    }
    staffed.close();
    for submitter in submitters {
        submitter.join().unwrap();
    }
    count.settle(jobs + others);
}

#[test]
fn a_worker_runs_what_was_accepted_and_leaves() {
    bounded(2, || service(1, 2, 0));
}

#[test]
fn a_worker_and_a_submitter_that_races_with_close() {
    bounded(3, || service(1, 0, 1));
}

#[test]
fn two_workers_run_what_was_accepted_and_leave() {
    bounded(1, || service(2, 1, 0));
}

#[test]
fn two_workers_and_a_submitter_that_races_with_close() {
    bounded(2, || service(2, 0, 1));
}

/// Two jobs: the first waits for the second, and then gives `end`.
fn couple(end: &Arc<Signal>) -> [Box<dyn FnOnce() + Send>; 2] {
    let (end, signal) = (Arc::clone(end), Arc::new(Signal::default()));
    let waiting = Arc::clone(&signal);
    [
        Box::new(move || {
            drop(waiting.wait());
            end.give();
        }),
        Box::new(move || signal.give()),
    ]
}

/// While somebody is searching or waking, a submitter wakes nobody. Still no job may lie there with a
/// worker asleep.
#[test]
fn a_job_that_waits_for_the_next_gets_it() {
    focused(2, || {
        let staffed = Staffed::asleep(2);
        let end = Arc::new(Signal::default());
        for job in couple(&end) {
            staffed.pool.execute(job).unwrap();
        }
        drop(end.wait());
        staffed.dismiss();
    });
}

/// The same with a submitter each, in either order.
#[test]
fn a_job_that_waits_for_that_of_another_submitter_gets_it() {
    focused(1, || {
        let staffed = Staffed::asleep(2);
        let end = Arc::new(Signal::default());
        let [waiting, giving] = couple(&end);
        let pool = Arc::clone(&staffed.pool);
        let submitter = thread::spawn(move || pool.execute(waiting).unwrap());
        staffed.pool.execute(giving).unwrap();
        drop(end.wait());
        submitter.join().unwrap();
        staffed.dismiss();
    });
}

/// Somebody who steps takes jobs too, and answers for nobody's.
#[test]
fn a_job_behind_one_that_a_stepper_takes_is_run() {
    focused(1, || {
        let staffed = Staffed::asleep(1);
        let ends = [(); 2].map(|()| Arc::new(Signal::default()));
        let [mine, others] = ends
            .clone()
            .map(|end| (Arc::clone(&staffed.pool), move || end.give()));
        let submitter = thread::spawn(move || others.0.execute(others.1).unwrap());
        mine.0.execute(mine.1).unwrap();
        staffed.step();
        ends.iter().for_each(|end| drop(end.wait()));
        submitter.join().unwrap();
        staffed.dismiss();
    });
}

// The map.

/// The second map has the frame and the team slot of the first.
fn twice(pool: &Pool<2, Spots>, length: usize) {
    once(pool, length);
    once(pool, length);
}

#[test]
fn a_helper_is_gone_when_a_map_returns() {
    focused(2, || {
        let staffed = Staffed::asleep(1);
        twice(&staffed.pool, 2);
        staffed.dismiss();
    });
}

#[test]
fn two_helpers_are_gone_when_a_map_returns() {
    focused(1, || {
        let staffed = Staffed::asleep(2);
        once(&staffed.pool, 3);
        staffed.dismiss();
    });
}

#[test]
fn two_callers_share_a_helper() {
    focused(1, || {
        let staffed = Staffed::asleep(1);
        let pool = Arc::clone(&staffed.pool);
        let other = thread::spawn(move || once(&pool, 2));
        once(&staffed.pool, 2);
        other.join().unwrap();
        staffed.dismiss();
    });
}

/// When both have the same slot, one after the other.
#[test]
fn a_slot_is_handed_on_when_its_helpers_have_left() {
    bounded(2, || {
        let pool = Arc::new(Pool::<2, _>::new(Spots::new(1)));
        let number = pool.sleep.enlist().unwrap();
        let helper = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || Worker::new(&*pool, number).step())
        };
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || once(&*pool, 2))
        };
        once(&*pool, 2);
        other.join().unwrap();
        helper.join().unwrap();
    });
}

#[test]
fn a_map_within_a_map_needs_nobody() {
    focused(1, || {
        let staffed = Staffed::asleep(1);
        let pool = &*staffed.pool;
        let elements = [Element::row(2), Element::row(2)];
        pool.map(&elements, (), |row| pool.map(&row[..], (), Element::bump));
        assert!(
            elements
                .iter()
                .flatten()
                .all(|element| element.value() == 1)
        );
        staffed.dismiss();
    });
}

/// The elements wait for each other, while the worker is on its way to sleep.
#[test]
fn a_map_gets_the_help_there_is() {
    bounded(2, || {
        let staffed = Staffed::new(1);
        let met = [Signal::default(), Signal::default()];
        staffed.pool.map(0..3, (), |element| {
            if element != 0 {
                met[element - 1].give();
                drop(met[2 - element].wait());
            }
        });
        staffed.close();
    });
}

#[test]
fn a_map_races_with_close() {
    bounded(3, || {
        let staffed = Staffed::new(1);
        let pool = Arc::clone(&staffed.pool);
        let caller = thread::spawn(move || once(&pool, 2));
        staffed.close();
        caller.join().unwrap();
    });
}

#[cfg(feature = "std")]
#[test]
fn a_panic_reaches_the_caller_after_the_helper_has_left() {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::atomic::AtomicUsize;

    focused(2, || {
        let staffed = Staffed::asleep(1);
        let (count, pool) = (Arc::new(Count::default()), &*staffed.pool);
        let inputs: [_; 3] = core::array::from_fn(|_| count.ticket());
        let mut results = [const { core::mem::MaybeUninit::uninit() }; 3];
        let next = AtomicUsize::new(0);
        let payload = catch_unwind(AssertUnwindSafe(|| {
            pool.map(inputs, &mut results[..], |ticket| {
                // The second that anyone takes.
                match next.fetch_add(1, Relaxed) {
                    1 => resume_unwind(Box::new("the second")),
                    _ => ticket,
                }
            });
        }));
        assert_eq!(
            *payload.unwrap_err().downcast::<&str>().unwrap(),
            "the second"
        );
        count.settle(3);
        once(pool, 2);
        staffed.dismiss();
    });
}
