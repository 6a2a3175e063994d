//! RP2040, rp2040-hal: core 0 maps, an interrupt submits, core 1 is the worker.
#![no_std]
#![no_main]

use panic_halt as _;
use ringpool::{Platform, Pool, Wfe};
use rp2040_hal::multicore::{Multicore, Stack};
use rp2040_hal::pac::{self, interrupt};
use rp2040_hal::{Sio, Watchdog, clocks};

/// Each core's SEV reaches the other; the timer counts microseconds.
struct Rp2040;

impl Platform for Rp2040 {
    fn park(&self, spot: usize) {
        Wfe.park(spot);
    }
    fn unpark(&self, spot: usize) {
        Wfe.unpark(spot);
    }
    fn ticks(&self) -> u64 {
        // SAFETY: reading the counter changes nothing.
        let timer = unsafe { &*pac::TIMER::ptr() };
        timer.timerawl().read().bits().into()
    }
    fn quantum(&self) -> u64 {
        5 // microseconds
    }
}

static POOL: Pool<16, Rp2040> = Pool::new(Rp2040);
static CORE1_STACK: Stack<1024> = Stack::new(); // words

#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

// Not cortex-m-rt's: it frees the chip's locks, which a reset of the cores leaves taken.
#[rp2040_hal::entry]
fn main() -> ! {
    let mut chip = pac::Peripherals::take().unwrap();
    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    // Sets up the timer's tick too: without it the clock stands still.
    let clocks = clocks::init_clocks_and_plls(
        12_000_000,
        chip.XOSC,
        chip.CLOCKS,
        chip.PLL_SYS,
        chip.PLL_USB,
        &mut chip.RESETS,
        &mut watchdog,
    );
    assert!(clocks.is_ok());

    let mut sio = Sio::new(chip.SIO);
    let mut cores = Multicore::new(&mut chip.PSM, &mut chip.PPB, &mut sio.fifo);
    let core1 = &mut cores.cores()[1];
    POOL.start(1, |worker| {
        core1.spawn(CORE1_STACK.take().unwrap(), move || worker.run())
    })
    .unwrap();

    let mut squares = [0; 64];
    loop {
        POOL.map(0..64, &mut squares, |k| k * k);
    }
}

#[interrupt]
fn IO_IRQ_BANK0() {
    if POOL.execute(|| { /* on core 1 */ }).is_err() {
        // The ring is full: count it, or drop it.
    }
}
