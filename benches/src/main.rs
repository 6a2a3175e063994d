//! How fast the pool is. Every contestant of a table does the same work in the same run, in turns, so
//! that what disturbs the machine disturbs them alike: read the ratios, not the times.

mod work;

use std::hint::black_box;
use std::time::{Duration, Instant};

use clap::Parser;
use ringpool::{ThreadPool, Threads};

use work::{Element, calibrate, trivial};

/// Measures ringpool against the plain loop, and its own limits.
#[derive(Parser)]
struct Options {
    /// Compute threads, the caller of `map` included.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(2, |n| n.get()))]
    threads: usize,
    /// A tenth of the rounds.
    #[arg(long)]
    quick: bool,
    /// Only the tables whose title contains this.
    #[arg(long, default_value = "")]
    only: String,
}

impl Options {
    fn rounds(&self, rounds: usize) -> usize {
        if self.quick {
            (rounds / 10).max(5)
        } else {
            rounds
        }
    }

    /// One table: runs the contestants in turns and prints median, 99th percentile and the ratio of
    /// medians to the first contestant's. Each returns what one round took, in ns.
    fn table(
        &self,
        title: &str,
        rounds: usize,
        contestants: &mut [(&str, &mut dyn FnMut() -> f64)],
    ) {
        if !title.contains(&self.only) {
            return;
        }
        let mut samples = vec![Vec::new(); contestants.len()];
        for round in 0..self.rounds(rounds) + 3 {
            for ((_, run), samples) in contestants.iter_mut().zip(&mut samples) {
                let sample = run();
                // The first rounds warm up.
                if round >= 3 {
                    samples.push(sample);
                }
            }
        }
        println!(
            "\n{title}\n{:<44}{:>12}{:>12}{:>9}",
            "", "median ns", "p99 ns", "ratio"
        );
        let mut first = 0.0;
        for ((name, _), samples) in contestants.iter().zip(&mut samples) {
            samples.sort_by(f64::total_cmp);
            let median = samples[samples.len() / 2];
            let p99 = samples[(samples.len() * 99 / 100).min(samples.len() - 1)];
            if first == 0.0 {
                first = median;
            }
            println!("{name:<44}{median:>12.1}{p99:>12.1}{:>9.3}", first / median);
        }
    }
}

/// What one of `calls` calls takes.
fn time(calls: u32, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// Long enough for workers to give up spinning and sleep.
fn doze() {
    std::thread::sleep(Duration::from_micros(500));
}

fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A pool of `workers` whose threads sleep as they do by default.
fn sleeping(workers: usize) -> ThreadPool {
    ThreadPool::new(workers).expect("threads")
}

/// The same, but its threads never sleep.
fn awake(workers: usize) -> ThreadPool {
    ThreadPool::with_spawn(Threads::new().with_spins(u32::MAX), workers, |_, body| {
        std::thread::Builder::new().spawn(body)
    })
    .expect("threads")
}

fn main() {
    let options = Options::parse();
    let workers = options.threads - 1;
    println!(
        "ratio: the first row's median over this row's; {} compute threads",
        options.threads
    );
    small_maps(&options, workers);
    large_maps(&options, workers);
    break_even(&options, workers);
    execute(&options, workers.max(1));
    idle(&options);
}

fn small_maps(options: &Options, workers: usize) {
    let input: Vec<u64> = (0..16_384).collect();
    for n in [2, 16, 64, 1024, 16_384] {
        let input = &input[..n];
        let (mut looped, mut mapped) = (vec![0; n], vec![0; n]);
        let calls = (200_000 / n as u32).clamp(20, 2000);
        {
            let pool = awake(workers);
            options.table(
                &format!("map of {n} trivial elements, workers awake"),
                200,
                &mut [
                    ("plain loop", &mut || {
                        time(calls, || plain(black_box(input), &mut looped))
                    }),
                    ("ringpool", &mut || {
                        time(calls, || {
                            pool.map(black_box(input), &mut mapped, |&x| trivial(x))
                        })
                    }),
                ],
            );
        }
        {
            let pool = sleeping(workers);
            // Maps of up to a quantum wake nobody, so the workers sleep through all of these.
            for (calls, rounds, name) in [
                (calls, 200, "workers asleep"),
                (1, 1000, "one call after a pause of 500 us"),
            ] {
                options.table(
                    &format!("map of {n} trivial elements, {name}"),
                    rounds,
                    &mut [
                        ("plain loop", &mut || {
                            doze();
                            time(calls, || plain(black_box(input), &mut looped))
                        }),
                        ("ringpool", &mut || {
                            doze();
                            time(calls, || {
                                pool.map(black_box(input), &mut mapped, |&x| trivial(x))
                            })
                        }),
                    ],
                );
            }
        }
        assert_eq!(looped, mapped);
    }
}

#[inline(never)]
fn plain(input: &[u64], output: &mut [u64]) {
    for (x, y) in input.iter().zip(&mut *output) {
        *y = trivial(*x);
    }
    black_box(output);
}

fn large_maps(options: &Options, workers: usize) {
    let element = calibrate();
    let even = vec![element.for_ns(1000); 10_000];
    // The same total, all of it in the last tenth.
    let tail: Vec<Element> = (0..10_000)
        .map(|i| element.for_ns(if i < 9000 { 0 } else { 10_000 }))
        .collect();
    let fine = vec![element.for_ns(5); 1_000_000];
    let few: Vec<Vec<Element>> = (2..=4)
        .map(|n| vec![element.for_ns(1_000_000); n])
        .collect();
    for (name, pool) in [("awake", awake as fn(usize) -> _), ("asleep", sleeping)] {
        let pool = pool(workers);
        let large = |title: &str, elements: &[Element]| {
            let mut output = vec![0; elements.len()];
            let mut expected = vec![0; elements.len()];
            options.table(
                &format!("{title}, workers {name}"),
                50,
                &mut [
                    ("plain loop / ideal speed-up", &mut || {
                        time(1, || {
                            for (x, y) in elements.iter().zip(&mut expected) {
                                *y = x.run();
                            }
                        }) * elements.len().div_ceil(workers + 1) as f64
                            / elements.len() as f64
                    }),
                    ("ringpool", &mut || {
                        time(1, || pool.map(elements, &mut output, |x| x.run()))
                    }),
                ],
            );
            assert!(!options.only.is_empty() || output == expected);
        };
        large("10 000 x 1 us", &even);
        large("10 000 x 1 us, all the weight in the last tenth", &tail);
        large("1 000 000 elements of a few ns", &fine);
        for few in &few {
            large(&format!("{} x 1 ms", few.len()), few);
        }
    }
}

/// From which total work on it pays to map: one map after a pause, and maps in a row.
fn break_even(options: &Options, workers: usize) {
    let element = calibrate().for_ns(10);
    let input = vec![element; 1_000_000];
    let pool = sleeping(workers);
    for n in [
        10, 30, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000, 100_000, 1_000_000,
    ] {
        let input = &input[..n];
        let mut output = vec![0; n];
        let mut expected = vec![0; n];
        let rounds = if n > 10_000 { 30 } else { 300 };
        for (calls, name) in [(1, "after a pause"), (20, "20 in a row")] {
            options.table(
                &format!("break-even: {n} elements of a few ns, {name}"),
                rounds,
                &mut [
                    ("plain loop", &mut || {
                        doze();
                        time(calls, || {
                            for (x, y) in input.iter().zip(&mut expected) {
                                *y = x.run();
                            }
                        })
                    }),
                    ("ringpool", &mut || {
                        doze();
                        time(calls, || pool.map(input, &mut output, |x| x.run()))
                    }),
                ],
            );
        }
    }
}

fn execute(options: &Options, workers: usize) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static DONE: AtomicUsize = AtomicUsize::new(0);
    const JOBS: usize = 100_000;
    const BACK_OFF: usize = 100;
    let burst = |pool: &ThreadPool, producers: usize| {
        DONE.store(0, Ordering::Relaxed);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 1..producers {
                scope.spawn(|| submit(pool, JOBS / producers));
            }
            submit(pool, JOBS / producers);
        });
        while DONE.load(Ordering::Relaxed) != JOBS {
            std::hint::spin_loop();
        }
        start.elapsed().as_nanos() as f64 / JOBS as f64
    };
    fn submit(pool: &ThreadPool, jobs: usize) {
        for _ in 0..jobs {
            let mut job = || _ = DONE.fetch_add(1, Ordering::Relaxed);
            while let Err(rejected) = pool.execute(job) {
                job = rejected.into_inner();
                // Full: lets the worker get ahead a little.
                (0..BACK_OFF).for_each(|_| std::hint::spin_loop());
            }
        }
    }
    // A pool at a time: one that never sleeps would be in the others' way.
    for (name, pool) in [("awake", awake as fn(usize) -> _), ("that sleep", sleeping)] {
        let pool = pool(workers);
        options.table(
            &format!("execute, {JOBS} tiny jobs, {workers} workers {name}, per job"),
            50,
            &mut [
                ("1 producer", &mut || burst(&pool, 1)),
                ("2 producers", &mut || burst(&pool, 2)),
            ],
        );
    }

    // From submit to start.
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let epoch = Instant::now();
    let start = |pool: &ThreadPool, pause: Duration| {
        let until = Instant::now() + pause;
        if pause > Duration::from_micros(100) {
            std::thread::sleep(pause);
        }
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        STARTED.store(0, Ordering::Relaxed);
        let submitted = epoch.elapsed().as_nanos() as usize;
        pool.execute(move || STARTED.store(epoch.elapsed().as_nanos() as usize, Ordering::Relaxed))
            .expect("room");
        loop {
            match STARTED.load(Ordering::Relaxed) {
                0 => std::hint::spin_loop(),
                started => break (started - submitted) as f64,
            }
        }
    };
    {
        let mut round_trip = work::RoundTrip::new();
        options.table(
            "limit: half a cache-line round trip",
            200,
            &mut [("between two threads", &mut || round_trip.half())],
        );
    }
    {
        let mut sleeper = work::Sleeper::new();
        options.table(
            "limit: waking a thread that sleeps in park, every 1 ms",
            500,
            &mut [("std::thread::unpark", &mut || {
                std::thread::sleep(Duration::from_millis(1));
                sleeper.wake()
            })],
        );
    }
    for (name, pool, pause) in [
        ("every 5 us, workers awake", awake as fn(usize) -> _, 5),
        ("every 5 us, workers that sleep", sleeping, 5),
        ("every 1 ms, workers asleep", sleeping, 1000),
    ] {
        let pool = pool(workers);
        let pause = Duration::from_micros(pause);
        options.table(
            &format!("submit to start, {name}"),
            if pause.as_micros() > 100 { 500 } else { 5000 },
            &mut [("ringpool", &mut || start(&pool, pause))],
        );
    }
}

fn idle(options: &Options) {
    if !"idle".contains(&options.only) {
        return;
    }
    println!("\nidle: CPU time per second, after some work");
    for workers in [1, 4, 32, 252] {
        let pool = sleeping(workers);
        let mut output = vec![0; 100_000];
        pool.map(0..100_000, &mut output, |x| trivial(x as u64));
        std::thread::sleep(Duration::from_millis(100));
        let before = cpu_time();
        std::thread::sleep(Duration::from_secs(1));
        println!(
            "{workers:>4} workers {:>10.3} ms",
            (cpu_time() - before).as_secs_f64() * 1e3
        );
    }
}
