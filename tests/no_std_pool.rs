//! What firmware does: its own platform, its own threads, a static pool, a super-loop, interrupts.

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::{Tokens, by_hand, dawdle, rounds, serve, wait_until, watchdog};
use ringpool::{Platform, Pool, Spin};

/// A platform whose waiting is sleeping.
struct Semaphores {
    tokens: Tokens,
    /// Threads in `park`, by spot.
    parked: [AtomicUsize; 256],
    wake_ups: &'static AtomicUsize,
}

impl Semaphores {
    const fn new(wake_ups: &'static AtomicUsize) -> Self {
        Self {
            tokens: Tokens::new(),
            parked: [const { AtomicUsize::new(0) }; 256],
            wake_ups,
        }
    }
}

impl Platform for Semaphores {
    fn park(&self, spot: usize) {
        assert_eq!(
            self.parked[spot].fetch_add(1, SeqCst),
            0,
            "two threads at spot {spot}"
        );
        self.tokens.take(spot);
        self.parked[spot].fetch_sub(1, SeqCst);
    }

    fn unpark(&self, spot: usize) {
        self.wake_ups.fetch_add(1, SeqCst);
        self.tokens.leave(spot);
    }
}

#[test]
fn no_wake_up_is_lost() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static WAKE_UPS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<4, Semaphores> = Pool::new(Semaphores::new(&WAKE_UPS));
    serve(&pool, 2, || {
        for round in 0..rounds(20_000) {
            let job = || {
                RUNS.fetch_add(1, SeqCst);
            };
            pool.execute(job).unwrap();
            if round % 3 == 0 {
                let mut ys = [0; 10];
                pool.map(0..10, &mut ys, |k| k + round);
                assert_eq!(ys, std::array::from_fn(|k| k + round));
            }
            wait_until(|| RUNS.load(SeqCst) == round + 1);
            dawdle(round);
        }
    });
    assert!(WAKE_UPS.load(SeqCst) > 0);
}

#[test]
fn nobody_wakes_those_who_are_awake() {
    let _watchdog = watchdog();
    static WAKE_UPS: AtomicUsize = AtomicUsize::new(0);
    static GO: AtomicBool = AtomicBool::new(false);
    let pool: Pool<64, Semaphores> = Pool::new(Semaphores::new(&WAKE_UPS));
    serve(&pool, 1, || {
        pool.execute(|| wait_until(|| GO.load(SeqCst))).unwrap();
        // The worker takes that job, and is awake from there on.
        wait_until(|| pool.queued() == 0);
        let before = WAKE_UPS.load(SeqCst);
        for _ in 0..64 {
            pool.execute(|| ()).unwrap();
        }
        assert_eq!(WAKE_UPS.load(SeqCst), before);
        GO.store(true, SeqCst);
    });
}

/// A platform that keeps a record of its hooks. Waiting is yielding.
struct Recorder {
    spins: u32,
    relaxed: AtomicUsize,
    /// `relaxed` at the first `park`.
    relaxed_before: Mutex<Option<usize>>,
    unparked: AtomicUsize,
    spots: Mutex<BTreeSet<usize>>,
}

thread_local! {
    /// This thread is where only `unpark` may be called.
    static INTERRUPT: Cell<bool> = const { Cell::new(false) };
}

impl Recorder {
    fn new(spins: u32) -> Self {
        Self {
            spins,
            relaxed: AtomicUsize::new(0),
            relaxed_before: Mutex::new(None),
            unparked: AtomicUsize::new(0),
            spots: Mutex::new(BTreeSet::new()),
        }
    }

    fn not_in_interrupts() {
        assert!(!INTERRUPT.get(), "a hook that is not for interrupts");
    }
}

impl Platform for &Recorder {
    fn park(&self, spot: usize) {
        Recorder::not_in_interrupts();
        let relaxed = self.relaxed.load(SeqCst);
        self.relaxed_before.lock().unwrap().get_or_insert(relaxed);
        self.spots.lock().unwrap().insert(spot);
        thread::yield_now();
    }

    fn unpark(&self, _spot: usize) {
        self.unparked.fetch_add(1, SeqCst);
    }

    fn ticks(&self) -> u64 {
        Recorder::not_in_interrupts();
        0
    }

    fn quantum(&self) -> u64 {
        Recorder::not_in_interrupts();
        0
    }

    fn spins(&self) -> u32 {
        Recorder::not_in_interrupts();
        self.spins
    }

    fn relax(&self) {
        Recorder::not_in_interrupts();
        self.relaxed.fetch_add(1, SeqCst);
    }
}

#[test]
fn execute_and_close_call_no_hook_but_unpark() {
    let _watchdog = watchdog();
    static GO: AtomicBool = AtomicBool::new(false);
    let platform = Recorder::new(5);
    let pool: Pool<2, &Recorder> = Pool::new(&platform);
    serve(&pool, 1, || {
        wait_until(|| format!("{pool:?}").contains("sleepers: 1"));
        INTERRUPT.set(true);
        pool.execute(|| wait_until(|| GO.load(SeqCst))).unwrap();
        assert_eq!(platform.unparked.load(SeqCst), 1, "it was asleep");
        while pool.execute(|| ()).is_ok() {}
        pool.close();
        assert!(pool.execute(|| ()).unwrap_err().is_closed());
        INTERRUPT.set(false);
        GO.store(true, SeqCst);
    });
}

#[test]
fn a_worker_looks_as_often_as_its_platform_says_before_it_parks() {
    let _watchdog = watchdog();
    for spins in [0, 1, 10, 1000] {
        let platform = Recorder::new(spins as u32);
        let pool: Pool<2, &Recorder> = Pool::new(&platform);
        let looks = || *platform.relaxed_before.lock().unwrap();
        serve(&pool, 1, || wait_until(|| looks().is_some()));
        assert_eq!(looks(), Some(spins));
    }
}

#[test]
fn callers_of_map_have_the_first_four_spots_and_workers_the_next() {
    let _watchdog = watchdog();
    let platform = Recorder::new(0);
    let pool: Pool<2, &Recorder> = Pool::new(&platform);
    let spots = || platform.spots.lock().unwrap().clone();
    // The second of three workers goes, and gives its spot back.
    let _first = by_hand(&pool);
    let second = by_hand(&pool);
    let _third = by_hand(&pool);
    drop(second);
    serve(&pool, 2, || {
        wait_until(|| spots().len() == 2);
        assert!(spots().into_iter().eq([4 + 1, 4 + 3]));
        let caller = thread::current().id();
        // No helper leaves before the caller waits for it.
        let helped = AtomicBool::new(false);
        pool.map(0..100, (), |_| {
            if thread::current().id() != caller {
                helped.store(true, SeqCst);
                wait_until(|| spots().len() == 3);
            }
            wait_until(|| helped.load(SeqCst));
        });
        assert!(*spots().first().unwrap() < 4);
    });
}

#[test]
fn spin_waits_as_its_strategy_says() {
    static RELAXED: AtomicUsize = AtomicUsize::new(0);
    struct Strategy;
    impl spin::RelaxStrategy for Strategy {
        fn relax() {
            RELAXED.fetch_add(1, SeqCst);
            thread::yield_now();
        }
    }
    let _watchdog = watchdog();
    let pool: Pool<2, Spin<Strategy>> = Pool::new(Spin::new());
    serve(&pool, 1, || {
        for _ in 0..3 {
            let before = RELAXED.load(SeqCst);
            wait_until(|| RELAXED.load(SeqCst) > before + 1000);
        }
    });
}

#[test]
fn a_static_pool_on_threads_of_our_own() {
    let _watchdog = watchdog();
    static POOL: Pool<16> = Pool::new(Spin::new());
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let mut threads = Vec::new();
    POOL.start(2, |worker| {
        threads.push(thread::spawn(move || worker.run()));
        Ok::<(), ()>(())
    })
    .unwrap();
    let mut squares = [0; 100];
    POOL.map(0..100, &mut squares, |k| k * k);
    assert_eq!(squares[99], 9801);
    let job = || {
        RUNS.fetch_add(1, SeqCst);
    };
    while POOL.execute(job).is_err() {}
    POOL.close();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(RUNS.load(SeqCst), 1);
}

#[test]
fn a_pool_on_the_stack_may_borrow() {
    let _watchdog = watchdog();
    let pool: Pool<16, Spin> = Pool::new(Spin::new());
    let words = ["ring", "slot", "job"];
    let mut lengths = [0; 3];
    serve(&pool, 2, || {
        pool.map(&words, &mut lengths, |word| word.len())
    });
    assert_eq!(lengths, [4, 4, 3]);
}

#[test]
fn a_super_loop_steps_its_worker() {
    let pool: Pool<16> = Pool::new(Spin::new());
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let mut worker = by_hand(&pool);
    assert!(!worker.step(), "nothing to do, and no waiting");
    for _ in 0..16 {
        let job = || {
            RUNS.fetch_add(1, SeqCst);
        };
        pool.execute(job).unwrap();
    }
    for runs in 0..16 {
        assert_eq!(RUNS.load(SeqCst), runs);
        assert!(worker.step(), "one job at a time");
    }
    assert!(!worker.step());
    pool.close();
    worker.run(); // and leaves at once
}

#[test]
fn a_super_loop_helps_another_core_s_map() {
    let _watchdog = watchdog();
    let pool: Pool<2, common::Lab> = Pool::new(common::Lab::hasty());
    let mut worker = by_hand(&pool);
    let this = thread::current().id();
    let [helped, done] = [const { AtomicBool::new(false) }; 2];
    thread::scope(|scope| {
        scope.spawn(|| {
            // No element ends before the super-loop is at one, too.
            pool.map(0..100, (), |_| {
                if thread::current().id() == this {
                    helped.store(true, SeqCst);
                }
                wait_until(|| helped.load(SeqCst));
            });
            done.store(true, SeqCst);
        });
        while !done.load(SeqCst) {
            worker.step();
        }
    });
    assert!(helped.load(SeqCst));
}

#[test]
fn one_step_runs_one_job_and_then_helps_one_map() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let pool: Pool<2, common::Lab> = Pool::new(common::Lab::hasty());
    let mut worker = by_hand(&pool);
    let this = thread::current().id();
    let [open, helped, done] = [const { AtomicBool::new(false) }; 3];
    let job = || {
        RUNS.fetch_add(1, SeqCst);
    };
    pool.execute(job).unwrap();
    pool.execute(job).unwrap();
    let (mut did, mut had_run) = ([false; 2], [0; 2]);
    thread::scope(|scope| {
        scope.spawn(|| {
            pool.map(0..100, (), |_| {
                if thread::current().id() == this {
                    helped.fetch_or(RUNS.load(SeqCst) == 1, SeqCst);
                } else {
                    open.store(true, SeqCst);
                    wait_until(|| done.load(SeqCst));
                }
            });
        });
        wait_until(|| open.load(SeqCst));
        for step in 0..2 {
            did[step] = worker.step();
            had_run[step] = RUNS.load(SeqCst);
        }
        done.store(true, SeqCst);
    });
    assert!(helped.load(SeqCst), "in the first step, after its job");
    assert_eq!((did, had_run), ([true, true], [1, 2]));
}

/// The most that a hosted system has of interrupts: signals. They stop a thread between any two
/// instructions, also within a submit and within `pop`, and do not let it go on before they are over.
#[cfg(all(unix, not(miri)))]
#[test]
fn an_interrupt_handler_may_submit() {
    use std::os::unix::thread::JoinHandleExt;

    static POOL: Pool<8> = Pool::new(Spin::new());
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static ACCEPTED: AtomicUsize = AtomicUsize::new(0);
    static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);
    static STOP: AtomicBool = AtomicBool::new(false);

    fn submit() {
        let job = || {
            RUNS.fetch_add(1, SeqCst);
        };
        if POOL.execute(job).is_ok() {
            ACCEPTED.fetch_add(1, SeqCst);
        }
    }
    extern "C" fn handler(_signal: libc::c_int) {
        submit();
        INTERRUPTS.fetch_add(1, SeqCst);
    }

    let _watchdog = watchdog();
    // SAFETY: the handler does nothing but atomic operations.
    unsafe { libc::signal(libc::SIGUSR1, handler as *const () as libc::sighandler_t) };
    let victim = thread::spawn(|| {
        let mut worker = by_hand(&POOL);
        while !STOP.load(SeqCst) {
            submit();
            POOL.map(0..20, (), |_| ());
            worker.step();
        }
        while worker.step() {}
    });
    for interrupt in 0..1000 {
        // SAFETY: the thread has not been joined.
        unsafe { libc::pthread_kill(victim.as_pthread_t(), libc::SIGUSR1) };
        wait_until(|| INTERRUPTS.load(SeqCst) > interrupt);
    }
    STOP.store(true, SeqCst);
    victim.join().unwrap();
    assert_eq!(RUNS.load(SeqCst), ACCEPTED.load(SeqCst));
}

/// Without `std` nothing catches a panic.
#[cfg(not(feature = "std"))]
mod without_std {
    use super::*;

    #[test]
    fn a_job_s_panic_goes_to_whoever_steps() {
        let pool: Pool<4> = Pool::new(Spin::new());
        pool.execute(|| panic!("bad job")).unwrap();
        pool.execute(|| ()).unwrap();
        let mut worker = by_hand(&pool);
        assert_eq!(common::panic_message(|| _ = worker.step()), "bad job");
        assert!(worker.step(), "the pool is as good as ever");
    }

    #[test]
    fn a_job_s_panic_ends_the_thread_that_ran_it_and_no_other() {
        let _watchdog = watchdog();
        static POOL: Pool<8, common::Lab> = Pool::new(common::Lab::without_clock());
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let mut threads = Vec::new();
        POOL.start(3, |worker| {
            threads.push(thread::spawn(|| worker.run()));
            Ok::<(), ()>(())
        })
        .unwrap();
        POOL.execute(|| common::quietly("bad job")).unwrap();
        wait_until(|| format!("{POOL:?}").contains("workers: 2"));
        for _ in 0..2 {
            let job = || {
                RUNS.fetch_add(1, SeqCst);
                wait_until(|| RUNS.load(SeqCst) == 2);
            };
            POOL.execute(job).unwrap();
        }
        POOL.close();
        let ends: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        assert_eq!(ends.iter().filter(|end| end.is_err()).count(), 1);
        assert_eq!(RUNS.load(SeqCst), 2);
    }

    #[test]
    fn a_map_that_nobody_helps_unwinds() {
        let pool: Pool<4> = Pool::new(Spin::new());
        let ledger = common::Ledger::new(100);
        let inputs: [_; 100] = std::array::from_fn(|id| ledger.make(id));
        let message = common::panic_message(|| {
            pool.map(inputs, (), |input| assert!(input.id != 42, "bad element"));
        });
        assert_eq!(message, "bad element");
        ledger.check();
    }

    #[cfg(not(miri))]
    #[test]
    fn a_panic_in_a_team_ends_the_program() {
        const CHILD: &str = "RINGPOOL_TEST_CHILD";
        let _watchdog = watchdog();
        if std::env::var_os(CHILD).is_none() {
            // Under an emulator, if this says so (ci/cross.sh).
            let emulator = std::env::var("RINGPOOL_TEST_EMULATOR").unwrap_or_default();
            let mut command = emulator
                .split_whitespace()
                .map(Into::into)
                .collect::<Vec<_>>();
            command.push(std::env::current_exe().unwrap());
            let output = std::process::Command::new(&command[0])
                .args(&command[1..])
                .args(["--exact", "without_std::a_panic_in_a_team_ends_the_program"])
                .arg("--nocapture")
                .env(CHILD, "1")
                .output()
                .unwrap();
            let says = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(says.contains("bad element"), "{says}");
            assert!(
                says.contains("would leave other threads in a frame that is gone"),
                "{says}"
            );
            assert!(!says.contains("went on"), "{says}");
            assert!(!output.status.success());
            return;
        }
        let pool: Pool<4, common::Lab> = Pool::new(common::Lab::hasty());
        serve(&pool, 1, || {
            let caller = thread::current().id();
            pool.map(0..isize::MAX as usize, (), |_| {
                assert!(thread::current().id() == caller, "bad element");
            });
        });
        eprintln!("went on");
    }
}
