//! When a map looks at its clock, opens a team and wakes whom, by a clock that shows nothing but
//! work.
//!
//! Each row of "What a wrong guess costs at most" that is about maps has its test here, or, with
//! threads, in `tests/wrong_guess.rs`.

use std::boxed::Box;
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::vec::Vec;

use super::*;
use crate::platform::{CALLERS, MAX_WORKERS};
use crate::tuning::{
    CHEAP_CHUNK, FAN_OUT, QUANTA_PER_CHUNK, QUANTA_PER_WAKE, QUANTA_PER_WAKE_IN_A_ROW,
};

/// No job is queued.
struct Unwanted;

impl Wanted for Unwanted {
    fn is_wanted(&self) -> bool {
        false
    }
}

/// Notes how many elements are done at each look at the clock, and which workers are woken.
struct Meter {
    quantum: u64,
    spins: u32,
    now: AtomicU64,
    /// The clock shows the same time for ever.
    stands: AtomicBool,
    done: AtomicUsize,
    looks: Mutex<Vec<usize>>,
    woken: AtomicUsize,
    on_their_way: Mutex<VecDeque<usize>>,
}

impl Platform for Meter {
    fn park(&self, spot: usize) {
        unreachable!("spot {spot}: all that helps has left by then");
    }

    fn unpark(&self, spot: usize) {
        self.woken.fetch_add(1, SeqCst);
        self.on_their_way.lock().unwrap().push_back(spot - CALLERS);
    }

    fn ticks(&self) -> u64 {
        self.looks.lock().unwrap().push(self.done.load(SeqCst));
        match self.stands.load(SeqCst) {
            true => 1 << 20,
            false => self.now.load(SeqCst),
        }
    }

    fn quantum(&self) -> u64 {
        self.quantum
    }

    fn spins(&self) -> u32 {
        self.spins
    }
}

/// What a pool has for its maps. Its workers sleep. One that is woken comes when the test says so,
/// on the test's own thread, within an element; else it is on its way for ever.
struct Pool {
    sleep: Sleep<Meter>,
    maps: Maps,
}

impl Pool {
    fn new(quantum: u64, workers: usize) -> Self {
        Self::with_spins(0, quantum, workers)
    }

    fn with_spins(spins: u32, quantum: u64, workers: usize) -> Self {
        let sleep = Sleep::new(Meter {
            quantum,
            spins,
            now: AtomicU64::new(1 << 20),
            stands: AtomicBool::new(false),
            done: AtomicUsize::new(0),
            looks: Mutex::default(),
            woken: AtomicUsize::new(0),
            on_their_way: Mutex::default(),
        });
        while sleep.workers() != workers {
            sleep.claim_number();
        }
        sleep.lay_down(0..workers);
        Self {
            sleep,
            maps: Maps::new(),
        }
    }

    /// Maps so many elements, the k-th of which takes `cost(k)` ticks. Returns how many were done
    /// at each look at the clock. To the pool, all these are the same function.
    fn map(&self, len: usize, cost: &(dyn Fn(usize) -> u64 + Sync)) -> Vec<usize> {
        let meter = self.sleep.platform();
        meter.done.store(0, SeqCst);
        self.maps.map(&self.sleep, 0..len, (), |k| {
            let ticks = cost(k);
            meter.now.fetch_add(ticks, SeqCst);
            meter.done.fetch_add(1, SeqCst);
        });
        assert_eq!(meter.done.load(SeqCst), len);
        core::mem::take(&mut *meter.looks.lock().unwrap())
    }

    /// As if this function's elements had cost so much in the last call.
    fn learn(&self, cost: u64) {
        self.map(50, &|_| cost);
        self.woken();
    }

    /// One whose memory is full of other functions.
    fn forgotten() -> Self {
        let pool = Self::new(1000, 3);
        (1..1000).for_each(|k| pool.maps.costs.note(16 * k, 100, 1));
        pool
    }

    /// How many workers were woken since the last call. They sleep again.
    fn woken(&self) -> usize {
        let meter = self.sleep.platform();
        meter.on_their_way.lock().unwrap().clear();
        (0..self.sleep.searching()).for_each(|_| self.sleep.stop_searching());
        self.sleep.lay_down(0..self.sleep.workers());
        meter.woken.swap(0, SeqCst)
    }

    /// The worker that was woken first, or last, comes and helps. Returns false if none is on its
    /// way.
    fn one_comes(&self, first: bool) -> bool {
        let on_their_way = &self.sleep.platform().on_their_way;
        let next = match first {
            true => on_their_way.lock().unwrap().pop_front(),
            false => on_their_way.lock().unwrap().pop_back(),
        };
        let Some(worker) = next else {
            return false;
        };
        if let Some(team) = self.maps.join(worker, &self.sleep) {
            self.sleep.found(|| 0);
            help(team, worker, &self.sleep, &Unwanted);
        }
        true
    }

    fn pause(&self, ticks: u64) {
        self.sleep.platform().now.fetch_add(ticks, SeqCst);
    }
}

#[test]
fn without_workers_a_function_that_is_not_known_goes_on_in_batches_that_grow() {
    let pool = Pool::new(1000, 0);
    // Eight times as many each time, until that is half a quantum.
    let looks = pool.map(300, &|_| 10);
    assert_eq!(looks, [0, 1, 9, 59, 109, 159, 209, 259, 300]);
    let pool = Pool::new(0, 0);
    assert_eq!(pool.map(1000, &|_| 10), [], "no look at what is no clock");
}

#[test]
fn a_function_that_is_not_known_has_a_team_from_its_first_element_if_there_are_two() {
    for quantum in [0, 1000] {
        for workers in [0, 1, 3] {
            for len in [1, 2, 3, 100] {
                let pool = Pool::new(quantum, workers);
                let team = workers != 0 && len != 1;
                pool.map(len, &|_| {
                    assert_eq!(pool.maps.any_open(), team, "{quantum} {workers} {len}");
                    10
                });
                assert!(!pool.maps.any_open());
            }
        }
    }
}

/// Nothing shared is written: no team, no wake-up, and that it costs the same is not written
/// either.
#[test]
fn a_function_known_to_be_short_stays_alone_and_looks_after_its_first_element_and_each_half_quantum()
 {
    let pool = Pool::new(1000, 3);
    pool.learn(10);
    let alone = |_| {
        assert!(!pool.maps.any_open());
        10
    };
    for _ in 0..3 {
        assert_eq!(pool.map(50, &alone), [0, 1, 50]);
        assert_eq!(pool.map(51, &alone), [0, 1, 51]);
        assert_eq!(pool.map(52, &alone), [0, 1, 51, 52]);
        assert_eq!(pool.map(99, &alone), [0, 1, 51, 99]);
        assert_eq!(pool.map(1, &alone), [0, 1]);
    }
    assert_eq!(pool.woken(), 0);
    // What is left after a quantum is not worth a team, if it is less than another.
    let slow = |k| if k < 50 { alone(k) + 10 } else { alone(k) };
    assert_eq!(pool.map(98, &slow), [0, 1, 51, 76, 98]);
    assert_eq!(pool.woken(), 0);
}

#[test]
fn a_function_known_to_be_long_has_a_team_at_once_if_a_worker_is_awake_or_worth_waking() {
    let team = |len, workers, awake| {
        let pool = Pool::new(1000, workers);
        pool.learn(10);
        if awake {
            pool.sleep.claim_number();
        }
        let open = AtomicBool::new(false);
        pool.map(len, &|k| {
            open.fetch_or(k == 0 && pool.maps.any_open(), SeqCst);
            10
        });
        (open.into_inner(), pool.woken())
    };
    assert_eq!(team(99, 3, true), (false, 0));
    assert_eq!(team(100, 3, true), (true, 0));
    let worth = 100 * QUANTA_PER_WAKE;
    assert_eq!(team(worth - 1, 3, false), (false, 0));
    assert_eq!(team(worth, 3, false), (true, 1));
    assert_eq!(team(worth, 0, false), (false, 0));
}

#[test]
fn as_many_sleepers_are_woken_as_the_work_left_pays_for() {
    for worth in 1..10 {
        for over in [0, 100 * QUANTA_PER_WAKE - 1] {
            let pool = Pool::new(1000, 7);
            pool.learn(10);
            let first = AtomicUsize::new(0);
            pool.map(worth * 100 * QUANTA_PER_WAKE + over, &|k| {
                if k == 0 {
                    first.store(pool.sleep.platform().woken.load(SeqCst), SeqCst);
                }
                10
            });
            assert_eq!(first.into_inner(), worth.min(FAN_OUT), "a few at a time");
            // The first chunk is half a quantum, which may be what the last one would have been
            // woken for.
            let all = if over == 0 && worth > FAN_OUT {
                worth - 1
            } else {
                worth
            };
            assert_eq!(pool.woken(), all.min(7), "{worth} {over}");
        }
    }
}

#[test]
fn each_participant_wakes_by_its_own_last_measure() {
    // Known to be worth one helper: ten times as much work wakes more, a tenth wakes none.
    for (cost, before, after) in [(100, 1, 7), (1, 1, 1)] {
        let pool = Pool::new(1000, 7);
        pool.learn(10);
        let first = AtomicUsize::new(0);
        pool.map(100 * QUANTA_PER_WAKE, &|k| {
            if k == 0 {
                first.store(pool.sleep.platform().woken.load(SeqCst), SeqCst);
            }
            cost
        });
        assert_eq!((first.into_inner(), pool.woken()), (before, after));
    }
}

#[test]
fn a_team_s_elements_are_remembered() {
    let pool = Pool::new(1000, 3);
    pool.map(3000, &|_| 10);
    pool.woken();
    assert_eq!(pool.map(50, &|_| 10), [0, 1, 50]);
    pool.sleep.claim_number();
    pool.map(3000, &|_| 1);
    assert_eq!(pool.map(500, &|_| 1), [0, 1, 500]);
}

#[test]
fn time_that_does_not_fit_into_a_word_is_long() {
    let pool = Pool::new(1000, 3);
    pool.learn(10);
    pool.map(10, &|_| 1 << 32);
    assert_eq!(pool.woken(), 3);
    let pool = Pool::new(1 << 32, 3);
    pool.learn(10);
    pool.map(10, &|_| 10);
    assert_eq!(pool.woken(), 0);
}

#[test]
fn if_all_teams_are_taken_the_caller_goes_on_alone() {
    let pool = Pool::new(1000, 3);
    pool.learn(10);
    let teams: Vec<_> = core::iter::from_fn(|| pool.maps.teams.hold()).collect();
    pool.map(10_000, &|_| 10);
    assert_eq!(pool.woken(), 0);
    for team in teams {
        team.close(&pool.sleep);
    }
    pool.map(10_000, &|_| 10);
    assert_eq!(pool.woken(), 3);
}

#[test]
fn what_was_done_before_a_team_that_panics_is_dropped_once() {
    struct Counted<'c>(&'c AtomicUsize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    const LEN: usize = 90;
    let pool = Pool::new(1000, 3);
    let [inputs, outputs] = [const { [const { AtomicUsize::new(0) }; LEN] }; 2];
    let map = |heavy: bool, bad| {
        let values: [_; LEN] = core::array::from_fn(|k| (k, Counted(&inputs[k])));
        let mut places = [const { MaybeUninit::uninit() }; LEN];
        let f = |(k, _value)| {
            // Known to be short: alone for half a quantum, as remembered, and then with a team.
            assert_eq!(pool.maps.any_open(), !heavy || k >= 51, "{k}");
            if k == bad {
                resume_unwind(Box::new(()));
            }
            pool.pause(if heavy && k >= 30 { 1000 } else { 10 });
            Counted(&outputs[k])
        };
        let done = pool.maps.map(&pool.sleep, values, &mut places[..], f);
        // SAFETY: all are initialised, and not used again.
        unsafe { core::ptr::drop_in_place(done) };
    };
    let counts = |counters: &[AtomicUsize; LEN]| counters.each_ref().map(|n| n.swap(0, SeqCst));
    map(false, LEN);
    assert_eq!((counts(&inputs), counts(&outputs)), ([1; LEN], [1; LEN]));
    assert!(catch_unwind(AssertUnwindSafe(|| map(true, 60))).is_err());
    let done = core::array::from_fn(|k| usize::from(k < 60));
    assert_eq!((counts(&inputs), counts(&outputs)), ([1; LEN], done));
}

// What a wrong guess costs at most.

/// Of a map's elements in which `is_long` holds, the most that are at work at a time. In each of
/// them, the workers that are on their way come.
fn most_at_once(
    pool: &Pool,
    len: usize,
    first: bool,
    is_long: &(dyn Fn(usize) -> bool + Sync),
) -> usize {
    let [now, most] = [const { AtomicUsize::new(0) }; 2];
    pool.map(len, &|k| {
        if !is_long(k) {
            return 10;
        }
        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        while pool.one_comes(first) {}
        now.fetch_sub(1, SeqCst);
        1_000_000
    });
    most.into_inner()
}

#[test]
fn with_so_many_idle_workers_one_element_more_is_at_work_at_once_in_every_call() {
    for workers in [1, 2, 3, 8, 31, 32, 100, MAX_WORKERS] {
        for (quantum, stands) in [(0, false), (1000, true), (1000, false)] {
            for first in [true, false] {
                if workers > MAX_WORKERS {
                    continue;
                }
                let pool = Pool::new(quantum, workers);
                pool.sleep.platform().stands.store(stands, SeqCst);
                for call in 0..4 {
                    let most = most_at_once(&pool, workers + 1, first, &|_| true);
                    assert_eq!(most, workers + 1, "{quantum} {stands} {first} {call}");
                    pool.woken();
                }
                // The first ones are short.
                let pool = Pool::new(quantum, workers);
                pool.sleep.platform().stands.store(stands, SeqCst);
                let most = most_at_once(&pool, workers + 1, first, &|k| k >= 3);
                let long = (workers + 1).saturating_sub(3);
                assert_eq!(most, long, "{quantum} {stands} {first}");
            }
        }
    }
}

#[test]
fn long_elements_behind_short_ones_are_at_work_at_once_in_the_first_call() {
    type Input = (usize, fn(usize) -> bool, usize);
    let inputs: [Input; 3] = [
        (10_000, |k| k >= 9900, 9),
        (9, |k| k >= 1, 8),
        (200, |k| k >= 73, 9),
    ];
    for (len, is_long, expected) in inputs {
        for (quantum, stands) in [(0, false), (1000, true), (1000, false)] {
            for first in [true, false] {
                let pool = Pool::new(quantum, 8);
                pool.sleep.platform().stands.store(stands, SeqCst);
                let most = most_at_once(&pool, len, first, &is_long);
                assert_eq!(most, expected, "{len} {quantum} {stands} {first}");
            }
        }
    }
}

/// The one that is woken never comes.
#[test]
fn long_elements_behind_short_ones_wake_more_before_a_few_of_them_are_done() {
    for (len, short) in [(10_000, 9900), (9, 1), (200, 73)] {
        let pool = Pool::new(1000, 8);
        let meter = pool.sleep.platform();
        let alone = AtomicUsize::new(0);
        pool.map(len, &|k| {
            let woken = meter.woken.load(SeqCst);
            assert!(woken >= 1, "one is on its way at each");
            if k < short {
                return 10;
            }
            alone.fetch_add(usize::from(woken == 1), SeqCst);
            1_000_000
        });
        // Those of a chunk that were thought to be cheap.
        let alone = alone.into_inner();
        assert!(alone <= CHEAP_CHUNK, "{len}: {alone}");
        assert!(pool.woken() > FAN_OUT, "{len}");
    }
}

#[test]
fn a_function_that_is_not_known_wakes_one_worker_before_its_first_element_ends() {
    for quantum in [0, 1000] {
        for len in [2, 3, 100] {
            for cost in [10, 1_000_000] {
                let pool = Pool::new(quantum, 8);
                let meter = pool.sleep.platform();
                pool.map(len, &|_| {
                    let done = meter.done.load(SeqCst);
                    assert!(done != 0 || meter.woken.load(SeqCst) == 1);
                    cost
                });
                let woken = pool.woken();
                if quantum != 0 && cost == 10 {
                    assert_eq!(woken, 1, "it is short");
                }
            }
        }
    }
}

#[test]
fn a_helper_wakes_a_few_before_each_chunk_and_no_more_than_there_are_elements() {
    let pool = Pool::new(1000, 14);
    let woken = || pool.sleep.platform().woken.load(SeqCst);
    let begun = AtomicUsize::new(0);
    pool.map(100, &|_| {
        // The caller wakes one, and each that comes a few.
        let begun = begun.fetch_add(1, SeqCst);
        assert_eq!(woken(), (1 + FAN_OUT * begun).min(14));
        pool.one_comes(true);
        1_000_000
    });
    for len in 2..8 {
        let pool = Pool::new(1000, 14);
        pool.map(len, &|_| {
            while pool.one_comes(true) {}
            1_000_000
        });
        assert_eq!(
            pool.woken(),
            len - 1,
            "one for each element but the caller's"
        );
    }
}

#[test]
fn a_wrong_memory_costs_no_more_long_elements_than_fit_half_a_quantum() {
    for remembered in [1, 10, 40, 100, 150] {
        let fit = 500 / remembered as usize;
        let len = 999 / remembered as usize;
        for short in [0, 1, 2, fit / 2, fit, fit + 1] {
            let pool = Pool::new(1000, 3);
            pool.learn(remembered);
            let alone = AtomicUsize::new(0);
            pool.map(len, &|k| {
                if k < short {
                    return remembered;
                }
                alone.fetch_add(usize::from(!pool.maps.any_open()), SeqCst);
                1_000_000
            });
            let alone = alone.into_inner();
            assert!(alone <= fit, "{remembered}: {alone} after {short}");
            assert!(short != 0 || alone == 1, "it looks after the first");
        }
    }
    // One that was long, but not worth a wake-up; and one that was forgotten.
    for short in [0, 1, 50, 99, 100, 101, 120, 151, 585, 700] {
        let known = Pool::new(1000, 3);
        known.learn(10);
        for (pool, cost) in [(known, 10), (Pool::forgotten(), 10), (Pool::forgotten(), 1)] {
            let alone = AtomicUsize::new(0);
            pool.map(100 * QUANTA_PER_WAKE - 1, &|k| {
                if k < short {
                    return cost;
                }
                alone.fetch_add(usize::from(!pool.maps.any_open()), SeqCst);
                1_000_000
            });
            let alone = alone.into_inner();
            assert!(
                alone <= 500 / cost as usize,
                "{cost}: {alone} after {short}"
            );
        }
    }
    // One that was long has a team before its first element.
    for remembered in [1000, 1_000_000] {
        let pool = Pool::new(1000, 3);
        pool.learn(remembered);
        pool.map(20, &|_| {
            assert!(pool.maps.any_open());
            10
        });
    }
}

#[test]
fn a_function_that_was_forgotten_wakes_none_until_a_quantum_has_gone() {
    let pool = Pool::forgotten();
    assert_eq!(pool.map(90, &|_| 10), [0, 1, 9, 59, 90]);
    assert_eq!(pool.woken(), 0);
    let pool = Pool::forgotten();
    let looks = pool.map(6000, &|_| {
        let team = pool.sleep.platform().done.load(SeqCst) >= 109;
        assert_eq!(pool.maps.any_open(), team);
        10
    });
    assert_eq!(looks[..5], [0, 1, 9, 59, 109]);
    assert_eq!(pool.woken(), 3);
}

#[test]
fn a_function_is_back_at_its_old_path_soon_after_one_of_its_elements_was_interrupted() {
    for slice in [2_000, 1_000_000, 1 << 40] {
        for interrupted in [0, 1, 25, 49] {
            let pool = Pool::new(1000, 3);
            pool.learn(10);
            pool.map(50, &|k| if k == interrupted { slice } else { 10 });
            let wrong = (0..).take_while(|_| pool.map(50, &|_| 10) != [0, 1, 50]);
            assert!(wrong.count() <= 2, "{slice} {interrupted}");
            pool.woken();
            assert_eq!(pool.map(50, &|_| 10), [0, 1, 50]);
            assert_eq!(pool.woken(), 0);
        }
    }
}

#[test]
fn a_clock_that_jumps_makes_the_next_guess_wrong_and_no_other() {
    const HOURS: u64 = 1 << 45;
    for jump in [HOURS, HOURS.wrapping_neg()] {
        for at in [0, 1, 25, 49] {
            let pool = Pool::new(1000, 3);
            pool.learn(10);
            pool.map(50, &|k| if k == at { jump } else { 10 });
            pool.map(50, &|_| {
                // If the first element's time was wrong, there was a team for the others, which
                // were measured.
                assert_eq!(pool.maps.any_open(), at != 0);
                10
            });
            pool.woken();
            for _ in 0..3 {
                assert_eq!(pool.map(50, &|_| 10), [0, 1, 50], "{jump:#x} at {at}");
            }
            assert_eq!(pool.woken(), 0);
        }
    }
}

// Chunks.

/// A map that notes in which chunks it is run.
struct Chunks<'m, C> {
    meter: &'m Meter,
    cost: C,
    taken: Mutex<Vec<Range<usize>>>,
}

impl<C: Fn(usize) -> u64 + Sync> Task for Chunks<'_, C> {
    unsafe fn run(&self, range: Range<usize>, _at: &mut usize) {
        let cost = range.clone().map(&self.cost).sum();
        self.meter.now.fetch_add(cost, SeqCst);
        self.taken.lock().unwrap().push(range);
    }

    unsafe fn discard(&self, _range: Range<usize>) {}

    unsafe fn undo(&self, _range: Range<usize>) {}
}

/// The lengths of the chunks that the caller takes of two lanes of `lane` elements, which are
/// thought to cost `expected` ticks each, if known, and cost `cost(k)`.
fn chunks(
    quantum: u64,
    lane: usize,
    expected: Option<usize>,
    cost: impl Fn(usize) -> u64 + Sync,
) -> Vec<usize> {
    let pool = Pool::new(quantum, 0);
    let task = Chunks {
        meter: pool.sleep.platform(),
        cost: &cost,
        taken: Mutex::default(),
    };
    let mut frame = Frame::new(&task);
    let expected = expected.map(|ticks| Cost::of(ticks, 1));
    frame.cut(0..2 * lane, 2, expected, 1, quantum as usize);
    let held = pool.maps.teams.hold().unwrap();
    let (elements, ticks) = frame.call(held.team(), &pool.sleep);
    let total = (0..2 * lane).map(&cost).sum::<u64>();
    assert_eq!(
        (elements, ticks as u64),
        (2 * lane, if quantum == 0 { 0 } else { total })
    );
    let taken = task.taken.into_inner().unwrap();
    let sum = |chunk: Range<usize>| chunk.map(|k| k as u64).sum::<u64>();
    assert_eq!(
        taken.iter().cloned().map(sum).sum::<u64>(),
        sum(0..2 * lane)
    );
    taken.iter().map(Range::len).collect()
}

/// A chunk's length, where an element takes a hundredth of a quantum.
const SIZE: usize = 100 * QUANTA_PER_CHUNK;

#[test]
fn a_chunk_takes_so_many_quanta_until_its_lane_nears_its_end() {
    let mut left = 10_000;
    let mut expected = Vec::new();
    while left != 0 {
        // Half a quantum first; then eight times as much, by the measure of the first.
        let size = if expected.is_empty() { 50 } else { SIZE };
        let chunk = size.min((left / 8).max(CHEAP_CHUNK)).min(left);
        expected.push(chunk);
        left -= chunk;
    }
    let taken = chunks(1000, 10_000, Some(10), |_| 10);
    assert_eq!(taken[..expected.len()], expected);
    assert_eq!(taken[..6], [50, 400, 400, 400, 400, 400]);
}

#[test]
fn chunks_follow_the_cost() {
    // Ten times as expensive as thought; a tenth, which is not believed at once; not known.
    let sizes = |expected, cost| chunks(1000, 100_000, expected, move |_| cost)[..5].to_vec();
    assert_eq!(sizes(Some(10), 100), [50, 40, 40, 40, 40]);
    assert_eq!(sizes(Some(10), 1), [50, 400, 3200, 4000, 4000]);
    assert_eq!(sizes(None, 10), [1, 8, 64, 400, 400]);
    assert_eq!(sizes(None, 10_000), [1; 5]);
    assert_eq!(sizes(None, 0), [1, 8, 64, 512, 4096], "they take no time");
}

#[test]
fn a_chunk_that_the_lane_s_end_cut_short_says_little_unless_it_was_long() {
    const LANE: usize = 10_000;
    let steady = chunks(1000, LANE, Some(10), |_| 10);
    let mut left = LANE;
    let ends = steady.iter().position(|chunk| {
        left -= chunk;
        left == 0
    });
    let last = ends.unwrap();
    let rest = steady[last];
    assert!(rest < SIZE / 4);
    // With what the next lane begins if that rest takes so long.
    let next = |ticks| {
        let cost = |k| match k {
            k if k == LANE - rest => ticks,
            k if (LANE - rest..LANE).contains(&k) => 0,
            _ => 10,
        };
        chunks(1000, LANE, Some(10), cost)[last + 1]
    };
    assert_eq!(next(1), SIZE);
    assert_eq!(next(1000), SIZE);
    assert_eq!(next(1001), 1000 * QUANTA_PER_CHUNK * rest / 1001);
}

#[test]
fn without_a_clock_a_chunk_is_an_eighth_of_a_lane() {
    assert_eq!(chunks(0, 1000, None, |_| 10)[..3], [125, 109, 95]);
}

#[test]
fn soon_after_another_map_less_work_is_worth_a_wake_up() {
    const ROW: u64 = 1000 * QUANTA_PER_CHUNK as u64;
    let worth = 100 * QUANTA_PER_WAKE_IN_A_ROW;
    assert!(worth < 100 * QUANTA_PER_WAKE);
    for (spins, pause, row) in [(1, ROW - 1, true), (1, ROW, false), (0, 0, false)] {
        let pool = Pool::with_spins(spins, 1000, 3);
        pool.learn(10);
        // One that takes a quantum, alone.
        pool.map(100, &|_| 10);
        pool.woken();
        pool.sleep.platform().now.fetch_add(pause, SeqCst);
        pool.map(worth, &|_| 10);
        assert_eq!(pool.woken(), usize::from(row), "{spins} {pause}");
    }
}

#[test]
fn a_caller_whose_helpers_run_all_but_its_first_element_learns_from_that_one() {
    /// A worker that is woken comes at once, and takes all there is.
    struct Eager(AtomicU64);
    impl Platform for Eager {
        fn park(&self, spot: usize) {
            unreachable!("spot {spot}");
        }

        fn unpark(&self, _spot: usize) {
            let team = MAPS.join(0, &SLEEP).unwrap();
            help(team, 0, &SLEEP, &Unwanted);
        }

        fn ticks(&self) -> u64 {
            self.0.load(SeqCst)
        }

        fn quantum(&self) -> u64 {
            1000
        }
    }
    static SLEEP: Sleep<Eager> = Sleep::new(Eager(AtomicU64::new(0)));
    static MAPS: Maps = Maps::new();
    SLEEP.claim_number();
    // Whether the first element found a team.
    let map = |len, cost| {
        let shared = AtomicBool::new(false);
        MAPS.map(&SLEEP, 0..len, (), |k: usize| {
            if k == 0 {
                shared.store(MAPS.any_open(), SeqCst);
            }
            SLEEP.platform().0.fetch_add(cost, SeqCst);
        });
        shared.into_inner()
    };
    assert!(map(50, 10), "not known yet");
    assert!(!map(50, 10), "known to be short");
    SLEEP.lay_down([0]);
    assert!(!map(3, 30_000));
    assert!(map(3, 30_000), "known to be long");
}
