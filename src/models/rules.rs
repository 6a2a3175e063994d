//! The rules by which workers sleep and wake, one by one, on the protocol alone: what each fence
//! and ordering of `sleep` is for. Small enough to be searched almost completely, within a second.

extern crate std;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::thread;

use crate::models::loom::{ALL, bounded, focused};
use crate::models::reach::Event::{NumberHandedOn, Point, Slept, Woke};
use crate::models::reach::{is_reached, reached};
use crate::models::{Element, Signal, Spots};
use crate::sleep::Sleep;

/// The protocol, with workers that search already. One of which the model hears no more is frozen.
fn searching(workers: usize) -> Arc<Sleep<Spots>> {
    let sleep = Sleep::new(Spots::new(3));
    (0..workers).for_each(|_| sleep.search());
    Arc::new(sleep)
}

/// For `focused`: the search begins when so many workers sleep.
fn explore_when_asleep(sleep: &Sleep<Spots>, workers: usize) {
    while sleep.platform().parked.load(Relaxed) < workers {
        thread::yield_now();
    }
    loom::explore();
}

/// How many jobs are queued, as far as a worker sees.
#[derive(Clone, Default)]
struct Queue(Arc<AtomicUsize>);

impl Queue {
    fn len(&self) -> usize {
        self.0.load(Relaxed)
    }

    fn submit(&self, sleep: &Sleep<Spots>) {
        self.0.fetch_add(1, Relaxed);
        sleep.notify(|| self.len());
    }

    fn pop(&self) -> bool {
        let fewer = |jobs: usize| jobs.checked_sub(1);
        self.0.fetch_update(Relaxed, Relaxed, fewer).is_ok()
    }
}

/// A worker runs dry while there is news; it does not sleep through that.
fn hears_of(announce: fn(&Sleep<Spots>)) {
    bounded(ALL, &[Slept, Woke, Point], move || {
        let (sleep, news) = (searching(0), Arc::new(AtomicBool::new(false)));
        let worker = {
            let (sleep, news) = (Arc::clone(&sleep), Arc::clone(&news));
            thread::spawn(move || {
                sleep.search();
                sleep.sleep(0, || news.load(Relaxed));
                if !is_reached(Slept) {
                    reached(Point);
                }
            })
        };
        news.store(true, Relaxed);
        announce(&sleep);
        worker.join().unwrap();
    });
}

#[test]
fn a_sleeper_hears_of_a_job() {
    hears_of(|sleep| sleep.notify(|| 1));
}

#[test]
fn a_sleeper_hears_of_a_team() {
    hears_of(|sleep| {
        sleep.announce();
        if sleep.any_asleep() {
            sleep.wake(1, 0);
        }
    });
}

#[test]
fn a_sleeper_hears_of_the_end() {
    hears_of(Sleep::wake_all);
}

/// A producer wakes no worker because one searches, which finds something else.
#[test]
fn a_searcher_that_finds_something_looks_for_more() {
    bounded(4, &[Slept, Woke], || {
        let (sleep, queue) = (searching(2), Queue::default());
        let finder = {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || sleep.found(|| queue.len()))
        };
        let sleeper = {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || sleep.sleep(0, || queue.len() != 0))
        };
        queue.submit(&sleep);
        finder.join().unwrap();
        sleeper.join().unwrap();
    });
}

/// Two searchers find something at once; each of them looks, and one of them sees that none
/// searches.
#[test]
fn of_two_searchers_that_find_something_one_wakes_a_sleeper() {
    focused(ALL, &[Woke], || {
        let (sleep, queue) = (searching(3), Queue::default());
        let sleeper = {
            let sleep = Arc::clone(&sleep);
            thread::spawn(move || sleep.sleep(0, || false))
        };
        explore_when_asleep(&sleep, 1);
        let find = || {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            move || sleep.found(|| queue.len())
        };
        let other = thread::spawn(find());
        // Two search, so it wakes none, unless they have found something.
        queue.submit(&sleep);
        find()();
        other.join().unwrap();
        sleeper.join().unwrap();
    });
}

/// A worker that has a worker's number has its spot, alone.
#[test]
fn a_number_is_handed_on_by_one_that_is_out_of_park() {
    bounded(ALL, &[NumberHandedOn, Point], || {
        let (sleep, spot) = (searching(0), Arc::new(Element::row(1)));
        assert_eq!(sleep.claim_number(), Some(0));
        let first = {
            let (sleep, spot) = (Arc::clone(&sleep), Arc::clone(&spot));
            thread::spawn(move || {
                spot[0].bump();
                sleep.release_number(0);
            })
        };
        match sleep.claim_number() {
            Some(0) => {
                spot[0].bump();
                reached(NumberHandedOn);
            }
            number => {
                assert_eq!(number, Some(1));
                reached(Point);
            }
        }
        first.join().unwrap();
    });
}

#[test]
fn two_workers_that_come_at_once_have_two_numbers() {
    bounded(ALL, &[Point], || {
        let sleep = searching(0);
        let other = {
            let sleep = Arc::clone(&sleep);
            thread::spawn(move || sleep.claim_number().unwrap())
        };
        let mine = sleep.claim_number().unwrap();
        let other = other.join().unwrap();
        assert_eq!(mine + other, 1);
        if mine == 1 {
            reached(Point);
        }
    });
}

/// One of the two sleepers finds the team and does not come back; then the job is for the other,
/// whichever was woken for what.
#[test]
fn a_job_is_heard_of_while_others_are_woken_for_a_team() {
    focused(1, &[Woke], || {
        let sleep = searching(2);
        let [job, team, end] = [(); 3].map(|()| Arc::new(AtomicBool::new(false)));
        let worker = |number| {
            let sleep = Arc::clone(&sleep);
            let [job, team, end] = [&job, &team, &end].map(Arc::clone);
            thread::spawn(move || {
                let seen = |news: &AtomicBool| news.load(Relaxed);
                let taken = |news: &AtomicBool| seen(news) && news.swap(false, Relaxed);
                loop {
                    sleep.sleep(number, || seen(&job) || seen(&team) || seen(&end));
                    if taken(&job) {
                        sleep.found(|| seen(&job).into());
                        end.store(true, Relaxed);
                        break sleep.wake_all();
                    }
                    if taken(&team) {
                        break sleep.found(|| seen(&job).into());
                    }
                    if seen(&end) {
                        break sleep.stop_searching();
                    }
                }
            })
        };
        let workers = [worker(0), worker(1)];
        explore_when_asleep(&sleep, 2);
        let submitter = {
            let (sleep, job) = (Arc::clone(&sleep), Arc::clone(&job));
            thread::spawn(move || {
                job.store(true, Relaxed);
                sleep.notify(|| 1);
            })
        };
        team.store(true, Relaxed);
        sleep.announce();
        if sleep.any_asleep() {
            sleep.wake(1, 0);
        }
        submitter.join().unwrap();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// Each submit wakes a worker, or each worker the next.
#[test]
fn three_workers_get_a_job_each() {
    focused(1, &[Woke], || {
        let (sleep, queue) = (searching(3), Queue::default());
        let workers = [0, 1, 2].map(|number| {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || {
                while !queue.pop() {
                    sleep.sleep(number, || queue.len() != 0);
                }
                sleep.found(|| queue.len());
            })
        });
        explore_when_asleep(&sleep, workers.len());
        for _ in &workers {
            queue.submit(&sleep);
        }
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

// What a worker costs that is stopped.

/// A worker that falls asleep, is woken, or withdraws is never counted twice: or two jobs would
/// wait for it if it is stopped there.
#[test]
fn a_worker_counts_once() {
    bounded(ALL, &[Woke, Point], || {
        let (sleep, queue) = (searching(1), Queue::default());
        let worker = {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || {
                sleep.sleep(0, || queue.len() != 0);
                if !is_reached(Slept) {
                    reached(Point);
                }
            })
        };
        let producer = {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || {
                queue.submit(&sleep);
                queue.submit(&sleep);
            })
        };
        assert!(sleep.searching() <= 1);
        worker.join().unwrap();
        producer.join().unwrap();
        assert_eq!(sleep.searching(), 1);
    });
}

/// Of `jobs` jobs, `frozen` wait at most: the worker that is not frozen runs the others. It sleeps
/// when the producers come, or is about to.
fn others_run(frozen: usize, submits: &[usize]) {
    let submits = submits.to_vec();
    bounded(3, &[Slept, Woke], move || {
        let (sleep, queue) = (searching(frozen + 1), Queue::default());
        let jobs: usize = submits.iter().sum();
        let worker = {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || {
                let mut ran = 0;
                while ran < jobs - frozen {
                    while !queue.pop() {
                        sleep.sleep(0, || queue.len() != 0);
                    }
                    sleep.found(|| queue.len());
                    ran += 1;
                    while queue.pop() {
                        ran += 1;
                    }
                    sleep.search();
                }
            })
        };
        let (here, elsewhere) = submits.split_last().unwrap();
        let producers: std::vec::Vec<_> = elsewhere
            .iter()
            .map(|&jobs| {
                let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
                thread::spawn(move || (0..jobs).for_each(|_| queue.submit(&sleep)))
            })
            .collect();
        (0..*here).for_each(|_| queue.submit(&sleep));
        for producer in producers {
            producer.join().unwrap();
        }
        worker.join().unwrap();
    });
}

#[test]
fn beside_a_frozen_searcher_one_job_waits_at_most() {
    others_run(1, &[2]);
    others_run(1, &[1, 1]);
    others_run(1, &[3]);
}

#[test]
fn beside_two_frozen_searchers_two_jobs_wait_at_most() {
    others_run(2, &[3]);
}

/// The first of two sleepers is woken, and does not come until all others have run what there is.
#[test]
fn a_woken_sleeper_that_never_comes_delays_one_job() {
    focused(2, &[Woke], || {
        let (sleep, queue) = (searching(2), Queue::default());
        let thaw = Arc::new(Signal::default());
        let late = {
            let (sleep, thaw) = (Arc::clone(&sleep), Arc::clone(&thaw));
            thread::spawn(move || {
                sleep.sleep(0, || false);
                drop(thaw.wait());
            })
        };
        let worker = {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || {
                while !queue.pop() {
                    sleep.sleep(1, || queue.len() != 0);
                }
                sleep.found(|| queue.len());
            })
        };
        explore_when_asleep(&sleep, 2);
        let producer = {
            let (sleep, queue) = (Arc::clone(&sleep), queue.clone());
            thread::spawn(move || queue.submit(&sleep))
        };
        queue.submit(&sleep);
        producer.join().unwrap();
        worker.join().unwrap();
        thaw.give();
        late.join().unwrap();
    });
}
