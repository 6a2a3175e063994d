//! ARMv7-A: from reset to Rust, interrupts, and the registers that are reached by instructions of their own.

use core::arch::{asm, global_asm};

// Core 0 starts at `_start`, the others at `_secondary`, all in supervisor mode with the MMU off and r0 = what PSCI was
// given for them: their number. Each gets a stack of 64 KiB; core 0 clears .bss. (The MMU stays off, which is good
// enough for exclusive accesses in QEMU.)
global_asm!(
    r#"
    .section .text.init, "ax"
    .arm
    .globl _start
_start:
    ldr   r0, =__bss_start
    ldr   r1, =__bss_end
    mov   r2, #0
1:  cmp   r0, r1
    bhs   2f
    str   r2, [r0], #4
    b     1b
2:  mov   r0, #0
    .globl _secondary
_secondary:
    ldr   r1, =vectors
    mcr   p15, 0, r1, c12, c0, 0  // VBAR
    ldr   r1, =__stacks
    add   r2, r0, #1
    add   r1, r1, r2, lsl #16
    mov   sp, r1
    b     main
"#
);

// All vectors but the IRQ's are mistakes. An IRQ is handled in supervisor mode, on the stack that is in use there. All
// that a Rust function may change is saved; floating point is not used.
global_asm!(
    r#"
    .section .text.vectors, "ax"
    .arm
    .balign 32
vectors:
    b     trap
    b     trap
    b     trap
    b     trap
    b     trap
    b     trap
    b     irq
    b     trap

trap:
    ldr   sp, =__stacks_end
    mrs   r0, cpsr
    mov   r1, lr
    mrc   p15, 0, r2, c6, c0, 0   // DFAR
    b     on_trap

irq:
    sub   lr, lr, #4
    srsdb sp!, #0x13
    cps   #0x13
    push  {{r0-r3, r12, lr}}
    and   r1, sp, #4              // to a multiple of 8
    sub   sp, sp, r1
    push  {{r1, r2}}
    bl    on_irq
    pop   {{r1, r2}}
    add   sp, sp, r1
    pop   {{r0-r3, r12, lr}}
    clrex                         // an exclusive access that was cut shall fail
    rfeia sp!
"#
);

/// Asks the firmware, which QEMU plays, to start a core.
pub fn cpu_on(core: usize, entry: usize, argument: usize) -> isize {
    let answer;
    // SAFETY: PSCI's CPU_ON, by the SMC calling convention; what the core does is said where it starts.
    unsafe {
        asm!(
            ".arch_extension virt",
            "hvc #0",
            inout("r0") 0x8400_0003_usize => answer,
            inout("r1") core => _,
            inout("r2") entry => _,
            inout("r3") argument => _,
            out("r12") _,
        );
    }
    answer
}

/// The core that this runs on.
pub fn core() -> usize {
    let mpidr: usize;
    // SAFETY: reading its number changes nothing.
    unsafe { asm!("mrc p15, 0, {}, c0, c0, 5", out(reg) mpidr, options(nomem, nostack)) };
    mpidr & 0xff
}

/// The generic timer's virtual count.
pub fn ticks() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: this processor has it; reading it changes nothing.
    unsafe {
        asm!("mrrc p15, 1, {}, {}, c14", out(reg) low, out(reg) high, options(nomem, nostack))
    };
    u64::from(high) << 32 | u64::from(low)
}

/// Has the virtual timer send its interrupt `ticks` from now.
pub fn set_timer(ticks: u32) {
    // SAFETY: a timer that nothing else uses.
    unsafe {
        asm!("mcr p15, 0, {}, c14, c3, 0", "mcr p15, 0, {}, c14, c3, 1", in(reg) ticks, in(reg) 1)
    };
}

/// Lets interrupts in on this core, or keeps them out.
pub fn let_interrupts_in(on: bool) {
    if on {
        // SAFETY: `irq` is there to handle them.
        unsafe { asm!("cpsie i") };
    } else {
        // SAFETY: they wait.
        unsafe { asm!("cpsid i") };
    }
}

/// Ends the emulator.
pub fn exit(status: u32) -> ! {
    // ADP_Stopped_ApplicationExit, and the status.
    let block = [0x20026, status as usize];
    // SAFETY: semihosting's SYS_EXIT_EXTENDED.
    unsafe { asm!("svc #0x123456", in("r0") 0x20, in("r1") block.as_ptr(), options(noreturn)) };
}
