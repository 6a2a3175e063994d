//! ESP32-P4, esp-hal: core 0 maps, core 1 is the worker.
#![no_std]
#![no_main]

use core::mem;

use esp_hal::system::{CpuControl, Error, Stack};
use panic_halt as _;
use ringpool::{Pool, Spin};

static POOL: Pool<16> = Pool::new(Spin::new()); // in internal RAM: not in PSRAM
static mut CORE1_STACK: Stack<8192> = Stack::new(); // bytes

#[esp_hal::main]
fn main() -> ! {
    let chip = esp_hal::init(esp_hal::Config::default());
    let mut cores = CpuControl::new(chip.CPU_CTRL);
    let mut guard = None;
    POOL.start(1, |worker| {
        // SAFETY: this hook is called once.
        let stack = unsafe { &mut *(&raw mut CORE1_STACK) };
        guard = Some(cores.start_app_core(stack, move || worker.run())?);
        Ok::<(), Error>(())
    })
    .unwrap();
    // Dropped, it would park the core, and the worker with it.
    mem::forget(guard);

    let mut squares = [0; 64];
    loop {
        POOL.map(0..64, &mut squares, |k| k * k);
    }
}
