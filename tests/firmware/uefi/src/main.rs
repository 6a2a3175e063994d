//! The pool as a UEFI application: the application processors of the MP Services protocol as workers, HLT and
//! interrupts between processors as sleep and wake-up, and jobs from a timer event.

#![no_std]
#![no_main]

mod platform;

use core::ffi::c_void;
use core::fmt::{self, Write};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;

use checks::{Board, Checked};
use ringpool::Worker;
use uefi::boot::{self, EventType, TimerTrigger, Tpl};
use uefi::proto::pi::mp::MpServices;
use uefi::runtime::{self, ResetType};
use uefi::{Event, Status, entry};

use crate::platform::{MILLISECOND, NAPS, Uefi};

pub const PROCESSORS: usize = 4;

static POOL: Checked<Uefi> = Checked::new(Uefi);

/// The workers of processors 1 and up, until these take them.
static MAIL: [spin::Mutex<Option<Worker<'static>>>; PROCESSORS] =
    [const { spin::Mutex::new(None) }; PROCESSORS];

/// Processors that have a worker; processor 0, which boots, has none.
static HIRED: AtomicUsize = AtomicUsize::new(1);

/// Processors that have been given back to the firmware.
static BACK: AtomicUsize = AtomicUsize::new(0);

/// The timer event submits jobs.
static SUBMITS: AtomicBool = AtomicBool::new(false);

#[entry]
fn main() -> Status {
    platform::start_clock();
    platform::listen(0);
    event(EventType::TIMER | EventType::NOTIFY_SIGNAL, on_timer)
        .and_then(|timer| boot::set_timer(&timer, TimerTrigger::Periodic(Duration::ZERO)))
        .expect("a timer");
    checks::cores::run(&POOL);
    while BACK.load(Ordering::Relaxed) != PROCESSORS - 1 {
        core::hint::spin_loop();
    }
    runtime::reset(ResetType::SHUTDOWN, Status::SUCCESS, None)
}

/// An event that calls a function, here on processor 0, whatever that is doing.
fn event(kind: EventType, function: boot::EventNotifyFn) -> uefi::Result<Event> {
    // SAFETY: the functions below do not unwind, and make no use of their context.
    unsafe { boot::create_event(kind, Tpl::CALLBACK, Some(function), None) }
}

/// At every tick of the firmware's clock: 10 ms.
unsafe extern "efiapi" fn on_timer(_: Event, _: Option<NonNull<c_void>>) {
    if SUBMITS.load(Ordering::Relaxed) {
        checks::interrupt(&POOL);
    }
}

/// A processor has come back from [`serve`].
unsafe extern "efiapi" fn on_return(_: Event, _: Option<NonNull<c_void>>) {
    BACK.fetch_add(1, Ordering::Relaxed);
}

/// What application processor `number` does.
extern "efiapi" fn serve(number: *mut c_void) {
    let number = number.addr();
    platform::listen(number);
    let worker = MAIL[number].lock().take();
    checks::cores::serve(worker.expect("it has been sent one"));
}

impl Board for Uefi {
    const CORES: usize = PROCESSORS;
    const MILLISECOND: u64 = MILLISECOND;

    fn now() -> u64 {
        platform::now()
    }

    fn core() -> usize {
        platform::processor()
    }

    fn spawn(worker: Worker<'static>) -> Result<(), &'static str> {
        let number = HIRED.fetch_add(1, Ordering::Relaxed);
        *MAIL.get(number).ok_or("no processor left")?.lock() = Some(worker);
        let start = || {
            let handle = boot::get_handle_for_protocol::<MpServices>()?;
            let services = boot::open_protocol_exclusive::<MpServices>(handle)?;
            // With an event this does not wait; and without a limit, the processor is ours until it returns.
            let back = event(EventType::NOTIFY_SIGNAL, on_return)?;
            services.startup_this_ap(
                number,
                serve,
                ptr::without_provenance_mut(number),
                Some(back),
                None,
            )
        };
        start().map_err(|_| "the firmware does not start this processor")
    }

    fn naps() -> usize {
        NAPS.load(Ordering::Relaxed)
    }

    fn interrupts(on: bool) {
        SUBMITS.store(on, Ordering::Relaxed);
    }

    fn print(line: fmt::Arguments<'_>) {
        let _ = writeln!(Console, "{line}");
    }
}

/// The emulator's console for debugging.
struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            platform::out(0xe9, byte);
        }
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(Console, "{info}");
    // Ends the emulator with status 2 * 50 + 1.
    platform::out(0xf4, 50);
    loop {
        core::hint::spin_loop();
    }
}
