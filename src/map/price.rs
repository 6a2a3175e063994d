//! What a wake-up has to bring: so much work that it pays.
//!
//! Waking a sleeper costs the caller some time, and the sleeper comes some time later: a quantum or two and some
//! three, on a quiet desktop. On a virtual machine it can be five times as much, and where the kernel puts a thread
//! that wakes up onto its waker's core, or all cores are busy, it brings nothing. So with threads, in a pool with
//! the feature `std`, each map that has somebody woken looks whether it was slower for it than it would have been alone.
//! If so, the next one has to have twice the work; if not, it may have a quarter less. And each map that the price kept
//! alone lowers it a little, so that it is tried again: a 64th, or half as much for each time in a row that it did not pay.
//! (On the virtual machine, a try that fails costs as much as a map of 20 us; at a 64th they made rows of such maps 6 %
//! slower.)
//!
//! In a row of maps it is the row that has to pay: who is woken for one is still awake for the next. So there the
//! price begins lower, and is learned by itself, also from the maps that find somebody awake.
//!
//! Without `std` the price is fixed: there a wake-up costs what the chip's manual says, the same every time.

use crate::map::cost::Cost;
use crate::sync::const_fn;
#[cfg(feature = "std")]
use crate::sync::{AtomicUsize, Ordering, array_of};

/// A sleeper is woken for every so many quanta of work, at least.
pub(super) const QUANTA_PER_WAKE: usize = 8;
/// The same in a row of maps.
pub(super) const QUANTA_PER_WAKE_IN_A_ROW: usize = 2;
/// The most that the price goes up to, in wake-ups that cost as little as can be: about a millisecond of work.
#[cfg(feature = "std")]
const MAX: usize = 64;
/// So many failures in a row are counted.
#[cfg(feature = "std")]
const FAILURES: usize = 3;

/// The work that has to be there for each sleeper that is woken, in ticks.
pub(super) struct Price {
    /// For a map by itself, and for one in a row: a price, 0 for the least; and in the `FAILURES` bits, how many times in a
    /// row it did not pay. (They are too low to matter, but with clocks of a megahertz: there the price goes down by 4
    /// at least.) Relaxed: hints.
    #[cfg(feature = "std")]
    learned: [AtomicUsize; 2],
}

fn least(quantum: usize, row: bool) -> usize {
    quantum.saturating_mul(match row {
        false => QUANTA_PER_WAKE,
        true => QUANTA_PER_WAKE_IN_A_ROW,
    })
}

impl Price {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self {
                #[cfg(feature = "std")]
                learned: array_of![AtomicUsize::new(0); 2],
            }
        }
    }
}

impl Price {
    /// How many wake-ups `work` pays for.
    #[inline]
    pub(super) fn buys(&self, work: usize, quantum: usize, row: bool) -> usize {
        // (The price is not 0, but that is said to nobody; and a division that can panic is code.)
        work.checked_div(self.get(quantum, row)).unwrap_or(0)
    }
}

#[cfg(not(feature = "std"))]
impl Price {
    fn get(&self, quantum: usize, row: bool) -> usize {
        least(quantum, row)
    }

    pub(super) fn kept_alone(&self, _took: usize, _quantum: usize) {}

    pub(super) fn paid(&self, _team: Cost, _alone: Cost, _quantum: usize, _row: bool) {}
}

#[cfg(feature = "std")]
impl Price {
    #[inline]
    fn get(&self, quantum: usize, row: bool) -> usize {
        (self.learned[usize::from(row)].load(Ordering::Relaxed) & !FAILURES)
            .max(least(quantum, row))
    }

    fn failures(&self, row: bool) -> usize {
        self.learned[usize::from(row)].load(Ordering::Relaxed) & FAILURES
    }

    /// A map took so long alone.
    pub(super) fn kept_alone(&self, took: usize, quantum: usize) {
        for row in [false, true] {
            let (price, failures) = (self.get(quantum, row), self.failures(row));
            if (least(quantum, row)..price).contains(&took) {
                self.set(
                    price - price.div_ceil(64 << failures),
                    failures,
                    quantum,
                    row,
                );
            }
        }
    }

    /// A map that had somebody woken, or was in a row, took so long for each of its elements, and would have taken so
    /// long alone.
    pub(super) fn paid(&self, team: Cost, alone: Cost, quantum: usize, row: bool) {
        let price = self.get(quantum, row);
        if team > alone {
            let most = least(quantum, row).saturating_mul(MAX);
            let failures = (self.failures(row) + 1).min(FAILURES);
            self.set(price.saturating_mul(2).min(most), failures, quantum, row);
        } else {
            self.set(price - price / 4, 0, quantum, row);
        }
    }

    /// Writes only what is new: a line that nobody writes is in everybody's cache.
    fn set(&self, price: usize, failures: usize, quantum: usize, row: bool) {
        let new = price.max(least(quantum, row)) & !FAILURES | failures;
        let learned = &self.learned[usize::from(row)];
        if new != learned.load(Ordering::Relaxed) {
            learned.store(new, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "std", not(any(ringpool_loom, ringpool_shuttle))))]
mod tests {
    use super::*;

    const QUANTUM: usize = 1000;
    const LEAST: usize = QUANTUM * QUANTA_PER_WAKE;

    #[test]
    fn what_does_not_pay_has_to_bring_twice_as_much_the_next_time_up_to_a_limit() {
        let price = Price::new();
        assert_eq!(price.get(QUANTUM, false), LEAST);
        price.paid(Cost::of(10_001, 1), Cost::of(10_000, 1), QUANTUM, false);
        assert_eq!(price.get(QUANTUM, false), 2 * LEAST);
        (0..20).for_each(|_| price.paid(Cost::of(2, 1), Cost::of(1, 1), QUANTUM, false));
        assert_eq!(price.get(QUANTUM, false), MAX * LEAST);
    }

    #[test]
    fn what_pays_may_bring_a_quarter_less_the_next_time_down_to_what_a_wake_up_costs_at_least() {
        let price = Price::new();
        price.paid(Cost::of(2, 1), Cost::of(1, 1), QUANTUM, false);
        price.paid(Cost::of(10_000, 1), Cost::of(10_000, 1), QUANTUM, false);
        assert_eq!(price.get(QUANTUM, false), 2 * LEAST * 3 / 4);
        (0..20).for_each(|_| price.paid(Cost::of(1, 1), Cost::of(2, 1), QUANTUM, false));
        assert_eq!(price.get(QUANTUM, false), LEAST);
    }

    #[test]
    fn a_price_that_keeps_maps_alone_goes_down_slowly() {
        let price = Price::new();
        (0..4).for_each(|_| price.paid(Cost::of(2, 1), Cost::of(1, 1), QUANTUM, false));
        // Too short for any price, or too long for this one: that says nothing.
        price.kept_alone(LEAST - 1, QUANTUM);
        price.kept_alone(16 * LEAST, QUANTUM);
        assert_eq!(price.get(QUANTUM, false), 16 * LEAST);
        price.kept_alone(LEAST, QUANTUM);
        assert_eq!(
            price.get(QUANTUM, false),
            (16 * LEAST * 511 / 512) & !FAILURES
        );
        let tries = (0..).take_while(|_| {
            price.kept_alone(LEAST, QUANTUM);
            price.get(QUANTUM, false) != LEAST
        });
        assert!((1000..2000).contains(&tries.count()));
    }

    #[test]
    fn the_more_often_it_did_not_pay_the_later_it_is_tried_again() {
        let price = Price::new();
        for _ in 0..2 {
            for slower in [1, 2, 4, 4] {
                // Up to twice the work, and down again.
                price.paid(Cost::of(2, 1), Cost::of(1, 1), QUANTUM, false);
                let maps = (0..).take_while(|_| {
                    price.kept_alone(LEAST, QUANTUM);
                    price.buys(LEAST, QUANTUM, false) == 0
                });
                let maps = maps.count() / slower;
                assert!((80..100).contains(&maps), "{maps}");
            }
            price.paid(Cost::of(1, 1), Cost::of(1, 1), QUANTUM, false);
        }
    }

    #[test]
    fn a_row_has_a_price_of_its_own() {
        const LEAST_IN_A_ROW: usize = QUANTUM * QUANTA_PER_WAKE_IN_A_ROW;
        let price = Price::new();
        (0..4).for_each(|_| price.paid(Cost::of(2, 1), Cost::of(1, 1), QUANTUM, false));
        assert_eq!(price.buys(LEAST, QUANTUM, false), 0);
        assert_eq!(price.buys(LEAST, QUANTUM, true), 4);
        price.paid(Cost::of(2, 1), Cost::of(1, 1), QUANTUM, true);
        assert_eq!(price.buys(LEAST, QUANTUM, true), 2);
        assert_eq!(price.get(QUANTUM, false), 16 * LEAST);
        // One that woke somebody, and those after it that found him awake.
        (0..4).for_each(|_| price.paid(Cost::of(1, 1), Cost::of(2, 1), QUANTUM, true));
        assert_eq!(price.get(QUANTUM, true), LEAST_IN_A_ROW);
        (0..20).for_each(|_| price.paid(Cost::of(2, 1), Cost::of(1, 1), QUANTUM, true));
        assert_eq!(price.get(QUANTUM, true), MAX * LEAST_IN_A_ROW);
        price.kept_alone(LEAST_IN_A_ROW, QUANTUM);
        let least = MAX * LEAST_IN_A_ROW * 511 / 512;
        assert_eq!(price.get(QUANTUM, true), least & !FAILURES);
    }

    #[test]
    fn also_a_low_price_goes_down() {
        let price = Price::new();
        price.paid(Cost::of(2, 1), Cost::of(1, 1), 2, false);
        assert_eq!(price.get(2, false), 32);
        (0..16).for_each(|_| price.kept_alone(16, 2));
        assert_eq!(price.get(2, false), 16);
    }
}
