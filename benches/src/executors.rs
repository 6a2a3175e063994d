//! `execute` workloads.

mod channel;
mod clock;
mod counts;
mod crates;
mod deque;
mod latency;
mod limits;
mod ours;
mod python;
mod syscalls;
mod throughput;
mod waiting;

use std::time::Duration;

use crate::rivals::{self, Executor};
use crate::table::{Contestant, Role, Setup, Shape, Table, table};
use counts::Burst;
use latency::{Pace, Then, What};
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
        rival::<crates::Micropool>("micropool", work),
        rival::<crates::Rayon>("rayon", work),
        rival::<crates::RustyPool>("rusty_pool", work),
        rival::<crates::Threadpool>("threadpool", work),
        rival::<deque::Deque>("mutex, condvar and deque", work),
    ]
}

/// Everybody, as they come.
fn all(work: impl Workload) -> Vec<Contestant> {
    let mut rows = vec![row::<ours::Ringpool>("ringpool", Role::Ringpool, work)];
    rows.extend(unbounded(work));
    rows.push(rival::<channel::Waits>("crossbeam channel", work));
    rows
}

/// The same, and ringpool with workers that never sleep.
fn all_and_awake(work: impl Workload) -> Vec<Contestant> {
    let mut rows = all(work);
    let awake = row::<ours::Awake>("ringpool, kept awake", Role::Ringpool, work);
    rows.insert(1, awake);
    rows
}

/// Everybody whose jobs can submit jobs without end. Of the bounded queues, those that run a job at once when they are
/// full: a job that waits for room holds up the worker that would make some.
fn all_inline(work: impl Workload) -> Vec<Contestant> {
    let name = "ringpool, inline when full";
    let mut rows = vec![row::<ours::Inline>(name, Role::Ringpool, work)];
    rows.extend(unbounded(work));
    rows.push(inline_channel(work));
    rows.push(forte(work));
    rows
}

/// Not where jobs come from outside: it runs those on the thread that they come from.
fn forte(work: impl Workload) -> Contestant {
    rival::<crates::Forte>("forte", work)
}

fn inline_channel(work: impl Workload) -> Contestant {
    rival::<channel::Inline>("crossbeam channel, inline when full", work)
}

fn throughput() -> Vec<Table> {
    let producers = |n| {
        let mut rows = all_and_awake(Producers(n));
        let name = "ringpool, inline when full";
        rows.insert(2, row::<ours::Inline>(name, Role::Ringpool, Producers(n)));
        rows.push(inline_channel(Producers(n)));
        rows
    };
    let mut one = producers(1);
    one.push(limit("one-way stream of 64-byte slots", limits::stream));
    vec![
        table(
            "execute-1",
            "Tiny jobs from 1 thread, one worker less than threads: a job",
            30,
            one,
        ),
        table(
            "execute-2",
            "Tiny jobs from 2 threads, one worker less than threads: a job",
            30,
            producers(2),
        ),
        table(
            "execute-tree",
            "Tiny jobs that each submit two more: a job",
            30,
            all_inline(Tree),
        ),
        table(
            "execute-chain",
            "Tiny jobs that each submit the next: a job",
            30,
            all_inline(Chain),
        ),
    ]
}

fn latency() -> Vec<Table> {
    let pace = |every, then, what| Pace {
        every: Duration::from_micros(every),
        then,
        what,
    };
    let awake = pace(5, Then::Computes, What::ToStart);
    let asleep = pace(1000, Then::Computes, What::ToStart);
    let resting = pace(1000, Then::Sleeps, What::ToStart);
    let call = pace(1000, Then::Computes, What::Call);
    let awake_rows = || {
        let mut rows = all_and_awake(awake);
        rows.push(limit("a word, read all the time", limits::hand_off(awake)));
        rows
    };
    let mut undisturbed_rows = awake_rows();
    let name = "half a cache-line round trip";
    undisturbed_rows.push(limit(name, limits::half_round_trip));
    let asleep_rows = |pace: Pace, name| {
        let mut rows = all(pace);
        #[cfg(target_os = "linux")]
        rows.push(limit(name, limits::futex(pace)));
        rows
    };
    let wake = "a bare futex wake";
    let mut tables = vec![
        table(
            "latency-5us",
            "From submit to start, every 5 us",
            50,
            undisturbed_rows,
        ),
        table(
            "latency-1ms",
            "From submit to start, every 1 ms, the submitter computes meanwhile",
            50,
            asleep_rows(asleep, wake),
        ),
        table(
            "latency-1ms-resting",
            "From submit to start, every 1 ms, the submitter sleeps meanwhile",
            50,
            asleep_rows(resting, wake),
        ),
        table(
            "submit-1ms",
            "What the submitter pays, every 1 ms, workers asleep: the call",
            20,
            asleep_rows(call, "a FUTEX_WAKE call"),
        ),
    ];
    for table in &mut tables {
        table.shape = Shape::Latency;
    }
    let mut busy = vec![
        table(
            "latency-5us-busy",
            "From submit to start, every 5 us, a neighbour computes on every core",
            50,
            awake_rows(),
        ),
        table(
            "latency-1ms-busy",
            "From submit to start, every 1 ms, the submitter sleeps meanwhile, a neighbour computes on every core",
            20,
            asleep_rows(resting, wake),
        ),
    ];
    for table in &mut busy {
        table.busy = true;
        table.shape = Shape::Latency;
    }
    tables.extend(busy);
    tables
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
        rows.push(forte(idle));
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
            with_caller.fork_join::<rivals::ringpool::Ringpool>(),
        ),
        Contestant::new(
            "chili",
            Role::Rival,
            idle.fork_join::<rivals::chili::Chili>(),
        ),
        Contestant::new(
            "fork_union",
            Role::Rival,
            with_caller.fork_join::<rivals::fork_union::ForkUnion>(),
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
