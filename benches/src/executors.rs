//! `execute` workloads.

mod channel;
mod clock;
mod counts;
mod crates;
mod deque;
mod latency;
mod limits;
mod python;
mod server;
mod syscalls;
mod throughput;
mod waiting;

use std::time::Duration;

use crate::cores;
use crate::rivals::forte::Forte;
use crate::rivals::micropool::Micropool;
use crate::rivals::rayon::Rayon;
use crate::rivals::ringpool::{Awake, Inline, Ringpool};
use crate::rivals::{self, Executor};
use crate::table::{Contestant, Role, Setup, Shape, Table, table};
use counts::Burst;
use latency::{Pace, Then, What};
use server::Server;
use throughput::{Chain, Producers, Tree};
use waiting::{Idle, Sleeps};

/// What executors do in a table.
trait Workload: Copy + 'static {
    fn turn<E: Executor>(self, setup: &Setup) -> crate::table::Turn;
}

/// Threads that run jobs: one less than compute, because the submitter does, too.
fn workers(setup: &Setup) -> usize {
    (setup.threads - 1).max(1)
}

/// Nobody ends a pool: its process ends.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub fn tables() -> Vec<Table> {
    let mut tables = vec![];
    tables.extend(throughput());
    tables.extend(latency());
    tables.extend(server());
    tables.extend(counts());
    tables.extend(waiting());
    tables.extend(python::tables());
    tables
}

fn row<E: Executor>(name: &str, role: Role, work: impl Workload) -> Contestant {
    Contestant::new(name, role, move |setup| work.turn::<E>(setup))
}

fn rival<E: Executor>(name: &str, work: impl Workload) -> Contestant {
    row::<E>(name, Role::Rival, work)
}

fn limit(name: &str, make: impl Fn(&Setup) -> crate::table::Turn + 'static) -> Contestant {
    Contestant::new(format!("limit: {name}"), Role::Limit, make)
}

/// Rivals that queue without bound.
fn unbounded(work: impl Workload) -> Vec<Contestant> {
    vec![
        rival::<crates::ExecutorsStealing>("executors, work stealing", work),
        rival::<crates::ExecutorsChannel>("executors, channel", work),
        rival::<Forte>("forte", work),
        rival::<Micropool>("micropool", work),
        rival::<Rayon>("rayon", work),
        rival::<crates::RustyPool>("rusty_pool", work),
        rival::<crates::Threadpool>("threadpool", work),
        rival::<deque::Deque>("mutex, condvar and deque", work),
    ]
}

/// Everybody, as they come.
fn all(work: impl Workload) -> Vec<Contestant> {
    let mut rows = vec![row::<Ringpool>("ringpool", Role::Ringpool, work)];
    rows.extend(unbounded(work));
    rows.push(rival::<channel::Waits>("crossbeam channel", work));
    rows
}

/// The same, and ringpool with workers that never sleep.
fn all_and_awake(work: impl Workload) -> Vec<Contestant> {
    let mut rows = all(work);
    let awake = row::<Awake>("ringpool, kept awake", Role::Ringpool, work);
    rows.insert(1, awake);
    rows
}

/// Everybody whose jobs can submit jobs without end. Of the bounded queues, those that run a job at
/// once when they are full: a job that waits for room holds up the worker that would make some.
fn all_inline(work: impl Workload) -> Vec<Contestant> {
    let name = "ringpool, inline when full";
    let mut rows = vec![row::<Inline>(name, Role::Ringpool, work)];
    rows.extend(unbounded(work));
    rows.push(inline_channel(work));
    rows
}

fn inline_channel(work: impl Workload) -> Contestant {
    rival::<channel::Inline>("crossbeam channel, inline when full", work)
}

/// How many workers: one, as many as there are cores, and twice that.
fn crowds() -> Vec<usize> {
    let mut crowds = vec![1, cores(), 2 * cores()];
    crowds.dedup();
    crowds
}

/// A table with so many workers, as its title says.
fn with_workers(
    workers: usize,
    id: &str,
    title: &str,
    rounds: usize,
    rows: Vec<Contestant>,
) -> Table {
    let id = format!("{id}-w{workers}");
    let s = if workers == 1 { "" } else { "s" };
    let title = format!("{title}, {workers} worker{s}");
    let mut table = table(&id, &title, rounds, rows);
    table.threads = Some(workers + 1);
    table
}

fn throughput() -> Vec<Table> {
    let producers = |n| {
        let mut rows = all_and_awake(Producers(n));
        let name = "ringpool, inline when full";
        rows.insert(2, row::<Inline>(name, Role::Ringpool, Producers(n)));
        rows.push(inline_channel(Producers(n)));
        rows
    };
    let mut tables = Vec::new();
    for workers in crowds() {
        let jobs = |id, title, rows| {
            let mut table = with_workers(workers, id, title, 30, rows);
            table.on_request = workers > cores();
            table
        };
        let mut one = producers(1);
        if workers == 1 {
            one.push(limit("one-way stream of 64-byte slots", limits::stream));
        }
        tables.extend([
            jobs("execute-1", "A tiny job: from 1 thread", one),
            jobs("execute-2", "A tiny job: from 2 threads", producers(2)),
            jobs(
                "execute-tree",
                "A tiny job: each submits two more",
                all_inline(Tree),
            ),
            jobs(
                "execute-chain",
                "A tiny job: each submits the next",
                all_inline(Chain),
            ),
        ]);
    }
    tables
}

fn latency() -> Vec<Table> {
    let pace = |every, then, what| Pace {
        every: Duration::from_micros(every),
        then,
        what,
    };
    let awake = pace(5, Then::Computes, What::ToStart);
    let asleep = pace(1000, Then::Sleeps, What::ToStart);
    let call = pace(1000, Then::Computes, What::Call);
    let mut tables = Vec::new();
    for (workers, neighbours) in crowds().into_iter().flat_map(|n| [(n, 0), (n, 1)]) {
        let latency = |id: &str, title: &str, seconds, rows| {
            let title = format!("From submit to start, {title}");
            let mut table = with_workers(workers, id, &title, 0, rows);
            table.shape = Shape::Latency;
            table.fresh = Some(seconds);
            table
        };
        let mut rows = paced(awake);
        rows.insert(
            1,
            row::<Awake>("ringpool, kept awake", Role::Ringpool, awake),
        );
        if workers == 1 {
            let name = "a word, read all the time";
            rows.push(limit(name, limits::hand_off(awake)));
            let name = "half a cache-line round trip";
            rows.push(limit(name, limits::half_round_trip));
        }
        tables.push((neighbours, latency("latency-5us", "every 5 us", 0.1, rows)));
        let mut rows = paced(asleep);
        #[cfg(target_os = "linux")]
        if workers == 1 {
            rows.push(limit("a bare futex wake", limits::futex(asleep)));
        }
        let title = "every 1 ms, the submitter sleeps meanwhile";
        tables.push((neighbours, latency("latency-1ms", title, 0.3, rows)));
    }
    let mut tables: Vec<_> = tables.into_iter().map(beside).collect();
    let mut rows = all(call);
    #[cfg(target_os = "linux")]
    rows.push(limit("a FUTEX_WAKE call", limits::futex(call)));
    let title = "What the submitter pays, every 1 ms, workers asleep: the call";
    let mut call = table("submit-1ms", title, 20, rows);
    call.shape = Shape::Latency;
    tables.push(call);
    tables
}

/// The table, measured beside so many busy neighbours.
fn beside((neighbours, mut table): (usize, Table)) -> Table {
    if neighbours > 0 {
        table.neighbours = neighbours;
        table.id += "-busy";
        table.title += ", beside a process that computes";
        table.on_request = true;
    }
    table
}

fn server() -> Vec<Table> {
    let mut tables = Vec::new();
    for workers in [cores(), 2 * cores()] {
        let table = |id: &str, title: &str, seconds, rows| {
            let mut table = with_workers(workers, id, title, 0, rows);
            table.shape = Shape::Latency;
            table.fresh = Some(seconds);
            table
        };
        for (us, exponential) in [5, 20, 50, 200]
            .into_iter()
            .flat_map(|us| [(us, false), (us, true)])
        {
            for percent in [10, 50, 70] {
                let server = Server {
                    service: Duration::from_micros(us),
                    exponential,
                    load: f64::from(percent) / 100.0,
                };
                let (kind, mean) = match exponential {
                    true => ("exp", " in the mean"),
                    false => ("fixed", ""),
                };
                for neighbours in [0, 1] {
                    let mut table = table(
                        &format!("server-{us}us-{kind}-{percent}"),
                        &format!("Server: requests of {us} us{mean}, {percent} % of all cores"),
                        if us >= 50 { 1.0 } else { 0.5 },
                        served(server),
                    );
                    table.on_request = us != 20 || exponential || workers > cores();
                    tables.push(beside((neighbours, table)));
                }
            }
        }
        let server = Server {
            service: Duration::from_micros(20),
            exponential: false,
            load: 0.1,
        };
        let mut beside_maps = table(
            "mixed",
            "Server: requests of 20 us, 10 % of all cores, and a map of 10 ms every 20 ms",
            0.5,
            mixed(server),
        );
        beside_maps.on_request = workers > cores();
        tables.push(beside_maps);
    }
    tables
}

/// Those, and pools that are made for short waits.
fn paced(work: Pace) -> Vec<Contestant> {
    let mut rows = served(work);
    rows.push(rival::<Forte>("forte", work));
    rows.push(rival::<Micropool>("micropool", work));
    rows
}

/// What one would write a server with.
fn served(work: impl Workload) -> Vec<Contestant> {
    vec![
        row::<Ringpool>("ringpool", Role::Ringpool, work),
        rival::<Rayon>("rayon", work),
        rival::<deque::Deque>("mutex, condvar and deque", work),
        rival::<channel::Waits>("crossbeam channel", work),
        rival::<crates::Threadpool>("threadpool", work),
    ]
}

/// Pools that have jobs and maps.
fn mixed(work: Server) -> Vec<Contestant> {
    let ringpool = server::beside_maps::<Ringpool>(work);
    vec![
        Contestant::new("ringpool", Role::Ringpool, ringpool),
        Contestant::new("forte", Role::Rival, server::beside_maps::<Forte>(work)),
        Contestant::new(
            "micropool",
            Role::Rival,
            server::beside_maps::<Micropool>(work),
        ),
        Contestant::new("rayon", Role::Rival, server::beside_maps::<Rayon>(work)),
    ]
}

fn counts() -> Vec<Table> {
    let burst = |id, unit, burst| {
        let title = "10 000 tiny jobs for workers that sleep: what is counted in all";
        let mut table = table(id, title, 10, all(burst));
        table.unit = unit;
        table
    };
    let calls = "calls to sleep, wake and yield";
    vec![
        burst("burst-allocations", "allocations", Burst::Allocations),
        burst("burst-wakes", "wake-ups", Burst::Wakes),
        burst("burst-syscalls", calls, Burst::Syscalls),
    ]
}

fn waiting() -> Vec<Table> {
    let mut sleeps = table(
        "sleeping-jobs",
        "200 jobs that sleep 10 ms, 32 workers: all of them (70 ms would be ideal)",
        10,
        all(Sleeps),
    );
    sleeps.threads = Some(32);
    sleeps.unit = "ms";
    let mut tables = vec![sleeps];
    for threads in [1, 32] {
        let idle = Idle(threads);
        let mut rows = all_and_awake(idle);
        rows.extend(idle_fork_join(idle));
        let mut table = table(
            &format!("idle-{threads}"),
            &format!("CPU time a second of {threads} threads that had work and have none now"),
            3,
            rows,
        );
        table.unit = "ms";
        table.threads = Some(threads);
        tables.push(table);
    }
    tables
}

/// Pools whose caller computes too have one thread more, or a pool of one would be none.
fn idle_fork_join(idle: Idle) -> Vec<Contestant> {
    let with_caller = Idle(idle.0 + 1);
    let mut rows = vec![
        Contestant::new(
            "ringpool, after a map",
            Role::Ringpool,
            with_caller.fork_join::<Ringpool>(),
        ),
        Contestant::new(
            "chili",
            Role::Rival,
            idle.fork_join::<rivals::chili::Chili>(),
        ),
        Contestant::new(
            "forkunion",
            Role::Rival,
            with_caller.fork_join::<rivals::forkunion::ForkUnion>(),
        ),
        Contestant::new(
            "paralight",
            Role::Rival,
            idle.fork_join::<rivals::paralight::Paralight>(),
        ),
    ];
    #[cfg(openmp)]
    rows.extend([
        Contestant::new(
            "openmp active",
            Role::Rival,
            with_caller.fork_join::<rivals::openmp::OpenMp<true>>(),
        ),
        Contestant::new(
            "openmp passive",
            Role::Rival,
            with_caller.fork_join::<rivals::openmp::OpenMp<false>>(),
        ),
    ]);
    rows
}
