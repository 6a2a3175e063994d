//! What every board checks of its pool: [`cores`] on boards with several cores, [`super_loop`] on those with
//! one. A check that fails panics, which the board turns into an exit status; so does one that waits for too
//! long.

#![no_std]

pub mod cores;
#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
pub mod events;
pub mod super_loop;

use core::fmt;

use portable_atomic::{AtomicUsize, Ordering::SeqCst};
use ringpool::{Platform, Pool, Worker};

/// The pool that is checked.
pub type Checked<B> = Pool<16, B>;

/// A board: the platform of its pool, and what the checks have to know besides. What state it has is static.
pub trait Board: Platform + Default + 'static {
    /// How many cores there are.
    const CORES: usize;

    /// How many ticks of `now` a millisecond has.
    const MILLISECOND: u64;

    /// How many ticks a job may wait while the only core has nothing else to do: fewer than lie between some interrupts.
    /// (By default it may wait for ever, because the clock may go on while the core stands still.)
    const PATIENCE: u64 = u64::MAX;

    /// A clock, which may wrap at 32 bits.
    fn now() -> u64;

    /// The core that this runs on, from 0.
    fn core() -> usize;

    /// The spawn hook: has [`cores::serve`] called with the worker, on a core that has none yet.
    fn spawn(worker: Worker<'static>) -> Result<(), &'static str>;

    /// How often `park` has waited so far, on all cores.
    fn naps() -> usize;

    /// Lets an interrupt come on core 0, again and again, which calls [`interrupt`]; or stops it.
    fn interrupts(on: bool);

    /// Prints a line.
    fn print(line: fmt::Arguments<'_>);
}

/// How many interrupts there were.
static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// How many jobs were accepted from interrupts, and how many of them ran.
static SENT: AtomicUsize = AtomicUsize::new(0);
static RECEIVED: AtomicUsize = AtomicUsize::new(0);

/// The pool closes when so many of them ran. From then on, when this is set, there is one such job at a time.
static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// How often an interrupt has found the job of an earlier one still waiting, and when that was queued.
static WAITED: AtomicUsize = AtomicUsize::new(0);
static QUEUED_AT: AtomicUsize = AtomicUsize::new(0);

/// What the board's interrupt handler calls.
pub fn interrupt<B: Board>(pool: &'static Checked<B>) {
    INTERRUPTS.fetch_add(1, SeqCst);
    // Nobody else changes it.
    let number = SENT.load(SeqCst);
    if LAST.load(SeqCst) != usize::MAX && RECEIVED.load(SeqCst) != number {
        // One more job would make good what the last one's submit failed to do.
        let waited = WAITED.fetch_add(1, SeqCst);
        assert!(
            waited < 1000,
            "a job is queued, and nobody was woken for it"
        );
        // Any interrupt ends a WFI: so one that was begun in spite of a token, too.
        let waited = since::<B>(QUEUED_AT.load(SeqCst) as u64);
        assert!(
            waited < B::PATIENCE,
            "the core slept while a job was queued"
        );
        return;
    }
    WAITED.store(0, SeqCst);
    QUEUED_AT.store(B::now() as usize, SeqCst);
    let in_order = move || {
        let received = RECEIVED.fetch_add(1, SeqCst);
        // With one worker, jobs run in the order in which they were queued.
        assert!(
            B::CORES > 2 || received == number,
            "{number} came as {received}"
        );
        if received + 1 == LAST.load(SeqCst) {
            pool.close();
        }
    };
    match pool.execute(in_order) {
        Ok(()) => SENT.store(number + 1, SeqCst),
        Err(rejected) if rejected.is_closed() => assert_ne!(LAST.load(SeqCst), usize::MAX),
        Err(_) => (),
    }
}

/// The clocks go on. First of all, because the other checks measure with them how long they wait.
fn clocks_go_on<B: Board>() {
    check::<B>("the clocks go on: the board's, and the platform's if it has one");
    clocks_of_this_core_go_on::<B>();
}

fn clocks_of_this_core_go_on<B: Board>() {
    let platform = B::default();
    let goes_on = |clock: &dyn Fn() -> u64| {
        let start = clock();
        // Enough for one that ticks every millisecond.
        (0..1 << 20).any(|_| clock() != start)
    };
    assert!(
        goes_on(&B::now),
        "core {}: `Board::now` stands still",
        B::core()
    );
    assert!(
        platform.quantum() == 0 || goes_on(&|| platform.ticks()),
        "core {}: `Platform::ticks` stands still: start its counter, on every core, or leave out `quantum`",
        B::core()
    );
}

/// The contract of `Platform`, as far as one core can check it.
fn a_token_stays<B: Board>() {
    check::<B>("a token that is left before the park is not lost");
    // Callers of `map` may be on any core; the first worker is on this one if there is no other.
    let spots = if B::CORES == 1 { 5 } else { 4 };
    for spot in 0..spots {
        // Before, because a token that is lost keeps this core here.
        B::print(format_args!("  spot {spot}: unpark, then park"));
        B::default().unpark(spot);
        B::default().park(spot);
    }
}

/// Queues jobs with a number of 64 bits each, as a timestamp is, and has them `run`.
fn jobs_capture_64_bits<B: Board>(pool: &'static Checked<B>, run: impl FnOnce(&dyn Fn() -> bool)) {
    check::<B>("a job captures 64 bits, in every slot");
    static CAME: AtomicUsize = AtomicUsize::new(0);
    for number in 0..16 {
        let time = u64::MAX / (number + 1);
        let job = move || {
            assert_eq!(time, u64::MAX / (number + 1));
            CAME.fetch_add(1, SeqCst);
        };
        if let Err(rejected) = pool.execute(job) {
            rejected.into_inner()();
        }
    }
    run(&|| CAME.load(SeqCst) == 16);
}

/// Names a check, before it runs.
fn check<B: Board>(name: &str) {
    B::print(format_args!("check: {name}"));
}

/// Waits for something that must come.
#[track_caller]
fn wait_until<B: Board>(what: &str, came: impl Fn() -> bool) {
    let start = B::now();
    while !came() {
        assert!(
            since::<B>(start) < 20_000 * B::MILLISECOND,
            "waited 20 s until {what}"
        );
        core::hint::spin_loop();
    }
}

/// Lets time pass. (None at all, if it is none: reading the clock may take longer than a short map.)
fn pause<B: Board>(ticks: u64) {
    if ticks == 0 {
        return;
    }
    let start = B::now();
    while since::<B>(start) < ticks {
        core::hint::spin_loop();
    }
}

fn since<B: Board>(start: u64) -> u64 {
    B::now().wrapping_sub(start) & u64::from(u32::MAX)
}

/// Maps within a map.
fn nested<B: Board>(pool: &Checked<B>, pause_ticks: u64) {
    let mut sums = [0; 8];
    pool.map(0..8, &mut sums, |i| {
        let mut products = [0; 16];
        pool.map(0..16, &mut products, |j| {
            pause::<B>(pause_ticks);
            i * j
        });
        products.iter().sum::<usize>()
    });
    assert!((0..8).map(|i| i * 120).eq(sums));
}
