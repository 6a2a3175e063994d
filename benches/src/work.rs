//! What the contestants work on.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

/// Under a nanosecond of work that compilers do not vectorise: both halves of a product.
#[inline(always)]
pub fn trivial(x: u64) -> u64 {
    let product = u128::from(x ^ 0xe703_7ed1_a0b4_28db) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

/// An element that takes a given time: a chain of dependent multiplications.
#[derive(Clone, Copy)]
pub struct Element {
    steps: u32,
}

/// How many steps of [`Element`] take 1000 ns on this machine.
#[derive(Clone, Copy)]
pub struct Calibrated {
    pub steps_per_us: f64,
}

pub fn calibrate() -> Calibrated {
    let probe = Element { steps: 100_000 };
    let best = (0..50)
        .map(|_| {
            let start = Instant::now();
            black_box(black_box(&probe).run());
            start.elapsed().as_nanos()
        })
        .min()
        .expect("some rounds");
    Calibrated {
        steps_per_us: f64::from(probe.steps) * 1000.0 / best as f64,
    }
}

impl Calibrated {
    pub fn for_ns(self, ns: u32) -> Element {
        Element {
            steps: (f64::from(ns) * self.steps_per_us / 1000.0) as u32,
        }
    }
}

impl Element {
    #[inline(never)]
    pub fn run(&self) -> u64 {
        let mut x = u64::from(self.steps);
        for _ in 0..self.steps {
            x = trivial(x).wrapping_add(1);
        }
        x
    }
}

/// Two threads that hand a line back and forth.
pub struct RoundTrip {
    word: Arc<AtomicUsize>,
    partner: Option<JoinHandle<()>>,
}

const END: usize = usize::MAX;

impl RoundTrip {
    pub fn new() -> Self {
        let word = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&word);
        let partner = std::thread::spawn(move || {
            loop {
                match shared.load(Ordering::Acquire) {
                    END => break,
                    odd if odd % 2 == 1 => shared.store(odd + 1, Ordering::Release),
                    _ => std::hint::spin_loop(),
                }
            }
        });
        Self {
            word,
            partner: Some(partner),
        }
    }

    /// What it takes one way, in ns.
    pub fn half(&mut self) -> f64 {
        const TRIPS: usize = 200;
        let start = Instant::now();
        for _ in 0..TRIPS {
            let sent = self.word.load(Ordering::Relaxed) + 1;
            self.word.store(sent, Ordering::Release);
            while self.word.load(Ordering::Acquire) == sent {
                std::hint::spin_loop();
            }
        }
        start.elapsed().as_nanos() as f64 / TRIPS as f64 / 2.0
    }
}

impl Drop for RoundTrip {
    fn drop(&mut self) {
        self.word.store(END, Ordering::Release);
        if let Some(partner) = self.partner.take() {
            partner.join().expect("no panic");
        }
    }
}

/// A thread that sleeps until it is woken, and says when it was.
pub struct Sleeper {
    /// When it woke, in ns since `epoch`; 0 while it sleeps.
    woken: Arc<AtomicUsize>,
    epoch: Instant,
    thread: Option<JoinHandle<()>>,
}

impl Sleeper {
    pub fn new() -> Self {
        let woken = Arc::new(AtomicUsize::new(0));
        let epoch = Instant::now();
        let shared = Arc::clone(&woken);
        let thread = std::thread::spawn(move || {
            while shared.load(Ordering::Relaxed) != END {
                std::thread::park();
                let now = epoch.elapsed().as_nanos() as usize;
                _ = shared.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
            }
        });
        Self {
            woken,
            epoch,
            thread: Some(thread),
        }
    }

    /// From the wake-up to the thread's first look at the clock, in ns.
    pub fn wake(&mut self) -> f64 {
        self.woken.store(0, Ordering::Relaxed);
        let before = self.epoch.elapsed().as_nanos() as usize;
        self.thread.as_ref().expect("it runs").thread().unpark();
        loop {
            match self.woken.load(Ordering::Relaxed) {
                0 => std::hint::spin_loop(),
                woken => break (woken - before) as f64,
            }
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.woken.store(END, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("no panic");
        }
    }
}
