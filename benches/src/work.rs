//! What the contestants work on.

use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};

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

/// What elements cost on this machine.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Calibrated {
    /// How many steps of a long element take 1000 ns.
    steps_per_us: f64,
    /// What elements of 0, 1, 2 ... steps take in a loop, in ns: less than one alone, since
    /// processors overlap them.
    short: [f64; 32],
}

pub fn calibrate() -> Calibrated {
    let long = 100_000;
    Calibrated {
        steps_per_us: f64::from(long) * 1000.0 / cost(long, 1),
        short: std::array::from_fn(|steps| cost(steps as u32, 5000)),
    }
}

/// What an element of so many steps takes, among so many, in ns: at best, for others only make it
/// longer.
fn cost(steps: u32, count: usize) -> f64 {
    let elements = vec![Element { steps }; count];
    let mut out = vec![0; count];
    let best = (0..50).map(|_| {
        let start = Instant::now();
        for (y, element) in out.iter_mut().zip(black_box(&elements)) {
            *y = element.run();
        }
        black_box(&mut out);
        start.elapsed().as_nanos() as f64 / count as f64
    });
    best.min_by(f64::total_cmp).expect("some rounds")
}

impl Calibrated {
    /// An element that takes `ns` or a little more; nothing for 0.
    pub fn for_ns(self, ns: u32) -> Element {
        let ns = f64::from(ns);
        let short = self.short.iter().position(|&cost| cost >= ns);
        let steps = match short {
            _ if ns == 0.0 => 0,
            Some(steps) => steps as u32,
            None => (ns * self.steps_per_us / 1000.0) as u32,
        };
        Element { steps }
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
