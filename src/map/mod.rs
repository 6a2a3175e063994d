//! `map`: on the caller alone where that is known to be short, else with a team.
//!
//! A cache line takes some 200 ns from one core to another and a wake-up some 2 us, so a map of
//! less work than that must not leave its caller, and one of more must spread at once. What an
//! element cost is remembered, by function ([`cost`]):
//!
//! * *Not known, first call.* The caller opens a [`team`] before its first element and wakes one
//!   worker. Each participant wakes more before it takes a chunk, until it knows what an element
//!   costs.
//! * *Known to be long*, a *quantum* (2 us) or more. The same, and as many are woken as the work
//!   pays for.
//! * *Known to be short.* The caller works alone. It looks at the clock after the first element,
//!   then after every batch that, at the remembered cost, takes half a quantum. If a quantum has
//!   gone, what was remembered is wrong, and it opens a team for the rest.
//! * *Forgotten*: more functions are in use than are remembered. As known to be short, with batches
//!   that grow, to half a quantum by what the elements took so far.
//! * *No clock*, or one that stands still: each call is a first call.
//!
//! In a team, every participant takes chunks from [`lanes`], a few quanta of work each by its own
//! measure. Between two chunks a helper looks at the ring: if a job is queued it leaves, runs it,
//! and comes back. The caller stays; when all elements are taken it closes the team and waits for
//! every helper to have left. It runs nothing else meanwhile: no stack grows, no lock is taken out
//! of order.
//!
//! # Panics of the function
//!
//! While the caller is alone, a panic unwinds through it, and `Alone` drops what has to be dropped.
//! In a team (`frame`: `abandon`, `finish`), each participant catches its own; it takes all
//! elements that are left, so that the others stop, drops the inputs among them, and notes which
//! elements have no result. When all have left, the caller drops the results there are and goes on
//! with the first panic. These notes are allocated, as the panic itself is.

pub(crate) mod chunks;
mod cost;
mod frame;
pub(crate) mod input;
mod lanes;
pub(crate) mod output;
mod task;
mod team;
#[cfg(test)]
#[cfg(all(feature = "std", not(any(ringpool_loom, ringpool_shuttle))))]
mod tests;
#[cfg(feature = "std")]
mod vectors;

pub(crate) use frame::{Wanted, help};

use core::marker::PhantomData;
use core::mem;
use core::ops::Range;

use crate::map::cost::{Cost, Costs, Known};
use crate::map::frame::Frame;
use crate::map::input::Input;
use crate::map::output::{Output, Sink};
use crate::map::task::{Mapping, Task};
use crate::map::team::{Joined, Teams};
use crate::platform::Platform;
use crate::sleep::Sleep;
use crate::sync::{AtomicUsize, Ordering, const_fn};
use crate::tuning::{GROWTH, QUANTA_PER_CHUNK, QUANTA_PER_WAKE, QUANTA_PER_WAKE_IN_A_ROW};
use crate::unwind::Bomb;

/// What a pool keeps for its maps.
pub(crate) struct Maps {
    teams: Teams,
    costs: Costs,
    /// When the last map ended that took a quantum or more, in ticks. Relaxed: a hint.
    ended: AtomicUsize,
}

impl Maps {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                teams: Teams::new(),
                costs: Costs::new(),
                ended: AtomicUsize::new(0),
            }
        }
    }

    #[track_caller]
    pub(crate) fn map<P, I, O, R, F>(&self, sleep: &Sleep<P>, input: I, output: O, f: F) -> O::Done
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
            self.drive(sleep, &mapping, key, len);
        }
        // SAFETY: *done*: `drive` ran all elements, or it would not have returned.
        unsafe { mapping.sink.done() }
    }

    fn drive<P: Platform>(&self, sleep: &Sleep<P>, task: &dyn Task, key: usize, len: usize) {
        let mut alone = Alone { task, at: 0, len };
        let platform = sleep.platform();
        let quantum = quantum(platform);
        let (team, cost) = match self.costs.recall(key) {
            Known::Cost(cost) => (cost.total(len) >= quantum, Some(cost)),
            Known::New => (true, None),
            Known::Forgotten => (false, None),
        };
        if team && self.with_team(sleep, &mut alone, (0, 0), cost, quantum, key) {
            return mem::forget(alone);
        }
        let start = now(platform, quantum);
        let (mut next, mut batch) = (0, 1);
        let elapsed = loop {
            alone.run(next..next + batch);
            next += batch;
            let elapsed = span(start, now(platform, quantum));
            if next == len {
                break elapsed;
            }
            let (left, mean) = (len - next, Cost::of(elapsed, next));
            let short = elapsed < quantum;
            if !short
                && mean.total(left) >= quantum
                && self.with_team(sleep, &mut alone, (next, elapsed), Some(mean), quantum, key)
            {
                return mem::forget(alone);
            }
            batch = match cost {
                Some(cost) if short => cost.afford(quantum / 2),
                _ if quantum == 0 => batch.saturating_mul(GROWTH),
                // As much as that by what it took so far: each guess may be wrong.
                _ => mean.afford(quantum / 2).min(batch.saturating_mul(GROWTH)),
            }
            .min(left);
        };
        mem::forget(alone);
        self.costs.note(key, elapsed, len);
        if elapsed >= quantum {
            self.end(platform, quantum);
        }
    }

    /// A map ends that took a quantum or more.
    fn end<P: Platform>(&self, platform: &P, quantum: usize) {
        if platform.spins() != 0 {
            let now = now(platform, quantum) as usize;
            self.ended.store(now, Ordering::Relaxed);
        }
    }

    /// The work that waking a sleeper is worth, in ticks. In a row of maps the row pays for it: a
    /// worker that is woken for one looks for the next. They are in a row if the pause between them
    /// is no longer than a chunk.
    fn price<P: Platform>(&self, platform: &P, quantum: usize) -> usize {
        let pause = || {
            let now = now(platform, quantum) as usize;
            now.wrapping_sub(self.ended.load(Ordering::Relaxed))
        };
        let quanta = match platform.spins() != 0 && pause() / QUANTA_PER_CHUNK < quantum {
            true => QUANTA_PER_WAKE_IN_A_ROW,
            false => QUANTA_PER_WAKE,
        };
        quantum.saturating_mul(quanta)
    }

    /// Maps elements from `next` on with the workers that help. Returns false, having done nothing,
    /// if none will; if true, nothing is left for `alone`. The elements before `next` took `spent`
    /// ticks.
    #[inline(never)]
    fn with_team<P: Platform>(
        &self,
        sleep: &Sleep<P>,
        alone: &mut Alone<'_>,
        (next, spent): (usize, usize),
        cost: Option<Cost>,
        quantum: usize,
        key: usize,
    ) -> bool {
        let len = alone.len;
        let workers = sleep.workers();
        let work = next..len;
        if workers == 0 || work.len() < 2 {
            return false;
        }
        let price = self.price(sleep.platform(), quantum);
        if cost.is_some_and(|cost| cost.wakes(work.len(), price) == 0) && sleep.all_sleep() {
            return false;
        }
        let Some(held) = self.teams.hold() else {
            return false;
        };
        let mut frame = Frame::<P>::new(alone.task);
        frame.cut(work, workers + 1, cost, price, quantum);
        alone.disarm();
        // From here until the team is closed, nothing may unwind out of this function.
        let bomb = Bomb;
        held.open((&raw const frame).cast());
        sleep.announce();
        let (elements, ticks) = frame.call(held.team(), sleep);
        held.close(sleep);
        mem::forget(bomb);
        frame.finish(len);
        // Helpers may have run all elements but those before.
        match elements {
            0 => self.costs.note(key, spent, next),
            _ => self.costs.note(key, ticks, elements),
        }
        self.end(sleep.platform(), quantum);
        true
    }

    /// Whether a worker could help somewhere.
    #[inline]
    pub(crate) fn any_open(&self) -> bool {
        self.teams.any_open()
    }

    /// Joins a team that wants help.
    #[inline]
    pub(crate) fn join<P: Platform>(&self, worker: usize, sleep: &Sleep<P>) -> Option<Joined<'_>> {
        self.teams.join(worker, sleep)
    }
}

/// A caller without helpers. Its drop is for a panic of the function that unwinds through it.
/// (After one of the platform's, it drops less than there is.)
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

    /// From here on a team answers for the elements.
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
        // SAFETY: *once*: `at` panicked; nothing behind it was run. (If `at` is not kept, this does
        // nothing.)
        unsafe { self.task.discard(self.at + 1..self.len) };
        // SAFETY: *done*: everything before it was, by this caller. (If `at` is not kept, this does
        // nothing.)
        unsafe { self.task.undo(0..self.at) };
    }
}

/// The platform's quantum in ticks, as far as it fits; 0 without a clock.
#[inline]
fn quantum<P: Platform>(platform: &P) -> usize {
    usize::try_from(platform.quantum()).unwrap_or(usize::MAX)
}

/// The time in ticks; always 0 without a clock.
#[inline]
fn now<P: Platform>(platform: &P, quantum: usize) -> u64 {
    match quantum {
        0 => 0,
        _ => platform.ticks(),
    }
}

/// Ticks between, as far as they fit.
#[inline]
fn span(start: u64, end: u64) -> usize {
    usize::try_from(end.wrapping_sub(start)).unwrap_or(usize::MAX)
}
