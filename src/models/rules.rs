//! The rules by which sleepers wake, one by one, on the protocol alone: what each fence and ordering of
//! `idle.rs` is for. Small enough to be searched almost completely, within a second.

extern crate std;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::atomic::AtomicBool;
use loom::thread;

use crate::idle::Idle;
use crate::models::loom::{ALL, bounded, focused};
use crate::models::{Element, Spots};

/// The protocol with workers that search already.
fn searching(workers: usize) -> Arc<Idle<Spots>> {
    let idle = Idle::new(Spots::new(3));
    (0..workers).for_each(|_| idle.search());
    Arc::new(idle)
}

/// A worker runs dry while there is news; it does not sleep through that.
fn hears_of(announce: fn(&Idle<Spots>)) {
    bounded(ALL, move || {
        let (idle, news) = (searching(0), Arc::new(AtomicBool::new(false)));
        let worker = {
            let (idle, news) = (Arc::clone(&idle), Arc::clone(&news));
            thread::spawn(move || {
                idle.search();
                idle.sleep(0, || news.load(Relaxed));
            })
        };
        news.store(true, Relaxed);
        announce(&idle);
        worker.join().unwrap();
    });
}

#[test]
fn a_sleeper_hears_of_a_job() {
    hears_of(Idle::notify);
}

#[test]
fn a_sleeper_hears_of_a_team() {
    hears_of(|idle| idle.wake(1));
}

#[test]
fn a_sleeper_hears_of_the_end() {
    hears_of(Idle::wake_all);
}

/// A submitter wakes nobody because somebody searches, who finds something else.
#[test]
fn the_last_searcher_looks_for_more() {
    bounded(4, || {
        let (idle, news) = (searching(2), Arc::new(AtomicBool::new(false)));
        let look = || {
            let (idle, news) = (Arc::clone(&idle), Arc::clone(&news));
            (idle, move || news.load(Relaxed))
        };
        let (worker, more) = look();
        let finder = thread::spawn(move || worker.found(more));
        let (worker, more) = look();
        let sleeper = thread::spawn(move || worker.sleep(0, more));
        news.store(true, Relaxed);
        idle.notify();
        finder.join().unwrap();
        sleeper.join().unwrap();
    });
}

/// So it has to know what they know.
#[test]
fn the_last_searcher_sees_what_those_before_it_did() {
    focused(ALL, || {
        let idle = searching(3);
        let sleeper = {
            let idle = Arc::clone(&idle);
            thread::spawn(move || idle.sleep(0, || false))
        };
        while idle.platform().parked.load(Relaxed) == 0 {
            thread::yield_now();
        }
        loom::explore();
        let deeds = Arc::new(Element::row(2));
        let find = |mine: usize| {
            let (idle, deeds) = (Arc::clone(&idle), Arc::clone(&deeds));
            move || {
                deeds[mine].bump();
                // The other's, if there is no race.
                idle.found(|| deeds[1 - mine].value() == 0);
            }
        };
        let other = thread::spawn(find(0));
        find(1)();
        other.join().unwrap();
        loom::stop_exploring();
        idle.wake_all();
        sleeper.join().unwrap();
    });
}

/// Whoever has a worker's number has its spot, alone.
#[test]
fn a_number_is_handed_on_by_one_who_is_out_of_park() {
    bounded(ALL, || {
        let (idle, spot) = (searching(0), Arc::new(Element::row(1)));
        assert_eq!(idle.enlist(), Some(0));
        let first = {
            let (idle, spot) = (Arc::clone(&idle), Arc::clone(&spot));
            thread::spawn(move || {
                spot[0].bump();
                idle.discharge(0);
            })
        };
        if idle.enlist() == Some(0) {
            spot[0].bump();
        }
        first.join().unwrap();
    });
}
