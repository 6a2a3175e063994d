//! A map with a team: its state on the caller's stack, and what each participant does there: how
//! long a chunk it asks for ([`lanes`](super::lanes) says how much of that it gets), how many
//! sleepers it wakes, what is dropped after a panic.

use core::ops::Range;

use crate::map::cost::Cost;
use crate::map::lanes::Lanes;
use crate::map::task::Task;
use crate::map::team::{Joined, Team};
use crate::map::{now, quantum, span};
use crate::platform::Platform;
use crate::sleep::Sleep;
use crate::sync::Canary;
use crate::tuning::{FAN_OUT, GROWTH, QUANTA_PER_CHUNK};
use crate::unwind::{self, Payload};

/// A map with a team, on its caller's stack.
pub(super) struct Frame<'t, P: Platform> {
    /// What a worker does that has joined. A pointer, so that a program without a map is without
    /// its code.
    help: fn(Joined<'_>, usize, &Sleep<P>, &dyn Wanted),
    task: &'t dyn Task,
    lanes: Lanes,
    /// What an element costs, if that is known.
    cost: Option<Cost>,
    /// The work that waking a sleeper is worth, in ticks.
    price: usize,
    /// How many elements a participant takes the first time.
    chunk: usize,
    #[cfg(feature = "std")]
    panic_state: spin::Mutex<Option<PanicState>>,
    canary: Canary,
}

// Helpers get it by a pointer, which does not say so.
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
static_assertions::assert_impl_all!(Frame<'static, crate::Spin>: Sync);

/// What panics have left.
#[cfg(feature = "std")]
struct PanicState {
    first: Payload,
    /// Elements without a result. Their inputs are gone.
    missing: std::vec::Vec<Range<usize>>,
}

/// How many elements of `cost` make a chunk.
fn chunk_size(cost: Cost, quantum: usize) -> usize {
    cost.afford(quantum.saturating_mul(QUANTA_PER_CHUNK))
}

/// Whether a helper is wanted elsewhere.
///
/// (Not `Fn`: its table of functions is larger, and this one is in every firmware.)
pub(crate) trait Wanted {
    fn is_wanted(&self) -> bool;
}

/// Helps a team until its work is all taken, or it is `wanted` elsewhere, and leaves it.
pub(crate) fn help<P: Platform>(
    team: Joined<'_>,
    worker: usize,
    sleep: &Sleep<P>,
    wanted: &dyn Wanted,
) {
    let frame = team.frame().cast::<Frame<'_, P>>();
    // SAFETY: *frame*.
    let help = unsafe { (*frame).help };
    help(team, worker, sleep, wanted);
}

/// A participant of a map: its caller, or a helper.
struct Participant<'p> {
    team: &'p Team,
    /// The lane to take from.
    lane: usize,
    /// The sleepers to wake, from this worker on, and how many at a time, while no cost is known.
    first: usize,
    fan_out: usize,
    /// What a helper leaves for.
    wanted: Option<&'p dyn Wanted>,
}

impl<'t, P: Platform> Frame<'t, P> {
    /// A frame without work: it is cut in its place, because a move would copy all lanes.
    #[inline(always)]
    pub(super) fn new(task: &'t dyn Task) -> Self {
        Self {
            help: Self::help,
            task,
            lanes: Lanes::new(),
            cost: None,
            price: 0,
            chunk: 1,
            #[cfg(feature = "std")]
            panic_state: spin::Mutex::new(None),
            canary: Canary::new(),
        }
    }

    /// Shares out `work` among at most so many participants.
    pub(super) fn cut(
        &mut self,
        work: Range<usize>,
        participants: usize,
        cost: Option<Cost>,
        price: usize,
        quantum: usize,
    ) {
        let lanes = participants.min(work.len());
        self.lanes.cut(work, lanes);
        self.cost = cost;
        self.price = price;
        self.chunk = match cost {
            _ if quantum == 0 => usize::MAX,
            Some(cost) => cost.afford(quantum / 2),
            None => 1,
        };
    }

    /// What a worker does that has joined: helps until the work is all taken, or it is wanted for a
    /// job.
    fn help(team: Joined<'_>, worker: usize, sleep: &Sleep<P>, wanted: &dyn Wanted) {
        // SAFETY: *frame*; it is not used after `leave`.
        let frame = unsafe { &*team.frame().cast::<Self>() };
        let helper = Participant {
            team: team.team(),
            lane: frame.lanes.home(worker),
            // Each wakes others from a place of its own on, or all of them would want the same.
            first: (worker + 1) * FAN_OUT,
            fan_out: FAN_OUT,
            wanted: Some(wanted),
        };
        frame.participate(helper, sleep);
        if frame.lanes.left() == 0 {
            team.exhausted();
        }
        team.leave(sleep);
    }

    /// The caller's part: takes chunks until there are none. Returns how many elements it ran, and
    /// the ticks they took.
    pub(super) fn call(&self, team: &Team, sleep: &Sleep<P>) -> (usize, usize) {
        let caller = Participant {
            team,
            lane: 0,
            first: 0,
            // One wake-up is all that a function costs of which nothing is known.
            fan_out: if self.cost.is_some() { FAN_OUT } else { 1 },
            wanted: None,
        };
        self.participate(caller, sleep)
    }

    /// Wakes up to `fan_out` sleepers. Wanted are, with a known cost, as many as the work that is
    /// left pays for; without, one for each element that is left but one. Subtracted are those that
    /// search and, if the cost is known, those that help.
    fn wake_more(&self, participant: &Participant<'_>, cost: Option<Cost>, sleep: &Sleep<P>) {
        if !sleep.any_asleep() {
            return;
        }
        let left = self.lanes.left();
        let (wanted, there) = match cost {
            Some(cost) => (cost.wakes(left, self.price), participant.team.helpers()),
            None => (left.saturating_sub(1), 0),
        };
        let missing = wanted.saturating_sub(there + sleep.searching());
        if missing != 0 {
            sleep.wake(missing.min(participant.fan_out), participant.first);
        }
    }

    /// Takes and runs chunks until there are none, or it is to leave. Returns how many elements
    /// that were, and the ticks they took.
    fn participate(&self, mut participant: Participant<'_>, sleep: &Sleep<P>) -> (usize, usize) {
        let platform = sleep.platform();
        // The chunk at work, from the element at work on.
        let mut chunk = 0..0;
        let mut elements = 0;
        let mut ticks = 0usize;
        let result = unwind::catch(|| {
            let quantum = quantum(platform);
            let (mut cost, mut size) = (self.cost, self.chunk);
            loop {
                // Before it takes a chunk, which no other participant could have meanwhile.
                self.wake_more(&participant, cost, sleep);
                let Some(range) = self.lanes.take(&mut participant.lane, size) else {
                    break;
                };
                self.canary.touch();
                let length = range.len();
                chunk = range.clone();
                // What others do to the lanes is no part of what an element costs.
                let before = now(platform, quantum);
                // SAFETY: *once*, by *lane*: `take` gives each element to one participant.
                unsafe { self.task.run(range, &mut chunk.start) };
                chunk.start = chunk.end;
                elements += length;
                let taken = span(before, now(platform, quantum));
                ticks = ticks.saturating_add(taken);
                if taken == 0 {
                    size = size.max(length * GROWTH);
                } else if length >= size / 4 || taken > quantum {
                    // A chunk that the lane's end cut short says little, unless it was long.
                    let measured = Cost::of(taken, length);
                    cost = Some(measured);
                    size = chunk_size(measured, quantum).min(length * GROWTH);
                }
                // After a chunk, not before one: or a flood of jobs would starve the map.
                if participant.wanted.is_some_and(|wanted| wanted.is_wanted()) {
                    break;
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
            // SAFETY: *once*, by *lane*: these were given to this participant, which did not run
            // them. (Where the place of the panic is not kept, this does nothing.)
            unsafe { self.task.discard(chunk.start + 1..chunk.end) };
            missing.push(chunk);
        }
        for rest in self.lanes.take_all() {
            // SAFETY: *once*, by *lane*: these were just taken.
            unsafe { self.task.discard(rest.clone()) };
            missing.push(rest);
        }
        let mut panic_state = self.panic_state.lock();
        match &mut *panic_state {
            None => {
                *panic_state = Some(PanicState {
                    first: payload,
                    missing,
                });
            }
            Some(first) => {
                first.missing.append(&mut missing);
                drop(panic_state);
                unwind::discard(payload);
            }
        }
    }

    #[cfg(not(feature = "std"))]
    fn abandon(&self, _chunk: Range<usize>, payload: Payload) {
        match payload {}
    }

    /// After the last helper has left: if something panicked, drops the results there are and goes
    /// on with the panic.
    pub(super) fn finish(&mut self, len: usize) {
        #[cfg(feature = "std")]
        if let Some(mut panic_state) = self.panic_state.get_mut().take() {
            panic_state.missing.retain(|range| !range.is_empty());
            panic_state
                .missing
                .sort_unstable_by_key(|range| range.start);
            let mut from = 0;
            for missing in panic_state.missing.iter().chain([&(len..len)]) {
                // SAFETY: *done*: what lies between missing ranges was run to the end, before or in
                // the team.
                unsafe { self.task.undo(from..missing.start) };
                from = missing.end;
            }
            unwind::resume(panic_state.first);
        }
        let _ = len;
    }
}
