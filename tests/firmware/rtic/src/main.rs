//! The pool under RTIC, on one core.
//!
//! | priority | task | |
//! |---|---|---|
//! | 0 | `idle` | runs a worker, and sleeps when there is nothing to do |
//! | 1 | `control` | submits jobs, awaits their results, maps |
//! | 2 | `helper` | steps another worker, which so helps whom it interrupts |
//! | 3 | SysTick | submits jobs, maps |
//!
//! All of them may call `execute` and `map`. A map is helped by those only that interrupt it, and these have left it
//! before it goes on: its caller never waits for somebody below, who could not run. [`Rtic::park`] would tell.
//!
//! Who is above a worker and finds the ring full must not try again and again, but *wait*: for a result, as `control`
//! does, or for its next turn, as SysTick does.

#![no_std]
#![no_main]

#[path = "../../cortex-m/src/platform.rs"]
mod platform;

use core::hint::black_box;

use cortex_m_semihosting::{debug, hprintln};
use portable_atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use ringpool::{Platform, Pool, Worker};
use rtic_sync::channel::{Receiver, Sender};

use crate::platform::CortexM;

/// One core's way to sleep; nobody does but the worker of `idle`.
struct Rtic;

impl Platform for Rtic {
    fn park(&self, spot: usize) {
        assert_eq!(spot, 4, "a caller of `map` waits");
        CortexM.park(spot);
    }

    fn unpark(&self, spot: usize) {
        CortexM.unpark(spot);
    }

    fn ticks(&self) -> u64 {
        CortexM.ticks()
    }

    fn quantum(&self) -> u64 {
        CortexM.quantum()
    }
}

const CAPACITY: usize = 16;
static POOL: Pool<CAPACITY, Rtic> = Pool::new(Rtic);

type Results = Receiver<'static, usize, CAPACITY>;
type Reply = Sender<'static, usize, CAPACITY>;

/// What SysTick does, besides keeping the time.
static SUBMITS: AtomicBool = AtomicBool::new(false);
static MAPS: AtomicBool = AtomicBool::new(false);
static CLOSES: AtomicBool = AtomicBool::new(false);

/// How many jobs SysTick has submitted.
static SENT: AtomicUsize = AtomicUsize::new(0);

/// How many maps SysTick has done, and how many of them in the middle of `helper`'s step.
static MAPPED: AtomicUsize = AtomicUsize::new(0);
static MAPPED_OVER_HELPER: AtomicUsize = AtomicUsize::new(0);

/// `helper` is in the middle of a step.
static HELPING: AtomicBool = AtomicBool::new(false);

/// Does something for `turns`, and says whether in a step of `helper`.
fn work(turns: usize) -> bool {
    (0..turns).for_each(|turn| {
        black_box(turn);
    });
    HELPING.load(Relaxed)
}

/// Maps, and returns how many elements `helper` did, if it is not `helper` that maps.
fn map<const LENGTH: usize>(turns: usize) -> usize {
    let helper = HELPING.load(Relaxed);
    let mut results = [(usize::MAX, false); LENGTH];
    POOL.map(0..LENGTH, &mut results, |k| (k * k, work(turns)));
    for (k, (square, _)) in results.iter().enumerate() {
        assert_eq!(*square, k * k);
    }
    results
        .iter()
        .filter(|(_, helped)| *helped != helper)
        .count()
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

#[rtic::app(device = lm3s6965, dispatchers = [GPIOA, GPIOB])]
mod app {
    use super::*;

    #[shared]
    struct Shared {}

    #[local]
    struct Local {
        low: Option<Worker<'static>>,
        high: Option<Worker<'static>>,
        reply: Reply,
    }

    #[init]
    fn init(mut cx: init::Context) -> (Shared, Local) {
        let mut workers = [None, None];
        let mut places = workers.iter_mut();
        let start = POOL.start(2, |worker| {
            *places.next().ok_or("two only")? = Some(worker);
            Ok::<(), &str>(())
        });
        assert!(start.is_ok());
        let [low, high] = workers;
        let (reply, results) = rtic_sync::make_channel!(usize, CAPACITY);
        platform::start_clock(&mut cx.core.SYST, period());
        assert!(control::spawn(reply.clone(), results).is_ok());
        (Shared {}, Local { low, high, reply })
    }

    #[idle(local = [low])]
    fn idle(cx: idle::Context) -> ! {
        cx.local.low.take().expect("a worker").run();
        // Closed, when all else was done.
        assert!(POOL.execute(|| ()).is_err_and(|it| it.is_closed()));
        hprintln!("  {} naps", platform::NAPS.load(Relaxed));
        hprintln!("all checks passed");
        debug::exit(debug::EXIT_SUCCESS);
        panic!("exit")
    }

    #[task(priority = 1)]
    async fn control(_: control::Context, reply: Reply, mut results: Results) {
        hprintln!("check: jobs from an interrupt are run, in order, by who sleeps meanwhile");
        let naps = platform::NAPS.load(Relaxed);
        SUBMITS.store(true, Relaxed);
        for number in 0..6000 {
            assert_eq!(results.recv().await, Ok(number));
        }
        SUBMITS.store(false, Relaxed);
        for number in 6000..SENT.load(Relaxed) {
            assert_eq!(results.recv().await, Ok(number));
        }
        let naps = platform::NAPS.load(Relaxed) - naps;
        assert!((3000..15_000).contains(&naps), "{naps} naps");

        hprintln!("check: who is above the worker finds the ring full, and waits for a result");
        let (mut queued, mut full, mut done) = (0, 0, 0);
        while queued != 1000 {
            let (number, mut reply) = (queued, reply.clone());
            let job = move || assert!(reply.try_send(number).is_ok());
            if POOL.execute(job).is_ok() {
                queued += 1;
            } else {
                full += 1;
                assert_eq!(results.recv().await, Ok(done));
                done += 1;
            }
        }
        for number in done..queued {
            assert_eq!(results.recv().await, Ok(number));
        }
        assert_ne!(full, 0);

        hprintln!("check: maps at priorities 0, 1 and 3, with a helper of priority 2");
        MAPS.store(true, Relaxed);
        let (mut helped, mut helped_job) = (0, 0);
        for _ in 0..300 {
            helped += map::<32>(100);
            let mut reply = reply.clone();
            let job = move || assert!(reply.try_send(map::<32>(100)).is_ok());
            assert!(POOL.execute(job).is_ok());
            helped_job += results.recv().await.expect("a result");
        }
        MAPS.store(false, Relaxed);
        let [mapped, over_helper] = [&MAPPED, &MAPPED_OVER_HELPER].map(|count| count.load(Relaxed));
        hprintln!(
            "  {} and {} elements helped; {} maps of an interrupt, {} in the middle of help",
            helped,
            helped_job,
            mapped,
            over_helper
        );
        assert!(helped != 0 && helped_job != 0 && over_helper != 0);

        hprintln!("check: an interrupt closes the pool, and the worker leaves");
        CLOSES.store(true, Relaxed);
    }

    #[task(priority = 2, local = [high])]
    async fn helper(cx: helper::Context) {
        let worker = cx.local.high.as_mut().expect("a worker");
        HELPING.store(true, Relaxed);
        while worker.step() {}
        HELPING.store(false, Relaxed);
    }

    #[task(binds = SysTick, priority = 3, local = [reply])]
    fn tick(cx: tick::Context) {
        platform::on_tick(period());
        if SUBMITS.load(Relaxed) {
            let (number, mut reply) = (SENT.load(Relaxed), cx.local.reply.clone());
            let job = move || assert!(reply.try_send(number).is_ok());
            if POOL.execute(job).is_ok() {
                SENT.store(number + 1, Relaxed);
            }
        }
        if MAPS.load(Relaxed) {
            let over_helper = HELPING.load(Relaxed);
            map::<4>(50);
            MAPPED.fetch_add(1, Relaxed);
            MAPPED_OVER_HELPER.fetch_add(over_helper.into(), Relaxed);
            // It may not have had its turn yet since the last time.
            let _ = helper::spawn();
        }
        if CLOSES.load(Relaxed) {
            POOL.close();
        }
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}
