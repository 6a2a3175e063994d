//! The rules by which sleepers wake, one by one, on the protocol alone: what each fence and ordering of
//! `idle.rs` is for. Small enough to be searched almost completely, within a second.

extern crate std;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::thread;

use crate::models::loom::{ALL, bounded, focused};
use crate::models::{Element, Spots};
use crate::sleep::Sleep;

/// The protocol with workers that search already.
fn searching(workers: usize) -> Arc<Sleep<Spots>> {
    let idle = Sleep::new(Spots::new(3));
    (0..workers).for_each(|_| idle.search());
    Arc::new(idle)
}

/// A worker runs dry while there is news; it does not sleep through that.
fn hears_of(announce: fn(&Sleep<Spots>)) {
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
    hears_of(Sleep::notify);
}

#[test]
fn a_sleeper_hears_of_a_team() {
    hears_of(|idle| _ = idle.wake(1));
}

#[test]
fn a_sleeper_hears_of_the_end() {
    hears_of(Sleep::wake_all);
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

/// One of the two sleepers finds the team and does not come back; then the job is for the other, whoever
/// was woken for what.
#[test]
fn a_job_is_heard_of_while_others_are_woken_for_a_team() {
    focused(1, || {
        let idle = searching(2);
        let [job, team, end] = [(); 3].map(|()| Arc::new(AtomicBool::new(false)));
        let worker = |number| {
            let idle = Arc::clone(&idle);
            let [job, team, end] = [&job, &team, &end].map(Arc::clone);
            thread::spawn(move || {
                let seen = |news: &AtomicBool| news.load(Relaxed);
                let taken = |news: &AtomicBool| seen(news) && news.swap(false, Relaxed);
                loop {
                    idle.sleep(number, || seen(&job) || seen(&team) || seen(&end));
                    if taken(&job) {
                        idle.found(|| seen(&job));
                        end.store(true, Relaxed);
                        break idle.wake_all();
                    }
                    if taken(&team) {
                        break idle.found(|| seen(&job));
                    }
                    if seen(&end) {
                        break idle.stop_searching();
                    }
                }
            })
        };
        let workers = [worker(0), worker(1)];
        while idle.platform().parked.load(Relaxed) < 2 {
            thread::yield_now();
        }
        loom::explore();
        let submitter = {
            let (idle, job) = (Arc::clone(&idle), Arc::clone(&job));
            thread::spawn(move || {
                job.store(true, Relaxed);
                idle.notify();
            })
        };
        team.store(true, Relaxed);
        idle.wake(1);
        submitter.join().unwrap();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// One is woken for the first job, and each wakes the next.
#[test]
fn three_workers_get_a_job_each() {
    focused(1, || {
        let (idle, jobs) = (searching(3), Arc::new(AtomicUsize::new(0)));
        let workers = [0, 1, 2].map(|number| {
            let (idle, jobs) = (Arc::clone(&idle), Arc::clone(&jobs));
            thread::spawn(move || {
                let more = || jobs.load(Relaxed) != 0;
                let fewer = |jobs: usize| jobs.checked_sub(1);
                while jobs.fetch_update(Relaxed, Relaxed, fewer).is_err() {
                    idle.sleep(number, more);
                }
                idle.found(more);
            })
        });
        while idle.platform().parked.load(Relaxed) < workers.len() {
            thread::yield_now();
        }
        loom::explore();
        for _ in &workers {
            jobs.fetch_add(1, Relaxed);
            idle.notify();
        }
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
