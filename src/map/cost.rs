//! What an element of a map costs: measured, and remembered from call to call.

use crate::sync::{AtomicUsize, Ordering, array_of, const_fn, size};

/// Time per element, in sixteenths of a tick; at least one.
#[derive(Clone, Copy)]
pub(super) struct Cost(usize);

impl Cost {
    pub(super) fn of(ticks: usize, elements: usize) -> Self {
        Self((ticks.saturating_mul(16) / elements).max(1))
    }

    /// How long `elements` will take, in ticks.
    pub(super) fn total(self, elements: usize) -> usize {
        self.0.saturating_mul(elements) / 16
    }

    /// How many elements take `ticks`; at least one.
    pub(super) fn afford(self, ticks: usize) -> usize {
        (ticks.saturating_mul(16) / self.0).max(1)
    }
}

/// How many maps are remembered.
const ENTRIES: usize = size(if usize::BITS >= 64 { 16 } else { 4 }, 1);
/// An entry is a cost in the low bits (0: no entry) and the low bits of a key above them.
const COST_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
const MAX_COST: usize = (1 << COST_BITS) - 1;

/// A small table, keyed by the address of a map's function: the closure's type, that is. Lossy: two maps
/// that share an entry forget each other. Nothing but speed rests on what it says.
///
/// Relaxed throughout: an entry is one word and stands for itself.
pub(super) struct Costs {
    entries: [AtomicUsize; ENTRIES],
}

impl Costs {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self { entries: array_of![AtomicUsize::new(0); ENTRIES] }
        }
    }

    fn entry(&self, key: usize) -> (&AtomicUsize, usize) {
        // Functions are aligned: the lowest bits say nothing.
        let key = key / 16;
        (&self.entries[key % ENTRIES], key << COST_BITS)
    }

    pub(super) fn recall(&self, key: usize) -> Option<Cost> {
        let (entry, tag) = self.entry(key);
        let entry = entry.load(Ordering::Relaxed);
        (entry & MAX_COST != 0 && entry & !MAX_COST == tag).then_some(Cost(entry & MAX_COST))
    }

    /// Remembers, unless it is about what is remembered already: a line that nobody writes is in
    /// everybody's cache.
    pub(super) fn note(&self, key: usize, cost: Cost) {
        let cost = cost.0.min(MAX_COST);
        if let Some(Cost(known)) = self.recall(key) {
            if known.abs_diff(cost) <= known / 4 {
                return;
            }
        }
        let (entry, tag) = self.entry(key);
        entry.store(tag | cost, Ordering::Relaxed);
    }
}
