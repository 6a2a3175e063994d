//! The pool on QEMU's `virt` machine, with AArch64 cores and with ARMv7-A ones: PSCI's CPU_ON as spawn hook, WFE and
//! SEV as sleep and wake-up, and jobs from a timer interrupt.

#![no_std]
#![no_main]

#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "arm", path = "armv7.rs")]
mod cpu;
mod machine;
mod platform;

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use checks::{Board, Checked};
use ringpool::{Platform, Wfe, Worker};

use crate::platform::{EVENTS, Event, MILLISECOND};

const CORES: usize = 4;

static POOL: Checked<Event> = Checked::new(Event);

/// The workers of cores 1 and up, until these take them.
static MAIL: [spin::Mutex<Option<Worker<'static>>>; CORES] =
    [const { spin::Mutex::new(None) }; CORES];

/// Cores that are on.
static ON: AtomicUsize = AtomicUsize::new(1);

#[unsafe(no_mangle)]
extern "C" fn main(core: usize) -> ! {
    assert_eq!(core, cpu::core());
    if core == 0 {
        wfe_is_made_of_these_instructions();
        assert_eq!(Event.quantum(), 125, "2 us at 62.5 MHz");
        machine::set_up_interrupts();
        checks::cores::run(&POOL);
        cpu::exit(0);
    }
    let worker = MAIL[core].lock().take();
    checks::cores::serve(worker.expect("a worker for this core"));
    loop {
        core::hint::spin_loop();
    }
}

/// QEMU does not miss an SEV that is not there, nor a barrier. So this looks at the code itself.
fn wfe_is_made_of_these_instructions() {
    #[cfg(target_arch = "aarch64")]
    let [wfe, dsb, sev] = [0xd503_205f, 0xd503_3f9f, 0xd503_209f];
    #[cfg(target_arch = "arm")]
    let [wfe, dsb, sev] = [0xe320_f002, 0xf57f_f04f, 0xe320_f004];

    extern "C" fn park() {
        Wfe.park(0);
    }
    extern "C" fn unpark() {
        Wfe.unpark(0);
    }
    let holds = |function: extern "C" fn(), pair: [u32; 2]| {
        // SAFETY: the function's instructions, and maybe some of what comes after it.
        let code = unsafe { (function as *const [u32; 6]).read_volatile() };
        code.windows(2).any(|it| it == pair)
    };
    assert!(holds(park, [wfe, dsb]));
    assert!(holds(unpark, [dsb, sev]));
}

impl Board for Event {
    const CORES: usize = CORES;
    const MILLISECOND: u64 = MILLISECOND;

    fn now() -> u64 {
        platform::now()
    }

    fn core() -> usize {
        cpu::core()
    }

    fn spawn(worker: Worker<'static>) -> Result<(), &'static str> {
        let core = ON.fetch_add(1, Ordering::Relaxed);
        *MAIL.get(core).ok_or("no core left")?.lock() = Some(worker);
        if machine::start_core(core) {
            return Ok(());
        }
        drop(MAIL[core].lock().take());
        Err("the core does not start")
    }

    fn naps() -> usize {
        EVENTS.naps()
    }

    fn interrupts(on: bool) {
        cpu::set_timer(PERIOD);
        cpu::let_interrupts_in(on);
    }

    fn print(line: fmt::Arguments<'_>) {
        machine::print(line);
    }
}

/// Between two timer interrupts: 50 us.
const PERIOD: u32 = MILLISECOND as u32 / 20;

/// Core 0's timer interrupt.
fn on_timer() {
    checks::interrupt(&POOL);
    cpu::set_timer(PERIOD);
}
