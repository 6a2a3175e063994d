//! From reset to Rust, and QEMU's devices for printing and leaving.

use core::arch::global_asm;
use core::fmt::{self, Write};

// Every hart starts here with a0 = its number. Each gets a stack of 64 KiB; hart 0 clears .bss and lets the
// others go on.
global_asm!(
    r#"
    .section .text.init
    .globl _start
_start:
    csrw  mie, zero
    la    t0, trap
    csrw  mtvec, t0
    li    t0, 0x6000            // mstatus.FS: floating point may be used, where there is any
    csrs  mstatus, t0
    .option push
    .option norelax
    la    gp, __global_pointer$
    .option pop
    la    sp, __stacks
    addi  t0, a0, 1
    slli  t0, t0, 16
    add   sp, sp, t0
    bnez  a0, 3f
    la    t0, __bss_start
    la    t1, __bss_end
1:  bgeu  t0, t1, 2f
    sw    zero, 0(t0)
    addi  t0, t0, 4
    j     1b
2:  fence rw, w
    la    t0, gate
    li    t1, 1
    sw    t1, 0(t0)
    j     4f
3:  la    t0, gate
    lw    t1, 0(t0)
    beqz  t1, 3b
    fence r, rw
4:  tail  main

    .section .data.gate, "aw"
    .balign 4
gate: .word 0
"#
);

// An interrupt is the timer's: the only one that is let through. All integer registers that a Rust function may change
// are saved; its handler uses no floating point.
global_asm!(
    r#"
    .section .text.trap
    .balign 4
trap:
    addi  sp, sp, -{frame}
    .irp  n, 1,5,6,7,10,11,12,13,14,15,16,17,28,29,30,31
    .if {word} == 8
    sd    x\n, (\n * 8)(sp)
    .else
    sw    x\n, (\n * 4)(sp)
    .endif
    .endr
    csrr  a0, mcause
    csrr  a1, mepc
    csrr  a2, mtval
    call  on_trap
    .irp  n, 1,5,6,7,10,11,12,13,14,15,16,17,28,29,30,31
    .if {word} == 8
    ld    x\n, (\n * 8)(sp)
    .else
    lw    x\n, (\n * 4)(sp)
    .endif
    .endr
    addi  sp, sp, {frame}
    mret
"#,
    word = const size_of::<usize>(),
    frame = const 32 * size_of::<usize>(),
);

#[unsafe(no_mangle)]
extern "C" fn on_trap(cause: isize, at: usize, value: usize) {
    if cause < 0 {
        return crate::on_timer();
    }
    panic!("exception {cause} at {at:#x}, value {value:#x}");
}

/// The machine's serial port.
struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the port's data register; QEMU takes a byte at any time.
            unsafe { (0x1000_0000 as *mut u8).write_volatile(byte) };
        }
        Ok(())
    }
}

static UART: spin::Mutex<Uart> = spin::Mutex::new(Uart);

/// Prints a line.
pub fn print(line: fmt::Arguments<'_>) {
    let _ = writeln!(UART.lock(), "{line}");
}

/// Ends the emulator.
pub fn exit(status: u32) -> ! {
    let code = match status {
        0 => 0x5555,
        _ => status << 16 | 0x3333,
    };
    // SAFETY: the finisher of the `virt` machine.
    unsafe { (0x10_0000 as *mut u32).write_volatile(code) };
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // Not through the lock, whose holder may have panicked.
    let _ = writeln!(Uart, "{info}");
    exit(101)
}
