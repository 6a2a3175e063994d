//! Waiting with WFE, waking with SEV.

use core::arch::asm;

use crate::platform::Platform;

/// The platform of ARM cores without an operating system: who has nothing to do sleeps in WFE,
/// until SEV wakes it.
///
/// There is one on ARM only: 32-bit from ARMv6-M and ARMv7 on (for older ones, what uses it does
/// not assemble), and AArch64; in any mode, at any privilege.
///
/// # Waking
///
/// SEV sets the *event register*, a bit, of every core. WFE clears it if it is set, and goes on at
/// once; else it sleeps until it would be set, or an interrupt comes. So no wake-up is lost between
/// a look at what is waited for and the WFE: the bit waits there. (A handler that comes in between
/// may use it up with a WFE of its own, but the return from it sets the bit again.) Every `unpark`
/// wakes everybody, who look whether they are meant. It may be called from interrupt handlers.
///
/// SEV has to reach the other cores. Those of a Cortex-A or Cortex-R cluster it does reach.
/// Cortex-M cores have an output and an input for it, and it is up to the chip to connect them:
/// RP2040 and RP2350 do. Some that have two unlike cores do not, or make an interrupt of it that
/// has to be let through first. There, write a [`Platform`]. Under an RTOS, write one too: WFE
/// keeps the core, and who would have work for it does not run.
///
/// It does not spin before it sleeps, for there is no scheduler to pay. So
/// [`map`](crate::Pool::map) takes its helpers to be asleep at every call, and wakes one for each
/// 16 us of work, if it has a clock.
///
/// # Time
///
/// On AArch64 it has the clock of [`Spin`](crate::Spin). On 32-bit ARM there is none that is
/// certain to be there; [`Platform`] has an example that adds one.
///
/// # Examples
///
/// ```
/// # #[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
/// # mod firmware {
/// use ringpool::{Pool, Wfe};
///
/// static POOL: Pool<16, Wfe> = Pool::new(Wfe);
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Wfe;

impl Platform for Wfe {
    // DSB, because the event is ordered with nothing (ARM ARM, DDI 0487, D1.7.1, rules RLHHM and
    // DVZXD: "Arm recommends that software includes a DSB instruction before any SEV"), and a
    // DMB orders memory accesses with each other only: with these, the waker's stores could be
    // seen after its event, and the sleeper's loads be done before its WFE. SY, and not ISHST:
    // loads too have to be done, as before any release; and cores that share memory need not be
    // in one inner shareable domain. (It is all that ARMv6-M and ARMv7-M have.)

    #[inline]
    fn park(&self, _spot: usize) {
        // SAFETY: it only waits. (Memory counts as changed, so the compiler moves nothing across
        // either.)
        unsafe { asm!("wfe", "dsb sy", options(nostack, preserves_flags)) };
    }

    #[inline]
    fn unpark(&self, _spot: usize) {
        // SAFETY: it sets a bit that no memory access can see.
        unsafe { asm!("dsb sy", "sev", options(nostack, preserves_flags)) };
    }

    #[inline]
    fn ticks(&self) -> u64 {
        crate::native::ticks()
    }

    #[inline]
    fn quantum(&self) -> u64 {
        crate::native::quantum()
    }
}
