//! One pool, several maps at a time: maps within a map, and threads that map at once.

use std::hint::black_box;
use std::sync::{Barrier, Mutex};
use std::time::Instant;

use super::{collect, ideal, table, warm_up};
use crate::rivals::chili::Chili;
use crate::rivals::forkunion::ForkUnion;
use crate::rivals::forte::Forte;
use crate::rivals::micropool::Micropool;
use crate::rivals::paralight::Paralight;
use crate::rivals::plain::Loop;
use crate::rivals::rayon::Rayon;
use crate::rivals::ringpool::Ringpool;
use crate::rivals::scoped_threadpool::ScopedThreadpool;
use crate::rivals::threads::Threads;
use crate::rivals::{ForkJoin, Load, Shared, Work};
use crate::table::{Contestant, Role, Setup, Table, Turn};

const EVEN: Work = Work {
    load: Load::Even,
    piece: 1,
};

pub fn tables() -> Vec<Table> {
    let mut tables = vec![nested()];
    for callers in [2, 4] {
        tables.push(at_once(callers));
    }
    tables
}

/// Those that can be used by several threads at once, or within themselves. forkunion forbids the
/// latter; paralight and scoped_threadpool want to be borrowed mutably, so they cannot.
fn nested() -> Table {
    let contestants = vec![
        Contestant::new("plain loop", Role::Loop, nest::<Loop>),
        ideal(OUTER),
        Contestant::new("ringpool", Role::Ringpool, nest::<Ringpool>),
        Contestant::new("rayon", Role::Rival, nest::<Rayon>),
        Contestant::new("chili", Role::Rival, nest::<Chili>),
        Contestant::new("micropool", Role::Rival, nest::<Micropool>),
        Contestant::new("forte", Role::Rival, nest::<Forte>),
        Contestant::new("std::thread::scope", Role::Rival, nest::<Threads>),
    ];
    table(
        "map-nested",
        "Map of 16 elements, each of which maps 1000 elements of 50 ns",
        25,
        contestants,
    )
}

const OUTER: usize = 16;
const INNER: usize = 1000;

fn nest<P: Shared>(setup: &Setup) -> Turn {
    let pool: &'static P = Box::leak(Box::new(P::start(setup.threads)));
    let element = setup.calibrated.for_ns(50);
    let map = move || {
        let mut out = [0; OUTER];
        pool.fill(EVEN, &mut out, &|i| {
            let mut inner = [0; INNER];
            pool.fill(EVEN, &mut inner, &|j| {
                black_box(&element).run() ^ (i * INNER + j) as u64
            });
            inner.iter().fold(0, |sum, y| sum.wrapping_add(*y))
        });
        out
    };
    let expected: Vec<u64> = (0..OUTER)
        .map(|i| {
            let inner = (0..INNER).map(|j| element.run() ^ (i * INNER + j) as u64);
            inner.fold(0, u64::wrapping_add)
        })
        .collect();
    assert_eq!(map().as_slice(), expected, "wrong results");
    let mut call = move || _ = black_box(map());
    Box::new(move || {
        warm_up(&mut call);
        collect(2, 50, || super::mean(1, &mut call))
    })
}

/// All. Those that want to be borrowed mutably are behind a mutex, as paralight's documentation
/// says.
fn at_once(callers: usize) -> Table {
    fn contestant<P: Shared>(name: &str, role: Role, callers: usize) -> Contestant {
        Contestant::new(name, role, move |setup| {
            let pool = Box::leak(Box::new(P::start(setup.threads)));
            together(pool, callers, setup)
        })
    }
    let contestants = vec![
        contestant::<Loop>("plain loop", Role::Loop, callers),
        contestant::<Ringpool>("ringpool", Role::Ringpool, callers),
        contestant::<Rayon>("rayon", Role::Rival, callers),
        contestant::<Locked<ForkUnion>>("forkunion", Role::Rival, callers),
        contestant::<Chili>("chili", Role::Rival, callers),
        contestant::<Micropool>("micropool", Role::Rival, callers),
        contestant::<Forte>("forte", Role::Rival, callers),
        contestant::<Locked<Paralight>>("paralight", Role::Rival, callers),
        contestant::<Locked<ScopedThreadpool>>("scoped_threadpool", Role::Rival, callers),
        contestant::<Threads>("std::thread::scope", Role::Rival, callers),
    ];
    table(
        &format!("map-{callers}-callers"),
        &format!("{callers} threads that each map 1000 elements of 100 ns, time per map of all"),
        25,
        contestants,
    )
}

/// `callers` threads map with one pool, again and again.
fn together<P: Shared>(pool: &'static P, callers: usize, setup: &Setup) -> Turn {
    /// How many maps each of them makes for one sample.
    const MAPS: usize = 10;
    const N: usize = 1000;
    let element = setup.calibrated.for_ns(100);
    let map = move |out: &mut [u64]| {
        pool.fill(EVEN, out, &|i| black_box(&element).run() ^ i as u64);
        black_box(out);
    };
    let sample = move || {
        let [begin, end] = [(); 2].map(|()| Barrier::new(callers + 1));
        let mut elapsed = 0.0;
        std::thread::scope(|scope| {
            for _ in 0..callers {
                scope.spawn(|| {
                    let mut out = [0; N];
                    map(&mut out);
                    for (i, y) in out.iter().enumerate() {
                        assert_eq!(*y, element.run() ^ i as u64, "wrong results");
                    }
                    begin.wait();
                    (0..MAPS).for_each(|_| map(&mut out));
                    end.wait();
                });
            }
            begin.wait();
            let start = Instant::now();
            end.wait();
            elapsed = start.elapsed().as_nanos() as f64;
        });
        elapsed / (callers * MAPS) as f64
    };
    sample();
    Box::new(move || {
        sample();
        collect(2, 50, sample)
    })
}

/// A pool that is borrowed mutably, for several threads.
struct Locked<P>(Mutex<P>);

impl<P: ForkJoin + Send> Shared for Locked<P> {
    fn start(threads: usize) -> Self {
        Self(Mutex::new(P::start(threads)))
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        self.0.lock().expect("no panic").fill(work, out, f);
    }
}
