//! A map with a team: its state on the caller's stack, and what each participant does there.

use core::ops::Range;

use crate::map::cost::Cost;
use crate::map::lanes::Lanes;
use crate::map::task::Task;
use crate::map::team::Joined;
use crate::map::{quantum, span};
use crate::platform::Platform;
use crate::sleep::Sleep;
use crate::sync::Canary;
#[cfg(feature = "std")]
use crate::sync::{AtomicUsize, Ordering};
use crate::unwind::{self, Payload};

/// A map with a team, on its caller's stack.
pub(super) struct Frame<'t, P: Platform> {
    /// What a worker does that has joined. A pointer, so that a program without a map is without its code.
    help: fn(Joined<'_>, usize, &Sleep<P>),
    task: &'t dyn Task,
    lanes: Lanes,
    /// Elements that take `QUANTA_PER_CHUNK`; without a clock, a quarter of a lane.
    chunk: usize,
    /// How many sleepers are still to be woken by those who take chunks. Relaxed: it stands for itself.
    #[cfg(feature = "std")]
    wanted: AtomicUsize,
    #[cfg(feature = "std")]
    wreck: spin::Mutex<Option<Wreck>>,
    canary: Canary,
}

// Helpers get it by a pointer, which does not say so.
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
static_assertions::assert_impl_all!(Frame<'static, crate::Spin>: Sync);

/// What panics have left.
#[cfg(feature = "std")]
struct Wreck {
    first: Payload,
    /// Elements without a result. Their inputs are gone.
    missing: std::vec::Vec<Range<usize>>,
}

/// How long a chunk takes, about, where the lane has enough left. Measured: taking one and reading the
/// clock costs some 40 ns.
pub(super) const QUANTA_PER_CHUNK: usize = 4;

/// How many sleepers one wakes at a time, who is about to take a chunk of a map: so waking takes the logarithm of their number, if
/// those who are woken come at once.
pub(super) const FAN_OUT: usize = 4;

/// The lane of a map's caller.
pub(super) const CALLER: usize = 0;

/// How many elements of `cost` make a chunk.
fn chunk_size(cost: Cost, quantum: usize) -> usize {
    cost.afford(quantum.saturating_mul(QUANTA_PER_CHUNK))
}

/// Helps a team until its work is all taken, and leaves it.
pub(crate) fn help<P: Platform>(team: Joined<'_>, worker: usize, idle: &Sleep<P>) {
    let frame = team.frame().cast::<Frame<'_, P>>();
    // SAFETY: *frame*.
    let help = unsafe { (*frame).help };
    help(team, worker, idle);
}

impl<'t, P: Platform> Frame<'t, P> {
    /// A frame without work: it is cut in its place, because a move would copy all lanes.
    #[inline(always)]
    pub(super) fn new(task: &'t dyn Task) -> Self {
        Self {
            help: Self::help,
            task,
            lanes: Lanes::new(),
            chunk: 0,
            #[cfg(feature = "std")]
            wanted: AtomicUsize::new(0),
            #[cfg(feature = "std")]
            wreck: spin::Mutex::new(None),
            canary: Canary::new(),
        }
    }

    /// Shares out `work`, whose elements cost about `cost`, among at most so many participants.
    pub(super) fn cut(
        &mut self,
        work: Range<usize>,
        participants: usize,
        cost: Cost,
        quantum: usize,
    ) {
        let lanes = participants.min(work.len());
        self.lanes.cut(work, lanes);
        self.chunk = match quantum {
            0 => self.lanes.quarter(),
            _ => chunk_size(cost, quantum),
        };
    }

    /// What a worker does that has joined: helps until the work is all taken, and leaves.
    fn help(team: Joined<'_>, worker: usize, idle: &Sleep<P>) {
        // SAFETY: *frame*; it is not used after `leave`.
        let frame = unsafe { &*team.frame().cast::<Self>() };
        // Each wakes others from a place of its own on, or all of them would want the same.
        frame.participate(frame.home(worker), (worker + 1) * FAN_OUT, idle);
        team.exhausted();
        team.leave(idle);
    }

    /// So many sleepers are to be woken.
    #[inline(always)]
    pub(super) fn want(&self, sleepers: usize) {
        #[cfg(feature = "std")]
        self.wanted.store(sleepers, Ordering::Relaxed);
        let _ = sleepers;
    }

    /// Wakes some of them, from worker `first` on, if there is anything left to do. Returns whether it did.
    #[cfg(feature = "std")]
    #[inline]
    pub(super) fn wake_some(&self, first: usize, idle: &Sleep<P>) -> bool {
        let mut wanted = self.wanted.load(Ordering::Relaxed);
        while wanted != 0 && self.lanes.any() {
            let some = wanted.min(FAN_OUT);
            match self.wanted.compare_exchange_weak(
                wanted,
                wanted - some,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    idle.wake_sleepers(some, first);
                    return true;
                }
                Err(now) => wanted = now,
            }
        }
        false
    }

    #[cfg(not(feature = "std"))]
    fn wake_some(&self, _first: usize, _idle: &Sleep<P>) -> bool {
        false
    }

    /// The lane where worker `worker` begins.
    pub(super) fn home(&self, worker: usize) -> usize {
        self.lanes.home(worker)
    }

    /// Takes and runs chunks until there are none; before each, wakes some of those who are wanted, from worker `first` on.
    /// Returns how many elements that were, and the ticks they took.
    pub(super) fn participate(
        &self,
        mut lane: usize,
        first: usize,
        idle: &Sleep<P>,
    ) -> (usize, usize) {
        let platform = idle.platform();
        // The chunk at work, from the element at work on.
        let mut chunk = 0..0;
        let mut elements = 0;
        let mut ticks = 0usize;
        let result = unwind::catch(|| {
            let quantum = quantum(platform);
            let mut size = self.chunk;
            let mut before = match quantum {
                0 => 0,
                _ => platform.ticks(),
            };
            loop {
                // Before it takes a chunk, which nobody else could have meanwhile.
                if self.wake_some(first, idle) && quantum != 0 {
                    before = platform.ticks();
                }
                let Some(range) = self.lanes.take(&mut lane, size) else {
                    break;
                };
                self.canary.touch();
                let length = range.len();
                chunk = range.clone();
                // SAFETY: *once*, by *lane*: `take` gives each element to one participant.
                unsafe { self.task.run(range, &mut chunk.start) };
                chunk.start = chunk.end;
                elements += length;
                if quantum != 0 {
                    let now = platform.ticks();
                    let taken = span(before, now);
                    before = now;
                    ticks = ticks.saturating_add(taken);
                    // A chunk that the lane's end cut short says little, unless it was long.
                    if length >= size / 4 || taken > quantum {
                        size = chunk_size(Cost::of(taken, length), quantum)
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
            // SAFETY: *once*, by *lane*: these were given to this participant, which did not run them.
            // (Where the place of the panic is not kept, this does nothing.)
            unsafe { self.task.discard(chunk.start + 1..chunk.end) };
            missing.push(chunk);
        }
        for rest in self.lanes.take_all() {
            // SAFETY: *once*, by *lane*: these were just taken.
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
    pub(super) fn finish(&mut self, len: usize) {
        #[cfg(feature = "std")]
        if let Some(mut wreck) = self.wreck.get_mut().take() {
            wreck.missing.retain(|range| !range.is_empty());
            wreck.missing.sort_unstable_by_key(|range| range.start);
            let mut from = 0;
            for missing in wreck.missing.iter().chain([&(len..len)]) {
                // SAFETY: *done*: what lies between missing ranges was run to the end, before or in the team.
                unsafe { self.task.undo(from..missing.start) };
                from = missing.end;
            }
            unwind::resume(wreck.first);
        }
        let _ = len;
    }
}
