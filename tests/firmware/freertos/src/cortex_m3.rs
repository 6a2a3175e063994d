//! QEMU's `mps2-an385`: a Cortex-M3 at 25 MHz.

use core::ffi::{c_char, c_void};
use core::fmt;
use core::panic::PanicInfo;

use cortex_m::peripheral::NVIC;
use cortex_m_rt::{ExceptionFrame, entry, exception};
use cortex_m_semihosting::{debug, hprintln};

/// How many words a large job has: it takes some microseconds to copy.
pub const LARGE: usize = 64;
/// How many rounds of a loop a long job has: an eighth of a tick.
pub const LONG: usize = 1000;

#[entry]
fn main() -> ! {
    crate::start()
}

pub fn print(line: fmt::Arguments<'_>) {
    hprintln!("{}", line);
}

pub fn exit() -> ! {
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}

/// What the idle task does.
pub fn idle() {
    cortex_m::asm::wfi();
}

/// CMSDK's timer 0: its registers, its number as an interrupt, and the register of that one's priority.
mod timer {
    pub const CONTROL: *mut u32 = 0x4000_0000 as *mut u32;
    pub const RELOAD: *mut u32 = 0x4000_0008 as *mut u32;
    pub const CLEAR: *mut u32 = 0x4000_000c as *mut u32;
    pub const NUMBER: u16 = 8;
    pub const PRIORITY: *mut u8 = (0xe000_e400_u32 + NUMBER as u32) as *mut u8;
}

#[derive(Clone, Copy)]
struct Timer;

// SAFETY: it is the number of an interrupt that there is.
unsafe impl cortex_m::interrupt::InterruptNumber for Timer {
    fn number(self) -> u16 {
        timer::NUMBER
    }
}

/// Lets the timer interrupt come some 3000 times a second, out of step with the kernel's tick; or stops it.
pub fn interrupts(on: bool) {
    // It may call the kernel: it is below configMAX_SYSCALL_INTERRUPT_PRIORITY, 0x20. (More is less.)
    // SAFETY: nobody else uses this register's byte.
    unsafe { timer::PRIORITY.write_volatile(0x40) };
    // SAFETY: nobody else uses this timer.
    unsafe { timer::RELOAD.write_volatile(7919) };
    // Enabled, and so is its interrupt.
    let control = if on { 0b1001 } else { 0 };
    // SAFETY: nobody else uses this timer.
    unsafe { timer::CONTROL.write_volatile(control) };
    // SAFETY: the handler is below, and no critical section rests on its being masked.
    unsafe { NVIC::unmask(Timer) };
}

#[exception]
unsafe fn DefaultHandler(interrupt: i16) {
    assert_eq!(interrupt, timer::NUMBER as i16);
    // SAFETY: this register is the handler's.
    unsafe { timer::CLEAR.write_volatile(1) };
    crate::checks::on_interrupt();
}

#[unsafe(no_mangle)]
extern "C" fn vApplicationStackOverflowHook(_task: *mut c_void, _name: *const c_char) {
    panic!("a task's stack is too small");
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    panic!("hard fault: {frame:?}");
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {}
}
