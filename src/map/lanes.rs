//! Lanes: who takes which elements, and how many at most at a time.
//!
//! What a map has left is cut into lanes of about the same length, one for each possible
//! participant. A participant takes chunks from its own lane first, then from the others'. The same
//! data in the same lane, call after call, stays in the same core's cache; and there is no one
//! counter that all change.
//!
//! A chunk is as long as its taker asks for, but an eighth of what its lane has left at most: so
//! the end of a lane is cut fine, and its weight, wherever it lies, is shared. Elements that are
//! known to be cheap are not taken one by one: 16 at least, or a sixteenth of what was asked for.

use core::mem::MaybeUninit;
use core::ops::Range;

use crate::platform::MAX_WORKERS;
use crate::sync::{AtomicUsize, Line, Ordering, size};
use crate::tuning::{CHEAP_CHUNK, GROWTH, LANE_SHARE};

/// The most lanes that a map uses; participants beyond share them.
pub(super) const LANES: usize = size(if usize::BITS >= 64 { 32 } else { 4 }, 2);

/// No chunk is longer, so that `Lane::next` does not wrap: each participant goes beyond the end
/// once, by a chunk.
const LONGEST: usize = usize::MAX >> 10;
static_assertions::const_assert!(MAX_WORKERS < isize::MAX as usize / LONGEST);
// And `GROWTH` times a longest chunk, which `frame` computes, does not overflow.
static_assertions::const_assert!(GROWTH <= usize::MAX / LONGEST);

// `cut` makes two lanes at least.
static_assertions::const_assert!(LANES >= 2);

/// How many elements a participant takes that asked for `size`, of so many in the lane. (A
/// participant without a clock asks for `usize::MAX`: it does not know that its elements are cheap,
/// so there is no minimum.)
fn chunk(size: usize, left: usize) -> usize {
    let cheap = match size {
        usize::MAX => 0,
        _ => (size / CHEAP_CHUNK).min(CHEAP_CHUNK),
    };
    let chunk = size.min((left / LANE_SHARE).max(cheap)).max(1);
    chunk.min(left).min(LONGEST)
}

pub(super) struct Lanes {
    /// Invariant *cut*: the first `count` are initialised. (All of them would take as long as
    /// opening a team.)
    lanes: [MaybeUninit<Line<Lane>>; LANES],
    count: usize,
}

struct Lane {
    /// Where the next chunk begins, seen from `end`: minus so many elements as are left. From 0
    /// on, none are.
    ///
    /// Invariant *lane*: an element belongs to the one whose atomic operation moved this past it.
    next: AtomicUsize,
    end: usize,
}

/// How many elements are left where `next` is that.
fn left(next: usize) -> usize {
    (next as isize).min(0).unsigned_abs()
}

impl Lanes {
    /// No lanes yet.
    pub(super) fn new() -> Self {
        Self {
            lanes: [const { MaybeUninit::uninit() }; LANES],
            count: 0,
        }
    }

    /// Cuts `work` into `count` lanes, two to `LANES`. (In place: a move would copy them all.)
    pub(super) fn cut(&mut self, work: Range<usize>, count: usize) {
        // Two at least: half of what there can be is the most that a lane can have.
        let count = count.clamp(2, LANES);
        let (each, over) = (work.len() / count, work.len() % count);
        let mut start = work.start;
        for (k, lane) in self.lanes.iter_mut().take(count).enumerate() {
            let end = start + each + usize::from(k < over);
            lane.write(Line::new(Lane {
                next: AtomicUsize::new(start.wrapping_sub(end)),
                end,
            }));
            start = end;
        }
        self.count = count;
    }

    #[inline]
    fn lane(&self, lane: usize) -> Option<&Lane> {
        let lane = self.lanes.get(lane).filter(|_| lane < self.count)?;
        // SAFETY: *cut*.
        Some(unsafe { lane.assume_init_ref() })
    }

    /// The lane where worker `worker` begins; the map's caller begins in lane 0.
    pub(super) fn home(&self, worker: usize) -> usize {
        worker
            .checked_rem(self.count - 1)
            .map_or(0, |lane| lane + 1)
    }

    /// Takes a chunk of about `size` elements from `lane`, or from the next lane that has some;
    /// `lane` is where it was found. `None`: everything is taken.
    ///
    /// Relaxed throughout: only the element numbers are shared here. The data came with the team's
    /// opening and goes with the leaving.
    pub(super) fn take(&self, lane: &mut usize, size: usize) -> Option<Range<usize>> {
        for _ in 0..self.count {
            let Lane { next, end } = self.lane(*lane)?;
            let before = left(next.load(Ordering::Relaxed));
            if before != 0 {
                let chunk = chunk(size, before);
                // Not a compare-exchange: where many meet in one lane, all but one would fail. It
                // may be that others took some of that, or all, meanwhile.
                let left = left(next.fetch_add(chunk, Ordering::Relaxed));
                if left != 0 {
                    let start = end - left;
                    return Some(start..start + chunk.min(left));
                }
            }
            *lane = if *lane + 1 < self.count { *lane + 1 } else { 0 };
        }
        None
    }

    /// How many elements are left; a snapshot.
    pub(super) fn left(&self) -> usize {
        let lanes = (0..self.count).filter_map(|lane| self.lane(lane));
        let each = lanes.map(|Lane { next, .. }| left(next.load(Ordering::Relaxed)));
        each.fold(0, usize::saturating_add)
    }

    /// Takes everything that is left, lane by lane: no other participant gets any more.
    #[cfg(feature = "std")]
    pub(super) fn take_all(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.count)
            .filter_map(|lane| self.lane(lane))
            .map(|Lane { next, end }| end - left(next.swap(0, Ordering::Relaxed))..*end)
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests;
