//! Instructions and system calls that `core` and `std` do not offer, and on which targets they are
//! used.
//!
//! Miri runs none of them. This is the one module that knows about Miri: under it there is no
//! processor clock, so [`Threads`](crate::Threads) takes std's and [`Spin`](crate::Spin) has none,
//! and threads wait by std's mutex and condition variable.

/// Whether there is a time-stamp counter, whose rate has to be found out.
#[cfg(feature = "std")]
pub(crate) const TSC: bool = cfg!(all(target_arch = "x86_64", not(miri)));

/// Items for targets that have a futex.
#[cfg(feature = "std")]
macro_rules! where_there_is_a_futex {
    ($($item:item)*) => {
        $(
            #[cfg(all(
                target_os = "linux",
                any(
                    all(target_arch = "x86_64", target_pointer_width = "64"),
                    target_arch = "x86",
                    target_arch = "aarch64",
                    target_arch = "arm",
                    target_arch = "riscv64",
                    target_arch = "loongarch64",
                    target_arch = "s390x"
                ),
                not(miri) // which knows the call by other types
            ))]
            $item
        )*
    };
}
#[cfg(feature = "std")]
pub(crate) use where_there_is_a_futex;

/// The processor's own clock, where every context may read one; else 0.
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    clock::ticks()
}

/// How many of those ticks are about 2 us; 0 if there is no clock.
#[inline(always)]
pub(crate) fn quantum() -> u64 {
    clock::quantum()
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod clock {
    /// The time-stamp counter.
    #[inline(always)]
    pub(super) fn ticks() -> u64 {
        // SAFETY: every x86-64 processor has it; reading it touches no memory.
        unsafe { core::arch::x86_64::_rdtsc() }
    }

    /// 2 to 4 us: its rate cannot be read.
    #[inline(always)]
    pub(super) fn quantum() -> u64 {
        1 << 13
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod clock {
    use core::arch::asm;

    /// The generic timer's virtual count.
    #[inline(always)]
    pub(super) fn ticks() -> u64 {
        let count;
        // SAFETY: every AArch64 processor has it; reading it touches no memory.
        unsafe {
            asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags));
        }
        count
    }

    /// 2 us, or 0 if firmware never set the timer's frequency.
    #[inline(always)]
    pub(super) fn quantum() -> u64 {
        let hertz: u64;
        // SAFETY: every AArch64 processor has it; reading it touches no memory.
        unsafe {
            asm!(
                "mrs {}, cntfrq_el0",
                out(reg) hertz,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        // The register has 32 bits; the upper half reads as zero.
        hertz / 500_000
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod clock {
    #[inline(always)]
    pub(super) fn ticks() -> u64 {
        0
    }

    #[inline(always)]
    pub(super) fn quantum() -> u64 {
        0
    }
}

/// Asks for the line to be brought here, ready to be written. A hint: no effect but on time.
#[inline(always)]
pub(crate) fn prefetch_for_write<T>(place: &T) {
    #[cfg(all(target_arch = "x86_64", not(any(miri, ringpool_loom))))]
    // SAFETY: a prefetch touches no register, flag or memory; every 64-bit x86 processor has it, or
    // takes it for a no-op.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags));
    }
    #[cfg(all(target_arch = "aarch64", not(any(miri, ringpool_loom))))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) place, options(nostack, preserves_flags));
    }
    let _ = place;
}
