//! [loom] goes through the interleavings, and the reorderings, of the code that ships.
//!
//! `ci/loom.sh` runs these models, with a loom that is mended first (it says why). Sizes are
//! smaller here (`sync::size`), the rest is the same code. A model without a number for `bounded`
//! is searched completely; the others up to that many preemptions, which is what the time allows.
//!
//! What none of them sees: that relaxed operations may take effect *before* earlier ones of the
//! same thread (loom executes each thread in order and lets loads read old values only), and
//! platforms whose `park` returns early.
//!
//! [loom]: https://github.com/tokio-rs/loom

extern crate std;

use std::boxed::Box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::vec::Vec;

use loom::thread;

use crate::models::reach::Event::{self, *};
use crate::models::reach::{assert_reached, is_reached, reached, watched};
use crate::models::{
    Count, Element, Signal, SmallRing, Spots, Staffed, once, pop, push, submit, traffic,
    wrapping_ring,
};
use crate::platform::CALLERS;
use crate::queue::ring::Refusal;
use crate::sync::UnsafeCell;
use crate::{Platform, Pool, Worker};

/// No bound on preemptions.
pub(super) const ALL: Option<usize> = None;

/// Checks `model` in all interleavings with at most so many preemptions, or `LOOM_MAX_PREEMPTIONS`;
/// in some of them each of `events` has to happen.
pub(super) fn bounded(
    preemptions: impl Into<Option<usize>>,
    events: &[Event],
    model: impl Fn() + Send + Sync + 'static,
) {
    builder(preemptions.into()).check(watched(model));
    assert_reached(events);
}

/// The same, from where the model says `loom::explore` to where it says `loom::stop_exploring`.
pub(super) fn focused(
    preemptions: impl Into<Option<usize>>,
    events: &[Event],
    model: impl Fn() + Send + Sync + 'static,
) {
    let mut builder = builder(preemptions.into());
    builder.expect_explicit_explore = true;
    builder.check(watched(model));
    assert_reached(events);
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
    bounded(ALL, &[Wrapped, Full, Empty], || {
        traffic(wrapping_ring(), 0, &[3], &[3]);
    });
}

#[test]
fn two_producers_one_consumer() {
    bounded(4, &[Empty, AllConsumed], || {
        traffic(SmallRing::new(), 0, &[1, 1], &[2]);
    });
}

#[test]
fn two_producers_one_consumer_and_the_wrap() {
    bounded(3, &[Wrapped, Full], || {
        traffic(wrapping_ring(), 1, &[1, 1], &[2]);
    });
}

#[test]
fn one_producer_two_consumers_and_the_wrap() {
    bounded(3, &[Wrapped, Full, AllConsumed], || {
        traffic(wrapping_ring(), 1, &[2], &[1, 1]);
    });
}

#[test]
fn two_producers_two_consumers_and_the_wrap() {
    bounded(3, &[Wrapped, Full, Empty, AllConsumed], || {
        traffic(wrapping_ring(), 1, &[1, 1], &[1, 1]);
    });
}

/// A sleeper that reads an old head finds its slot ready, or emptied, but not free.
#[test]
fn a_look_at_an_old_head_sees_a_job_behind_it() {
    bounded(ALL, &[Point], || {
        let (ring, count) = (Arc::new(SmallRing::new()), Arc::new(Count::default()));
        push(&ring, &count).unwrap();
        let consumer = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || pop(&ring))
        };
        push(&ring, &count).unwrap();
        // The second job stays, wherever this look finds the head.
        assert!(ring.is_ready());
        if ring.len() == 1 {
            reached(Point);
        }
        assert!(consumer.join().unwrap());
        assert!(pop(&ring));
        count.settle(2);
    });
}

#[test]
fn a_submit_that_races_with_close_is_run_or_handed_back() {
    bounded(ALL, &[Refused, Empty, Point], || {
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
        if let Some(job) = ring.pop() {
            assert!(!end);
            // It was accepted, and the consumer was too early.
            reached(Point);
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

    /// A step of one more worker: whether it did something.
    fn step(&self) -> bool {
        let number = self.pool.sleep.claim_number().unwrap();
        Worker::new(&*self.pool, number).step()
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
    bounded(2, &[Slept, Woke], || service(1, 2, 0));
}

#[test]
fn a_worker_and_a_submitter_that_races_with_close() {
    bounded(3, &[Slept, Accepted, Refused], || service(1, 0, 1));
}

#[test]
fn two_workers_run_what_was_accepted_and_leave() {
    bounded(1, &[Slept, Woke], || service(2, 1, 0));
}

#[test]
fn two_workers_and_a_submitter_that_races_with_close() {
    bounded(2, &[Slept, Accepted, Refused], || service(2, 0, 1));
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

/// While as many search as jobs are queued, a submit wakes no worker. Still no job stays there with
/// a worker asleep.
#[test]
fn a_job_that_waits_for_the_next_gets_it() {
    focused(2, &[Woke], || {
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
    focused(1, &[Woke], || {
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

/// A worker that steps takes jobs too, and no producer relies on it.
#[test]
fn a_job_behind_one_that_a_stepper_takes_is_run() {
    focused(1, &[Woke, Point], || {
        let staffed = Staffed::asleep(1);
        let ends = [(); 2].map(|()| Arc::new(Signal::default()));
        let [mine, others] = ends
            .clone()
            .map(|end| (Arc::clone(&staffed.pool), move || end.give()));
        let submitter = thread::spawn(move || others.0.execute(others.1).unwrap());
        mine.0.execute(mine.1).unwrap();
        if staffed.step() {
            reached(Point);
        }
        ends.iter().for_each(|end| drop(end.wait()));
        submitter.join().unwrap();
        staffed.dismiss();
    });
}

// The map.

/// The second map has the frame and the team slot of the first.
#[test]
fn a_helper_is_gone_when_a_map_returns() {
    focused(2, &[Opened, TwoHelped, CallerParked], || {
        let staffed = Staffed::asleep(1);
        once(&staffed.pool, 2);
        once(&staffed.pool, 2);
        staffed.dismiss();
    });
}

/// There is an element for each participant. All stay in theirs until the second helper is there.
#[test]
fn two_helpers_are_gone_when_a_map_returns() {
    focused(1, &[TwoHelpers], || {
        let staffed = Staffed::asleep(2);
        let (elements, caller) = (Element::row(3), thread::current().id());
        let both = [Signal::default(), Signal::default()];
        let [callers, helpers] = [0; 2].map(AtomicUsize::new);
        staffed.pool.map(&elements[..], (), |element| {
            element.bump();
            if thread::current().id() == caller {
                if callers.fetch_add(1, Relaxed) == 0 {
                    drop(both[0].wait());
                }
                return;
            }
            match helpers.fetch_add(1, Relaxed) {
                0 => drop(both[1].wait()),
                1 => both.iter().for_each(Signal::give),
                _ => (),
            }
        });
        assert!(is_reached(TwoHelpers));
        assert!(elements.iter().all(|element| element.value() == 1));
        staffed.dismiss();
    });
}

/// One worker is all the help that there is, and both maps need it.
#[test]
fn two_callers_share_a_helper() {
    bounded(1, &[TwoHelped], || {
        let pool = Arc::new(Pool::<2, _>::new(Spots::new(1)));
        let helper = stepping(&pool);
        let meet = |pool: &Pool<2, Spots>| {
            let met = [Signal::default(), Signal::default()];
            pool.map(0..2, (), |element| {
                met[element].give();
                drop(met[1 - element].wait());
            });
        };
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || meet(&pool))
        };
        meet(&pool);
        other.join().unwrap();
        helper.join().unwrap();
        assert!(is_reached(TwoHelped));
    });
}

/// A worker that steps until it has found something twice.
fn stepping<P: Platform + Send + 'static>(pool: &Arc<Pool<2, P>>) -> thread::JoinHandle<()> {
    let (pool, number) = (Arc::clone(pool), pool.sleep.claim_number().unwrap());
    thread::spawn(move || {
        let mut worker = Worker::new(&*pool, number);
        for _ in 0..2 {
            while !worker.step() {
                thread::yield_now();
            }
        }
    })
}

/// When both have the same slot, one after the other.
#[test]
fn a_slot_is_handed_on_when_its_helpers_have_left() {
    bounded(2, &[Opened, Helped], || {
        let pool = Arc::new(Pool::<2, _>::new(Spots::new(1)));
        let number = pool.sleep.claim_number().unwrap();
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

/// Spots of a platform that rests on what [`Platform`] is promised: one thread at a time is in
/// `park` for a spot, so what is there beside the token needs no lock.
struct Plain {
    spots: Spots,
    /// How often callers parked at each spot.
    parks: Vec<UnsafeCell<usize>>,
    parked: Signal,
}

// SAFETY: loom reports what is wrong with that.
unsafe impl Sync for Plain {}

impl Plain {
    fn count(&self, spot: usize) {
        // SAFETY: loom reports a race.
        let parks = self.parks[spot].with_mut(|parks| unsafe {
            *parks += 1;
            *parks
        });
        // The second caller comes.
        if parks == 3 {
            reached(SpotHandedOn);
        }
    }
}

impl Platform for Plain {
    fn park(&self, spot: usize) {
        assert!(spot < CALLERS, "no worker runs here");
        self.count(spot);
        self.parked.give();
        self.spots.park(spot);
        // The token's lock does not order this with the next one's coming.
        self.count(spot);
    }

    fn unpark(&self, spot: usize) {
        self.spots.unpark(spot);
    }
}

/// One caller's return from `park` happens before the next one's `park` at that spot. The helper
/// stays in each map until its caller has parked. The second caller comes when the helper has left
/// the first map.
#[test]
fn a_spot_is_handed_on_by_a_caller_that_is_out_of_park() {
    struct Round {
        begun: Signal,
        joined: Signal,
        left: Signal,
    }
    fn map(pool: &Pool<2, Plain>, round: &Round) {
        let caller = thread::current().id();
        pool.map(0..2, (), |_| {
            if thread::current().id() == caller {
                round.begun.give();
                drop(round.joined.wait());
            } else {
                round.joined.give();
                *pool.sleep.platform().parked.wait() = false;
            }
        });
    }
    bounded(2, &[SpotHandedOn], || {
        let pool = Arc::new(Pool::new(Plain {
            spots: Spots::new(0),
            parks: (0..CALLERS).map(|_| UnsafeCell::new(0)).collect(),
            parked: Signal::default(),
        }));
        let rounds = Arc::new([(); 2].map(|()| Round {
            begun: Signal::default(),
            joined: Signal::default(),
            left: Signal::default(),
        }));
        let number = pool.sleep.claim_number().unwrap();
        let helper = {
            let (pool, rounds) = (Arc::clone(&pool), Arc::clone(&rounds));
            thread::spawn(move || {
                let mut worker = Worker::new(&*pool, number);
                for round in &*rounds {
                    drop(round.begun.wait());
                    assert!(worker.step());
                    round.left.give();
                }
            })
        };
        let other = {
            let (pool, rounds) = (Arc::clone(&pool), Arc::clone(&rounds));
            thread::spawn(move || map(&pool, &rounds[0]))
        };
        drop(rounds[0].left.wait());
        map(&pool, &rounds[1]);
        other.join().unwrap();
        helper.join().unwrap();
    });
}

#[test]
fn a_map_within_a_map_needs_no_helper() {
    focused(1, &[TwoHelped], || {
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
    bounded(2, &[Slept, Woke], || {
        let staffed = Staffed::new(1);
        let met = [Signal::default(), Signal::default()];
        staffed.pool.map(0..2, (), |element| {
            met[element].give();
            drop(met[1 - element].wait());
        });
        assert!(is_reached(Helped));
        staffed.close();
    });
}

#[test]
fn a_map_races_with_close() {
    bounded(2, &[Helped, Slept], || {
        let staffed = Staffed::new(1);
        let pool = Arc::clone(&staffed.pool);
        let caller = thread::spawn(move || once(&pool, 2));
        staffed.close();
        caller.join().unwrap();
    });
}

// Jobs and a map.

/// A producer relies on a searcher, which joins a team whose elements wait for that job: it wakes
/// the other worker.
#[test]
fn a_searcher_that_joins_a_team_does_not_forget_a_job() {
    focused(1, &[Woke, Helped, Point], || {
        let staffed = Staffed::asleep(2);
        let (pool, caller) = (&*staffed.pool, thread::current().id());
        let ran = Arc::new(Signal::default());
        let [helped, submitted] = [(); 2].map(|()| AtomicBool::new(false));
        pool.map(0..2, (), |_| {
            // The first that a helper runs.
            if thread::current().id() != caller && !helped.swap(true, Relaxed) {
                return drop(ran.wait());
            }
            if !submitted.swap(true, Relaxed) {
                let end = Arc::clone(&ran);
                pool.execute(move || end.give()).unwrap();
                if helped.load(Relaxed) {
                    reached(Point);
                }
            }
        });
        staffed.dismiss();
    });
}

/// A helper of an unknown map is woken, and finds a job first, which waits for the map: it wakes
/// another helper.
#[test]
fn a_helper_that_finds_a_job_first_wakes_the_next() {
    focused(1, &[Woke, Helped], || {
        let staffed = Staffed::asleep(2);
        let met = Arc::new(Signal::default());
        let waiting = Arc::clone(&met);
        let job = move || drop(waiting.wait());
        staffed.pool.execute(job).unwrap();
        staffed.pool.map(0..2, (), |element| match element {
            0 => drop(met.wait()),
            _ => met.give(),
        });
        assert!(is_reached(Helped));
        staffed.dismiss();
    });
}

/// In its first element, a chunk, the helper submits a job, and the caller waits in its own until
/// the helper is back from it, in the third.
#[test]
fn a_helper_leaves_a_map_for_a_job_after_its_chunk_and_comes_back() {
    focused(1, &[Helped, Point], || {
        let staffed = Staffed::asleep(1);
        let (pool, caller) = (&*staffed.pool, thread::current().id());
        let (ran, back) = (Arc::new(AtomicBool::new(false)), Signal::default());
        let [callers, helpers] = [0; 2].map(AtomicUsize::new);
        pool.map(0..3, (), |_| {
            if thread::current().id() == caller {
                if callers.fetch_add(1, Relaxed) == 0 {
                    drop(back.wait());
                }
                return;
            }
            match helpers.fetch_add(1, Relaxed) {
                0 => {
                    let ran = Arc::clone(&ran);
                    pool.execute(move || ran.store(true, Relaxed)).unwrap();
                }
                1 => {
                    assert!(ran.load(Relaxed));
                    reached(Point);
                    back.give();
                }
                _ => (),
            }
        });
        assert!(is_reached(Point));
        staffed.dismiss();
    });
}

#[cfg(feature = "std")]
#[test]
fn a_panic_reaches_the_caller_after_the_helper_has_left() {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    focused(2, &[Helped, HelperPanicked, CallerParked], || {
        let staffed = Staffed::asleep(1);
        let (count, pool) = (Arc::new(Count::default()), &*staffed.pool);
        let inputs: [_; 3] = core::array::from_fn(|_| count.ticket());
        let mut results = [const { core::mem::MaybeUninit::uninit() }; 3];
        let next = AtomicUsize::new(0);
        let caller = thread::current().id();
        let payload = catch_unwind(AssertUnwindSafe(|| {
            pool.map(inputs, &mut results[..], |ticket| {
                // The second that is taken.
                match next.fetch_add(1, Relaxed) {
                    1 => {
                        if thread::current().id() != caller {
                            reached(HelperPanicked);
                        }
                        resume_unwind(Box::new("the second"))
                    }
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
