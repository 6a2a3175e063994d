use std::sync::Mutex;
use std::vec::Vec;

use super::*;
use crate::platform::{MAX_WORKERS, SPOTS};

/// Notes which workers the pool wakes. None parks here.
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
            let (word, bit) = place(&self.asleep, worker);
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

fn asleep(workers: impl IntoIterator<Item = usize>) -> Sleep<Log> {
    let sleep = Sleep::new(Log::default());
    sleep.lay_down(workers);
    sleep
}

/// The workers woken since the last call.
fn woken(sleep: &Sleep<Log>) -> Vec<usize> {
    let spots = core::mem::take(&mut *sleep.platform().0.lock().unwrap());
    spots.into_iter().map(|spot| spot - CALLERS).collect()
}

fn bits<P>(sleep: &Sleep<P>) -> Vec<usize> {
    let load = |word: &AtomicUsize| word.load(Ordering::Relaxed);
    sleep.asleep.iter().map(load).collect()
}

const LAST: usize = MAX_WORKERS - 1;
/// Some in each word, the first and the last.
const FEW: [usize; 6] = [0, 3, 7, 7 + LAST / 2, LAST - 1, LAST];

#[test]
fn every_worker_has_a_number_of_its_own() {
    let sleep = asleep([]);
    for number in 0..MAX_WORKERS {
        assert_eq!(sleep.workers(), number);
        assert_eq!(sleep.claim_number(), Some(number));
    }
    assert_eq!(sleep.claim_number(), None);
    for number in FEW.into_iter().rev() {
        sleep.release_number(number);
        assert_eq!(sleep.workers(), MAX_WORKERS - 1);
        assert_eq!(sleep.claim_number(), Some(number));
    }
}

#[test]
fn a_sleeper_in_any_word_is_seen() {
    let sleep = asleep([]);
    assert!(!sleep.any_asleep() && sleep.all_sleep());
    for worker in 0..MAX_WORKERS {
        let sleep = asleep([worker]);
        assert!(sleep.any_asleep());
        assert_eq!(sleep.sleepers(), 1);
        for number in 0..=worker {
            assert_eq!(sleep.all_sleep(), number == 0, "{worker}");
            sleep.claim_number();
        }
        sleep.lay_down(0..worker);
        assert!(sleep.all_sleep());
    }
}

#[test]
fn all_are_woken_at_the_end_each_at_its_spot_and_counted() {
    let sleep = asleep(0..MAX_WORKERS);
    assert_eq!(sleep.sleepers(), MAX_WORKERS);
    sleep.wake_all();
    let spots = sleep.platform().0.lock().unwrap().clone();
    assert_eq!(spots, Vec::from_iter(CALLERS..SPOTS));
    assert_eq!(sleep.searching(), MAX_WORKERS);
    assert_eq!(bits(&sleep), [0; GROUPS]);

    let sleep = asleep(FEW);
    sleep.wake_all();
    assert_eq!(woken(&sleep), FEW);
    sleep.wake_all();
    assert_eq!(woken(&sleep), []);
}

#[test]
fn a_job_wakes_the_lowest_sleeper_whatever_word_it_is_in() {
    let sleep = asleep([]);
    sleep.notify(|| unreachable!("there is none to wake"));
    assert_eq!(bits(&sleep), [0; GROUPS]);

    for (k, lowest) in FEW.into_iter().enumerate() {
        let sleep = asleep(FEW[k..].iter().copied());
        sleep.notify(|| unreachable!("one job is queued at least"));
        assert_eq!(woken(&sleep), [lowest]);
        assert_eq!(bits(&sleep), bits(&asleep(FEW[k + 1..].iter().copied())));
        assert_eq!(sleep.searching(), 1, "it is on its way");
    }
}

/// Whether they are frozen or not: each is late for one job at most.
#[test]
fn a_job_wakes_one_more_unless_as_many_search_or_are_on_their_way() {
    for searching in 0..5 {
        let sleep = asleep(0..MAX_WORKERS);
        (0..searching).for_each(|_| sleep.search());
        for queued in 1..=MAX_WORKERS + searching {
            sleep.notify(|| queued);
            let expected = queued.checked_sub(searching + 1);
            assert_eq!(woken(&sleep), Vec::from_iter(expected), "of {queued}");
        }
        sleep.notify(|| unreachable!("there is none to wake"));
    }
}

#[test]
fn a_worker_that_finds_work_wakes_one_more_unless_as_many_search_as_jobs_are_queued() {
    for searching in 0..3 {
        for queued in 0..5 {
            let sleep = asleep([5, LAST]);
            (0..=searching).for_each(|_| sleep.search());
            sleep.found(|| queued);
            let wakes = queued > searching;
            assert_eq!(woken(&sleep), [5][..usize::from(wakes)]);
            assert_eq!(sleep.searching(), searching + usize::from(wakes));
        }
    }
    let sleep = asleep([]);
    sleep.search();
    sleep.found(|| unreachable!("there is none to wake"));
    assert_eq!(sleep.searching(), 0);
}

#[test]
fn a_woken_worker_may_find_work_before_its_waker_has_counted_it() {
    let sleep = asleep([LAST]);
    sleep.stop_searching();
    assert_eq!(sleep.searching(), 0);
    sleep.notify(|| unreachable!("none is seen searching"));
    assert_eq!(woken(&sleep), [LAST]);
    assert_eq!(sleep.searching(), 0);
    sleep.search();
    assert_eq!(sleep.searching(), 1);
}

#[test]
fn as_many_are_woken_as_are_wanted_or_as_sleep() {
    for wanted in 0..FEW.len() + 3 {
        let sleep = asleep(FEW);
        sleep.wake(wanted, 0);
        let expected = wanted.min(FEW.len());
        assert_eq!(woken(&sleep), FEW[..expected]);
        assert_eq!(sleep.searching(), expected);
        assert_eq!(bits(&sleep), bits(&asleep(FEW[expected..].iter().copied())));
    }
}

#[test]
fn a_helper_wakes_others_from_its_own_place_on() {
    for first in (0..MAX_WORKERS).chain([4 * MAX_WORKERS]) {
        let sleep = asleep(0..MAX_WORKERS);
        sleep.wake(2, first);
        let group = first / GROUP % GROUPS * GROUP;
        let place = |k| group + (first % GROUP + k) % GROUP;
        assert_eq!(woken(&sleep), [place(0), place(1)]);
    }
    for first in [0, 5, LAST, 5 * MAX_WORKERS + 5] {
        let sleep = asleep(FEW);
        sleep.wake(100, first);
        let mut all = woken(&sleep);
        all.sort_unstable();
        assert_eq!(all, FEW, "in every word, from {first} on");
    }
}

#[test]
fn a_sleeper_that_another_has_woken_meanwhile_is_neither_counted_nor_woken_again() {
    /// At the first wake-up the pool is closed.
    struct Hasty(Mutex<Vec<usize>>);
    static SLEEP: Sleep<Hasty> = Sleep::new(Hasty(Mutex::new(Vec::new())));
    impl Platform for Hasty {
        fn park(&self, _: usize) {}

        fn unpark(&self, spot: usize) {
            self.0.lock().unwrap().push(spot - CALLERS);
            SLEEP.wake_all();
        }
    }
    SLEEP.lay_down(0..3);
    SLEEP.wake(3, 0);
    assert_eq!(*SLEEP.platform().0.lock().unwrap(), [0, 1, 2]);
    assert_eq!(SLEEP.searching(), 3);
}

#[test]
fn a_worker_with_a_reason_to_stay_withdraws() {
    let sleep = asleep([1]);
    for worker in [0, LAST] {
        sleep.search();
        sleep.sleep(worker, || {
            assert_eq!(
                bits(&sleep),
                bits(&asleep([1, worker])),
                "it looks when its bit can be seen"
            );
            assert_eq!(sleep.searching(), 0);
            true
        });
        assert_eq!(bits(&sleep), bits(&asleep([1])));
        assert_eq!(sleep.searching(), 1);
        sleep.stop_searching();
    }
}

#[test]
fn a_worker_that_withdraws_when_it_is_being_woken_is_counted_once() {
    for stays in [true, false] {
        let sleep = asleep([]);
        sleep.search();
        sleep.sleep(LAST, || {
            sleep.notify(|| unreachable!("none searches"));
            assert_eq!(woken(&sleep), [LAST]);
            stays
        });
        assert_eq!(sleep.searching(), 1);
    }
}

#[test]
fn a_sleeper_parks_until_it_is_woken_and_is_counted_before() {
    /// Parking returns early once, and then because a job has come.
    struct Host(AtomicUsize);
    static SLEEP: Sleep<Host> = Sleep::new(Host(AtomicUsize::new(0)));
    impl Platform for Host {
        fn park(&self, spot: usize) {
            assert_eq!(spot, SPOTS - 2);
            assert_eq!(SLEEP.searching(), 0);
            if self.0.fetch_add(1, Ordering::Relaxed) == 1 {
                SLEEP.notify(|| 1);
            }
        }

        fn unpark(&self, spot: usize) {
            assert_eq!(spot, SPOTS - 2);
            assert_eq!(SLEEP.searching(), 1, "the next producer relies on it");
        }
    }
    // The one with the lower number is woken.
    SLEEP.lay_down([LAST]);
    SLEEP.search();
    SLEEP.sleep(LAST - 1, || false);
    assert_eq!(SLEEP.platform().0.load(Ordering::Relaxed), 2);
    assert_eq!(SLEEP.searching(), 1);
    assert_eq!(SLEEP.sleepers(), 1);
}
