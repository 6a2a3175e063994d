//! How the second core is started, and printing and leaving by semihosting.

use core::cell::UnsafeCell;
use core::fmt::{self, Write};

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::debug;
use cortex_m_semihosting::hio::{self, HostStream};

/// The second core's stack.
#[repr(C, align(8))]
struct Stack(UnsafeCell<[u8; 16384]>);

// SAFETY: nobody but that core, as its stack pointer goes, gets at what is in it.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; 16384]));

/// What the second core finds when it leaves reset.
#[repr(C, align(512))]
struct Vectors {
    stack_end: *const Stack,
    reset: extern "C" fn() -> !,
    exceptions: [extern "C" fn() -> !; 14],
}

// SAFETY: nobody writes to it.
unsafe impl Sync for Vectors {}

static VECTORS: Vectors = Vectors {
    stack_end: (&raw const STACK).wrapping_add(1),
    reset: crate::second_core,
    exceptions: [exception_on_second_core; 14],
};

extern "C" fn exception_on_second_core() -> ! {
    panic!("exception on the second core");
}

/// SSE-200's system control: where the second core's vectors are, and a bit for each core that is to wait
/// after reset.
const INITSVTOR1: *mut u32 = 0x5002_1114 as *mut u32;
const CPUWAIT: *mut u32 = 0x5002_1118 as *mut u32;

/// Lets the second core go.
pub fn start_second_core() {
    // SAFETY: the core reads it when it leaves reset, and these are vectors.
    unsafe { INITSVTOR1.write_volatile(&raw const VECTORS as u32) };
    // What was done before is seen by that core.
    cortex_m::asm::dsb();
    // SAFETY: all that it needs is there.
    unsafe { CPUWAIT.write_volatile(0) };
}

/// The host's standard output. (`hprintln` guards it with a critical section for one core.)
static OUTPUT: spin::Mutex<Option<HostStream>> = spin::Mutex::new(None);

/// Prints a line.
pub fn print(line: fmt::Arguments<'_>) {
    let mut output = OUTPUT.lock();
    if output.is_none() {
        *output = hio::hstdout().ok();
    }
    if let Some(output) = &mut *output {
        let _ = writeln!(output, "{line}");
    }
}

/// Ends the emulator.
pub fn exit(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        cortex_m::asm::wfi();
    }
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    panic!("{frame:?}");
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // Not through the lock, whose holder may have panicked.
    if let Ok(mut output) = hio::hstdout() {
        let _ = writeln!(output, "{info}");
    }
    exit(debug::EXIT_FAILURE)
}
