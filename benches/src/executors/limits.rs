//! What the machine allows: the same work with nothing of a pool in it.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::thread;
use std::time::{Duration, Instant};

use super::latency::{Pace, start};
use super::{clock, leak};
use crate::table::{Setup, Turn};

/// A line of its own, and not its neighbour's either.
#[repr(align(128))]
struct Line<T>(T);

/// Half of what a line takes to another core and back, there and back at once.
pub fn half_round_trip(_: &Setup) -> Turn {
    let word: &Line<AtomicU64> = leak(Line(AtomicU64::new(0)));
    let word = &word.0;
    thread::spawn(move || {
        loop {
            let seen = word.load(Acquire);
            if seen % 2 == 1 {
                word.store(seen + 1, Release);
            }
            spin_loop();
        }
    });
    let sample = move || {
        let before = clock::now();
        let sent = word.load(Relaxed) + 1;
        word.store(sent, Release);
        while word.load(Acquire) == sent {
            spin_loop();
        }
        clock::ns(clock::now() - before) / 2.0
    };
    Box::new(move || {
        (0..200).for_each(|_| _ = sample());
        (0..200).map(|_| sample()).collect()
    })
}

/// A word that another thread looks at all the time.
pub fn hand_off(pace: Pace) -> impl Fn(&Setup) -> Turn {
    move |setup| {
        let word: &Line<AtomicU64> = leak(Line(AtomicU64::new(0)));
        thread::spawn(move || {
            let mut last = 0;
            loop {
                let number = word.0.load(Acquire);
                (last + 1..=number).for_each(start);
                last = number;
                spin_loop();
            }
        });
        pace.turn(setup, move |number| word.0.store(number, Release))
    }
}

/// A thread that sleeps in the kernel until the word changes, and one system call to wake it.
#[cfg(target_os = "linux")]
pub fn futex(pace: Pace) -> impl Fn(&Setup) -> Turn {
    use std::sync::atomic::AtomicU32;

    fn call(word: &AtomicU32, operation: libc::c_int, value: u32) {
        let no_timeout: *const libc::timespec = std::ptr::null();
        // SAFETY: the word outlives the call, and these operations use nothing but it and the
        // value.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                operation | libc::FUTEX_PRIVATE_FLAG,
                value,
                no_timeout,
            )
        };
    }

    move |setup| {
        let word: &Line<AtomicU32> = leak(Line(AtomicU32::new(0)));
        let word = &word.0;
        thread::spawn(move || {
            let mut last = 0;
            loop {
                call(word, libc::FUTEX_WAIT, last);
                let number = word.load(Acquire);
                (last + 1..=number).for_each(|number| start(number.into()));
                last = number;
            }
        });
        pace.turn(setup, move |number| {
            word.store(number as u32, Release);
            call(word, libc::FUTEX_WAKE, 1);
        })
    }
}

/// Slots of 64 bytes, from one thread to another: ns a slot.
pub fn stream(_: &Setup) -> Turn {
    const SLOTS: u64 = 1024;
    /// A number, 0 while there is none, and what a job would capture.
    #[repr(align(64))]
    struct Slot([AtomicU64; 8]);
    struct Stream {
        slots: [Slot; SLOTS as usize],
        /// How many the consumer has read: it says so now and then.
        read: Line<AtomicU64>,
        sum: Line<AtomicU64>,
    }
    let stream: &Stream = leak(Stream {
        slots: [const { Slot([const { AtomicU64::new(0) }; 8]) }; SLOTS as usize],
        read: Line(AtomicU64::new(0)),
        sum: Line(AtomicU64::new(0)),
    });
    thread::spawn(move || {
        let mut sum = 0;
        for number in 1.. {
            let Slot([ready, words @ ..]) = &stream.slots[(number % SLOTS) as usize];
            while ready.load(Acquire) != number {
                spin_loop();
            }
            sum += words.iter().map(|word| word.load(Relaxed)).sum::<u64>();
            if number % 64 == 0 {
                stream.sum.0.store(sum, Relaxed);
                stream.read.0.store(number, Release);
            }
        }
    });
    let (mut written, mut sent) = (0, 0);
    let mut burst = move |messages: u64| {
        let start = clock::now();
        let mut read = stream.read.0.load(Acquire);
        for _ in 0..messages.next_multiple_of(64) {
            written += 1;
            while written - read > SLOTS {
                spin_loop();
                read = stream.read.0.load(Acquire);
            }
            let Slot([ready, words @ ..]) = &stream.slots[(written % SLOTS) as usize];
            for word in words {
                word.store(written, Relaxed);
            }
            sent += 7 * written;
            ready.store(written, Release);
        }
        while stream.read.0.load(Acquire) < written {
            spin_loop();
        }
        let ns = clock::ns(clock::now() - start);
        assert_eq!(stream.sum.0.load(Relaxed), sent, "all that was sent");
        ns / messages.next_multiple_of(64) as f64
    };
    Box::new(move || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(10) {
            burst(1000);
        }
        vec![burst(100_000)]
    })
}
