use std::sync::Mutex;
use std::vec::Vec;

use super::*;
use crate::platform::{MAX_WORKERS, SPOTS};

/// Notes whom the pool wakes. Nobody parks here.
#[derive(Default)]
struct Log(Mutex<Vec<usize>>);

impl Platform for Log {
    fn park(&self, spot: usize) {
        unreachable!("spot {spot}");
    }

    fn unpark(&self, spot: usize) {
        self.0.lock().unwrap().push(spot);
    }
}

impl<P> Sleep<P> {
    /// As if these workers slept.
    pub(crate) fn lay_down(&self, workers: impl IntoIterator<Item = usize>) {
        for worker in workers {
            let (word, bit) = seat(&self.asleep, worker);
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

fn asleep(workers: impl IntoIterator<Item = usize>) -> Sleep<Log> {
    let idle = Sleep::new(Log::default());
    idle.lay_down(workers);
    idle
}

/// Those woken since somebody last asked.
fn woken(idle: &Sleep<Log>) -> Vec<usize> {
    let spots = core::mem::take(&mut *idle.platform().0.lock().unwrap());
    spots.into_iter().map(|spot| spot - CALLERS).collect()
}

fn bits<P>(idle: &Sleep<P>) -> Vec<usize> {
    let load = |word: &AtomicUsize| word.load(Ordering::Relaxed);
    idle.asleep.iter().map(load).collect()
}

const fn bit_of(worker: usize) -> usize {
    1 << (worker % GROUP)
}

const LAST: usize = MAX_WORKERS - 1;
/// Some in each word, the first and the last.
const FEW: [usize; 6] = [0, 3, 7, 7 + LAST / 2, LAST - 1, LAST];

#[test]
fn every_worker_has_a_number_of_its_own() {
    let idle = asleep([]);
    for number in 0..MAX_WORKERS {
        assert_eq!(idle.workers(), number);
        assert_eq!(idle.enlist(), Some(number));
    }
    assert_eq!(idle.enlist(), None);
    for number in FEW.into_iter().rev() {
        idle.discharge(number);
        assert_eq!(idle.workers(), MAX_WORKERS - 1);
        assert_eq!(idle.enlist(), Some(number));
    }
}

#[test]
fn all_are_woken_at_the_end_each_at_its_spot() {
    let idle = asleep(0..MAX_WORKERS);
    assert_eq!(idle.sleepers(), MAX_WORKERS);
    idle.wake_all();
    let spots = idle.platform().0.lock().unwrap().clone();
    assert_eq!(spots, Vec::from_iter(CALLERS..SPOTS));
    assert_eq!(idle.sleepers(), 0);
    assert_eq!(bits(&idle), [0; GROUPS]);

    let idle = asleep(FEW);
    idle.wake_all();
    assert_eq!(woken(&idle), FEW);
}

#[test]
fn a_job_wakes_the_lowest_sleeper_if_nobody_is_awake_who_will_see_it() {
    let idle = asleep([]);
    idle.notify();
    assert_eq!(bits(&idle), [0; GROUPS]);

    for (k, lowest) in FEW.into_iter().enumerate() {
        let idle = asleep(FEW[k..].iter().copied());
        idle.search();
        idle.notify();
        assert_eq!(woken(&idle), [], "one searches");
        idle.stop_searching();
        let mut expected = bits(&idle);
        idle.notify();
        assert_eq!(woken(&idle), [lowest]);
        expected[lowest / GROUP] &= !bit_of(lowest);
        expected[lowest / GROUP] |= WAKING;
        assert_eq!(bits(&idle), expected);
        assert_eq!(idle.sleepers(), FEW.len() - k - 1);
        idle.notify();
        assert_eq!(woken(&idle), [], "one is waking");
    }
}

#[test]
fn who_is_the_last_to_find_work_wakes_another_if_there_is_more() {
    let idle = asleep([5]);
    idle.search();
    idle.search();
    idle.found(|| unreachable!("another searches"));
    assert_eq!(woken(&idle), []);
    idle.found(|| false);
    assert_eq!(woken(&idle), []);
    idle.search();
    idle.found(|| true);
    assert_eq!(woken(&idle), [5]);

    let idle = asleep([]);
    idle.search();
    idle.found(|| unreachable!("there is nobody to wake"));
}

#[test]
fn a_team_wakes_as_many_as_it_has_work_for_less_those_who_search() {
    for searching in 0..3 {
        for helpers in 0..FEW.len() + 3 {
            let idle = asleep(FEW);
            idle.asleep[0].fetch_or(WAKING, Ordering::Relaxed);
            (0..searching).for_each(|_| idle.search());
            let sleepers = helpers.saturating_sub(searching).min(FEW.len());
            assert_eq!(idle.wake(helpers), sleepers);
            assert_eq!(woken(&idle), []);
            assert_eq!(idle.wake_sleepers(sleepers, 0), sleepers);
            assert_eq!(woken(&idle), FEW[..sleepers]);
            let rest = asleep(FEW[sleepers..].iter().copied());
            rest.asleep[0].fetch_or(WAKING, Ordering::Relaxed);
            assert_eq!(bits(&idle), bits(&rest));
        }
    }
    let idle = asleep(0..MAX_WORKERS);
    idle.wake_sleepers(2, 0);
    assert_eq!(woken(&idle), [0, 1]);
}

#[test]
fn who_helps_wakes_others_from_its_own_place_on() {
    for first in (0..MAX_WORKERS).chain([4 * MAX_WORKERS]) {
        let idle = asleep(0..MAX_WORKERS);
        assert_eq!(idle.wake_sleepers(2, first), 2);
        let group = first / GROUP % GROUPS * GROUP;
        let place = |k| group + (first % GROUP + k) % GROUP;
        assert_eq!(woken(&idle), [place(0), place(1)]);
    }
    let idle = asleep(FEW);
    assert_eq!(idle.wake_sleepers(100, 5), FEW.len());
    assert_eq!(woken(&idle).len(), FEW.len());
    assert_eq!(idle.wake_sleepers(1, 5), 0);
}

#[test]
fn who_was_woken_by_somebody_else_meanwhile_does_not_count() {
    /// Whoever is woken first closes the pool at once.
    struct Hasty(Mutex<Vec<usize>>);
    static IDLE: Sleep<Hasty> = Sleep::new(Hasty(Mutex::new(Vec::new())));
    impl Platform for Hasty {
        fn park(&self, _: usize) {}

        fn unpark(&self, spot: usize) {
            self.0.lock().unwrap().push(spot - CALLERS);
            IDLE.wake_all();
        }
    }
    IDLE.lay_down(0..3);
    IDLE.wake_sleepers(3, 0);
    assert_eq!(*IDLE.platform().0.lock().unwrap(), [0, 1, 2]);
}

#[test]
fn a_worker_with_a_reason_to_stay_withdraws() {
    let idle = asleep([1]);
    idle.asleep[0].fetch_or(WAKING, Ordering::Relaxed);
    let before = bits(&idle);
    for worker in [0, LAST] {
        idle.search();
        let mut expected = bits(&idle);
        expected[worker / GROUP] |= bit_of(worker);
        idle.sleep(worker, || {
            assert_eq!(bits(&idle), expected, "it looks when its bit can be seen");
            assert_eq!(idle.searching.load(Ordering::Relaxed), 0);
            true
        });
        assert_eq!(bits(&idle), before);
        assert_eq!(idle.searching.load(Ordering::Relaxed), 1);
        idle.stop_searching();
    }
}

#[test]
fn a_sleeper_parks_until_it_is_woken_and_counts_as_waking_until_it_searches() {
    /// Parking returns early once, and then because a job has come.
    struct Host(AtomicUsize);
    static IDLE: Sleep<Host> = Sleep::new(Host(AtomicUsize::new(0)));
    impl Platform for Host {
        fn park(&self, spot: usize) {
            assert_eq!(spot, SPOTS - 2);
            assert_eq!(IDLE.searching.load(Ordering::Relaxed), 0);
            if self.0.fetch_add(1, Ordering::Relaxed) == 1 {
                IDLE.notify();
                assert_eq!(bits(&IDLE)[GROUPS - 1], WAKING | bit_of(LAST));
            }
        }

        fn unpark(&self, spot: usize) {
            assert_eq!(spot, SPOTS - 2);
        }
    }
    // The one with the lower number is woken.
    IDLE.lay_down([LAST]);
    IDLE.search();
    IDLE.sleep(LAST - 1, || false);
    assert_eq!(IDLE.platform().0.load(Ordering::Relaxed), 2);
    assert_eq!(IDLE.searching.load(Ordering::Relaxed), 1);
    assert_eq!(bits(&IDLE)[GROUPS - 1], bit_of(LAST));
}
