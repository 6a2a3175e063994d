//! What both machines have: a serial port, an interrupt controller, and firmware that starts cores.

use core::fmt::{self, Write};

use crate::cpu;

/// The machine's serial port, a PL011.
struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the port's data register; QEMU takes a byte at any time.
            unsafe { (0x0900_0000 as *mut u32).write_volatile(byte.into()) };
        }
        Ok(())
    }
}

static UART: spin::Mutex<Uart> = spin::Mutex::new(Uart);

/// Prints a line.
pub fn print(line: fmt::Arguments<'_>) {
    let _ = writeln!(UART.lock(), "{line}");
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // Not through the lock, whose holder may have panicked.
    let _ = writeln!(Uart, "{info}");
    cpu::exit(101)
}

#[unsafe(no_mangle)]
extern "C" fn on_trap(what: usize, at: usize, address: usize) -> ! {
    panic!("exception {what:#x} at {at:#x}, address {address:#x}");
}

/// Has `main(core)` called on another core. Returns whether it will.
pub fn start_core(core: usize) -> bool {
    unsafe extern "C" {
        fn _secondary();
    }
    cpu::cpu_on(core, _secondary as *const () as usize, core) == 0
}

/// The interrupt controller, a GICv2: its distributor, and its interface to this core.
const DISTRIBUTOR: usize = 0x0800_0000;
const INTERFACE: usize = 0x0801_0000;

/// The virtual timer's interrupt.
const TIMER: u32 = 27;

/// Has the controller send this core its timer's interrupt.
pub fn set_up_interrupts() {
    for (register, value) in [
        (DISTRIBUTOR, 1),                  // CTLR: on
        (DISTRIBUTOR + 0x100, 1 << TIMER), // ISENABLER
        (INTERFACE, 1),                    // CTLR: on
        (INTERFACE + 4, 0xff),             // PMR: all priorities
    ] {
        // SAFETY: a register of the controller; interrupts are kept out until somebody lets them in.
        unsafe { (register as *mut u32).write_volatile(value) };
    }
}

#[unsafe(no_mangle)]
extern "C" fn on_irq() {
    // SAFETY: acknowledges the interrupt, once.
    let number = unsafe { ((INTERFACE + 0xc) as *const u32).read_volatile() };
    assert_eq!(number, TIMER);
    crate::on_timer();
    // SAFETY: the end of that interrupt.
    unsafe { ((INTERFACE + 0x10) as *mut u32).write_volatile(number) };
}
