//! Everything at once, on all cores, for as long as told: one pool after another, with several submitters, jobs
//! that submit jobs, maps from several threads and from jobs, nested maps, panics, pauses, workers that come and
//! go. After each pool everything that was to run has run, once; and memory does not grow.

use std::fs;
use std::mem::MaybeUninit;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use ringpool::{ThreadPool, Threads};

/// How long a round may take before it counts as one that hangs.
const LIMIT: Duration = Duration::from_secs(60);
/// How much memory may grow after the first quarter of the time, in KiB.
const SLACK: u64 = 16 << 10;

fn main() {
    let argument = |k, default| match std::env::args().nth(k) {
        Some(text) => text.parse().expect("usage: soak [seconds [seed]]"),
        None => default,
    };
    let (time, seed) = (
        Duration::from_secs(argument(1, 20)),
        argument(2, fastrand::u64(..)),
    );
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    println!("{} s on {cores} cores, seed {seed}", time.as_secs());

    // Those that are meant to happen do not call it.
    panic::set_hook(Box::new(|failure| {
        eprintln!("{failure}");
        process::exit(1);
    }));
    static ROUNDS: AtomicU64 = AtomicU64::new(0);
    thread::spawn(|| watch(&ROUNDS));
    let (start, mut rng) = (Instant::now(), Rng::with_seed(seed));
    let (mut warm, mut most, mut reported) = (None, 0, start);
    while start.elapsed() < time {
        let mut rng = rng.fork();
        match rng.u8(0..8) {
            0 => round::<4>(&mut rng, cores),
            1 => round::<64>(&mut rng, cores),
            2 => round::<1024>(&mut rng, cores),
            _ => round::<16384>(&mut rng, cores),
        }
        settle();
        ROUNDS.fetch_add(1, SeqCst);
        if start.elapsed() >= time / 4 {
            let now = resident();
            let before = *warm.get_or_insert(now);
            most = now.max(most);
            assert!(
                most <= before + SLACK,
                "memory grew from {before} to {most} KiB"
            );
        }
        if reported.elapsed() >= Duration::from_secs(60) {
            reported = Instant::now();
            println!("{:5} s: {}", start.elapsed().as_secs(), summary());
        }
    }
    println!(
        "{}, {} pools; memory: {} KiB after a quarter of the time, {most} KiB at most since, {} KiB now",
        summary(),
        ROUNDS.load(SeqCst) + POOLS.load(SeqCst),
        warm.unwrap_or_default(),
        resident(),
    );
    println!("every job ran once, every map was right, memory did not grow");
}

fn summary() -> String {
    let [jobs, ..] = tallied();
    format!(
        "{jobs} jobs, {} times the ring was full, {} maps, {} panics",
        REJECTED.load(SeqCst),
        MAPS.load(SeqCst),
        PANICS.load(SeqCst)
    )
}

/// Ends the program if rounds stop ending.
fn watch(rounds: &AtomicU64) {
    loop {
        let before = rounds.load(SeqCst);
        thread::sleep(LIMIT);
        if rounds.load(SeqCst) == before {
            eprintln!(
                "round {before} hangs; (ran, their sum, submitted, their sum): {:?}, {} values alive",
                tallied(),
                ALIVE.load(SeqCst)
            );
            process::exit(1);
        }
    }
}

/// In KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

// Every job has a number of its own. The numbers of those that were submitted and of those that ran are summed
// up, scattered, so that one that is lost and one that runs twice do not make up for each other.

/// A few threads' share of the books.
#[derive(Default)]
#[repr(align(128))]
struct Tally {
    submitted: AtomicU64,
    submitted_sum: AtomicU64,
    ran: AtomicU64,
    ran_sum: AtomicU64,
}

static TALLIES: [Tally; 64] = [const {
    Tally {
        submitted: AtomicU64::new(0),
        submitted_sum: AtomicU64::new(0),
        ran: AtomicU64::new(0),
        ran_sum: AtomicU64::new(0),
    }
}; 64];
static REJECTED: AtomicU64 = AtomicU64::new(0);
static MAPS: AtomicU64 = AtomicU64::new(0);
static PANICS: AtomicU64 = AtomicU64::new(0);
/// Besides that of each round.
static POOLS: AtomicU64 = AtomicU64::new(0);
/// Values that are counted and not yet dropped.
static ALIVE: AtomicI64 = AtomicI64::new(0);

fn tally() -> &'static Tally {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static MINE: &'static Tally = &TALLIES[THREADS.fetch_add(1, Relaxed) % TALLIES.len()]);
    MINE.with(|mine| *mine)
}

fn tallied() -> [u64; 4] {
    // What ran comes first: it is never more than what was submitted.
    let sum = |part: fn(&Tally) -> &AtomicU64| {
        TALLIES.iter().fold(0, |sum: u64, tally| {
            sum.wrapping_add(part(tally).load(SeqCst))
        })
    };
    [
        sum(|it| &it.ran),
        sum(|it| &it.ran_sum),
        sum(|it| &it.submitted),
        sum(|it| &it.submitted_sum),
    ]
}

/// Waits until all has run that was submitted. (If it never does, `watch` ends the program.)
fn settle() {
    loop {
        let [ran, ran_sum, submitted, submitted_sum] = tallied();
        assert!(ran <= submitted, "{ran} jobs ran of {submitted}");
        if ran == submitted {
            assert_eq!(
                ran_sum, submitted_sum,
                "as many jobs ran as were submitted, but not the same"
            );
            break;
        }
        thread::yield_now();
    }
    while ALIVE.load(SeqCst) != 0 {
        thread::yield_now();
    }
}

/// A number like no other.
fn scatter(number: u64) -> u64 {
    let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A job that is on the books. It says that it ran at its end, after all that it submits.
struct Entry(u64);

impl Entry {
    fn submitted() -> Self {
        static BLOCKS: AtomicU64 = AtomicU64::new(0);
        thread_local!(static NUMBERS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });
        let number = NUMBERS.get();
        let number = match number % (1 << 20) {
            0 => BLOCKS.fetch_add(1 << 20, Relaxed) + 1,
            _ => number + 1,
        };
        NUMBERS.set(number);
        let tally = tally();
        tally.submitted.fetch_add(1, SeqCst);
        tally.submitted_sum.fetch_add(scatter(number), SeqCst);
        Self(number)
    }

    fn ran(self) {
        let tally = tally();
        tally.ran_sum.fetch_add(scatter(self.0), SeqCst);
        tally.ran.fetch_add(1, SeqCst);
    }
}

/// A value that is counted.
struct Counted(u64);

impl Counted {
    fn new(value: u64) -> Self {
        ALIVE.fetch_add(1, SeqCst);
        Self(value)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

/// A pool from its beginning to its end.
fn round<const C: usize>(rng: &mut Rng, cores: usize) {
    let pool = pool::<C>(rng, cores);
    let end = Instant::now() + Duration::from_millis(rng.u64(0..1000));
    thread::scope(|scope| {
        for _ in 0..rng.usize(1..=cores + 1) {
            let (pool, mut rng) = (&pool, rng.fork());
            scope.spawn(move || {
                while Instant::now() < end {
                    something(pool, &mut rng);
                }
            });
        }
    });
    // If a job has it, that job drops it.
    drop(pool);
}

fn pool<const C: usize>(rng: &mut Rng, cores: usize) -> Arc<ThreadPool<C>> {
    let platform = match rng.bool() {
        true => Threads::new(),
        false => Threads::new().with_spins(0),
    };
    let spawn = |_, body| thread::Builder::new().spawn(body);
    Arc::new(ThreadPool::with_spawn(platform, rng.usize(1..=cores + 1), spawn).unwrap())
}

/// One of the things that one does with a pool.
fn something<const C: usize>(pool: &Arc<ThreadPool<C>>, rng: &mut Rng) {
    match rng.u8(0..40) {
        0 => thread::sleep(Duration::from_micros(rng.u64(0..3000))),
        1 => map(pool, rng),
        2 => nested_map(pool, rng),
        3 => panicking_map(pool, rng),
        4 => moving_map(pool, rng),
        5 => helped_by_hand(pool, rng),
        6 => small_pool(rng),
        7..12 => {
            let entry = Entry::submitted();
            let (pool, weak, mut rng) = (&**pool, Arc::downgrade(pool), rng.fork());
            let depth = rng.u8(0..5);
            submit(pool, move || {
                family(&weak, depth);
                if let (Some(pool), true) = (weak.upgrade(), rng.bool()) {
                    map(&pool, &mut rng);
                }
                entry.ran();
            });
        }
        12..14 => {
            for _ in 0..rng.usize(0..20) {
                let entry = Entry::submitted();
                submit(pool, move || {
                    PANICS.fetch_add(1, SeqCst);
                    entry.ran();
                    resume_unwind(Box::new(Counted::new(0)));
                });
            }
        }
        14..16 => {
            for length in 0..rng.usize(0..100) {
                let (entry, load) = (Entry::submitted(), (Counted::new(1), vec![length; length]));
                submit(pool, move || {
                    assert_eq!(load.1.iter().sum::<usize>(), length * length);
                    entry.ran();
                    drop(load);
                });
            }
        }
        _ => {
            for _ in 0..rng.usize(0..10 * C) {
                let entry = Entry::submitted();
                submit(pool, move || entry.ran());
            }
        }
    }
}

/// Submits a job until it is taken, or runs it here.
fn submit<const C: usize>(pool: &ThreadPool<C>, mut job: impl FnOnce() + Send + 'static) {
    for _ in 0..100 {
        match pool.execute(job) {
            Ok(()) => return,
            Err(rejected) => {
                REJECTED.fetch_add(1, Relaxed);
                job = rejected.into_inner();
                thread::yield_now();
            }
        }
    }
    let _panic = catch_unwind(AssertUnwindSafe(job));
}

/// A job has two jobs, each of which has two.
fn family<const C: usize>(pool: &Weak<ThreadPool<C>>, depth: u8) {
    let (Some(owner), 1..) = (pool.upgrade(), depth) else {
        return;
    };
    for _ in 0..2 {
        let (entry, pool) = (Entry::submitted(), Weak::clone(pool));
        submit(&owner, move || {
            family(&pool, depth - 1);
            entry.ran();
        });
    }
}

fn map<const C: usize>(pool: &ThreadPool<C>, rng: &mut Rng) {
    MAPS.fetch_add(1, Relaxed);
    let salt = rng.u64(..);
    let xs: Vec<u64> = (0..rng.u64(0..5000)).collect();
    let mut ys = vec![0; xs.len()];
    pool.map(&xs, &mut ys, |x| scatter(x ^ salt));
    pool.map((&mut ys, &xs), (), |(y, x)| {
        *y = y.wrapping_sub(scatter(x ^ salt))
    });
    assert!(ys.iter().all(|y| *y == 0), "a map is wrong");
}

fn nested_map<const C: usize>(pool: &ThreadPool<C>, rng: &mut Rng) {
    MAPS.fetch_add(1, Relaxed);
    let mut table = vec![[0; 50]; rng.usize(0..50)];
    let rows = table.len();
    pool.map((0..rows, &mut table), (), |(i, row)| {
        pool.map((0..50, row), (), |(j, place)| {
            *place = scatter((i * 50 + j) as u64)
        });
    });
    let all = table.iter().flatten();
    assert!(
        all.zip(0..).all(|(value, k)| *value == scatter(k)),
        "a nested map is wrong"
    );
}

/// By value, into uninitialised memory.
fn moving_map<const C: usize>(pool: &ThreadPool<C>, rng: &mut Rng) {
    MAPS.fetch_add(1, Relaxed);
    let salt = rng.u64(..);
    let inputs: [_; 100] = std::array::from_fn(|k| Counted::new(k as u64));
    let mut places = [const { MaybeUninit::uninit() }; 100];
    let done = pool.map(inputs, &mut places[..], |it| {
        Some(Counted::new(it.0 ^ salt))
    });
    for (k, result) in (0..).zip(done) {
        assert_eq!(result.take().unwrap().0, k ^ salt);
    }
}

fn panicking_map<const C: usize>(pool: &ThreadPool<C>, rng: &mut Rng) {
    MAPS.fetch_add(1, Relaxed);
    let bad = rng.u64(0..100);
    let inputs: [_; 100] = std::array::from_fn(|k| Counted::new(k as u64));
    let mut places = [const { MaybeUninit::uninit() }; 100];
    let result = catch_unwind(AssertUnwindSafe(|| {
        pool.map(inputs, &mut places[..], |it| match it.0 == bad {
            true => resume_unwind(Box::new(bad)),
            false => Counted::new(it.0),
        });
    }));
    PANICS.fetch_add(1, Relaxed);
    assert_eq!(
        result.unwrap_err().downcast_ref(),
        Some(&bad),
        "the panic of a map"
    );
}

/// A worker comes, does what there is to do, and goes.
fn helped_by_hand<const C: usize>(pool: &ThreadPool<C>, rng: &mut Rng) {
    let mut steps = rng.usize(0..1000);
    let start = pool.start(1, |mut worker| {
        while steps != 0 && worker.step() {
            steps -= 1;
        }
        Ok::<(), ()>(())
    });
    start.expect("room for a worker");
}

/// A pool whose queued jobs have run when its drop returns.
fn small_pool(rng: &mut Rng) {
    POOLS.fetch_add(1, Relaxed);
    let runs = Arc::new(AtomicUsize::new(0));
    let pool = Arc::into_inner(pool::<8>(rng, 1)).unwrap();
    let jobs = rng.usize(0..8);
    for _ in 0..jobs {
        let (entry, runs) = (Entry::submitted(), Arc::clone(&runs));
        submit(&pool, move || {
            entry.ran();
            runs.fetch_add(1, SeqCst);
        });
    }
    drop(pool);
    assert_eq!(
        runs.load(SeqCst),
        jobs,
        "jobs that ran before the pool was gone"
    );
}
