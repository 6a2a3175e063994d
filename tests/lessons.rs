//! What other pools have paid for: one test for each lesson, with its source.
//!
//! Lessons that types prove (missing `Send` and `Sync` bounds) are in `ui/`. A producer that is preempted
//! halfway through a submit (heapless #583) is a unit test of the ring.

mod common;

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::{Lab, Ledger, by_hand, rounds, serve, wait_until, watchdog};
use ringpool::{Pool, Spin};

/// Fills the stack where a map's frame has been, and checks that nobody else writes there.
#[inline(never)]
fn scribble() {
    let mut stack = [MaybeUninit::<u64>::uninit(); 4096];
    for word in &mut stack {
        word.write(0x5EED);
    }
    let stack = std::hint::black_box(&mut stack);
    thread::yield_now();
    // SAFETY: written above.
    let whole = |word: &MaybeUninit<u64>| unsafe { word.assume_init() } == 0x5EED;
    assert!(
        stack.iter().all(whole),
        "somebody wrote into a frame that is gone"
    );
}

/// rayon #768 and #952, std's `thread::scope` (rust #98498): a helper that touched the caller's frame
/// after the decrement that let the caller go.
#[test]
fn nobody_touches_a_frame_that_is_gone() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 2, || {
        for _ in 0..rounds(2000) {
            let mut ys = [0; 30];
            pool.map(0..30, &mut ys, |k| k + 1);
            assert_eq!(ys, std::array::from_fn(|k| k + 1));
            scribble();
        }
    });
}

/// rust #24292, the leakpocalypse: a guard whose `Drop` did the waiting. A map is one call: what it
/// returns is not a guard.
#[test]
fn a_map_returns_nothing_that_has_to_be_dropped() {
    fn drops<T>(_: &T) -> bool {
        std::mem::needs_drop::<T>()
    }
    let pool: Pool<2> = Pool::new(Spin::new());
    assert!(!drops(&pool.map(0..2, (), |_| ())));
    assert!(!drops(&pool.map(
        0..2,
        &mut [const { String::new() }; 2],
        |_| String::new()
    )));
    let mut places = [const { MaybeUninit::uninit() }; 2];
    assert!(!drops(&pool.map(0..2, &mut places[..], |_| String::new())));
}

/// scoped-threadpool, pull request 11: it unwound before everyone had left. The caller panics while a
/// helper still reads what it borrows.
#[cfg(feature = "std")]
#[test]
fn nothing_borrowed_is_gone_while_somebody_reads_it() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 1, || {
        for _ in 0..rounds(100) {
            let caller = thread::current().id();
            let reading = AtomicBool::new(false);
            let text = Mutex::new(String::from("borrowed"));
            common::panic_message(|| {
                // The text belongs to this closure, which is gone when the panic goes on.
                let text = text;
                pool.map(0..100, (), |_| {
                    if thread::current().id() != caller {
                        let text = text.lock().unwrap();
                        reading.store(true, SeqCst);
                        for _ in 0..20 {
                            thread::yield_now();
                            assert_eq!(*text, "borrowed");
                        }
                    } else {
                        wait_until(|| reading.load(SeqCst));
                        std::panic::resume_unwind(Box::new("caller"));
                    }
                });
            });
        }
    });
}

/// rust #157969: a panic payload that panics on drop.
#[cfg(feature = "std")]
#[test]
fn a_payload_that_panics_on_drop_kills_no_worker() {
    /// Its drop panics, with a payload whose drop panics too. That one is let go; as it has no size, no
    /// memory goes with it.
    struct Grenade;
    struct Splinter;
    impl Drop for Grenade {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(Splinter));
        }
    }
    impl Drop for Splinter {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("splinter"));
        }
    }
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let pool = ringpool::ThreadPool::new(1).unwrap();
    for _ in 0..10 {
        pool.execute(|| {
            RUNS.fetch_add(1, SeqCst);
            std::panic::resume_unwind(Box::new(Grenade));
        })
        .unwrap();
    }
    drop(pool);
    assert_eq!(RUNS.load(SeqCst), 10);
}

/// bun #37810: `Drop(&mut self)` that joined workers which read through `&self`. Here the workers own a
/// share of the pool; Miri judges this one.
#[cfg(feature = "std")]
#[test]
fn workers_may_read_the_pool_while_it_is_dropped() {
    let _watchdog = watchdog();
    for _ in 0..rounds(200) {
        let pool = ringpool::ThreadPool::new(2).unwrap();
        for _ in 0..10 {
            pool.execute(thread::yield_now).unwrap();
        }
        drop(pool);
    }
}

/// RUSTSEC-2025-0054: an index that was moved on before a `clone` that panicked.
#[test]
fn a_clone_that_panics_leaves_every_value_counted() {
    let _watchdog = watchdog();
    struct Picky<'l>(common::Entry, &'l Ledger);
    impl Clone for Picky<'_> {
        fn clone(&self) -> Self {
            if self.0.id == 42 {
                std::panic::resume_unwind(Box::new("picky"));
            }
            Self(self.1.make(self.0.id + 100), self.1)
        }
    }
    let test = |pool: &Pool<16, Lab>| {
        let ledger = Ledger::new(200);
        {
            let values: [_; 100] = std::array::from_fn(|id| Picky(ledger.make(id), &ledger));
            let mut clones = [const { MaybeUninit::uninit() }; 100];
            common::panic_message(|| {
                pool.map(&values, &mut clones[..], Picky::clone);
            });
        }
        ledger.check();
    };
    test(&Pool::new(Lab::lazy()));
    #[cfg(feature = "std")]
    common::on_every_pool(test);
}

/// RUSTSEC-2018-0009: a queue that dropped what it had given away.
#[test]
fn no_job_is_dropped_twice() {
    let ledger = Ledger::new(100);
    let pool: Pool<16> = Pool::new(Spin::new());
    let mut worker = by_hand(&pool);
    for id in 0..100 {
        let entry = ledger.make(id);
        let _ = pool.execute(move || drop(entry));
        if id % 3 == 0 {
            worker.step();
        }
    }
    drop(worker);
    drop(pool);
    assert_eq!(ledger.made(), 100);
    ledger.check();
}

/// RUSTSEC-2021-0093: a task that was popped twice.
#[test]
fn no_job_is_popped_twice() {
    let _watchdog = watchdog();
    let ledger = Ledger::new(rounds(20_000));
    let pool: Pool<8, Lab> = Pool::new(Lab::without_clock());
    serve(&pool, 4, || {
        for id in 0..rounds(20_000) {
            let entry = ledger.make(id);
            let mut result = pool.execute(move || drop(entry));
            while let Err(rejected) = result {
                thread::yield_now();
                result = pool.execute(rejected.into_inner());
            }
        }
    });
    ledger.check();
}

/// heapless #461: a queue that was full when it was not, and spun for ever from 256 slots on.
#[test]
fn a_ring_of_any_capacity_holds_that_many_lap_after_lap() {
    fn laps<const CAPACITY: usize>() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        RUNS.store(0, SeqCst);
        let pool: Box<Pool<CAPACITY>> = Box::new(Pool::new(Spin::new()));
        let mut worker = by_hand(&*pool);
        let job = || {
            RUNS.fetch_add(1, SeqCst);
        };
        for lap in 1..=6 {
            for _ in 0..CAPACITY {
                pool.execute(job).unwrap();
            }
            assert!(pool.execute(job).unwrap_err().is_full());
            while worker.step() {}
            assert_eq!(RUNS.load(SeqCst), lap * CAPACITY);
            // One more, so that the next lap begins one slot further on.
            pool.execute(job).unwrap();
            worker.step();
            RUNS.fetch_sub(1, SeqCst);
        }
    }
    laps::<2>();
    laps::<4>();
    laps::<64>();
    laps::<256>();
    laps::<512>();
    laps::<4096>();
}

/// rayon #592, #751 and #854: a waiter that ran unrelated work met its own lock, or its stack's end.
#[test]
fn a_waiter_runs_nobody_else_s_work() {
    let _watchdog = watchdog();
    static POOL: Pool<64, Lab> = Pool::new(Lab::hasty());
    static LOCK: Mutex<usize> = Mutex::new(0);
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    serve(&POOL, 3, || {
        for _ in 0..rounds(2000) {
            let job = || {
                // A second job on this stack would wait for this very lock.
                let mut jobs = LOCK.lock().unwrap();
                assert_eq!(DEPTH.replace(1), 0);
                POOL.map(0..30, (), |_| thread::yield_now());
                DEPTH.set(0);
                *jobs += 1;
            };
            while POOL.execute(job).is_err() {
                thread::yield_now();
            }
        }
    });
    assert_eq!(*LOCK.lock().unwrap(), rounds(2000));
}

/// rayon #642, fork_union (Hacker News 45402820), chili #21, LLVM #78485: 100 % of the CPU while idle.
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
mod idle {
    use std::fs;
    use std::sync::Arc;
    use std::thread::Builder;
    use std::time::Duration;

    use ringpool::{ThreadPool, Threads};

    use super::*;

    /// As many as a pool can have on every target.
    const THREADS: usize = 31;

    /// The CPU time, in clock ticks (of 10 ms as a rule), that threads of this process whose name begins
    /// with `name` have had so far.
    fn cpu_time(name: &str) -> u64 {
        let mut ticks = 0;
        let mut found = 0;
        for task in fs::read_dir("/proc/self/task").unwrap() {
            let Ok(stat) = fs::read_to_string(task.unwrap().path().join("stat")) else {
                continue; // another test's thread, which has just ended
            };
            let (head, rest) = stat.rsplit_once(") ").unwrap();
            if head.contains(&format!("({name}")) {
                found += 1;
                // utime and stime: fields 14 and 15 of proc(5), of which `rest` begins with the third.
                let fields = rest.split(' ').skip(11).take(2);
                ticks += fields
                    .map(|ticks| ticks.parse::<u64>().unwrap())
                    .sum::<u64>();
            }
        }
        assert_eq!(found, THREADS);
        ticks
    }

    fn pool(name: &'static str) -> ThreadPool {
        ThreadPool::with_spawn(Threads::new(), THREADS, |k, body| {
            Builder::new().name(format!("{name}{k}")).spawn(body)
        })
        .unwrap()
    }

    #[test]
    fn idle_workers_cost_no_cpu_time() {
        let _watchdog = watchdog();
        let pool = pool("idle-");
        wait_until(|| pool.sleepers() == THREADS);
        // They fall asleep after work, too.
        for _ in 0..100 {
            pool.execute(thread::yield_now).unwrap();
        }
        pool.map(0..100, (), |_| thread::yield_now());
        wait_until(|| format!("{pool:?}").contains("queued: 0"));
        wait_until(|| pool.sleepers() == THREADS);
        let before = cpu_time("idle-");
        thread::sleep(Duration::from_secs(1));
        let spent = cpu_time("idle-") - before;
        assert!(spent <= 5, "{spent} ticks");
    }

    #[test]
    fn workers_that_wait_for_io_cost_no_cpu_time_and_keep_nobody_awake() {
        let _watchdog = watchdog();
        let pool = pool("io-");
        let (stop, waiting) = (Arc::new(Mutex::new(())), Arc::new(AtomicUsize::new(0)));
        let held = stop.lock().unwrap();
        for _ in 1..THREADS {
            let (stop, waiting) = (Arc::clone(&stop), Arc::clone(&waiting));
            pool.execute(move || {
                waiting.fetch_add(1, SeqCst);
                drop(stop.lock());
            })
            .unwrap();
        }
        wait_until(|| waiting.load(SeqCst) == THREADS - 1);
        // More work, and one to do it, who falls asleep after it.
        pool.execute(|| ()).unwrap();
        pool.map(0..100, (), |_| thread::yield_now());
        wait_until(|| format!("{pool:?}").contains("queued: 0"));
        wait_until(|| format!("{pool:?}").contains("sleepers: 1"));
        let before = cpu_time("io-");
        thread::sleep(Duration::from_secs(1));
        let spent = cpu_time("io-") - before;
        assert!(spent <= 5, "{spent} ticks");
        drop(held);
    }
}

/// enkiTS #48: a stale count of waiters, and a wake-up that was lost. One job at a time, to threads that
/// have gone to sleep or are about to.
#[cfg(feature = "std")]
#[test]
fn every_submit_to_sleepers_is_heard() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let platform = ringpool::Threads::new().with_spins(0);
    let pool = ringpool::ThreadPool::<4>::with_spawn(platform, 3, |_, body| {
        thread::Builder::new().spawn(body)
    })
    .unwrap();
    for round in 1..=rounds(20_000) {
        let job = || {
            RUNS.fetch_add(1, SeqCst);
        };
        pool.execute(job).unwrap();
        wait_until(|| RUNS.load(SeqCst) == round);
        common::dawdle(round);
    }
}

/// folly's `join()`: poison pills that need room in the queue.
#[test]
fn a_full_ring_can_be_closed() {
    let _watchdog = watchdog();
    static GO: AtomicBool = AtomicBool::new(false);
    let pool: Pool<2, Lab> = Pool::new(Lab::without_clock());
    serve(&pool, 1, || {
        while pool.execute(|| wait_until(|| GO.load(SeqCst))).is_ok() {}
        pool.close();
        GO.store(true, SeqCst);
    });
}

/// edge-executor #1: a full queue that ended the program.
#[test]
fn a_full_ring_is_no_panic() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let mut rejected = 0;
    for _ in 0..10 {
        rejected += usize::from(pool.execute(|| ()).is_err());
    }
    assert_eq!(rejected, 8);
}

/// bevy #18510: a capacity that one cannot choose.
#[test]
fn the_capacity_is_a_parameter() {
    static SMALL: Pool<2> = Pool::new(Spin::new());
    static LARGE: Pool<4096> = Pool::new(Spin::new());
    while SMALL.execute(|| ()).is_ok() {}
    while LARGE.execute(|| ()).is_ok() {}
    assert!(format!("{SMALL:?}").contains("queued: 2,"));
    assert!(format!("{LARGE:?}").contains("queued: 4096,"));
    #[cfg(feature = "std")]
    {
        let pool = ringpool::ThreadPool::<8>::with_spawn(
            ringpool::Threads::new(),
            0,
            |_, _| unreachable!(),
        )
        .unwrap();
        while pool.execute(|| ()).is_ok() {}
        assert!(format!("{pool:?}").contains("queued: 8,"));
        let default = ringpool::ThreadPool::new(0).unwrap();
        assert!(format!("{default:?}").contains("capacity: 1024,"));
    }
    let default: Pool = Pool::new(Spin::new());
    assert!(format!("{default:?}").contains("capacity: 64,"));
}

/// pico-sdk #1805: "atomics" that mask one core's interrupts only. Whether there is one core is the
/// firmware's to say.
#[test]
fn the_manifest_never_assumes_a_single_core() {
    assert!(!include_str!("../Cargo.toml").contains("single-core"));
}
