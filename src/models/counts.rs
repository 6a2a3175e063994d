//! How many operations on shared words a job takes, and a map, as workers become more: what
//! `ci/counts.sh` runs.

use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::fs;
use std::println;
use std::string::{String, ToString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;
use std::vec::Vec;

use ::shuttle::{Config, MaxSteps, Runner, thread};

use crate::models::counted::{Earliest, Kind, counting, not_before, now, pause, work};
use crate::models::{Spots, Staffed};
use crate::platform::{MAX_WORKERS, SPOTS};
use crate::{Platform, Pool};

const WORKERS: [usize; 5] = [2, 16, 64, 128, MAX_WORKERS];

/// Of the call that wakes a worker, for its caller.
const UNPARK: u64 = 2000;
/// From that call to the sleeper's going on.
const WAKE: u64 = 3000;

struct Host {
    spots: Spots,
    /// When each spot got its token.
    given: Vec<AtomicU64>,
    spins: u32,
    unparks: AtomicUsize,
}

impl Host {
    fn new(spins: u32) -> Self {
        Self {
            spots: Spots::new(MAX_WORKERS),
            given: (0..SPOTS).map(|_| AtomicU64::new(0)).collect(),
            spins,
            unparks: AtomicUsize::new(0),
        }
    }
}

impl Platform for Host {
    fn park(&self, spot: usize) {
        self.spots.park(spot);
        not_before(self.given[spot].load(Relaxed) + WAKE);
    }

    fn unpark(&self, spot: usize) {
        self.unparks.fetch_add(1, Relaxed);
        work(UNPARK);
        self.given[spot].store(now(), Relaxed);
        self.spots.unpark(spot);
    }

    fn ticks(&self) -> u64 {
        now()
    }

    fn quantum(&self) -> u64 {
        2000
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        pause(1);
    }
}

type Site = Pool<1024, Host>;

/// What is counted, by name: for one job or map.
type Rows = BTreeMap<String, f64>;

/// `act` does `units` jobs or maps in a pool, whose workers look `spins` times before they sleep.
fn count(workers: usize, spins: u32, units: usize, act: fn(&Arc<Site>, usize)) -> Rows {
    static UNPARKS: AtomicUsize = AtomicUsize::new(0);
    static TIME: AtomicU64 = AtomicU64::new(0);
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.max_steps = MaxSteps::None;
    Runner::new(Earliest::new(workers as u64), config).run(move || {
        let mut staffed = Staffed::of(Pool::new(Host::new(spins)));
        (0..workers).for_each(|_| staffed.add(|worker| worker.run()));
        let settle = || not_before(now() + if spins == AWAKE { 10_000 } else { 300_000 });
        settle();
        if spins == AWAKE {
            // A new worker sleeps; one that has helped looks on.
            long_maps(&staffed.pool, 1);
        }
        act(&staffed.pool, 1);
        settle();
        let asleep = if spins == AWAKE { 0 } else { workers };
        assert_eq!(staffed.pool.sleep.sleepers(), asleep);
        let unparks = &staffed.pool.sleep.platform().unparks;
        let (before, start) = (unparks.load(Relaxed), now());
        counting(|| act(&staffed.pool, units));
        UNPARKS.store(unparks.load(Relaxed) - before, Relaxed);
        TIME.store(now() - start, Relaxed);
        staffed.close();
    });
    let mut rows = Rows::new();
    let mut add = |name: &str, count: usize| {
        *rows.entry(name.into()).or_default() += count as f64 / units as f64;
    };
    for ((file, line), counts) in Earliest::counts() {
        let place = format!("`{}` `{}`", &file["src/".len()..], function(file, line));
        let of = |kind: Kind| counts[kind as usize];
        add(&format!("{place}: changes"), of(Kind::Change));
        add(&format!("{place}: failures"), of(Kind::Failure));
        add(&format!("{place}: stores"), of(Kind::Store));
        add("fences", of(Kind::Fence));
        add("lines fetched", of(Kind::Transfer));
    }
    add("wake-ups", UNPARKS.load(Relaxed));
    add("time there, ns", TIME.load(Relaxed) as usize);
    rows
}

/// The function that has this line.
fn function(file: &str, line: u32) -> String {
    let source = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = source.lines().take(line as usize).collect();
    let name = |line: &&str| {
        let (_, rest) = line.split_once("fn ")?;
        let end = rest.find(['(', '<'])?;
        Some(rest[..end].to_string())
    };
    lines.iter().rev().find_map(name).unwrap()
}

// What is done.

static DONE: AtomicUsize = AtomicUsize::new(0);

fn job() {
    work(10);
    DONE.fetch_add(1, Relaxed);
}

fn submit(pool: &Site, jobs: usize) {
    for _ in 0..jobs {
        while pool.execute(job).is_err() {
            pause(4);
        }
    }
}

fn done(jobs: usize) {
    while DONE.load(Relaxed) != jobs {
        pause(4);
    }
    DONE.store(0, Relaxed);
}

fn one_producer(pool: &Arc<Site>, jobs: usize) {
    submit(pool, jobs);
    done(jobs);
}

fn four_producers(pool: &Arc<Site>, jobs: usize) {
    let producers = [(); 4].map(|()| {
        let (pool, start) = (Arc::clone(pool), now());
        thread::spawn(move || {
            not_before(start);
            submit(&pool, jobs.div_ceil(4));
        })
    });
    for producer in producers {
        producer.join().unwrap();
    }
    done(jobs.div_ceil(4) * 4);
}

/// All who are awake look for each job.
fn paced_jobs(pool: &Arc<Site>, jobs: usize) {
    let start = now();
    for k in 0..jobs {
        submit(pool, 1);
        not_before(start + 5000 * k as u64);
    }
    done(jobs);
}

/// Everybody sleeps between two jobs.
fn rare_jobs(pool: &Arc<Site>, jobs: usize) {
    for _ in 0..jobs {
        submit(pool, 1);
        not_before(now() + 100_000);
    }
    done(jobs);
}

fn long_maps(pool: &Arc<Site>, maps: usize) {
    for _ in 0..maps {
        pool.map(0..10_000, (), |_| work(1000));
    }
}

fn rare_maps(pool: &Arc<Site>, maps: usize) {
    for _ in 0..maps {
        long_maps(pool, 1);
        not_before(now() + 300_000);
    }
}

fn short_maps(pool: &Arc<Site>, maps: usize) {
    for _ in 0..maps {
        pool.map(0..1024, (), |_| work(1));
    }
}

const AWAKE: u32 = u32::MAX;
const SLEEPY: u32 = 300;

#[test]
fn table() {
    type Act = fn(&Arc<Site>, usize);
    let works: [(&str, u32, usize, Act); 8] = [
        (
            "a tiny job; one producer, workers awake",
            AWAKE,
            100,
            one_producer,
        ),
        (
            "a tiny job; four producers, workers awake",
            AWAKE,
            100,
            four_producers,
        ),
        (
            "a tiny job; one every 5 us, workers awake",
            AWAKE,
            50,
            paced_jobs,
        ),
        (
            "a tiny job; one every 100 us, workers asleep",
            SLEEPY,
            20,
            rare_jobs,
        ),
        (
            "a tiny job of a burst of 1 000, workers asleep before",
            SLEEPY,
            1000,
            one_producer,
        ),
        (
            "a map of 10 000 elements of 1 us, workers awake",
            AWAKE,
            3,
            long_maps,
        ),
        (
            "the same, workers asleep before (300 us of the time are the pause in which they fall asleep)",
            SLEEPY,
            3,
            rare_maps,
        ),
        (
            "a map of 1 024 elements of 1 ns, workers awake",
            AWAKE,
            10,
            short_maps,
        ),
    ];
    for (work, spins, units, act) in works {
        println!("| **{work}** | | | | | |");
        let columns = WORKERS.map(|workers| count(workers, spins, units, act));
        let names: BTreeSet<_> = columns.iter().flat_map(Rows::keys).collect();
        for name in names {
            let cells = columns
                .each_ref()
                .map(|rows| rows.get(name).unwrap_or(&0.0));
            // Less than one in a hundred is chance.
            if cells.iter().any(|cell| **cell >= 0.01) {
                let cells =
                    cells.map(|cell| format!(" {cell:.*} |", if *cell < 10.0 { 2 } else { 0 }));
                println!("| {name} |{}", cells.concat());
            }
        }
    }
}

/// What a compare-exchange takes, in nanoseconds, on a word that another core has just changed: two
/// threads take turns. By hand: needs two cores for itself.
#[test]
#[ignore]
fn a_contended_exchange() {
    static WORD: AtomicUsize = AtomicUsize::new(0);
    const TURNS: usize = 100;
    const SAMPLES: usize = 20_000;
    let take_turns = |odd: usize| {
        let sample = |_| {
            let start = Instant::now();
            for _ in 0..TURNS {
                loop {
                    let word = WORD.load(Relaxed);
                    if word % 2 == odd {
                        WORD.compare_exchange(word, word + 1, Relaxed, Relaxed)
                            .unwrap();
                        break;
                    }
                    std::hint::spin_loop();
                }
            }
            start.elapsed().as_nanos() as usize / (2 * TURNS)
        };
        (0..SAMPLES).map(sample).collect::<Vec<_>>()
    };
    let mut times = std::thread::scope(|scope| {
        scope.spawn(|| take_turns(1));
        take_turns(0)
    });
    times.sort_unstable();
    let at = |part: usize| times[SAMPLES * part / 100];
    println!("ns, at 5, 50 and 95 %: {:?}", [5, 50, 95].map(at));
}
