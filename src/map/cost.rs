//! What an element of a map costs: measured, and remembered from call to call.

use core::num::NonZero;

use crate::platform::MANY_CORES;
use crate::sync::{AtomicUsize, Line, Ordering, array_of, const_fn, size};

/// Time per element, in sixteenths of a tick; at least one.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Cost(NonZero<usize>);

impl Cost {
    #[inline]
    pub(super) fn of(ticks: usize, elements: usize) -> Self {
        Self(at_least_one(
            ticks.saturating_mul(16) / at_least_one(elements),
        ))
    }

    /// How long `elements` will take, in ticks.
    #[inline]
    pub(super) fn total(self, elements: usize) -> usize {
        self.0.get().saturating_mul(elements) / 16
    }

    /// How many sleepers `elements` are worth waking, one for each `price` ticks of work.
    #[inline]
    pub(super) fn wakes(self, elements: usize, price: usize) -> usize {
        self.total(elements).checked_div(price).unwrap_or(elements)
    }

    /// How many elements take `ticks`; at least one.
    #[inline]
    pub(super) fn afford(self, ticks: usize) -> usize {
        (ticks.saturating_mul(16) / self.0).max(1)
    }
}

#[inline]
fn at_least_one(n: usize) -> NonZero<usize> {
    NonZero::new(n).unwrap_or(NonZero::<usize>::MIN)
}

/// What is remembered of a function.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// It was not called yet, or no call of it took any time.
    New,
    /// What an element cost the last time.
    Cost(Cost),
    /// Its place is another function's: it may have been called.
    Forgotten,
}

/// How many functions are remembered: in `SETS` sets of `WAYS`, a cache line each.
const SETS: usize = size(if usize::BITS >= 64 { 8 } else { 1 }, 1);
const WAYS: usize = size(if usize::BITS >= 64 { 8 } else { 4 }, 1);
/// An entry is a cost in the low bits (0: no entry) and the low bits of a key above them.
const COST_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
const MAX_COST: usize = (1 << COST_BITS) - 1;

/// A small table, keyed by the address of a map's function: the closure's type, that is. Lossy: in
/// a set that is full, a function takes another's place. Nothing but speed rests on what it says.
///
/// Relaxed throughout: an entry is one word and stands for itself.
pub(super) struct Costs {
    sets: [Line<[AtomicUsize; WAYS]>; SETS],
}

impl Costs {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self { sets: array_of![Line::new(array_of![AtomicUsize::new(0); WAYS]); SETS] }
        }
    }

    /// The entry of this key, or where to put it, with what is there; and the key's part of an
    /// entry.
    #[inline]
    fn entry(&self, key: usize) -> (&AtomicUsize, usize, usize) {
        // Functions are aligned: the lowest bits say nothing.
        let key = key / 16;
        let (set, tag) = (&self.sets[key % SETS], key << COST_BITS);
        for entry in &**set {
            let is = entry.load(Ordering::Relaxed);
            if is == 0 || is & !MAX_COST == tag {
                return (entry, is, tag);
            }
        }
        let entry = &set[key / SETS % WAYS];
        (entry, entry.load(Ordering::Relaxed), tag)
    }

    #[inline]
    pub(super) fn recall(&self, key: usize) -> Known {
        let (_, is, tag) = self.entry(key);
        match NonZero::new(is & MAX_COST) {
            None => Known::New,
            Some(cost) if is & !MAX_COST == tag => Known::Cost(Cost(cost)),
            Some(_) => Known::Forgotten,
        }
    }

    /// Remembers that so many elements took so many ticks. What took no time teaches nothing. What
    /// is about the same is not written: a line that no core writes is in every core's cache.
    #[inline]
    pub(super) fn note(&self, key: usize, ticks: usize, elements: usize) {
        if ticks == 0 {
            return;
        }
        let cost = Cost::of(ticks, elements).0.get().min(MAX_COST);
        let (entry, is, tag) = self.entry(key);
        let known = is & MAX_COST;
        if !MANY_CORES || is & !MAX_COST != tag || known.abs_diff(cost) > known / 4 {
            entry.store(tag | cost, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests;
