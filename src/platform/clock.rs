//! The processor's own clock, where every context may read one.

/// The time-stamp counter.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has it; reading it touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// 2 to 4 us: its rate cannot be read.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn quantum() -> u64 {
    1 << 13
}

/// The generic timer's virtual count.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    let count;
    // SAFETY: every AArch64 processor has it; reading it touches no memory.
    unsafe {
        core::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags));
    }
    count
}

/// 2 us, or 0 if firmware never set the timer's frequency.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) fn quantum() -> u64 {
    let hertz: u64;
    // SAFETY: every AArch64 processor has it; reading it touches no memory.
    unsafe {
        core::arch::asm!("mrs {}, cntfrq_el0", out(reg) hertz, options(pure, nomem, nostack, preserves_flags));
    }
    // The register has 32 bits; the upper half reads as zero.
    hertz / 500_000
}
