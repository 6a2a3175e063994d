//! What all these firmwares have: a board, and a handler that panics end in.

#![no_std]

use core::arch::asm;
use core::panic::PanicInfo;
use core::ptr;

/// What the compiler cannot know: a register of some device.
pub fn read() -> u32 {
    // SAFETY: on the boards that these firmwares are for, this is RAM or a device. Nobody runs them.
    unsafe { ptr::read_volatile(0x2000_0000 as *const u32) }
}

/// As `read`.
pub fn write(value: u32) {
    // SAFETY: as above.
    unsafe { ptr::write_volatile(0x2000_0000 as *mut u32, value) };
}

/// The end of all panics.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// A board whose cores sleep until an event, and count cycles.
#[derive(Debug)]
pub struct Board;

impl ringpool::Platform for Board {
    fn park(&self, _spot: usize) {
        #[cfg(target_arch = "arm")]
        // SAFETY: waits for an event; changes nothing.
        unsafe {
            asm!("wfe", "dmb", options(nostack, preserves_flags));
        }
        #[cfg(target_arch = "riscv32")]
        // SAFETY: waits for an interrupt; changes nothing.
        unsafe {
            asm!("wfi", "fence", options(nostack, preserves_flags));
        }
    }

    fn unpark(&self, _spot: usize) {
        #[cfg(target_arch = "arm")]
        // SAFETY: wakes the other core; changes nothing.
        unsafe {
            asm!("dsb", "sev", options(nostack, preserves_flags));
        }
        #[cfg(target_arch = "riscv32")]
        // SAFETY: sets the other hart's software interrupt.
        unsafe {
            asm!("fence", options(nostack, preserves_flags));
            ptr::write_volatile(0x200_0004 as *mut u32, 1);
        }
    }

    fn ticks(&self) -> u64 {
        #[cfg(target_arch = "arm")]
        // SAFETY: the cycle counter of the debug unit (DWT).
        let cycles = unsafe { ptr::read_volatile(0xE000_1004 as *const u32) };
        #[cfg(target_arch = "riscv32")]
        let cycles = {
            let cycles: u32;
            // SAFETY: reads the cycle counter.
            unsafe { asm!("csrr {}, mcycle", out(reg) cycles, options(nomem, nostack)) };
            cycles
        };
        cycles.into()
    }

    fn quantum(&self) -> u64 {
        2_000
    }
}

/// How atomics are made where there is no compare-and-swap.
#[cfg(feature = "portable-atomic")]
mod single_core {
    use core::arch::asm;

    struct Interrupts;
    critical_section::set_impl!(Interrupts);

    // SAFETY: there is one core, and it takes no interrupt in between.
    unsafe impl critical_section::Impl for Interrupts {
        unsafe fn acquire() -> critical_section::RawRestoreState {
            let before: u32;
            // SAFETY: reads and sets PRIMASK.
            unsafe { asm!("mrs {}, primask", "cpsid i", out(reg) before) };
            before
        }

        unsafe fn release(before: critical_section::RawRestoreState) {
            // SAFETY: sets PRIMASK to what it was.
            unsafe { asm!("msr primask, {}", in(reg) before) };
        }
    }
}
