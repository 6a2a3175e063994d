//! What the tests share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{process, thread};

use ringpool::{Platform, Pool, Worker};

/// Far more than any test takes, on any machine.
const LIMIT: Duration = Duration::from_secs(if cfg!(miri) { 1800 } else { 120 });

/// Ends the program, and names the test, if what this returns is not dropped in time.
#[track_caller]
#[must_use = "it watches until it is dropped"]
pub fn watchdog() -> Sender<()> {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    watchdog_over(format!("{test} ({})", Location::caller()))
}

/// Ends the program, and says that `what` hangs, if what this returns is not dropped in time.
pub fn watchdog_over(what: String) -> Sender<()> {
    let (alive, ended) = mpsc::channel();
    thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // Not `eprintln`, which the test harness would keep.
            let _ = writeln!(std::io::stderr(), "\n{what} hangs");
            process::abort();
        }
    });
    alive
}

/// How often to repeat: `full` times, but not under Miri.
pub fn rounds(full: usize) -> usize {
    if cfg!(miri) {
        (full / 1000).clamp(2, 20)
    } else {
        full
    }
}

/// Waits for another thread to make `condition` true. A test that calls it has a watchdog.
pub fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

/// Lets a short time pass, another one from round to round: up to some 10 us, in steps of some 10 ns.
pub fn dawdle(round: usize) {
    for _ in 0..round * 7 % 509 {
        std::hint::spin_loop();
    }
}

/// The message with which `f` panics.
pub fn panic_message(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("no panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("no message")).to_owned(),
    }
}

/// Panics without a message on the terminal.
pub fn quietly(payload: &'static str) -> ! {
    resume_unwind(Box::new(payload))
}

/// A platform that needs no feature. Waiting is yielding.
#[derive(Debug)]
pub struct Lab {
    quantum: u64,
    now: AtomicU64,
}

impl Lab {
    /// Its clock stands still: a map opens a team before its first element.
    pub const fn without_clock() -> Self {
        Self::with_quantum(0)
    }

    /// Its clock goes on at each look: a map opens a team before its first element, and its chunks are
    /// as short as can be.
    pub const fn hasty() -> Self {
        Self::with_quantum(1)
    }

    /// No map is worth a team, but for the first call of a function.
    pub const fn lazy() -> Self {
        Self::with_quantum(u64::MAX)
    }

    const fn with_quantum(quantum: u64) -> Self {
        Self {
            quantum,
            now: AtomicU64::new(0),
        }
    }
}

impl Platform for Lab {
    fn park(&self, _spot: usize) {
        thread::yield_now();
    }

    fn unpark(&self, _spot: usize) {}

    fn ticks(&self) -> u64 {
        match self.quantum {
            0 => 0,
            _ => self.now.fetch_add(1, SeqCst),
        }
    }

    fn quantum(&self) -> u64 {
        self.quantum
    }

    fn relax(&self) {
        thread::yield_now();
    }
}

/// Binary semaphores, as an RTOS has them: whoever waits and gets no token waits for ever.
pub struct Tokens {
    there: Mutex<[bool; 256]>,
    changed: Condvar,
}

impl Tokens {
    pub const fn new() -> Self {
        Self {
            there: Mutex::new([false; 256]),
            changed: Condvar::new(),
        }
    }

    pub fn leave(&self, spot: usize) {
        self.there.lock().unwrap()[spot] = true;
        self.changed.notify_all();
    }

    pub fn take(&self, spot: usize) {
        let there = self.there.lock().unwrap();
        let mut there = self
            .changed
            .wait_while(there, |there| !there[spot])
            .unwrap();
        there[spot] = false;
    }
}

/// Does something at the end of the scope, however that comes.
pub struct AtEnd<F: Fn()>(pub F);

impl<F: Fn()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs `test` while `workers` threads serve `pool`, which is closed at the end.
pub fn serve<P: Platform, const C: usize, const W: usize>(
    pool: &Pool<C, P, W>,
    workers: usize,
    test: impl FnOnce(),
) {
    thread::scope(|scope| {
        // A failed assertion of the test must not keep the scope waiting for the workers.
        let _close = AtEnd(|| pool.close());
        pool.start(workers, |worker| {
            scope.spawn(move || worker.run());
            Ok::<(), ()>(())
        })
        .unwrap();
        test();
    });
}

/// Maps so many elements with a map within each, whose results are others in each `round`, and checks them.
#[track_caller]
pub fn check_maps_within_a_map<P: Platform, const C: usize, const W: usize>(
    pool: &Pool<C, P, W>,
    elements: usize,
    round: usize,
) {
    let mut sums = vec![0; elements];
    pool.map(0..elements, &mut sums[..], |i| {
        let mut terms = [0; 4];
        pool.map(0..4, &mut terms, |j| i * j + round);
        terms.iter().sum()
    });
    let expected: Vec<_> = (0..elements).map(|i| 6 * i + 4 * round).collect();
    assert_eq!(sums, expected);
}

/// Maps elements none of which ends before two helpers are at work. For a pool with two idle workers.
pub fn two_help_at_once<P: Platform, const C: usize, const W: usize>(pool: &Pool<C, P, W>) {
    let caller = thread::current().id();
    let (inside, met) = (AtomicUsize::new(0), AtomicBool::new(false));
    pool.map(0..100, (), |_| {
        let helps = usize::from(thread::current().id() != caller);
        let most = inside.fetch_add(helps, SeqCst) + helps;
        met.fetch_or(most >= 2, SeqCst);
        wait_until(|| met.load(SeqCst));
        inside.fetch_sub(helps, SeqCst);
    });
}

/// Runs `test` on pools of every temper: none helps, all help at once, helpers take crumbs.
pub fn on_every_pool(test: impl Fn(&Pool<16, Lab>)) {
    for (platform, workers) in [
        (Lab::lazy(), 0),
        (Lab::without_clock(), 0),
        (Lab::without_clock(), 2),
        (Lab::hasty(), 1),
        (Lab::hasty(), 3),
    ] {
        let pool = Pool::new(platform);
        serve(&pool, workers, || test(&pool));
    }
}

/// A worker that the test itself steps.
pub fn by_hand<P: Platform, const C: usize, const W: usize>(pool: &Pool<C, P, W>) -> Worker<'_> {
    let mut worker = None;
    pool.start(1, |it| {
        worker = Some(it);
        Ok::<(), ()>(())
    })
    .unwrap();
    worker.unwrap()
}

/// Counts, for each of some values, how often it was made and how often it was dropped.
#[derive(Clone)]
pub struct Ledger(Arc<[[AtomicU8; 2]]>);

impl Ledger {
    pub fn new(values: usize) -> Self {
        Self((0..values).map(|_| Default::default()).collect())
    }

    /// Makes value `id`.
    pub fn make(&self, id: usize) -> Entry {
        self.0[id][0].fetch_add(1, SeqCst);
        Entry {
            ledger: self.clone(),
            id,
        }
    }

    pub fn made(&self) -> usize {
        self.0
            .iter()
            .filter(|entry| entry[0].load(SeqCst) != 0)
            .count()
    }

    /// Checks that nothing was made twice, and what was made is gone, once.
    #[track_caller]
    pub fn check(&self) {
        for (id, [made, dropped]) in self.0.iter().enumerate() {
            let (made, dropped) = (made.load(SeqCst), dropped.load(SeqCst));
            assert!(
                made <= 1 && dropped == made,
                "value {id} was made {made} times and dropped {dropped} times"
            );
        }
    }
}

/// A value that its [`Ledger`] counts.
pub struct Entry {
    ledger: Ledger,
    pub id: usize,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.ledger.0[self.id][1].fetch_add(1, SeqCst);
    }
}

/// Counts the calls of a scenario, and has one of them fail.
#[derive(Debug)]
pub struct Fuse {
    calls: AtomicUsize,
    bad: usize,
}

impl Fuse {
    /// Counts a call; says whether it is the one to fail.
    pub fn blows(&self) -> bool {
        self.calls.fetch_add(1, SeqCst) == self.bad
    }

    /// Counts a call, which panics (without a message on the terminal) if it is the one to fail.
    pub fn burn(&self) {
        if self.blows() {
            resume_unwind(Box::new("the fuse has blown"));
        }
    }
}

/// Runs `scenario` with a fault in its first call, then with one in its second, and so on, until it ends
/// without one.
pub fn at_every_call(scenario: impl Fn(&Arc<Fuse>)) {
    for bad in 0.. {
        let fuse = Arc::new(Fuse {
            calls: AtomicUsize::new(0),
            bad,
        });
        let result = catch_unwind(AssertUnwindSafe(|| scenario(&fuse)));
        if let Err(failure) = result {
            eprintln!("with a fault in call {bad}");
            resume_unwind(failure);
        }
        if fuse.calls.load(SeqCst) <= bad {
            assert!(bad != 0, "it makes no call");
            break;
        }
    }
}
