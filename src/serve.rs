//! How a worker serves a pool: run a job, else join a team, else look for a while, else sleep.

use core::mem;

use crate::map::{self, Wanted};
use crate::platform::Platform;
use crate::pool::Pool;
use crate::queue::slot::OnTaken;
use crate::sleep::Sleep;
use crate::sleep::spin::{SpinBudget, Stream};
use crate::tuning::{LOOKS_PER_END, STREAM_PAUSE};
use crate::unwind;
use crate::worker::Serve;

/// Wakes every worker when one leaves; by a job's panic too, without `std`.
struct Leave<'p, P: Platform>(&'p Sleep<P>);

impl<P: Platform> Drop for Leave<'_, P> {
    fn drop(&mut self) {
        self.0.wake_all();
    }
}

/// What a worker is doing.
#[derive(Default)]
struct WorkerState {
    /// It ran dry, or was woken, and is counted as searching.
    searching: bool,
    /// It helped a map since it last ran dry.
    helped: bool,
}

impl<const CAPACITY: usize, P: Platform, const WORDS: usize> Serve for Pool<CAPACITY, P, WORDS> {
    fn serve(&self, worker: usize) {
        // However this ends, the others look whether it is the end for them too.
        let _leave = Leave(&self.sleep);
        let platform = self.sleep.platform();
        let mut budget = SpinBudget::new(platform.spins());
        let (mut state, mut stream) = (WorkerState::default(), Stream::default());
        // How many looks are left, and whether any was taken since the worker had work.
        let (mut looks, mut spun) = (budget.looks(), false);
        loop {
            let mut turns = 0u32;
            while self.run_once(worker, &mut state) {
                turns = turns.saturating_add(1);
            }
            let helped = mem::take(&mut state.helped);
            if turns != 0 {
                if mem::take(&mut spun) | helped {
                    budget.paid();
                }
                looks = budget.looks();
            }
            if !mem::replace(&mut state.searching, true) {
                self.sleep.search();
            }
            spun |= looks != 0;
            if stream.pauses(turns) && spun {
                (0..STREAM_PAUSE).for_each(|_| platform.relax());
            }
            let before = looks;
            let found = self.spin(&mut looks);
            stream.looked(before - looks, found);
            if found {
                // If another worker takes it first, this one goes on with the looks it has left.
                continue;
            }
            if self.ring.is_finished() {
                break self.sleep.stop_searching();
            }
            self.sleep
                .sleep(worker, || self.has_work() || self.ring.is_finished());
            budget.slept();
            spun = false;
            looks = budget.looks();
        }
    }

    fn step(&self, worker: usize) -> bool {
        self.run_once(worker, &mut WorkerState::default())
    }

    fn release_number(&self, worker: usize) {
        self.sleep.release_number(worker);
    }
}

/// A worker that searched has taken a job: there may be more jobs, and a team may count on it.
impl<const CAPACITY: usize, P: Platform, const WORDS: usize> OnTaken for Pool<CAPACITY, P, WORDS> {
    fn on_taken(&self) {
        self.found(true);
    }
}

/// A helper is wanted for a job.
impl<const CAPACITY: usize, P: Platform, const WORDS: usize> Wanted for Pool<CAPACITY, P, WORDS> {
    fn is_wanted(&self) -> bool {
        self.ring.is_ready()
    }
}

impl<const CAPACITY: usize, P: Platform, const WORDS: usize> Pool<CAPACITY, P, WORDS> {
    /// At most one job, then one team, until its work is all taken or a job is queued: so neither a
    /// flood of jobs nor a stream of maps starves the other.
    #[inline]
    fn run_once(&self, worker: usize, state: &mut WorkerState) -> bool {
        let mut busy = false;
        if let Some(job) = self.ring.pop() {
            let found: Option<&dyn OnTaken> = match mem::take(&mut state.searching) {
                true => Some(self),
                false => None,
            };
            if unwind::contain(|| job.run(found)) {
                self.count_panic();
            }
            busy = true;
        }
        if let Some(team) = self.maps.join(worker, &self.sleep) {
            if mem::take(&mut state.searching) {
                self.found(false);
            }
            map::help(team, worker, &self.sleep, self);
            state.helped = true;
            busy = true;
        }
        busy
    }

    /// A worker that searched has found work; an open team, if they count, is as one more job.
    fn found(&self, teams: bool) {
        self.sleep
            .found(|| self.ring.len() + usize::from(teams && self.maps.any_open()));
    }

    fn has_work(&self) -> bool {
        self.ring.is_ready() || self.maps.any_open()
    }

    /// Looks for work for a while, and once more. Leaves how many looks are left.
    fn spin(&self, looks: &mut u32) -> bool {
        let platform = self.sleep.platform();
        while *looks != 0 {
            if self.has_work() {
                return true;
            }
            *looks -= 1;
            if *looks % LOOKS_PER_END == 0 && self.ring.is_finished() {
                return false;
            }
            platform.relax();
        }
        self.has_work()
    }
}

#[cfg(test)]
#[cfg(all(feature = "std", not(any(ringpool_loom, ringpool_shuttle))))]
mod tests;
