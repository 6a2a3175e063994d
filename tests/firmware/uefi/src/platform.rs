//! How x86-64 processors sleep, wake each other and tell the time, with the privileges that a UEFI application has.
//!
//! One sleeps with HLT, and is woken by an interrupt that another one's interrupt controller (APIC) sends. Interrupts
//! are kept out from the look at the token until the processor sleeps: `sti` lets them in only after the instruction
//! that follows it, the HLT.

use core::arch::x86_64::{__cpuid, _rdtsc};
use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use ringpool::Platform;
use uefi::boot;

/// The numbers of spots up to the first worker's.
const CALLERS: usize = 4;

#[derive(Default)]
pub struct Uefi;

/// A token for each spot.
static TOKENS: [AtomicBool; CALLERS + crate::PROCESSORS - 1] =
    [const { AtomicBool::new(false) }; CALLERS + crate::PROCESSORS - 1];

/// How often a processor has slept.
pub static NAPS: AtomicUsize = AtomicUsize::new(0);

impl Platform for Uefi {
    fn park(&self, spot: usize) {
        without_interrupts(|| {
            // Acquire: pairs with the release in `unpark`.
            while !TOKENS[spot].swap(false, Ordering::Acquire) {
                NAPS.fetch_add(1, Ordering::Relaxed);
                // SAFETY: the firmware's handlers and `wake` change nothing of ours.
                unsafe { asm!("sti", "hlt", "cli") };
            }
        });
    }

    fn unpark(&self, spot: usize) {
        // Release: pairs with the acquire in `park`.
        TOKENS[spot].store(true, Ordering::Release);
        match spot.checked_sub(CALLERS) {
            // Worker k is on processor k + 1.
            Some(worker) => interrupt(IDS[worker + 1].load(Ordering::Relaxed) << 24, 0),
            // Callers of `map` may be anywhere: all but this one, which does not sleep.
            None => interrupt(0, 0b11 << 18),
        }
    }

    fn ticks(&self) -> u64 {
        now()
    }

    fn quantum(&self) -> u64 {
        MILLISECOND / 500
    }
}

pub const MILLISECOND: u64 = 10_000;

/// How many counts of the time-stamp counter a millisecond has.
static COUNTS: AtomicU64 = AtomicU64::new(0);

fn count() -> u64 {
    // SAFETY: every x86-64 processor has it; reading it touches no memory.
    unsafe { _rdtsc() }
}

/// Measures the time-stamp counter by the firmware's clock.
pub fn start_clock() {
    let start = count();
    boot::stall(Duration::from_millis(10));
    COUNTS.store((count() - start) / 10, Ordering::Relaxed);
}

/// The time, in ticks of 100 ns.
pub fn now() -> u64 {
    count() / (COUNTS.load(Ordering::Relaxed) / MILLISECOND)
}

/// The number of each processor's interrupt controller; it need not be the processor's.
///
/// Relaxed: it is written before its processor's worker is.
static IDS: [AtomicU32; crate::PROCESSORS] =
    [const { AtomicU32::new(u32::MAX) }; crate::PROCESSORS];

/// The number of this processor's interrupt controller.
fn id() -> u32 {
    __cpuid(1).ebx >> 24
}

/// The number of the processor that this runs on, once it listens.
pub fn processor() -> usize {
    let own = id();
    let number = IDS.iter().position(|id| id.load(Ordering::Relaxed) == own);
    number.expect("a processor that listens")
}

/// The vector of the interrupt that wakes.
const VECTOR: u32 = 0xf0;

/// Registers of a processor's own interrupt controller.
const END: usize = 0xfee0_00b0;
const SPURIOUS: usize = 0xfee0_00f0;
const COMMAND: usize = 0xfee0_0300;
const DESTINATION: usize = 0xfee0_0310;

/// Sends the interrupt.
fn interrupt(destination: u32, shorthand: u32) {
    // One at a time: a handler may send one too.
    without_interrupts(|| {
        // SAFETY: a register.
        while unsafe { (COMMAND as *const u32).read_volatile() } & 1 << 12 != 0 {
            // The last one is still under way.
            core::hint::spin_loop();
        }
        // SAFETY: a register.
        unsafe { (DESTINATION as *mut u32).write_volatile(destination) };
        // SAFETY: whoever gets it handles it, by `wake`.
        unsafe { (COMMAND as *mut u32).write_volatile(shorthand | 1 << 14 | VECTOR) };
    });
}

/// Its handler: it has ended a HLT, and that is all.
#[unsafe(naked)]
extern "C" fn wake() {
    naked_asm!(
        "push rax",
        "mov eax, {end}",
        "mov dword ptr [rax], 0",
        "pop rax",
        "iretq",
        end = const END,
    );
}

/// Has this processor, the one of this number, be woken by the others. (The firmware may have several tables of
/// handlers.)
pub fn listen(number: usize) {
    IDS[number].store(id(), Ordering::Relaxed);
    #[repr(C, packed)]
    #[derive(Default)]
    struct Table {
        limit: u16,
        base: usize,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Gate {
        low: u16,
        segment: u16,
        kind: u16,
        middle: u16,
        high: u64,
    }
    let mut table = Table::default();
    // SAFETY: writes what it says.
    unsafe { asm!("sidt [{}]", in(reg) &raw mut table) };
    assert!(u32::from(table.limit) >= 16 * VECTOR + 15);
    let segment;
    // SAFETY: reads a register.
    unsafe { asm!("mov {:x}, cs", out(reg) segment) };
    let wake = wake as *const () as usize;
    let gate = Gate {
        low: wake as u16,
        segment,
        kind: 0x8e00, // an interrupt gate: interrupts are kept out
        middle: (wake >> 16) as u16,
        high: (wake >> 32) as u64,
    };
    // SAFETY: inside the table; nobody uses this vector.
    unsafe { (table.base as *mut Gate).add(VECTOR as usize).write(gate) };
    let base: u32;
    // SAFETY: reads a register, where the controller's registers are.
    unsafe { asm!("rdmsr", in("ecx") 0x1b, out("eax") base, out("edx") _) };
    assert_eq!(base & 1 << 10, 0, "an x2APIC has no registers in memory");
    // SAFETY: a register.
    let spurious = unsafe { (SPURIOUS as *const u32).read_volatile() };
    // SAFETY: its bit that turns the controller on, if the firmware has not.
    unsafe { (SPURIOUS as *mut u32).write_volatile(spurious | 1 << 8) };
}

/// Keeps interrupts out meanwhile.
fn without_interrupts(work: impl FnOnce()) {
    let flags: usize;
    // SAFETY: what was pushed is popped.
    unsafe { asm!("pushfq", "pop {}", "cli", out(reg) flags) };
    work();
    if flags & 1 << 9 != 0 {
        // SAFETY: they were let in before.
        unsafe { asm!("sti") };
    }
}

/// Writes a byte to a port.
pub fn out(port: u16, byte: u8) {
    // SAFETY: the emulator's console or the way out of it; no memory is touched.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte) };
}
