//! Counts instructions: in an emulator whose clock goes by them. What a clock's tick is in instructions, it finds
//! out with a row of NOPs.

#![no_std]
#![no_main]

use core::arch::asm;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::peripheral::{SCB, SYST, syst::SystClkSource};
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::{debug, hprintln};
use ringpool::{Platform, Pool, Worker};

/// Nobody sleeps here.
struct Awake;

impl Platform for Awake {
    fn park(&self, _spot: usize) {}

    fn unpark(&self, _spot: usize) {}
}

static POOL: Pool<16, Awake> = Pool::new(Awake);

/// Whether PendSV's interrupt has a job to submit.
static SUBMITS: AtomicBool = AtomicBool::new(false);

/// Calls in a row: the ring has room for as many.
const CALLS: u32 = 16;
const ROUNDS: u32 = 100;

#[inline(never)]
fn nothing() {
    // SAFETY: does nothing; so the function is called.
    unsafe { asm!("", options(nomem, nostack)) };
}

#[inline(never)]
fn twenty() {
    // SAFETY: does nothing, twenty times.
    unsafe { asm!(".rept 20", "nop", ".endr", options(nomem, nostack)) };
}

#[inline(never)]
fn execute() {
    let sample = &SUBMITS;
    let full = POOL.execute(move || sample.store(true, Ordering::Relaxed));
    assert!(full.is_ok());
}

#[inline(never)]
fn step(worker: &mut Worker<'_>, expected: bool) {
    assert_eq!(worker.step(), expected);
}

#[inline(never)]
fn pend() {
    SCB::set_pendsv();
    cortex_m::asm::isb();
}

#[exception]
fn PendSV() {
    if SUBMITS.load(Ordering::Relaxed) {
        execute();
    }
}

/// The ticks that so many calls take.
fn ticks(mut call: impl FnMut()) -> u32 {
    let start = SYST::get_current();
    for _ in 0..CALLS {
        call();
    }
    start.wrapping_sub(SYST::get_current()) & 0xFF_FFFF
}

#[entry]
fn main() -> ! {
    let mut core = cortex_m::Peripherals::take().unwrap();
    core.SYST.set_clock_source(SystClkSource::Core);
    core.SYST.set_reload(0xFF_FFFF);
    core.SYST.clear_current();
    core.SYST.enable_counter();

    let mut worker = None;
    let started = POOL.start(1, |it| {
        worker = Some(it);
        Ok::<(), ()>(())
    });
    assert!(started.is_ok());
    let mut worker = worker.unwrap();

    let [mut nops, mut calls, mut executes, mut steps, mut idle] = [0; 5];
    let [mut pends, mut interrupts] = [0; 2];
    for _ in 0..ROUNDS {
        nops += ticks(twenty);
        calls += ticks(nothing);
        executes += ticks(execute);
        steps += ticks(|| step(&mut worker, true));
        idle += ticks(|| step(&mut worker, false));
        SUBMITS.store(false, Ordering::Relaxed);
        pends += ticks(pend);
        SUBMITS.store(true, Ordering::Relaxed);
        interrupts += ticks(pend);
        (0..CALLS).for_each(|_| step(&mut worker, true));
    }
    // Without the loop and the call.
    let instructions = |ticks: u32, without: u32| {
        let twenty = nops - calls;
        ((ticks - without) * 20 + twenty / 2) / twenty
    };
    hprintln!(
        "{} {} {} {}",
        instructions(executes, calls),
        instructions(interrupts, pends),
        instructions(steps, calls),
        instructions(idle, calls),
    );
    debug::exit(debug::EXIT_SUCCESS);
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}
