//! Fork-join workloads: one thread, or a few, that map.

mod shared;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::allocations;
use crate::cores;
use crate::report::{self, Figures, quantity};
use crate::rivals::chili::Held;
use crate::rivals::forkunion::ForkUnion;
use crate::rivals::forte::Forte;
use crate::rivals::micropool::Micropool;
#[cfg(openmp)]
use crate::rivals::openmp::OpenMp;
use crate::rivals::paralight::Paralight;
use crate::rivals::plain::Loop;
use crate::rivals::rayon::Rayon;
use crate::rivals::ringpool::{Awake, Ringpool};
use crate::rivals::scoped_threadpool::ScopedThreadpool;
use crate::rivals::threads::Threads;
use crate::rivals::{ForkJoin, Load, Work};
use crate::table::{Contestant, Role, Setup, Shape, Start, Table, Turn, table};
use crate::work::{Calibrated, Element, trivial};

/// Names of curves.
pub const AFTER_PAUSE: &str = "Break-even after a pause";
pub const IN_A_ROW: &str = "Break-even in a row";
pub const SCALING: &str = "Scaling";

pub fn tables(threads: usize) -> Vec<Table> {
    let mut tables = Vec::new();

    for n in [2, 16, 64, 1024, 16_384] {
        let input = Input::Trivial(n);
        for (state, pace, rounds) in [("awake", Pace::Row, 40), ("asleep", Pace::Pause, 25)] {
            let how = match pace {
                Pace::Row => "many in a row",
                _ => "each after a pause of 1 ms",
            };
            tables.push(table(
                &format!("map-{n}-{state}"),
                &format!("Map of {n} trivial elements, {how}"),
                rounds,
                contestants(Map::new(input, pace)),
            ));
        }
    }

    let large = [
        ("map-1us", "Map of 10 000 elements of 1 us", EVEN),
        ("map-5ns", "Map of 1 000 000 elements of some 5 ns", FINE),
        (
            "map-tail",
            "Map of 10 000 elements, 10 ms in all, all of it in the last tenth",
            TAIL,
        ),
    ];
    for (id, title, input) in large {
        let map = Map::new(input, Pace::Row);
        tables.push(table(id, title, 25, with_ideal(map)));
    }
    for n in 2..=4 {
        let input = Input::Same { n, ns: 1_000_000 };
        let map = Map::new(input, Pace::Row);
        let title = format!("Map of {n} elements of 1 ms");
        tables.push(table(&format!("map-{n}x1ms"), &title, 25, with_ideal(map)));
    }
    tables.extend(shared::tables());

    for (id, title, input) in large {
        let map = Map::new(input, Pace::Row);
        let id = format!("{id}-busy");
        let title = format!("{title}, while another process computes on every core");
        let mut table = table(&id, &title, 15, with_ideal(map));
        table.neighbours = cores();
        tables.push(table);
    }

    let mut counted = table(
        "map-allocations",
        "Map of 1000 elements of 100 ns",
        10,
        contestants(Map::new(Input::Same { n: 1000, ns: 100 }, Pace::Count)),
    );
    counted.unit = "allocations";
    tables.push(counted);

    // How many threads: 1, 2, 4 ... all.
    let doubled = (0..).map(|k| 1 << k).take_while(|&count| count < threads);
    for count in doubled.chain([threads]) {
        let map = Map::new(EVEN, Pace::Row);
        let title = format!("Map of 10 000 elements of 1 us, {count} threads");
        let mut table = table(&format!("scaling-{count}"), &title, 10, with_ideal(map));
        table.shape = Shape::Point(SCALING, count as f64);
        table.threads = Some(count);
        tables.push(table);
    }

    for (curve, id, pace) in [
        (AFTER_PAUSE, "after-pause", Pace::Pause),
        (IN_A_ROW, "in-a-row", Pace::PauseThenRow(20)),
    ] {
        for total in TOTALS {
            // A pause does not matter that long.
            let pace = match pace {
                Pace::PauseThenRow(_) if total > 1_000_000 => Pace::PauseThenRow(5),
                pace => pace,
            };
            let input = Input::Same {
                n: total / 10,
                ns: 10,
            };
            let rounds = if total >= 1_000_000 { 5 } else { 12 };
            let work = quantity(total as f64, "ns");
            let mut table = table(
                &format!("break-even-{id}-{total}"),
                &format!("{curve}: map of {work} in elements of some 10 ns"),
                rounds,
                contestants(Map::new(input, pace)),
            );
            table.shape = Shape::Point(curve, total as f64);
            tables.push(table);
        }
    }
    tables
}

const EVEN: Input = Input::Same {
    n: 10_000,
    ns: 1000,
};
const FINE: Input = Input::Same {
    n: 1_000_000,
    ns: 5,
};
const TAIL: Input = Input::Tail {
    n: 10_000,
    ns: 1000,
};

/// Where break-even is looked for: ns of work in all.
const TOTALS: [usize; 16] = [
    100, 200, 500, 1000, 2000, 3000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 3_000_000, 10_000_000,
];

/// A curve of these tables, as text.
pub fn curve_text(curve: &str, done: &[Figures]) -> String {
    let points: Vec<_> = done.iter().filter(|f| f.curve == Some(curve)).collect();
    let (title, x): (_, fn(f64) -> String) = match curve {
        SCALING => ("Map of 10 000 elements of 1 us, by threads", |x| {
            x.to_string()
        }),
        AFTER_PAUSE => ("A map after a pause of 1 ms, by its work in all", time),
        _ => (
            "Each of 20 maps in a row (5 from 3 ms on) after a pause of 1 ms, by its work in all",
            time,
        ),
    };
    report::curve_text(title, &points, x)
}

fn time(ns: f64) -> String {
    match ns {
        _ if ns < 1e3 => format!("{ns} ns"),
        _ if ns < 1e6 => format!("{} us", ns / 1e3),
        _ => format!("{} ms", ns / 1e6),
    }
}

/// All who can map borrowed memory. `threadpool`, `rusty_pool` and channels cannot: their jobs are
/// `'static`.
fn contestants(map: Map) -> Vec<Contestant> {
    let mut contestants = vec![
        map.contestant::<Loop>("plain loop", Role::Loop, 1),
        map.contestant::<Ringpool>("ringpool", Role::Ringpool, 1),
    ];
    if matches!(map.pace, Pace::Row) {
        contestants.push(map.contestant::<Awake>("ringpool, kept awake", Role::Ringpool, 1));
    }
    // Where a piece by hand is all there is, that is the plain loop.
    let piece = map.input.microsecond();
    let by_hand = piece > 1 && map.input.len() >= 2 * piece;
    contestants.push(map.contestant::<Rayon>("rayon", Role::Rival, 1));
    if by_hand {
        contestants.push(map.contestant::<Rayon>("rayon, pieces by hand", Role::Rival, piece));
    }
    contestants.push(map.contestant::<ForkUnion>("forkunion", Role::Rival, 1));
    contestants.push(map.contestant::<Held>("chili", Role::Rival, 1));
    if by_hand {
        contestants.push(map.contestant::<Held>("chili, pieces by hand", Role::Rival, piece));
    }
    contestants.push(map.contestant::<Micropool>("micropool", Role::Rival, 1));
    contestants.push(map.contestant::<Forte>("forte", Role::Rival, 1));
    if by_hand {
        contestants.push(map.contestant::<Forte>("forte, pieces by hand", Role::Rival, piece));
    }
    contestants.extend([
        map.contestant::<Paralight>("paralight", Role::Rival, 1),
        map.contestant::<ScopedThreadpool>("scoped_threadpool", Role::Rival, 1),
        map.contestant::<Threads>("std::thread::scope", Role::Rival, 1),
    ]);
    #[cfg(openmp)]
    contestants.extend([
        map.contestant::<OpenMp<true>>("openmp active", Role::Rival, 1),
        map.contestant::<OpenMp<false>>("openmp passive", Role::Rival, 1),
    ]);
    contestants
}

/// And what so many threads could do at best.
fn with_ideal(map: Map) -> Vec<Contestant> {
    let mut contestants = contestants(map);
    let n = map.input.len();
    contestants.insert(1, ideal(n));
    contestants
}

/// The loop, if its `n` elements were spread as well as they can be.
fn ideal(n: usize) -> Contestant {
    let speed_up = move |threads: usize| n as f64 / n.div_ceil(threads.min(cores())) as f64;
    Contestant {
        name: "limit: ideal".to_string(),
        role: Role::Limit,
        start: Start::Ideal {
            of: "plain loop",
            speed_up: Box::new(speed_up),
        },
    }
}

/// One thread that maps.
#[derive(Clone, Copy)]
struct Map {
    input: Input,
    pace: Pace,
}

#[derive(Clone, Copy)]
enum Input {
    /// Elements of less than a nanosecond.
    Trivial(usize),
    /// Elements that all cost so much.
    Same { n: usize, ns: usize },
    /// Elements of which the last tenth costs ten times as much, and the others nothing.
    Tail { n: usize, ns: usize },
}

#[derive(Clone, Copy)]
enum Pace {
    /// Call after call; a sample is the mean of as many calls as it takes for the clock not to
    /// matter.
    Row,
    /// Each call after a pause, in which pools that sleep fall asleep.
    Pause,
    /// So many calls in a row after a pause; a sample is their mean.
    PauseThenRow(u32),
    /// Not the time, but the allocations.
    Count,
}

impl Input {
    fn len(self) -> usize {
        match self {
            Self::Trivial(n) | Self::Same { n, .. } | Self::Tail { n, .. } => n,
        }
    }

    fn load(self) -> Load {
        match self {
            Self::Trivial(_) => Load::Even,
            Self::Same { ns, .. } if ns >= 100_000 => Load::Few,
            Self::Same { .. } => Load::Even,
            Self::Tail { .. } => Load::Uneven,
        }
    }

    /// How many elements are about a microsecond's work.
    fn microsecond(self) -> usize {
        match self {
            Self::Trivial(_) => 1024,
            Self::Same { ns, .. } | Self::Tail { ns, .. } => (1000 / ns).max(1),
        }
    }

    fn elements(self, calibrated: Calibrated) -> Vec<Element> {
        let element = |ns: usize| calibrated.for_ns(ns as u32);
        match self {
            Self::Trivial(_) => Vec::new(),
            Self::Same { n, ns } => vec![element(ns); n],
            Self::Tail { n, ns } => {
                let light = n - n / 10;
                let mut elements = vec![element(0); light];
                elements.resize(n, element(10 * ns));
                elements
            }
        }
    }
}

impl Map {
    fn new(input: Input, pace: Pace) -> Self {
        Self { input, pace }
    }

    fn contestant<P: ForkJoin>(self, name: &str, role: Role, piece: usize) -> Contestant {
        Contestant::new(name, role, move |setup| self.turn::<P>(setup, piece))
    }

    fn turn<P: ForkJoin>(self, setup: &Setup, piece: usize) -> Turn {
        let pool = P::start(setup.threads);
        let load = self.input.load();
        let work = Work { load, piece };
        let n = self.input.len();
        if let Input::Trivial(n) = self.input {
            let input: Vec<_> = (0..n as u64).collect();
            return self.turn_of(pool, work, n, move |i| trivial(input[i]));
        }
        let elements = self.input.elements(setup.calibrated);
        self.turn_of(pool, work, n, move |i| elements[i].run())
    }

    fn turn_of<P, F>(self, mut pool: P, work: Work, n: usize, f: F) -> Turn
    where
        P: ForkJoin,
        F: Fn(usize) -> u64 + Sync + 'static,
    {
        let expected: Vec<_> = (0..n).map(&f).collect();
        let mut out = vec![0; n];
        for _ in 0..3 {
            out.fill(0);
            pool.fill(work, &mut out, &f);
            assert!(out == expected, "wrong results");
        }
        drop(expected);
        let mut call = move || {
            pool.fill(work, &mut out, black_box(&f));
            black_box(&mut out);
        };
        match self.pace {
            Pace::Row => {
                let calls = calls_for(&mut call, Duration::from_micros(20));
                Box::new(move || {
                    warm_up(&mut call);
                    collect(2, 50, || mean(calls, &mut call))
                })
            }
            Pace::Pause => Box::new(move || after_pauses(1, &mut call)),
            Pace::PauseThenRow(calls) => Box::new(move || after_pauses(calls, &mut call)),
            Pace::Count => Box::new(move || {
                warm_up(&mut call);
                let count = || (0..100).for_each(|_| call());
                vec![allocations::during(count) as f64 / 100.0]
            }),
        }
    }
}

/// How many calls take about so long; 2000 at most.
fn calls_for(call: &mut impl FnMut(), time: Duration) -> u32 {
    let mut calls = 1;
    while calls < 2000 && mean(calls, call) * f64::from(calls) < time.as_nanos() as f64 {
        calls *= 2;
    }
    calls.min(2000)
}

/// For 3 ms: by then threads that were stopped are where they belong, and caches warm.
fn warm_up(call: &mut impl FnMut()) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(3) {
        call();
    }
}

/// Samples for 8 ms, but at least and at most so many.
fn collect(least: usize, most: usize, mut sample: impl FnMut() -> f64) -> Vec<f64> {
    let start = Instant::now();
    let mut samples = Vec::with_capacity(most);
    while samples.len() < least
        || samples.len() < most && start.elapsed() < Duration::from_millis(8)
    {
        samples.push(sample());
    }
    samples
}

/// Samples of so many calls, each after a pause that is long enough for workers to give up spinning
/// and sleep.
fn after_pauses(calls: u32, call: &mut impl FnMut()) -> Vec<f64> {
    let mut sample = |calls| {
        std::thread::sleep(Duration::from_millis(1));
        mean(calls, call)
    };
    sample(1);
    sample(1);
    collect(1, 10, || sample(calls))
}

/// What one of so many calls takes, in ns.
fn mean(calls: u32, call: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}
