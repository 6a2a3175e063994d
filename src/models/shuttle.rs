//! [shuttle] tries interleavings of mixes that are too large for loom: three workers that run and
//! one that steps, several submitters and callers of `map`, several rounds each, with the sizes
//! that ship.
//!
//! `ci/shuttle.sh` runs these models, each in so many schedules drawn at random and in as many of
//! PCT, which preempts at a few places only and so finds what needs a thread to stand still for
//! long. Each schedule draws its platform too: with and without a clock, with and without spinning,
//! with a `park` that returns early, with an `unpark` that comes twice or wakes everybody.
//!
//! What is checked: every accepted job runs once and every other comes back; all that was captured
//! is dropped once; results are in order; no thread is in a frame that is gone (`Canary`); none
//! waits for ever (shuttle knows when no thread can go on, and gives up after a million steps).
//!
//! What cannot be: all is sequentially consistent here, so no fence and no ordering matters, and
//! what lies between two atomic operations is never interrupted. And it is a draw, not a proof.
//! Those are loom's.
//!
//! The same seed makes the same schedules. Variables of the environment:
//!
//! * `SHUTTLE_RANDOM_SEED=7`: other schedules.
//! * `SHUTTLE_TIMES=100`: a hundred times as many.
//! * `SHUTTLE_SCHEDULE`: no schedule but this one, which a failure printed; line breaks do not
//!   matter. Name the test: `SHUTTLE_SCHEDULE=9103cf… ci/shuttle.sh maps_of_three_callers`.
//! * `SHUTTLE_CAPTURE_BACKTRACE=1`: where each thread waits in a deadlock.
//!
//! [shuttle]: https://docs.rs/shuttle

extern crate std;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::vec::Vec;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::sync::{Condvar, Mutex};
use shuttle::{Config, Runner, thread};

use crate::models::reach::Event::{self, *};
use crate::models::reach::{assert_reached, reached, watched};
use crate::models::{
    Count, Element, Signal, SmallRing, Spots, Staffed, execute, once, submit, traffic,
    wrapping_ring,
};
use crate::platform::CALLERS;
use crate::queue::ring::Ring;
use crate::{Platform, Pool};

const SCHEDULES: usize = 40_000;

const SEED: u64 = 20_250_101;

/// PCT preempts at one place less.
const DEPTH: usize = 4;

/// Checks `model` in `SCHEDULES` of each kind; in some of them each of `events` has to happen.
fn check(events: &[Event], model: impl Fn() + Send + Sync + 'static) {
    let number = |name, default| match env::var(name) {
        Ok(number) => number.parse().expect(name),
        Err(_) => default,
    };
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    // It would warn that all is sequentially consistent.
    config.silence_warnings = true;
    if let Ok(schedule) = env::var("SHUTTLE_SCHEDULE") {
        let scheduler = ReplayScheduler::new_from_encoded(&schedule);
        Runner::new(scheduler, config).run(watched(model));
        return;
    }
    let seed = number("SHUTTLE_RANDOM_SEED", SEED);
    let schedules = SCHEDULES * number("SHUTTLE_TIMES", 1) as usize;
    std::println!("{schedules} random schedules and {schedules} of PCT, seed {seed}");
    let model = Arc::new(watched(model));
    let again = Arc::clone(&model);
    let random = RandomScheduler::new_from_seed(seed, schedules);
    Runner::new(random, config.clone()).run(move || model());
    let pct = PctScheduler::new_from_seed(seed, DEPTH, schedules);
    Runner::new(pct, config).run(move || again());
    assert_reached(events);
}

/// A number below `end`; the schedule remembers it.
fn draw(end: u64) -> u64 {
    thread_rng().gen_range(0..end)
}

fn perhaps() -> bool {
    draw(2) == 0
}

fn any<T: Copy, const N: usize>(choices: [T; N]) -> T {
    choices[draw(N as u64) as usize]
}

/// A platform that does whatever it may.
struct Moody {
    spots: Spots,
    /// Workers below this have no spot.
    first: usize,
    quantum: u64,
    now: AtomicU64,
    spins: u32,
    /// `park` returns early now and then.
    restless: bool,
    zeal: Zeal,
}

/// Whom `unpark` wakes.
#[derive(Clone, Copy)]
enum Zeal {
    Once,
    Twice,
    Everybody,
}

impl Moody {
    fn any(first: usize, workers: usize) -> Self {
        Self {
            spots: Spots::new(workers),
            first,
            quantum: any([0, 0, 1, 2, 5, 30]),
            now: AtomicU64::new(any([0, u64::MAX])),
            spins: any([0, 0, 1, 3]),
            restless: any([true, false, false]),
            zeal: any([Zeal::Once, Zeal::Once, Zeal::Twice, Zeal::Everybody]),
        }
    }

    fn seat(&self, spot: usize) -> usize {
        if spot < CALLERS {
            spot
        } else {
            spot - self.first
        }
    }
}

impl Platform for Moody {
    fn park(&self, spot: usize) {
        if !(self.restless && perhaps()) {
            self.spots.park(self.seat(spot));
        }
    }

    fn unpark(&self, spot: usize) {
        match self.zeal {
            Zeal::Once => self.spots.unpark(self.seat(spot)),
            Zeal::Twice => {
                self.spots.unpark(self.seat(spot));
                thread::yield_now();
                self.spots.unpark(self.seat(spot));
            }
            Zeal::Everybody => (0..self.spots.spots.len()).for_each(|k| self.spots.unpark(k)),
        }
    }

    /// Goes on at each look; now and then it jumps.
    fn ticks(&self) -> u64 {
        if self.quantum == 0 {
            return 0;
        }
        let step = match draw(50) {
            0 => u64::MAX / 3,
            k => k % 4,
        };
        self.now.fetch_add(step, Relaxed)
    }

    fn quantum(&self) -> u64 {
        self.quantum
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        thread::yield_now();
    }
}

// The ring.

#[test]
fn three_producers_and_three_consumers() {
    check(&[Full, Empty, AllConsumed], || {
        traffic(SmallRing::new(), 0, &[4, 4, 4], &[4, 4, 4]);
    });
}

#[test]
fn three_producers_and_three_consumers_and_the_wrap() {
    check(&[Wrapped, Full, Empty, AllConsumed], || {
        traffic(wrapping_ring(), 2, &[4, 4, 4], &[4, 4, 4]);
    });
}

// The pool.

/// Where a mix takes place.
struct Site<const CAPACITY: usize> {
    pool: Arc<Pool<CAPACITY, Moody>>,
    count: Arc<Count>,
}

impl<const CAPACITY: usize> Clone for Site<CAPACITY> {
    fn clone(&self) -> Self {
        Self {
            pool: Arc::clone(&self.pool),
            count: Arc::clone(&self.count),
        }
    }
}

impl<const CAPACITY: usize> Site<CAPACITY> {
    /// Submits `job`, which gives `end`. If it is rejected, that is the end too.
    fn submit(&self, end: &Signal, job: impl FnOnce() + Send + 'static) {
        if !execute(&self.pool, &self.count, job) {
            end.give();
        }
    }

    fn job(&self, end: &Arc<Signal>, act: impl FnOnce() + Send + 'static) {
        let signal = Arc::clone(end);
        let job = self.count.job_that(move || {
            act();
            signal.give();
        });
        self.submit(end, job);
    }

    /// A job that submits one that submits one, and so on; the last gives `end`.
    fn relay(&self, others: u64, end: &Arc<Signal>) {
        let (site, signal) = (self.clone(), Arc::clone(end));
        let job = self.count.job_that(move || match others {
            0 => signal.give(),
            _ => site.relay(others - 1, &signal),
        });
        self.submit(end, job);
    }

    /// Two jobs, of which the first waits for the second.
    fn couple(&self, end: &Arc<Signal>) {
        let second = Arc::new(Signal::default());
        let waiting = Arc::clone(&second);
        self.job(end, move || drop(waiting.wait()));
        self.job(&second, || ());
    }

    /// A burst of jobs; then it waits for them. Not more than two at a time may do so: a couple
    /// takes a worker, and one has to be left.
    fn jobs(&self) {
        let ends = [(); 3].map(|()| {
            let (site, end) = (self.clone(), Arc::new(Signal::default()));
            match draw(5) {
                0 => self.couple(&end),
                1 => self.job(&end, move || site.map()),
                2 => self.relay(2, &end),
                _ => self.job(&end, || ()),
            }
            end
        });
        for end in ends {
            drop(end.wait());
        }
    }

    fn map(&self) {
        let pool = &*self.pool;
        match draw(4) {
            0 => {
                let rows = [Element::row(2), Element::row(3), Element::row(1)];
                pool.map(&rows, (), |row| pool.map(&row[..], (), Element::bump));
                assert!(rows.iter().flatten().all(|element| element.value() == 1));
            }
            1 => pool.map(0..3, (), |_| submit(pool, &self.count)),
            _ => once(pool, draw(10) as usize),
        }
    }
}

/// Three workers that run, one that steps now and then, and `callers` that go so many rounds. The
/// pool is closed at the end, or at any time before.
fn mix<const CAPACITY: usize>(callers: usize, rounds: usize, round: fn(&Site<CAPACITY>)) {
    // Now and then with more workers than lanes, and sleepers in two words of bits.
    let idlers = any([0, 0, 0, 0, 0, 0, 62]);
    let mut pool = Pool::new(Moody::any(idlers, 4));
    if perhaps() {
        // In the last lap before positions wrap.
        pool.ring = Ring::starting_at(0usize.wrapping_sub(2 * CAPACITY));
    }
    let mut staffed = Staffed::of(pool);
    let site = Site {
        pool: Arc::clone(&staffed.pool),
        count: Arc::default(),
    };
    for _ in 0..idlers {
        site.pool.sleep.claim_number().unwrap();
    }
    for _ in 0..3 {
        staffed.add(|worker| worker.run());
    }
    staffed.add(|mut worker| {
        for _ in 0..draw(8) {
            if !worker.step() {
                thread::yield_now();
            }
        }
    });
    let early = perhaps();
    let mut callers: Vec<_> = (0..callers)
        .map(|_| {
            let site = site.clone();
            thread::spawn(move || (0..rounds).for_each(|_| round(&site)))
        })
        .collect();
    if early {
        let site = site.clone();
        callers.push(thread::spawn(move || {
            (0..any([0, draw(50)])).for_each(|_| thread::yield_now());
            site.pool.close();
        }));
    }
    for caller in callers {
        caller.join().unwrap();
    }
    (0..idlers).for_each(|number| site.pool.sleep.release_number(number));
    if early {
        staffed.end()
    } else {
        staffed.close()
    }
    site.count.balance(0);
}

/// What a mix of jobs comes to.
const JOBS: &[Event] = &[Slept, Woke, Accepted, Refused, Opened, Helped];
/// And one of maps.
const MAPS: &[Event] = &[Slept, Woke, TwoHelped, TwoHelpers, CallerParked];

#[test]
fn jobs_of_two_submitters_on_two_slots() {
    check(JOBS, || mix::<2>(2, 2, Site::jobs));
}

#[test]
fn jobs_of_two_submitters_on_four_slots() {
    check(JOBS, || mix::<4>(2, 2, Site::jobs));
}

#[test]
fn maps_of_three_callers() {
    check(MAPS, || mix::<2>(3, 2, Site::map));
}

#[test]
fn jobs_and_maps_of_two() {
    check(&[JOBS, MAPS].concat(), || {
        mix::<4>(2, 3, |site| match draw(2) {
            0 => site.jobs(),
            _ => site.map(),
        });
    });
}

// Workers that freeze.

/// A platform some of whose workers freeze, for as long as the model wants: in a look, or when they
/// are woken.
struct Icy {
    spots: Spots,
    spins: u32,
    /// How many more will freeze.
    more: AtomicUsize,
    frozen: AtomicUsize,
    thaw: Arc<(Mutex<bool>, Condvar)>,
    /// A job ran, or a worker froze.
    news: Arc<Signal>,
}

impl Icy {
    fn any(workers: usize, frozen: usize) -> Self {
        Self {
            spots: Spots::new(workers),
            spins: any([0, 1, 3]),
            more: AtomicUsize::new(frozen),
            frozen: AtomicUsize::new(0),
            thaw: Arc::default(),
            news: Arc::default(),
        }
    }

    fn perhaps_freeze(&self, event: Event) {
        let fewer = |more: usize| more.checked_sub(1);
        if draw(3) != 0 || self.more.fetch_update(Relaxed, Relaxed, fewer).is_err() {
            return;
        }
        reached(event);
        self.frozen.fetch_add(1, Relaxed);
        self.news.give();
        let mut thawed = self.thaw.0.lock().unwrap();
        while !*thawed {
            thawed = self.thaw.1.wait(thawed).unwrap();
        }
    }

    fn thaw(&self) {
        self.more.store(0, Relaxed);
        *self.thaw.0.lock().unwrap() = true;
        self.thaw.1.notify_all();
    }
}

impl Platform for Icy {
    fn park(&self, spot: usize) {
        self.spots.park(spot);
        self.perhaps_freeze(FrozeWaking);
    }

    fn unpark(&self, spot: usize) {
        self.spots.unpark(spot);
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        thread::yield_now();
        self.perhaps_freeze(FrozeSearching);
    }
}

/// Of all jobs that one producer submits, as many wait at most as workers are frozen, while another
/// worker is there.
#[test]
fn no_job_waits_for_a_frozen_worker_but_its_own() {
    const JOBS: usize = 5;
    check(&[FrozeSearching, FrozeWaking, RanBesideFrozen], || {
        let icy = Icy::any(3, 1 + draw(2) as usize);
        let news = Arc::clone(&icy.news);
        let mut staffed = Staffed::<8, _>::of(Pool::new(icy));
        for _ in 0..3 {
            staffed.add(|worker| worker.run());
        }
        let (count, ran) = (Arc::new(Count::default()), Arc::new(AtomicUsize::new(0)));
        let producer = {
            let (pool, count) = (Arc::clone(&staffed.pool), Arc::clone(&count));
            let (news, ran) = (Arc::clone(&news), Arc::clone(&ran));
            thread::spawn(move || {
                for _ in 0..JOBS {
                    let (news, ran) = (Arc::clone(&news), Arc::clone(&ran));
                    let job = count.job_that(move || {
                        thread::yield_now();
                        ran.fetch_add(1, Relaxed);
                        news.give();
                    });
                    assert!(execute(&pool, &count, job));
                }
            })
        };
        let icy = staffed.pool.sleep.platform();
        while ran.load(Relaxed) + icy.frozen.load(Relaxed) < JOBS {
            *news.wait() = false;
        }
        if icy.frozen.load(Relaxed) != 0 {
            reached(RanBesideFrozen);
        }
        producer.join().unwrap();
        icy.thaw();
        staffed.close();
        count.settle(JOBS);
    });
}

#[test]
fn jobs_that_no_worker_runs_are_dropped_with_their_pool() {
    check(&[Accepted, Refused, Point], || {
        let mut staffed = Staffed::<4, _>::of(Pool::new(Moody::any(0, 2)));
        let count = Arc::new(Count::default());
        for _ in 0..2 {
            staffed.add(|mut worker| while worker.step() {});
        }
        for _ in 0..3 {
            let (pool, count) = (Arc::clone(&staffed.pool), Arc::clone(&count));
            let submitter = thread::spawn(move || (0..4).for_each(|_| submit(&pool, &count)));
            staffed.threads.push(submitter);
        }
        if perhaps() {
            staffed.pool.close();
        }
        for thread in staffed.threads {
            thread.join().unwrap();
        }
        let queued = staffed.pool.ring.len();
        if queued != 0 {
            reached(Point);
        }
        drop(staffed.pool);
        count.balance(queued);
    });
}

#[cfg(feature = "std")]
mod panics {
    use core::mem::MaybeUninit;
    use std::boxed::Box;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;
    use crate::models::Ticket;

    impl<const CAPACITY: usize> Site<CAPACITY> {
        /// Its ticket goes with the payload.
        fn job_that_panics(&self) {
            let end = Arc::new(Signal::default());
            let (ticket, signal) = (self.count.ticket(), Arc::clone(&end));
            self.submit(&end, move || {
                ticket.ran();
                signal.give();
                resume_unwind(Box::new(ticket));
            });
            drop(end.wait());
        }

        fn map_that_panics(&self) {
            let inputs: [_; 5] = core::array::from_fn(|_| self.count.ticket());
            let bits = inputs.each_ref().map(|ticket| ticket.bit);
            let fatal = bits.map(|bit| if draw(4) == 0 { bit } else { 0 });
            let mut results = [const { MaybeUninit::uninit() }; 5];
            let caller = thread::current().id();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                self.pool.map(inputs, &mut results[..], |ticket| {
                    if fatal.contains(&ticket.bit) {
                        if thread::current().id() != caller {
                            reached(HelperPanicked);
                        }
                        resume_unwind(Box::new(ticket));
                    }
                    ticket
                });
            }));
            match outcome {
                Ok(()) => {
                    assert_eq!(fatal, [0; 5]);
                    // SAFETY: the map has returned: all are there.
                    let results = results.map(|ticket| unsafe { ticket.assume_init() });
                    assert_eq!(results.map(|ticket| ticket.bit), bits);
                }
                Err(payload) => {
                    reached(Point);
                    let ticket = payload.downcast::<Ticket>().unwrap();
                    assert!(fatal.contains(&ticket.bit));
                }
            }
            // Nothing comes later.
            let dropped = self.count.dropped.load(Relaxed);
            assert!(bits.iter().all(|bit| dropped & bit != 0));
        }
    }

    #[test]
    fn panics_of_jobs_and_of_functions() {
        check(&[JOBS, &[Helped, HelperPanicked, Point]].concat(), || {
            mix::<4>(2, 3, |site| match draw(4) {
                0 => site.job_that_panics(),
                1 => site.jobs(),
                _ => site.map_that_panics(),
            });
        });
    }
}
