//! `map`: alone first, then with a team.
//!
//! A line of cache takes some 200 ns from one core to another and a wake-up some 2 us, so a map of
//! less work than that must not leave its caller, and one of more must spread at once. Only time tells
//! them apart:
//!
//! 1. *Alone.* The caller maps element 0, looks at the clock, and goes on in batches that grow until it
//!    has worked for a *quantum* (2 us). Most small maps end here: no fence, no atomic operation but loads.
//!    What an element cost is remembered for the next call ([`cost`]): a map known to be short runs in
//!    one batch after its first element, one known to be long skips this step.
//! 2. *A team.* The caller cuts what is left into [`lanes`] and opens a [`team`]; awake workers join, and
//!    sleepers are woken if, and only as many as, the work left pays for; what a wake-up costs is learned ([`price`]).
//!    In a row of maps it is the row that has to pay: who was woken for one still spins when the next comes.
//! 3. *Chunks.* Every participant, the caller too, takes chunks of a few quanta, by its own measure, and
//!    smaller ones near the end, from its lane and then from the others'.
//! 4. *Close and leave.* When all is taken the caller closes the team and waits for every helper to have
//!    left. It runs nothing else meanwhile: no stack grows, no lock is taken out of order.
//!
//! If nobody can help (no worker, all team slots taken) the caller goes on alone and asks again later.
//!
//! # Panics of the function
//!
//! While the caller is alone, a panic unwinds through it, and `Alone` drops what has to be dropped. In
//! a team, each participant catches its own; it takes everything that is left, so that all stop, drops
//! the inputs among it, and notes which elements have no result. When all have left, the caller drops the
//! results there are and goes on with the first panic. These notes are allocated, as the panic itself is.

pub(crate) mod chunks;
mod cost;
mod frame;
pub(crate) mod input;
mod lanes;
pub(crate) mod output;
mod price;
mod task;
mod team;
#[cfg(test)]
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
mod tests;
#[cfg(feature = "std")]
mod vectors;

pub(crate) use frame::help;

use core::marker::PhantomData;
use core::mem;
use core::ops::Range;

use crate::idle::Idle;
use crate::map::cost::{Cost, Costs};
use crate::map::frame::{CALLER, Frame};
use crate::map::input::Input;
use crate::map::output::{Output, Sink};
use crate::map::price::Price;
use crate::map::task::{Mapping, Task};
use crate::map::team::{Joined, Teams};
use crate::platform::Platform;
use crate::sync::{AtomicUsize, Ordering, const_fn};
use crate::unwind::Bomb;

/// Maps are in a row if at most so many quanta lie between them: about as long as a worker spins.
const QUANTA_IN_A_ROW: usize = 4;

/// What a pool keeps for its maps.
pub(crate) struct Maps {
    teams: Teams,
    costs: Costs,
    /// When the last map ended that was longer than a quantum, in ticks. Relaxed: a hint.
    last: AtomicUsize,
    price: Price,
}

impl Maps {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                teams: Teams::new(),
                costs: Costs::new(),
                last: AtomicUsize::new(0),
                price: Price::new(),
            }
        }
    }

    #[track_caller]
    pub(crate) fn map<P, I, O, R, F>(&self, idle: &Idle<P>, input: I, output: O, f: F) -> O::Done
    where
        P: Platform,
        I: Input,
        O: Output<R>,
        F: Fn(I::Item) -> R + Sync,
    {
        let len = input.elements();
        let sink = output.into_sink(len);
        let mapping = Mapping {
            source: input.into_source(),
            sink,
            function: f,
            result: PhantomData,
        };
        let key = Mapping::<I::Source, O::Sink, F, R>::run as *const () as usize;
        if len != 0 {
            self.drive(idle, &mapping, key, len);
        }
        // SAFETY: *done*: `drive` ran all elements, or it would not have returned.
        unsafe { mapping.sink.done() }
    }

    fn drive<P: Platform>(&self, idle: &Idle<P>, task: &dyn Task, key: usize, len: usize) {
        let mut alone = Alone { task, at: 0, len };
        let platform = idle.platform();
        let quantum = quantum(platform);
        let known = self.costs.recall(key);
        // Whether nobody helps for now. (Kept with `std` only: 40 bytes of a firmware, for 100 ns.)
        let mut asked = false;
        if let Some(cost) = known {
            if quantum != 0 && cost.total(len) >= quantum {
                if self.with_team(idle, &mut alone, 0, cost, quantum, key) {
                    return mem::forget(alone);
                }
                asked = cfg!(feature = "std");
            }
        }
        let start = platform.ticks();
        let mut next = 0;
        let mut batch: usize = 1;
        let elapsed = loop {
            alone.run(next..next + batch);
            next += batch;
            let elapsed = since(start, platform);
            if next == len {
                break elapsed;
            }
            let cost = match known {
                Some(cost) if next == 1 && elapsed <= quantum / 4 => cost,
                _ => Cost::of(elapsed, next),
            };
            let left = len - next;
            let short = quantum != 0 && cost.total(left) < quantum;
            batch = if short && (known.is_some() || elapsed >= quantum) {
                left
            } else if elapsed < quantum && !asked {
                let growth = match known {
                    Some(_) => len,
                    None => batch.saturating_mul(8),
                };
                cost.afford(quantum - elapsed).min(growth)
            } else {
                if !asked && self.with_team(idle, &mut alone, next, cost, quantum, key) {
                    return mem::forget(alone);
                }
                asked = false;
                // Nobody to help: on for a while, and ask again.
                match quantum {
                    0 => batch.saturating_mul(8),
                    _ => cost.afford(quantum.saturating_mul(16)),
                }
            }
            .min(left);
        };
        mem::forget(alone);
        if quantum != 0 {
            self.costs.note(key, elapsed, len);
            if elapsed >= quantum {
                self.ended(platform);
                if len != 1 {
                    self.price.kept_alone(elapsed, quantum);
                }
            }
        }
    }

    /// A map longer than a quantum has ended. Returns when.
    fn ended<P: Platform>(&self, platform: &P) -> u64 {
        let now = platform.ticks();
        self.last.store(now as usize, Ordering::Relaxed);
        now
    }

    /// Whether a map that begins at `now` may count on those who were awake for the last one.
    fn in_a_row<P: Platform>(&self, platform: &P, now: u64, quantum: usize) -> bool {
        let pause = (now as usize).wrapping_sub(self.last.load(Ordering::Relaxed));
        platform.spins() != 0 && pause / QUANTA_IN_A_ROW < quantum
    }

    /// Maps elements from `next` on with whoever helps. Returns whether anybody will; then there is nothing
    /// left for `alone`.
    #[inline(never)]
    fn with_team<P: Platform>(
        &self,
        idle: &Idle<P>,
        alone: &mut Alone<'_>,
        next: usize,
        cost: Cost,
        quantum: usize,
        key: usize,
    ) -> bool {
        let (len, platform) = (alone.len, idle.platform());
        let workers = idle.workers();
        let most = workers.min(len - next - 1);
        let (mut start, mut row, mut helpers) = (0, false, most);
        if quantum != 0 {
            start = platform.ticks();
            row = self.in_a_row(platform, start, quantum);
            let work = cost.total(len - next);
            helpers = self.price.buys(work, quantum, row).min(most);
        }
        if most == 0 || helpers == 0 && idle.all_sleep() {
            return false;
        }
        let Some(held) = self.teams.hold() else {
            return false;
        };
        let mut frame = Frame::<P>::new(alone.task);
        frame.cut(next..len, workers + 1, cost, quantum);
        alone.disarm();
        // From here until the team is closed, nothing may unwind out of this function.
        let bomb = Bomb;
        held.open((&raw const frame).cast());
        let wanted = idle.wake(helpers);
        frame.want(wanted);
        let (elements, ticks) = frame.participate(CALLER, 0, idle);
        held.close(idle);
        mem::forget(bomb);
        frame.finish(len);
        if quantum != 0 {
            let took = span(start, self.ended(platform));
            if elements != 0 {
                self.costs.note(key, ticks, elements);
                // Where the caller had it all, and woke nobody, nobody helped.
                if wanted != 0 || row && elements != len - next {
                    let (team, alone) = (Cost::of(took, len - next), Cost::of(ticks, elements));
                    self.price.paid(team, alone, quantum, row);
                }
            }
        }
        true
    }

    /// Whether a worker could help somewhere.
    #[inline]
    pub(crate) fn any_open(&self) -> bool {
        self.teams.any_open()
    }

    /// Joins a team that wants help.
    #[inline]
    pub(crate) fn join<P: Platform>(&self, worker: usize, idle: &Idle<P>) -> Option<Joined<'_>> {
        self.teams.join(worker, idle)
    }
}

/// A caller that nobody helps. Its drop is for a panic of the function that unwinds through it. (After one of
/// the platform's, it drops less than there is.)
struct Alone<'t> {
    task: &'t dyn Task,
    at: usize,
    len: usize,
}

impl Alone<'_> {
    #[inline]
    fn run(&mut self, range: Range<usize>) {
        // SAFETY: *once*: `drive` runs each element once, in order.
        unsafe { self.task.run(range, &mut self.at) };
    }

    /// From here on somebody else answers for the elements.
    fn disarm(&mut self) {
        self.len = 0;
    }
}

impl Drop for Alone<'_> {
    #[cold]
    fn drop(&mut self) {
        if self.len == 0 {
            return;
        }
        // SAFETY: *once*: `at` panicked; nothing behind it was run. (If `at` is not kept, this does nothing.)
        unsafe { self.task.discard(self.at + 1..self.len) };
        // SAFETY: *done*: everything before it was, by this caller. (Likewise.)
        unsafe { self.task.undo(0..self.at) };
    }
}

/// The platform's quantum in ticks, as far as it fits; 0 without a clock.
#[inline]
fn quantum<P: Platform>(platform: &P) -> usize {
    usize::try_from(platform.quantum()).unwrap_or(usize::MAX)
}

/// Ticks since `start`, as far as they fit.
#[inline]
fn since<P: Platform>(start: u64, platform: &P) -> usize {
    span(start, platform.ticks())
}

/// Ticks between, as far as they fit.
#[inline]
fn span(start: u64, end: u64) -> usize {
    usize::try_from(end.wrapping_sub(start)).unwrap_or(usize::MAX)
}
