//! Atomics that are counted, and a simulated machine on which they are run: one with as many
//! processors as there are threads.
//!
//! (Real threads, many more than there are cores, would not do: one of them would take all jobs
//! that there are while the others wait for their turn, and hardly anybody would meet anybody.)
//!
//! Each thread of shuttle has a clock. A line of cache that its processor does not have, or not for
//! itself when it writes, has to be fetched: that takes some time, and a line can be fetched for
//! one processor at a time. The thread whose clock is the earliest goes on. So who meets whom at
//! which word comes from the crate's own code and from the few times below; the counts follow from
//! that.

extern crate std;

use core::cell::Cell;
use core::panic::Location;
use core::sync::atomic;
pub(crate) use core::sync::atomic::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::vec;
use std::vec::Vec;

use ::shuttle::current;
use ::shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use ::shuttle::thread::yield_now;

// The atomics.

#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct AtomicUsize(atomic::AtomicUsize);

#[track_caller]
pub(crate) fn fence(order: Ordering) {
    note(Kind::Fence, Location::caller());
    atomic::fence(order);
}

impl AtomicUsize {
    pub(crate) const fn new(value: usize) -> Self {
        Self(atomic::AtomicUsize::new(value))
    }

    /// The word, when this processor has it.
    fn get(&self, kind: Kind, place: &'static Location<'static>) -> &atomic::AtomicUsize {
        fetch((&raw const *self).addr() / LINE, kind, place);
        note(kind, place);
        &self.0
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> usize {
        self.get(Kind::Load, Location::caller()).load(order)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: usize, order: Ordering) {
        self.get(Kind::Store, Location::caller())
            .store(value, order);
    }

    #[track_caller]
    pub(crate) fn swap(&self, value: usize, order: Ordering) -> usize {
        self.get(Kind::Change, Location::caller())
            .swap(value, order)
    }

    #[track_caller]
    pub(crate) fn fetch_add(&self, value: usize, order: Ordering) -> usize {
        self.get(Kind::Change, Location::caller())
            .fetch_add(value, order)
    }

    #[track_caller]
    pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
        self.get(Kind::Change, Location::caller())
            .fetch_sub(value, order)
    }

    #[track_caller]
    pub(crate) fn fetch_and(&self, value: usize, order: Ordering) -> usize {
        self.get(Kind::Change, Location::caller())
            .fetch_and(value, order)
    }

    #[track_caller]
    pub(crate) fn fetch_or(&self, value: usize, order: Ordering) -> usize {
        self.get(Kind::Change, Location::caller())
            .fetch_or(value, order)
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        let place = Location::caller();
        fetch((&raw const *self).addr() / LINE, Kind::Change, place);
        let result = self.0.compare_exchange(old, new, success, failure);
        let kind = result.map_or(Kind::Failure, |_| Kind::Change);
        note(kind, place);
        result
    }

    #[track_caller]
    pub(crate) fn compare_exchange_weak(
        &self,
        old: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        self.compare_exchange(old, new, success, failure)
    }
}

/// crossbeam's, with the time that it takes.
pub(crate) struct Backoff(Cell<u32>);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(Cell::new(0))
    }

    pub(crate) fn spin(&self) {
        let step = self.0.get();
        pause(1 << step);
        self.0.set((step + 1).min(6));
    }
}

// The machine. All times are in nanoseconds.

const LINE: usize = 64;
/// A word that this processor has.
const HIT: u64 = 1;
/// A line comes from another processor.
const TRANSFER: u64 = 100;
/// So long a line is busy when another processor reads it. One that writes has it for all of
/// `TRANSFER`.
const READ: u64 = 20;
/// A spin-loop hint.
const PAUSE: u64 = 25;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Load,
    Store,
    /// A read-modify-write that did change something.
    Change,
    /// A compare-exchange that did not.
    Failure,
    Fence,
    /// Not an operation: a line that had to be fetched for one.
    Transfer,
}

/// How often each kind.
pub(crate) type Counts = [usize; 6];

#[derive(Default)]
struct Machine {
    clocks: Vec<u64>,
    lines: HashMap<usize, Line>,
    /// By file and line of the source.
    counts: BTreeMap<(&'static str, u32), Counts>,
    counting: bool,
    random: u64,
}

#[derive(Default)]
struct Line {
    /// A bit for each processor that has it.
    with: [u64; 5],
    busy_until: u64,
}

static MACHINE: Mutex<Option<Machine>> = Mutex::new(None);

fn machine<R>(act: impl FnOnce(&mut Machine, usize) -> R) -> Option<R> {
    let mut machine = MACHINE.lock().unwrap();
    Some(act(machine.as_mut()?, current::me().into()))
}

impl Machine {
    /// Within a quarter of `time`: nothing is quite regular, or all would march in step.
    fn about(&mut self, time: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        time * 3 / 4 + (self.random >> 33) % (time / 2 + 1)
    }

    /// Whether `me` has to fetch the line for that.
    fn misses(&mut self, line: usize, kind: Kind, me: usize) -> bool {
        let with = &mut self.lines.entry(line).or_default().with;
        let mut only = [0; 5];
        only[me / 64] = 1 << (me % 64);
        match kind {
            Kind::Load => with[me / 64] & only[me / 64] == 0,
            _ => *with != only,
        }
    }
}

fn fetch(line: usize, kind: Kind, place: &'static Location<'static>) {
    let missed = machine(|machine, me| {
        let missed = machine.misses(line, kind, me);
        if !missed {
            machine.clocks[me] += HIT;
        }
        missed
    });
    if missed != Some(true) {
        return;
    }
    // Those who are earlier come first.
    yield_now();
    machine(|machine, me| {
        let (time, busy) = (machine.about(TRANSFER), machine.about(READ));
        let now = machine.clocks[me];
        let line = machine.lines.get_mut(&line).unwrap();
        let start = now.max(line.busy_until);
        let bit = 1 << (me % 64);
        if kind == Kind::Load {
            line.with[me / 64] |= bit;
            line.busy_until = start + busy;
        } else {
            line.with = [0; 5];
            line.with[me / 64] = bit;
            line.busy_until = start + time;
        }
        machine.clocks[me] = start + time;
    });
    note(Kind::Transfer, place);
    yield_now();
}

fn note(kind: Kind, place: &'static Location<'static>) {
    machine(|machine, _| {
        if machine.counting {
            let counts = machine.counts.entry((place.file(), place.line()));
            counts.or_default()[kind as usize] += 1;
        }
    });
}

/// Works for so long, touching nothing that others do.
pub(crate) fn work(time: u64) {
    machine(|machine, me| machine.clocks[me] += time);
    yield_now();
}

pub(crate) fn pause(hints: u64) {
    machine(|machine, me| machine.clocks[me] += machine.about(PAUSE * hints));
    yield_now();
}

pub(crate) fn now() -> u64 {
    machine(|machine, me| machine.clocks[me]).unwrap()
}

/// Whatever this thread waited for, it was not before `time`.
pub(crate) fn not_before(time: u64) {
    machine(|machine, me| machine.clocks[me] = machine.clocks[me].max(time));
    yield_now();
}

/// What `act` does is counted, by whichever thread it is done.
pub(crate) fn counting(act: impl FnOnce()) {
    machine(|machine, _| machine.counting = true);
    act();
    machine(|machine, _| machine.counting = false);
}

/// The thread whose clock is the earliest goes on.
pub(crate) struct Earliest {
    begun: bool,
}

impl Earliest {
    /// A new machine.
    pub(crate) fn new(seed: u64) -> Self {
        *MACHINE.lock().unwrap() = Some(Machine {
            clocks: vec![0; 5 * 64],
            random: seed,
            ..Machine::default()
        });
        Self { begun: false }
    }

    /// What was counted on the machine, which ends.
    pub(crate) fn counts() -> BTreeMap<(&'static str, u32), Counts> {
        MACHINE.lock().unwrap().take().unwrap().counts
    }
}

impl Scheduler for Earliest {
    fn new_execution(&mut self) -> Option<Schedule> {
        (!core::mem::replace(&mut self.begun, true)).then(|| Schedule::new(0))
    }

    fn next_task(&mut self, tasks: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        let machine = MACHINE.lock().unwrap();
        let clocks = &machine.as_ref().unwrap().clocks;
        let clock = |task: &TaskId| clocks[usize::from(*task)];
        tasks.iter().map(|task| task.id()).min_by_key(clock)
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
