use std::sync::Mutex;
use std::vec::Vec;

use super::*;

/// What waiting is made of, in the order in which it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wait {
    Relax,
    Park(usize),
    Unpark(usize),
}
use Wait::{Park, Relax, Unpark};

/// Notes every wait, and does something at one.
struct Log<F> {
    spins: u32,
    waits: Mutex<Vec<Wait>>,
    then: F,
}

impl<F: Fn(usize) + Sync> Log<F> {
    fn note(&self, wait: Wait) {
        let mut waits = self.waits.lock().unwrap();
        waits.push(wait);
        let count = waits.len();
        drop(waits);
        (self.then)(count);
    }
}

impl<F: Fn(usize) + Sync> Platform for Log<F> {
    fn park(&self, spot: usize) {
        self.note(Park(spot));
    }

    fn unpark(&self, spot: usize) {
        self.note(Unpark(spot));
    }

    fn spins(&self) -> u32 {
        self.spins
    }

    fn relax(&self) {
        self.note(Relax);
    }
}

/// A platform whose n-th wait does `then(n)`.
fn sleep<F: Fn(usize) + Sync>(spins: u32, then: F) -> Sleep<Log<F>> {
    Sleep::new(Log {
        spins,
        waits: Mutex::default(),
        then,
    })
}

fn waits<F: Fn(usize) + Sync>(sleep: &Sleep<Log<F>>) -> Vec<Wait> {
    core::mem::take(&mut *sleep.platform().waits.lock().unwrap())
}

#[test]
fn every_map_has_a_slot_of_its_own_until_there_are_none() {
    let (teams, sleep) = (Teams::new(), sleep(0, |_| ()));
    let mut held: Vec<_> = core::iter::from_fn(|| teams.hold()).collect();
    assert_eq!(
        held.iter().map(|held| held.spot).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    held.remove(2).close(&sleep);
    assert_eq!(teams.hold().unwrap().spot, 2);
    assert!(teams.hold().is_none());
    assert_eq!(
        waits(&sleep),
        [],
        "without helpers there is nothing to wait for"
    );
}

#[test]
fn workers_join_the_team_they_prefer_or_the_next_that_is_open() {
    let (teams, sleep) = (Teams::new(), sleep(0, |_| ()));
    let frame = 0;
    let held: Vec<_> = core::iter::from_fn(|| teams.hold()).collect();
    let join = |preference| {
        let joined = teams.join(preference, &sleep)?;
        let spot = joined.spot;
        assert_eq!(joined.frame(), (&raw const frame).cast());
        joined.leave(&sleep);
        Some(spot)
    };
    assert_eq!(join(0), None, "held is not open");
    held[1].open((&raw const frame).cast());
    held[3].open((&raw const frame).cast());
    assert_eq!([0, 1, 2, 3, 4, 6].map(join), [1, 1, 3, 3, 1, 3].map(Some));
    teams.join(1, &sleep).unwrap().exhausted();
    assert_eq!(join(1), Some(3), "its work is all taken");
    assert!(teams.any_open());
    teams.join(3, &sleep).unwrap().exhausted();
    assert!(!teams.any_open());
    assert_eq!(join(3), None);
}

#[test]
fn a_worker_that_comes_too_late_is_off_the_count_again_and_wakes_a_caller_that_waited_for_it() {
    let (teams, sleep) = (Teams::new(), sleep(0, |_| ()));
    let team = &teams.teams[0];
    let state = || team.state.load(Ordering::Relaxed);
    let come = || {
        team.state.fetch_add(1, Ordering::Relaxed);
        Joined { team, spot: 0 }
    };
    let late = come();
    assert_eq!(teams.hold().unwrap().spot, 1, "it counts as held");
    late.leave(&sleep);
    assert_eq!(state(), 0);

    let (held, late) = (teams.hold().unwrap(), come());
    held.open(ptr::null());
    assert_eq!((state(), team.helpers()), (HELD | OPEN | 1, 1));
    late.leave(&sleep);
    assert_eq!((state(), team.helpers()), (HELD | OPEN, 0));
    assert_eq!(waits(&sleep), []);

    team.state.store(HELD | WAITING, Ordering::Relaxed);
    let (first, last) = (come(), come());
    first.leave(&sleep);
    assert_eq!(waits(&sleep), [], "another is there");
    last.leave(&sleep);
    assert_eq!(waits(&sleep), [Unpark(0)]);
    held.close(&sleep);
    assert_eq!(teams.hold().unwrap().spot, 0);
}

#[test]
fn a_caller_looks_and_then_parks_until_the_last_helper_has_left() {
    const SPINS: usize = 33;
    let (teams, helpers_wait) = (Teams::new(), sleep(0, |_| ()));
    let (_first, held) = (teams.hold(), teams.hold().unwrap());
    held.open(ptr::null());
    let join = || teams.join(1, &helpers_wait);
    let helpers = Mutex::new(Vec::from_iter([join(), join()]));
    let caller = sleep(SPINS as u32, |count| {
        let parked = count.saturating_sub(SPINS);
        assert!(!teams.any_open());
        // The first time it parks one leaves, and it is woken for nothing; the second time the
        // other.
        if parked != 0 {
            let helper = helpers.lock().unwrap().pop().flatten().unwrap();
            helper.leave(&helpers_wait);
            assert_eq!(
                waits(&helpers_wait),
                [[].as_slice(), &[Unpark(1)]][parked - 1]
            );
        }
    });
    held.close(&caller);
    let mut expected = [Relax; SPINS].to_vec();
    expected.extend([Park(1), Park(1)]);
    assert_eq!(waits(&caller), expected);
    assert_eq!(teams.hold().unwrap().spot, 1, "the slot is free again");
}

#[test]
fn a_caller_that_sees_the_last_helper_leave_does_not_park() {
    let (teams, helper_waits) = (Teams::new(), sleep(0, |_| ()));
    let held = teams.hold().unwrap();
    held.open(ptr::null());
    let helper = Mutex::new(teams.join(0, &helper_waits));
    let caller = sleep(100, |count| {
        if count == 5 {
            helper.lock().unwrap().take().unwrap().leave(&helper_waits);
        }
    });
    held.close(&caller);
    assert_eq!(waits(&caller), [Relax; 5]);
    assert_eq!(waits(&helper_waits), [], "no caller is parked");
}
