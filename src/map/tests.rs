//! When a map looks at its clock, asks for help and wakes whom, by a clock that shows nothing but work.

use std::boxed::Box;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::vec::Vec;

use super::frame::{FAN_OUT, QUANTA_PER_CHUNK};
use super::price::{QUANTA_PER_WAKE, QUANTA_PER_WAKE_IN_A_ROW};
use super::*;

/// Notes how many elements are done whenever somebody reads the clock.
struct Meter {
    quantum: u64,
    spins: u32,
    now: AtomicU64,
    done: AtomicUsize,
    looks: Mutex<Vec<usize>>,
    woken: AtomicUsize,
}

impl Platform for Meter {
    fn park(&self, spot: usize) {
        unreachable!("spot {spot}: nobody helps here");
    }

    fn unpark(&self, _spot: usize) {
        self.woken.fetch_add(1, SeqCst);
    }

    fn ticks(&self) -> u64 {
        self.looks.lock().unwrap().push(self.done.load(SeqCst));
        self.now.load(SeqCst)
    }

    fn quantum(&self) -> u64 {
        self.quantum
    }

    fn spins(&self) -> u32 {
        self.spins
    }
}

/// What a pool has for its maps. Workers, if there are any, sleep, and whoever is woken comes too late.
struct Pool {
    idle: Sleep<Meter>,
    maps: Maps,
}

impl Pool {
    fn new(quantum: u64, spins: u32, workers: usize) -> Self {
        let idle = Sleep::new(Meter {
            quantum,
            spins,
            now: AtomicU64::new(1 << 20),
            done: AtomicUsize::new(0),
            looks: Mutex::default(),
            woken: AtomicUsize::new(0),
        });
        while idle.workers() != workers {
            idle.enlist();
        }
        idle.lay_down(0..workers);
        Self {
            idle,
            maps: Maps::new(),
        }
    }

    /// Maps so many elements, the k-th of which takes `cost(k)` ticks. Returns how many were done at each
    /// look at the clock. To the pool, all these are the same map.
    fn map(&self, len: usize, cost: &(dyn Fn(usize) -> u64 + Sync)) -> Vec<usize> {
        let meter = self.idle.platform();
        meter.done.store(0, SeqCst);
        self.maps.map(&self.idle, 0..len, (), |k| {
            meter.now.fetch_add(cost(k), SeqCst);
            meter.done.fetch_add(1, SeqCst);
        });
        assert_eq!(meter.done.load(SeqCst), len);
        core::mem::take(&mut *meter.looks.lock().unwrap())
    }

    /// How many have been woken since somebody last asked. They sleep again.
    fn woken(&self) -> usize {
        self.idle.lay_down(0..self.idle.workers());
        self.idle.platform().woken.swap(0, SeqCst)
    }

    fn pause(&self, ticks: u64) {
        self.idle.platform().now.fetch_add(ticks, SeqCst);
    }
}

#[test]
fn a_map_that_is_not_known_goes_on_in_batches_that_grow_until_a_quantum_has_gone() {
    let pool = Pool::new(1000, 0, 0);
    // Eight times as many each time; no more than the quantum has time for; and nobody helps, so that it goes
    // on for 16 quanta at a time. (It reads the clock to see how many helpers would be worth it.)
    let looks = pool.map(3000, &|_| 10);
    assert_eq!(looks, [0, 1, 9, 73, 100, 100, 1700, 1700, 3000, 3000]);
}

#[test]
fn batches_go_by_what_elements_have_cost_so_far() {
    let pool = Pool::new(1000, 0, 0);
    let looks = pool.map(40, &|k| if k == 0 { 300 } else { 10 });
    assert_eq!(looks, [0, 1, 3, 9, 23, 40]);
}

#[test]
fn what_is_left_of_a_short_map_is_done_at_once_when_its_quantum_is_over() {
    let pool = Pool::new(1000, 0, 3);
    assert_eq!(pool.map(150, &|_| 10), [0, 1, 9, 73, 100, 150, 150]);
    assert_eq!(pool.map(1, &|_| 10), [0, 1]);
    // A quantum's work left is worth a team.
    let pool = Pool::new(1000, 0, 0);
    assert_eq!(pool.map(200, &|_| 10), [0, 1, 9, 73, 100, 100, 200, 200]);
}

#[test]
fn a_map_known_to_be_short_looks_once_after_its_first_element() {
    let pool = Pool::new(1000, 0, 0);
    assert_eq!(pool.map(50, &|_| 10), [0, 1, 9, 50]);
    assert_eq!(pool.map(50, &|_| 10), [0, 1, 50]);
    assert_eq!(pool.map(99, &|_| 10), [0, 1, 99]);
    // Unless that takes long this time: more than a quarter of a quantum.
    let first = |cost| move |k| if k == 0 { cost } else { 10 };
    assert_eq!(pool.map(50, &first(250)), [0, 1, 50]);
    assert_eq!(pool.map(50, &first(251)), [0, 1, 3, 11, 31, 50]);
}

#[test]
fn a_map_known_to_be_long_asks_for_help_at_once_and_grows_at_once() {
    let pool = Pool::new(1000, 0, 0);
    pool.map(50, &|_| 10);
    assert_eq!(pool.map(100, &|_| 10), [0, 0, 1, 100, 100]);
    // And if nobody does, it does not ask again for 16 quanta.
    assert_eq!(pool.map(3000, &|_| 10), [0, 0, 1, 1601, 1601, 3000, 3000]);
}

#[test]
fn without_a_clock_a_map_asks_for_help_after_its_first_element() {
    let pool = Pool::new(0, 0, 3);
    assert_eq!(pool.map(1, &|_| 10), [0, 1]);
    assert_eq!(pool.woken(), 0);
    assert_eq!(pool.map(2, &|_| 10), [0, 1, 2]);
    assert_eq!(pool.woken(), 0, "there is no work for another");
    assert_eq!(pool.map(4, &|_| 10), [0, 1]);
    assert_eq!(pool.woken(), 2);
    assert_eq!(pool.map(9, &|_| 10), [0, 1]);
    assert_eq!(pool.woken(), 3);
    let pool = Pool::new(0, 0, 0);
    assert_eq!(pool.map(1000, &|_| 10), [0, 1, 9, 73, 585, 1000]);
}

#[test]
fn as_many_sleepers_are_woken_as_the_work_left_pays_for() {
    for helpers in 0..5 {
        // When the map asks, 100 elements are done.
        let len = 100 + helpers * 100 * QUANTA_PER_WAKE;
        let pool = Pool::new(1000, 300, 3);
        pool.map(len, &|_| 10);
        assert_eq!(pool.woken(), helpers.min(3));
        let pool = Pool::new(1000, 300, 3);
        pool.map(len + 100 * QUANTA_PER_WAKE - 1, &|_| 10);
        assert_eq!(pool.woken(), helpers.min(3));
    }
}

#[test]
fn in_a_row_of_maps_less_work_pays() {
    const ROW: u64 = 1000 * QUANTA_IN_A_ROW as u64;
    let len = 3 * 100 * QUANTA_PER_WAKE_IN_A_ROW;
    assert!(len < 100 * QUANTA_PER_WAKE);
    // The first is one that stays alone, or has a team; it takes a quantum or less.
    for (first, workers, starts_a_row) in [(99, 3, false), (100, 3, true), (3000, 3, true)] {
        for (spins, pause, row) in [(300, ROW - 1, true), (300, ROW, false), (0, 0, false)] {
            let pool = Pool::new(1000, spins, workers);
            pool.map(first, &|_| 10);
            pool.woken();
            pool.pause(pause);
            pool.map(len, &|_| 10);
            let woken = if starts_a_row && row { 3 } else { 0 };
            assert_eq!(pool.woken(), woken, "{first} {spins} {pause}");
            pool.map(len - 1, &|_| 10);
            let woken = if spins == 0 { 0 } else { 2 };
            assert_eq!(pool.woken(), woken, "{first} {spins} {pause}");
        }
    }
}

#[test]
fn what_was_done_before_a_team_that_panics_is_dropped_once() {
    struct Counted<'c>(&'c AtomicUsize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    const LEN: usize = 3000;
    let pool = Pool::new(1000, 0, 3);
    let [inputs, outputs] = [const { [const { AtomicUsize::new(0) }; LEN] }; 2];
    let values: [_; LEN] = core::array::from_fn(|k| (k, Counted(&inputs[k])));
    let mut places = [const { MaybeUninit::uninit() }; LEN];
    let map = || {
        pool.maps
            .map(&pool.idle, values, &mut places[..], |(k, _value)| {
                assert_eq!(pool.woken(), if k == 100 { 3 } else { 0 });
                if k == 200 {
                    resume_unwind(Box::new(()));
                }
                pool.pause(10);
                Counted(&outputs[k])
            });
    };
    assert!(catch_unwind(AssertUnwindSafe(map)).is_err());
    assert!(inputs.iter().all(|drops| drops.load(SeqCst) == 1));
    for (k, drops) in outputs.iter().enumerate() {
        assert_eq!(drops.load(SeqCst), usize::from(k < 200), "{k}");
    }
}

#[test]
fn a_team_is_opened_for_whoever_is_awake() {
    let pool = Pool::new(1000, 0, 3);
    assert_eq!(pool.map(500, &|_| 10).len(), 8, "alone");
    pool.idle.enlist();
    let looks = pool.map(500, &|_| 10);
    assert_eq!(
        looks[..2],
        [0, 0],
        "one to see who is worth waking, one to begin with"
    );
    assert!(looks.len() > 20, "in chunks: {looks:?}");
    assert_eq!(pool.woken(), 0);
}

#[test]
fn one_element_needs_no_team() {
    let pool = Pool::new(1000, 300, 3);
    pool.idle.enlist();
    for len in [1, 1, 2] {
        pool.map(len, &|_| {
            assert_eq!(pool.maps.any_open(), len == 2);
            5000
        });
    }
}

#[test]
fn what_a_team_s_elements_cost_is_remembered() {
    let pool = Pool::new(1000, 0, 0);
    pool.idle.enlist();
    pool.map(3000, &|_| 10);
    assert_eq!(pool.map(50, &|_| 10), [0, 1, 50]);
    pool.map(3000, &|_| 1);
    assert_eq!(pool.map(500, &|_| 1), [0, 1, 500]);
}

#[test]
fn time_that_does_not_fit_into_a_word_is_long() {
    let pool = Pool::new(1000, 0, 3);
    pool.map(10, &|_| 1 << 32);
    assert_eq!(pool.woken(), 3);
    let pool = Pool::new(1 << 32, 0, 3);
    pool.map(10, &|_| 10);
    assert_eq!(pool.woken(), 0);
}

#[test]
fn if_all_teams_are_taken_the_caller_goes_on_alone() {
    let pool = Pool::new(1000, 0, 3);
    let teams: Vec<_> = core::iter::from_fn(|| pool.maps.teams.hold()).collect();
    pool.map(10_000, &|_| 10);
    assert_eq!(pool.woken(), 0);
    for team in teams {
        team.close(&pool.idle);
    }
    pool.map(10_000, &|_| 10);
    assert_eq!(pool.woken(), 3);
}

#[test]
fn those_who_help_wake_others() {
    let pool = Pool::new(1000, 0, 14);
    let meter = pool.idle.platform();
    let woken = || meter.woken.load(SeqCst);
    // Each element takes longer than a chunk should; `then(k)` happens in the k-th.
    let map = |len, then: &(dyn Fn(usize) + Sync)| {
        pool.maps.map(&pool.idle, 0..len, (), |k| {
            meter.now.fetch_add(20_000, SeqCst);
            then(k);
        });
        pool.woken()
    };
    // The first is done alone.
    let alone = |k: usize| assert_eq!(woken(), (FAN_OUT * k).min(14), "{k}");
    assert_eq!(map(100, &alone), 14);
    // By now it is known to be long.
    let from_the_beginning = |k: usize| assert_eq!(woken(), (FAN_OUT * (k + 1)).min(14), "{k}");
    assert_eq!(map(100, &from_the_beginning), 14);
    // One who helps has all the rest of it.
    let help = |k: usize| match k {
        0 => {
            let team = pool.maps.join(0, &pool.idle).unwrap();
            frame::help(team, 0, &pool.idle);
        }
        _ => assert!(woken() >= 2 * FAN_OUT),
    };
    assert_eq!(map(100, &help), 14);
    // No more than there are elements for.
    for len in [2, 3, 7] {
        assert_eq!(map(len, &|_| ()), len - 1);
    }
    // And as many as the caller wants, where more sleep.
    let task = Chunks {
        meter,
        cost: |_| 0,
        taken: Mutex::default(),
    };
    let mut frame = Frame::new(&task);
    frame.want(10);
    assert!(!frame.wake_some(0, &pool.idle), "nothing is left to do");
    frame.cut(0..100, 3, Cost::of(1, 1), 1000);
    for (first, expected) in [(5, 4), (0, 8), (3, 10), (1, 10)] {
        let any = woken() < 10;
        assert_eq!(frame.wake_some(first, &pool.idle), any);
        assert_eq!(woken(), expected);
    }
}

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

/// The lengths of the chunks that the caller takes of two lanes of `lane` elements, which are thought to cost
/// `expected` ticks each and cost `cost(k)`.
fn chunks(
    quantum: u64,
    lane: usize,
    expected: usize,
    cost: impl Fn(usize) -> u64 + Sync,
) -> Vec<usize> {
    let pool = Pool::new(quantum, 0, 0);
    let meter = pool.idle.platform();
    let task = Chunks {
        meter,
        cost: &cost,
        taken: Mutex::default(),
    };
    let mut frame = Frame::new(&task);
    let expected = Cost::of(expected, 1);
    frame.cut(0..2 * lane, 2, expected, quantum as usize);
    let (elements, ticks) = frame.participate(CALLER, 0, &pool.idle);
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
fn chunks_take_so_many_quanta_until_a_lane_nears_its_end() {
    let mut lane = 10_000;
    let mut expected = Vec::new();
    while lane != 0 {
        let chunk = SIZE.min((lane / 4).max(SIZE / 16)).min(lane);
        expected.push(chunk);
        lane -= chunk;
    }
    assert_eq!(expected[0], SIZE);
    expected.extend_from_within(..);
    assert_eq!(chunks(1000, 10_000, 10, |_| 10), expected);
}

#[test]
fn chunks_follow_the_cost() {
    // Ten times as expensive as thought; a tenth, which it does not believe at once.
    let sizes = |cost| chunks(1000, 100_000, 10, move |_| cost)[..3].to_vec();
    assert_eq!(sizes(100), [SIZE, SIZE / 10, SIZE / 10]);
    assert_eq!(sizes(1), [SIZE, SIZE * 8, SIZE * 10]);
}

#[test]
fn a_chunk_that_the_lane_s_end_cut_short_says_little_unless_it_was_long() {
    const LANE: usize = 10_000;
    let steady = chunks(1000, LANE, 10, |_| 10);
    let last = steady.len() / 2 - 1;
    let rest = steady[last];
    assert!(rest < SIZE / 4);
    // With what the next lane begins if that rest takes so long.
    let next = |ticks| {
        let cost = |k| match k {
            k if k == LANE - rest => ticks,
            k if (LANE - rest..LANE).contains(&k) => 0,
            _ => 10,
        };
        chunks(1000, LANE, 10, cost)[last + 1]
    };
    assert_eq!(next(1), SIZE);
    assert_eq!(next(1000), SIZE);
    assert_eq!(next(1001), 1000 * QUANTA_PER_CHUNK * rest / 1001);
}

#[test]
fn without_a_clock_a_chunk_is_a_quarter_of_a_lane() {
    assert_eq!(chunks(0, 1000, 10, |_| 10)[..3], [250, 187, 140]);
}

#[test]
fn workers_begin_in_the_other_lanes() {
    let pool = Pool::new(1000, 0, 0);
    let task = Chunks {
        meter: pool.idle.platform(),
        cost: |_| 1,
        taken: Mutex::default(),
    };
    let mut frame = Frame::<Meter>::new(&task);
    frame.cut(0..100, 4, Cost::of(1, 1), 1000);
    assert_eq!([0, 1, 2, 3].map(|worker| frame.home(worker)), [1, 2, 3, 1]);
}
