//! `map`: alone first, then with a team.
//!
//! A line of cache takes some 200 ns from one core to another and a wake-up some 2 us, so a map of
//! less work than that must not leave its caller, and one of more must spread at once. Only time tells
//! them apart:
//!
//! 1. *Alone.* The caller maps element 0, looks at the clock, and goes on in batches that grow until it
//!    has worked for a *quantum* (2 us). Most small maps end here: no atomic operation but loads, no fence.
//!    What an element cost is remembered for the next call ([`cost`]): a map known to be short runs in
//!    one batch after its first element, one known to be long skips this step.
//! 2. *A team.* The caller cuts what is left into [`lanes`] and opens a [`team`]; awake workers join, and
//!    sleepers are woken if, and only as many as, the work left pays for.
//! 3. *Chunks.* Every participant, the caller too, takes chunks of about a quantum each, by its own
//!    measure, from its lane and then from the others'.
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

mod cost;
pub(crate) mod input;
mod lanes;
pub(crate) mod output;
mod team;

use core::marker::PhantomData;
use core::mem;
use core::ops::Range;

use crate::idle::Idle;
use crate::map::cost::{Cost, Costs};
use crate::map::input::{Input, Source};
use crate::map::lanes::Lanes;
use crate::map::output::{Output, Sink};
use crate::map::team::{Joined, Teams};
use crate::platform::Platform;
use crate::sync::{AtomicUsize, Canary, Ordering, const_fn};
use crate::unwind::{self, Bomb, Payload};

/// A sleeper is woken for every so many quanta of work. Measured: it costs the caller one or two, and
/// the sleeper comes some three later, or more if its core slept too.
const QUANTA_PER_WAKE: usize = 8;
/// The same in a row of maps: who is awake for this one is awake for the next.
const QUANTA_PER_WAKE_IN_A_ROW: usize = 2;
/// Maps are in a row if at most so many quanta lie between them.
const QUANTA_IN_A_ROW: usize = 16;

/// A map whose types are forgotten.
trait Task: Sync {
    /// Maps the elements of `range`; `at` is always the one at work, and a panic leaves it there with its
    /// input consumed and no result.
    ///
    /// # Safety
    ///
    /// The range is within the map, and no element of it was or will be run or discarded again.
    unsafe fn run(&self, range: Range<usize>, at: &mut usize);

    /// Drops inputs.
    ///
    /// # Safety
    ///
    /// As `run`.
    unsafe fn discard(&self, range: Range<usize>);

    /// Drops results.
    ///
    /// # Safety
    ///
    /// All of the range was run to the end, and is undone once.
    unsafe fn undo(&self, range: Range<usize>);
}

struct Mapping<S, K, F, R> {
    source: S,
    sink: K,
    function: F,
    result: PhantomData<fn() -> R>,
}

impl<S: Source, K: Sink<R>, F: Fn(S::Item) -> R + Sync, R> Task for Mapping<S, K, F, R> {
    unsafe fn run(&self, range: Range<usize>, at: &mut usize) {
        // Where nothing needs to be dropped, nobody needs to know where a panic was.
        let watched = const { mem::needs_drop::<S::Item>() || mem::needs_drop::<R>() };
        *at = range.start;
        for index in range {
            if watched {
                *at = index;
            }
            // SAFETY: the caller's promise.
            let item = unsafe { self.source.take(index) };
            let result = (self.function)(item);
            // SAFETY: the caller's promise.
            unsafe { self.sink.put(index, result) };
        }
    }

    unsafe fn discard(&self, range: Range<usize>) {
        // SAFETY: the caller's promise.
        unwind::contain(|| unsafe { self.source.discard(range) });
    }

    unsafe fn undo(&self, range: Range<usize>) {
        // SAFETY: the caller's promise.
        unwind::contain(|| unsafe { self.sink.undo(range) });
    }
}

#[track_caller]
pub(crate) fn check_lengths(one: &str, length: usize, other: &str, other_length: usize) {
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn differ(one: &str, length: usize, other: &str, other_length: usize) -> ! {
        panic!("ringpool: the {one} has {length} elements, the {other} has {other_length}");
    }
    if length != other_length {
        differ(one, length, other, other_length);
    }
}

/// What a pool keeps for its maps.
pub(crate) struct Maps {
    teams: Teams,
    costs: Costs,
    /// When the last map ended that was longer than a quantum, in ticks. Relaxed: a hint.
    last: AtomicUsize,
}

impl Maps {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { teams: Teams::new(), costs: Costs::new(), last: AtomicUsize::new(0) }
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
        let sink = output.into_sink();
        if let Some(places) = sink.elements() {
            check_lengths("input", len, "output", places);
        }
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
        // SAFETY: `drive` ran all elements, or it would not have returned.
        unsafe { mapping.sink.done() }
    }

    fn drive<P: Platform>(&self, idle: &Idle<P>, task: &dyn Task, key: usize, len: usize) {
        let mut alone = Alone { task, at: 0, len };
        let platform = idle.platform();
        let quantum = usize::try_from(platform.quantum()).unwrap_or(usize::MAX);
        let known = self.costs.recall(key);
        if let Some(cost) = known {
            if quantum != 0 && cost.total(len) >= quantum {
                alone = match self.with_team(idle, alone, 0, cost, quantum, key) {
                    Some(alone) => alone,
                    None => return,
                };
            }
        }
        let start = platform.ticks();
        let mut next = 1;
        let mut batch: usize = 1;
        alone.run(0..1);
        while next != len {
            let elapsed = since(start, platform);
            let cost = match known {
                Some(cost) if next == 1 && elapsed < quantum / 4 => cost,
                _ => Cost::of(elapsed, next),
            };
            let left = len - next;
            let short = quantum != 0 && cost.total(left) < quantum;
            batch = if short && (known.is_some() || elapsed >= quantum) {
                left
            } else if elapsed < quantum {
                let growth = match known {
                    Some(_) => len,
                    None => batch.saturating_mul(8),
                };
                cost.afford(quantum - elapsed).min(growth)
            } else {
                alone = match self.with_team(idle, alone, next, cost, quantum, key) {
                    Some(alone) => alone,
                    None => return,
                };
                // Nobody to help: on for a while, and ask again.
                match quantum {
                    0 => batch.saturating_mul(8),
                    _ => cost.afford(quantum.saturating_mul(16)),
                }
            }
            .min(left);
            alone.run(next..next + batch);
            next += batch;
        }
        mem::forget(alone);
        if quantum != 0 {
            let elapsed = since(start, platform);
            self.costs.note(key, Cost::of(elapsed, len));
            if elapsed >= quantum {
                self.ended(platform);
            }
        }
    }

    /// A map longer than a quantum has ended.
    fn ended<P: Platform>(&self, platform: &P) {
        self.last
            .store(platform.ticks() as usize, Ordering::Relaxed);
    }

    /// How many helpers are worth waking for `ticks` of work.
    fn worth_waking<P: Platform>(&self, platform: &P, quantum: usize, ticks: usize) -> usize {
        let pause = (platform.ticks() as usize).wrapping_sub(self.last.load(Ordering::Relaxed));
        ticks
            / quantum
            / if pause / QUANTA_IN_A_ROW < quantum {
                QUANTA_PER_WAKE_IN_A_ROW
            } else {
                QUANTA_PER_WAKE
            }
    }

    /// Maps elements from `next` on with whoever helps. Hands `alone` back if nobody will.
    #[inline(never)]
    fn with_team<'t, P: Platform>(
        &self,
        idle: &Idle<P>,
        alone: Alone<'t>,
        next: usize,
        cost: Cost,
        quantum: usize,
        key: usize,
    ) -> Option<Alone<'t>> {
        let len = alone.len;
        let workers = idle.workers();
        let helpers = match quantum {
            0 => workers,
            _ => self
                .worth_waking(idle.platform(), quantum, cost.total(len - next))
                .min(workers),
        };
        if helpers == 0 && idle.sleepers() == workers {
            return Some(alone);
        }
        let Some(held) = self.teams.hold() else {
            return Some(alone);
        };
        let mut frame = Frame {
            task: alone.task,
            lanes: Lanes::new(),
            chunk: cost.afford(quantum),
            quantum,
            #[cfg(feature = "std")]
            wreck: spin::Mutex::new(None),
            canary: Canary::new(),
        };
        frame
            .lanes
            .cut(next..len, workers.saturating_add(1).min(len - next));
        if quantum == 0 {
            frame.chunk = frame.lanes.quarter();
        }
        mem::forget(alone);
        // From here until the team is closed, nothing may unwind out of this function.
        let bomb = Bomb;
        held.open((&raw const frame).cast());
        idle.wake(helpers);
        let (elements, ticks) = frame.participate(0, idle.platform());
        held.close(idle);
        mem::forget(bomb);
        frame.finish(len);
        if quantum != 0 {
            self.ended(idle.platform());
            if elements != 0 {
                self.costs.note(key, Cost::of(ticks, elements));
            }
        }
        None
    }

    /// Whether a worker could help somewhere.
    #[inline]
    pub(crate) fn any_open(&self) -> bool {
        self.teams.any_open()
    }

    /// Joins a team that wants help.
    #[inline]
    pub(crate) fn join(&self, worker: usize) -> Option<Joined<'_>> {
        self.teams.join(worker)
    }
}

/// Helps a team until its work is all taken, and leaves it.
pub(crate) fn help<P: Platform>(team: Joined<'_>, worker: usize, idle: &Idle<P>) {
    // SAFETY: invariant *frame*; it is not used after `leave`.
    let frame = unsafe { &*team.frame().cast::<Frame<'_>>() };
    frame.participate(frame.lanes.home(worker), idle.platform());
    team.exhausted();
    team.leave(idle);
}

/// A caller that nobody helps. Its drop is for a panic that unwinds through it.
struct Alone<'t> {
    task: &'t dyn Task,
    at: usize,
    len: usize,
}

impl Alone<'_> {
    #[inline]
    fn run(&mut self, range: Range<usize>) {
        // SAFETY: `drive` runs each element once, in order.
        unsafe { self.task.run(range, &mut self.at) };
    }
}

impl Drop for Alone<'_> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: `at` panicked; nothing behind it was run.
        unsafe { self.task.discard(self.at + 1..self.len) };
        // SAFETY: everything before it was, by this caller.
        unsafe { self.task.undo(0..self.at) };
    }
}

/// A map with a team, on its caller's stack.
struct Frame<'t> {
    task: &'t dyn Task,
    lanes: Lanes,
    /// Elements that take about a quantum; without a clock, a quarter of a lane.
    chunk: usize,
    /// In ticks; 0 without a clock.
    quantum: usize,
    #[cfg(feature = "std")]
    wreck: spin::Mutex<Option<Wreck>>,
    canary: Canary,
}

/// What panics have left.
#[cfg(feature = "std")]
struct Wreck {
    first: Payload,
    /// Elements without a result. Their inputs are gone.
    missing: std::vec::Vec<Range<usize>>,
}

impl Frame<'_> {
    /// Takes and runs chunks until there are none. Returns how many elements that were, and the ticks
    /// it took.
    fn participate<P: Platform>(&self, mut lane: usize, platform: &P) -> (usize, usize) {
        // The chunk at work, from the element at work on.
        let mut chunk = 0..0;
        let mut elements = 0;
        let mut ticks = 0usize;
        let result = unwind::catch(|| {
            let mut size = self.chunk;
            let mut before = match self.quantum {
                0 => 0,
                _ => platform.ticks(),
            };
            while let Some(range) = self.lanes.take(&mut lane, size) {
                self.canary.touch();
                let length = range.len();
                chunk = range.clone();
                // SAFETY: `take` gives each element to one participant.
                unsafe { self.task.run(range, &mut chunk.start) };
                chunk.start = chunk.end;
                elements += length;
                if self.quantum != 0 {
                    let taken = since(before, platform);
                    before = before.wrapping_add(taken as u64);
                    ticks = ticks.saturating_add(taken);
                    // A chunk that the lane's end cut short says little, unless it was long.
                    if length >= size / 4 || taken > self.quantum {
                        size = Cost::of(taken, length)
                            .afford(self.quantum)
                            .min(length.saturating_mul(8));
                    }
                }
            }
        });
        self.canary.touch();
        if let Err(payload) = result {
            self.abandon(chunk, payload);
        }
        (elements, ticks)
    }

    /// After a panic: `chunk` is what this participant had, from the element that panicked on.
    #[cfg(feature = "std")]
    #[cold]
    fn abandon(&self, chunk: Range<usize>, payload: Payload) {
        let mut missing = std::vec::Vec::new();
        if !chunk.is_empty() {
            // SAFETY: these were given to this participant, which did not run them.
            unsafe { self.task.discard(chunk.start + 1..chunk.end) };
            missing.push(chunk);
        }
        for rest in self.lanes.take_all() {
            // SAFETY: these were just taken.
            unsafe { self.task.discard(rest.clone()) };
            missing.push(rest);
        }
        let mut wreck = self.wreck.lock();
        match &mut *wreck {
            None => {
                *wreck = Some(Wreck {
                    first: payload,
                    missing,
                });
            }
            Some(first) => {
                first.missing.append(&mut missing);
                drop(wreck);
                unwind::discard(payload);
            }
        }
    }

    #[cfg(not(feature = "std"))]
    fn abandon(&self, _chunk: Range<usize>, payload: Payload) {
        match payload {}
    }

    /// After the last helper has left: if something panicked, drops the results there are and goes on
    /// with the panic.
    fn finish(&mut self, len: usize) {
        #[cfg(feature = "std")]
        if let Some(mut wreck) = self.wreck.get_mut().take() {
            wreck.missing.retain(|range| !range.is_empty());
            wreck.missing.sort_unstable_by_key(|range| range.start);
            let mut from = 0;
            for missing in wreck.missing.iter().chain([&(len..len)]) {
                // SAFETY: what lies between missing ranges was run to the end, before or in the team.
                unsafe { self.task.undo(from..missing.start) };
                from = missing.end;
            }
            unwind::resume(wreck.first);
        }
        let _ = len;
    }
}

/// Ticks since `start`, as far as they fit.
#[inline]
fn since<P: Platform>(start: u64, platform: &P) -> usize {
    usize::try_from(platform.ticks().wrapping_sub(start)).unwrap_or(usize::MAX)
}
