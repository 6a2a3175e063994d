//! ringpool beside Python's pools, for those who come from there: `python/contestant.py` is the
//! other side.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use ringpool::ThreadPool;
use sha2::{Digest, Sha256};

use super::latency::{Pace, Then, What};
use super::throughput::Producers;
use super::waiting::Sleeps;
use super::{clock, row, table, workers};
use crate::rivals::ringpool::Ringpool;
use crate::table::{Contestant, Role, Setup, Shape, Table, Turn};

/// One of Python's pools, at a workload by the name that it has there.
fn python(name: &str, pool: &'static str, workload: &'static str) -> Contestant {
    Contestant::command(format!("Python: {name}"), move |setup: &Setup| {
        let mut command = Command::new("python3");
        command
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/src/python/contestant.py"
            ))
            .args([pool, workload])
            .arg(setup.threads.to_string());
        command
    })
}

fn pools(workload: &'static str) -> Vec<Contestant> {
    vec![
        python("ThreadPoolExecutor", "executor", workload),
        python("multiprocessing.pool.ThreadPool", "threads", workload),
        python("multiprocessing.Pool", "processes", workload),
        python("Worker(Thread) and Queue", "workers", workload),
    ]
}

pub fn tables() -> Vec<Table> {
    let jobs = |id, title, rounds, ringpool| {
        let mut rows = vec![ringpool];
        rows.extend(pools(id));
        table(&format!("python-{id}"), title, rounds, rows)
    };
    let pace = Pace {
        every: Duration::from_millis(1),
        then: Then::Sleeps,
        what: What::ToStart,
    };
    let mut latency = jobs(
        "latency",
        "Python: from submit to start, every 1 ms, the submitter sleeps meanwhile",
        20,
        row::<Ringpool>("ringpool", Role::Ringpool, pace),
    );
    latency.shape = Shape::Latency;
    let mut naps = jobs(
        "naps",
        "Python: 200 jobs that sleep 10 ms, 32 workers: all of them (70 ms would be ideal)",
        10,
        row::<Ringpool>("ringpool", Role::Ringpool, Sleeps),
    );
    naps.threads = Some(32);
    naps.unit = "ms";
    vec![
        jobs(
            "submit",
            "Python: tiny jobs from 1 thread, submitted one by one: a job",
            20,
            row::<Ringpool>("ringpool", Role::Ringpool, Producers(1)),
        ),
        latency,
        naps,
        map("map-64", "x * x + 1 for 64 numbers", 64, 200, square),
        map("map-1024", "x * x + 1 for 1 024 numbers", 1024, 50, square),
        map(
            "steps",
            "5 000 steps of xorshift64 for each of 64 numbers",
            64,
            1,
            steps,
        ),
        map(
            "sha256",
            "SHA-256 of 64 KiB, 64 times; Python does that in C, without its lock",
            64,
            1,
            sha256,
        ),
    ]
}

/// A map of `n` numbers: plain loops, ringpool, Python's pools. So many calls make a sample of
/// ours.
fn map<R: PartialEq + Default + Clone + Send + 'static>(
    id: &'static str,
    title: &str,
    n: usize,
    calls: u32,
    f: impl Fn(u64) -> R + Copy + Send + Sync + 'static,
) -> Table {
    let plain = Contestant::new("plain loop in Rust", Role::Loop, move |_| {
        turn(n, calls, f, move |xs, ys| {
            for (x, y) in xs.iter().zip(ys) {
                *y = f(*x);
            }
        })
    });
    let ringpool = Contestant::new("ringpool", Role::Ringpool, move |setup| {
        let pool = ThreadPool::new(workers(setup)).expect("threads");
        turn(n, calls, f, move |xs, ys| pool.map(xs, ys, |&x| f(x)))
    });
    let mut plain_python = python("plain loop", "loop", id);
    plain_python.role = Role::Loop;
    let mut rows = vec![plain, ringpool, plain_python];
    rows.extend(pools(id));
    table(
        &format!("python-{id}"),
        &format!("Python: a map, {title}: the whole map"),
        10,
        rows,
    )
}

fn turn<R: PartialEq + Default + Clone + 'static>(
    n: usize,
    calls: u32,
    f: impl Fn(u64) -> R,
    mut map: impl FnMut(&[u64], &mut [R]) + 'static,
) -> Turn {
    let xs: Vec<u64> = (0..n as u64).collect();
    let expected: Vec<R> = xs.iter().map(|&x| f(x)).collect();
    let mut ys = vec![R::default(); n];
    Box::new(move || {
        map(&xs, &mut ys);
        assert!(ys == expected, "results in order");
        let start = clock::now();
        for _ in 0..calls {
            map(black_box(&xs), black_box(&mut ys));
        }
        vec![clock::ns(clock::now() - start) / f64::from(calls)]
    })
}

fn square(x: u64) -> u64 {
    x * x + 1
}

fn steps(mut x: u64) -> u64 {
    x += 1;
    for _ in 0..5000 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

fn sha256(x: u64) -> [u8; 32] {
    Sha256::digest(vec![x as u8; 65_536]).into()
}
