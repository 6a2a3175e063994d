//! AArch64: from reset to Rust, interrupts, and the registers that are reached by instructions of their own.

use core::arch::{asm, global_asm};

// Core 0 starts at `_start`, the others at `_secondary`, all at EL1 with the MMU off and x0 = what PSCI was given for
// them: their number. Each gets a stack of 64 KiB; core 0 clears .bss.
global_asm!(
    r#"
    .section .text.init, "ax"
    .globl _start
_start:
    adrp  x0, __bss_start
    add   x0, x0, :lo12:__bss_start
    adrp  x1, __bss_end
    add   x1, x1, :lo12:__bss_end
1:  cmp   x0, x1
    b.hs  2f
    str   xzr, [x0], #8
    b     1b
2:  mov   x0, xzr
    .globl _secondary
_secondary:
    mov   x1, #(3 << 20)          // CPACR_EL1.FPEN: floating point and vectors may be used
    msr   cpacr_el1, x1
    adrp  x1, vectors
    add   x1, x1, :lo12:vectors
    msr   vbar_el1, x1
    // The MMU, one to one: exclusive accesses want cacheable memory.
    ldr   x1, =0xff00             // MAIR: 0 = device, 1 = write-back
    msr   mair_el1, x1
    ldr   x1, =0x100803519        // TCR: 39 bits, 4 KiB, write-back, inner shareable, no TTBR1, 36 bits out
    msr   tcr_el1, x1
    adrp  x1, table
    msr   ttbr0_el1, x1
    isb
    tlbi  vmalle1
    dsb   sy
    isb
    mrs   x1, sctlr_el1
    mov   x2, #0x1005             // MMU and caches
    orr   x1, x1, x2
    msr   sctlr_el1, x1
    isb
    adrp  x1, __stacks
    add   x1, x1, :lo12:__stacks
    add   x2, x0, #1
    add   x1, x1, x2, lsl #16
    mov   sp, x1
    b     main

    .section .data.table, "aw"
    .balign 4096
table:
    .quad 0x0000000000000401      // the first GiB: devices
    .quad 0x0000000040000705      // the second: memory
    .fill 510, 8, 0
"#
);

// All vectors but that of an IRQ, with the stack in use, are mistakes. All that a Rust function may change is
// saved: of the vector registers it keeps the lower halves of some only, so all of them.
global_asm!(
    r#"
    .section .text.vectors, "ax"
    .balign 2048
vectors:
    .rept 5
    .balign 128
    b     trap
    .endr
    .balign 128
    b     irq
    .rept 10
    .balign 128
    b     trap
    .endr

trap:
    mrs   x0, esr_el1
    mrs   x1, elr_el1
    mrs   x2, far_el1
    b     on_trap

irq:
    sub   sp, sp, #{frame}
    .irp  n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,29,30
    str   x\n, [sp, #(\n * 8)]
    .endr
    .irp  n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    str   q\n, [sp, #(256 + \n * 16)]
    .endr
    bl    on_irq
    .irp  n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ldr   q\n, [sp, #(256 + \n * 16)]
    .endr
    .irp  n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,29,30
    ldr   x\n, [sp, #(\n * 8)]
    .endr
    add   sp, sp, #{frame}
    eret
"#,
    frame = const 32 * 8 + 32 * 16,
);

/// Asks the firmware, which QEMU plays, to start a core.
pub fn cpu_on(core: usize, entry: usize, argument: usize) -> isize {
    let answer;
    // SAFETY: PSCI's CPU_ON, by the SMC calling convention; what the core does is said where it starts.
    unsafe {
        asm!(
            "hvc #0",
            inout("x0") 0xC400_0003_usize => answer,
            in("x1") core,
            in("x2") entry,
            in("x3") argument,
            clobber_abi("C"),
        );
    }
    answer
}

/// The core that this runs on.
pub fn core() -> usize {
    let mpidr: usize;
    // SAFETY: reading its number changes nothing.
    unsafe { asm!("mrs {}, mpidr_el1", out(reg) mpidr, options(nomem, nostack)) };
    mpidr & 0xff
}

/// Has the virtual timer send its interrupt `ticks` from now.
pub fn set_timer(ticks: u32) {
    // SAFETY: a timer that nothing else uses.
    unsafe { asm!("msr cntv_tval_el0, {:x}", "msr cntv_ctl_el0, {:x}", in(reg) ticks, in(reg) 1) };
}

/// Lets interrupts in on this core, or keeps them out.
pub fn let_interrupts_in(on: bool) {
    if on {
        // SAFETY: `irq` is there to handle them.
        unsafe { asm!("msr daifclr, #2") };
    } else {
        // SAFETY: they wait.
        unsafe { asm!("msr daifset, #2") };
    }
}

/// Ends the emulator.
pub fn exit(status: u32) -> ! {
    // ADP_Stopped_ApplicationExit, and the status.
    let block = [0x20026, status as usize];
    // SAFETY: semihosting's SYS_EXIT.
    unsafe { asm!("hlt #0xf000", in("x0") 0x18, in("x1") block.as_ptr(), options(noreturn)) };
}
