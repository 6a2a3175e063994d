//! RP2040, embassy-rp: tasks on core 0 await what jobs on core 1 tell them.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_rp::multicore::{Stack, spawn_core1};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Instant, Timer};
use panic_halt as _;
use ringpool::{Platform, Pool, Wfe};
use static_cell::ConstStaticCell;

/// Each core's SEV reaches the other, and the executor on core 0 waits by WFE too.
struct Rp2040;

impl Platform for Rp2040 {
    fn park(&self, spot: usize) {
        Wfe.park(spot);
    }
    fn unpark(&self, spot: usize) {
        Wfe.unpark(spot);
    }
    fn ticks(&self) -> u64 {
        Instant::now().as_ticks()
    }
    fn quantum(&self) -> u64 {
        5 // microseconds
    }
}

static POOL: Pool<16, Rp2040> = Pool::new(Rp2040);
static CORE1_STACK: ConstStaticCell<Stack<4096>> = ConstStaticCell::new(Stack::new()); // bytes

/// How a job tells a task its result.
static SUM: Signal<CriticalSectionRawMutex, u32> = Signal::new();

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let chip = embassy_rp::init(Default::default());
    let mut core1 = Some(chip.CORE1);
    let spawn = |worker: ringpool::Worker<'static>| {
        let core1 = core1.take().ok_or("one core is free")?;
        spawn_core1(core1, CORE1_STACK.take(), move || -> ! {
            worker.run();
            loop {
                Wfe.park(0); // the pool is closed
            }
        });
        Ok::<(), &str>(())
    };
    POOL.start(1, spawn).unwrap();

    loop {
        // The other tasks of core 0 go on meanwhile. (A `map` here would keep them waiting.)
        if POOL.execute(|| SUM.signal((0..1000).sum())).is_ok() {
            let _sum: u32 = SUM.wait().await;
        }
        Timer::after_millis(10).await;
    }
}
