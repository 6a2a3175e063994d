//! The pool under Embassy, on one core, in two ways:
//!
//! * *The worker below*: thread mode runs it, and sleeps when there is nothing to do. Async tasks, on an executor that
//!   interrupts thread mode, submit jobs and await what comes back. One that finds the ring full must not try again
//!   at once, or the worker has no time to make room: it awaits something that comes when a job is done.
//! * *The worker beside*: it is a task among the others of an executor, and waits for a signal that follows each
//!   `execute`. Here a task that finds the ring full lets the others go on (`yield_now`) and tries again.
//!
//! Maps are called from tasks and from jobs, and interrupt each other. None ever waits for another.

#![no_std]
#![no_main]

#[path = "../../cortex-m/src/platform.rs"]
mod platform;

use core::hint::black_box;

use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::{debug, hprintln};
use embassy_executor::{InterruptExecutor, SendSpawner, task};
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use lm3s6965::Interrupt;
use portable_atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use ringpool::{Platform, Pool, Worker};

use crate::platform::CortexM;

type Signal<T> = embassy_sync::signal::Signal<CriticalSectionRawMutex, T>;

static BELOW: Pool<16, CortexM> = Pool::new(CortexM);
static BESIDE: Pool<4, Nobody> = Pool::new(Nobody);

/// For a pool whose only worker is stepped, on one core: nobody ever waits.
struct Nobody;

impl Platform for Nobody {
    fn park(&self, spot: usize) {
        panic!("somebody waits at spot {spot}");
    }

    fn unpark(&self, spot: usize) {
        panic!("nobody waits at spot {spot}");
    }
}

static EXECUTOR: InterruptExecutor = InterruptExecutor::new();

/// At each interrupt of SysTick.
static TICK: Signal<()> = Signal::new();

/// What a job found out.
static RESULT: Signal<usize> = Signal::new();

/// Jobs that ran, and a signal after each of them.
static RAN: AtomicUsize = AtomicUsize::new(0);
static DONE: Signal<()> = Signal::new();

/// There may be work for the worker beside.
static WORK: Signal<()> = Signal::new();

#[entry]
fn main() -> ! {
    let mut core = cortex_m::Peripherals::take().unwrap();
    // SAFETY: no critical section relies on priorities.
    unsafe { core.NVIC.set_priority(Interrupt::GPIOA, 0x80) };
    platform::start_clock(&mut core.SYST, period());
    let spawner = EXECUTOR.start(Interrupt::GPIOA);
    spawner.spawn(control(spawner).unwrap());
    hire(&BELOW).run();
    // Closed, when all else was done.
    assert!(BELOW.execute(|| ()).is_err_and(|it| it.is_closed()));
    hprintln!("all checks passed");
    debug::exit(debug::EXIT_SUCCESS);
    panic!("exit")
}

fn hire<const CAPACITY: usize, P: Platform>(pool: &Pool<CAPACITY, P>) -> Worker<'_> {
    let mut worker = None;
    let start = pool.start(1, |it| {
        worker = Some(it);
        Ok::<(), ()>(())
    });
    assert!(start.is_ok());
    worker.expect("the spawn hook was called")
}

#[task]
async fn control(spawner: SendSpawner) {
    results_come_by_signal().await;
    who_is_above_the_worker_waits_for_room().await;
    maps_interrupt_maps().await;
    spawner.spawn(work_beside(hire(&BESIDE)).unwrap());
    who_is_beside_the_worker_yields().await;
    hprintln!("check: the pool is closed, and the worker below leaves");
    TICK.reset();
    TICK.wait().await;
    TICK.wait().await;
    BELOW.close();
}

async fn results_come_by_signal() {
    hprintln!("check: a job's result comes back by a signal, and meanwhile all sleep");
    let naps = platform::NAPS.load(Relaxed);
    for number in 0..6000 {
        TICK.wait().await;
        assert!(
            BELOW
                .execute(move || RESULT.signal(number * number))
                .is_ok()
        );
        assert_eq!(RESULT.wait().await, number * number);
    }
    let naps = platform::NAPS.load(Relaxed) - naps;
    assert!((3000..15_000).contains(&naps), "{naps} naps");
}

/// A job that has to be the `number`-th.
fn job(number: usize) -> impl FnOnce() + Send + 'static {
    move || {
        assert_eq!(RAN.fetch_add(1, Relaxed), number);
        DONE.signal(());
    }
}

async fn who_is_above_the_worker_waits_for_room() {
    hprintln!("check: who is above the worker finds the ring full, and waits for a job's end");
    let mut full = 0;
    for number in 0..1000 {
        while BELOW.execute(job(number)).is_err() {
            full += 1;
            DONE.wait().await;
        }
    }
    while RAN.load(Relaxed) != 1000 {
        DONE.wait().await;
    }
    assert_ne!(full, 0);
}

/// Takes longer than a period of SysTick.
fn map() -> usize {
    let mut squares = [0; 64];
    BELOW.map(0..64, &mut squares, |k| {
        (0..100).for_each(|turn| {
            black_box(turn);
        });
        k * k
    });
    assert!((0..64).map(|k| k * k).eq(squares));
    squares.iter().sum()
}

async fn maps_interrupt_maps() {
    hprintln!("check: a task maps in the middle of a job's map");
    static MAPPING: AtomicBool = AtomicBool::new(false);
    let mut interrupted = 0;
    for _ in 0..200 {
        let job = || {
            MAPPING.store(true, Relaxed);
            let sum = map();
            MAPPING.store(false, Relaxed);
            RESULT.signal(sum);
        };
        assert!(BELOW.execute(job).is_ok());
        TICK.reset();
        TICK.wait().await;
        interrupted += usize::from(MAPPING.load(Relaxed));
        let sum = map();
        assert_eq!(RESULT.wait().await, sum);
    }
    hprintln!("  {} of 200", interrupted);
    assert_ne!(interrupted, 0);
}

#[task]
async fn work_beside(mut worker: Worker<'static>) {
    loop {
        WORK.wait().await;
        while worker.step() {
            yield_now().await;
        }
    }
}

async fn who_is_beside_the_worker_yields() {
    hprintln!("check: who is beside the worker finds the ring full, and lets others go on");
    let mut full = 0;
    for number in 1000..2000 {
        while BESIDE.execute(job(number)).is_err() {
            full += 1;
            yield_now().await;
        }
        WORK.signal(());
    }
    while RAN.load(Relaxed) != 2000 {
        DONE.wait().await;
    }
    assert_ne!(full, 0);
    let mut doubles = [0; 100];
    BESIDE.map(0..100, &mut doubles, |k| 2 * k);
    assert!((0..100).map(|k| 2 * k).eq(doubles));
}

/// The length of SysTick's next period, in ticks. Every other one is long enough for all that there is to do; those
/// between are of all lengths, so that it comes everywhere.
fn period() -> u32 {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Relaxed);
    assert!(count < 40_000, "it has taken too long");
    match count % 2 {
        0 => 8000,
        _ => 200 + (count / 2 * 619 % 3001) as u32,
    }
}

#[exception]
fn SysTick() {
    platform::on_tick(period());
    TICK.signal(());
}

/// Runs the tasks.
#[unsafe(no_mangle)]
extern "C" fn GPIOA() {
    // SAFETY: called here only; this interrupt comes after `start`, which lets it through.
    unsafe { EXECUTOR.on_interrupt() };
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}
