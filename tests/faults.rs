//! Faults at every call: whatever panics or fails, and whenever, every value is dropped once, every accepted
//! job runs or is dropped, and the pool goes on with all its workers.
//!
//! A scenario is run with a fault in its first call, then in its second, and so on to its last.
//!
//! Without `std`, a job's panic takes its worker along, and another has to take the worker's place; and a map has no
//! workers here, because a panic in a team ends the program.

mod common;

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::{array, io, ptr, thread};

use common::{Entry, Fuse, Lab, Ledger, at_every_call, by_hand, wait_until, watchdog};
use ringpool::{Platform, Pool, Worker};

/// A value that its ledger counts, and whose drop may fail.
struct Touchy {
    entry: Entry,
    stage: Arc<Stage>,
}

impl Drop for Touchy {
    fn drop(&mut self) {
        self.stage.fuse.burn();
    }
}

/// What a scenario keeps book of.
struct Stage {
    fuse: Arc<Fuse>,
    values: Ledger,
    accepted: AtomicUsize,
    runs: AtomicUsize,
}

impl Stage {
    fn new(fuse: &Arc<Fuse>) -> Arc<Self> {
        Arc::new(Self {
            fuse: Arc::clone(fuse),
            values: Ledger::new(100),
            accepted: AtomicUsize::new(0),
            runs: AtomicUsize::new(0),
        })
    }

    fn make(self: &Arc<Self>, id: usize) -> Touchy {
        Touchy {
            entry: self.values.make(id),
            stage: Arc::clone(self),
        }
    }

    /// Submits a job that has value `id`, and does `more`.
    fn submit<P: Platform>(
        self: &Arc<Self>,
        pool: &Pool<32, P>,
        id: usize,
        more: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) {
        let value = self.make(id);
        let job = move || {
            let stage = &value.stage;
            stage.runs.fetch_add(1, SeqCst);
            stage.fuse.burn();
            more(stage);
        };
        if pool.execute(job).is_ok() {
            self.accepted.fetch_add(1, SeqCst);
        }
    }

    /// Maps values into fresh places, with maps in the map, and over old values. Needs 14 ids.
    fn map<P: Platform>(self: &Arc<Self>, pool: &Pool<32, P>, first: usize) {
        let inputs: [_; 4] = array::from_fn(|k| self.make(first + k));
        let mut places = [const { MaybeUninit::uninit() }; 4];
        attempt(|| {
            let results = pool.map(inputs, &mut places[..], |input| {
                self.fuse.burn();
                pool.map(0..2, (), |_| self.fuse.burn());
                let id = input.entry.id;
                // A result that is there already when this panics would be lost to the compiler (rust #47949).
                drop(input);
                self.make(id + 4)
            });
            // SAFETY: all are initialised, and nobody uses them again.
            unsafe { ptr::drop_in_place(results) };
        });
        let mut values: [_; 3] = array::from_fn(|k| self.make(first + 8 + k));
        attempt(|| {
            pool.map(0..3, &mut values, |k| {
                self.fuse.burn();
                self.make(first + 11 + k)
            });
        });
        attempt(|| drop(values));
    }

    /// Checks that nothing was lost and nothing was there twice.
    fn check(&self) {
        self.values.check();
        assert_eq!(self.runs.load(SeqCst), self.accepted.load(SeqCst));
    }
}

/// Does something that may panic.
fn attempt(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

/// Runs `worker`; if a job's panic ends it, another in its place.
fn keep_running<'p, P: Platform>(pool: &'p Pool<32, P>, mut worker: Worker<'p>) {
    while catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
        if cfg!(feature = "std") {
            panic!("a job's panic got out");
        }
        worker = by_hand(pool);
    }
}

/// Runs what is queued. A job's panic ends a step, not the worker.
fn keep_stepping<P: Platform>(pool: &Pool<32, P>) {
    let mut worker = by_hand(pool);
    let more = Cell::new(true);
    while more.replace(true) {
        attempt(|| more.set(worker.step()));
    }
}

/// Checks that so many workers are alive: each has to take a job that waits for the others.
fn all_are_there<P: Platform>(pool: &Pool<32, P>, workers: usize) {
    let there = Arc::new(AtomicUsize::new(0));
    for _ in 0..workers {
        let there = Arc::clone(&there);
        pool.execute(move || {
            there.fetch_add(1, SeqCst);
            wait_until(|| there.load(SeqCst) >= workers);
        })
        .unwrap();
    }
    wait_until(|| there.load(SeqCst) == workers);
}

/// Runs `test` while `workers` threads serve `pool`, checks that they are all there at the end, closes the pool,
/// and checks that they leave. With no workers, this thread steps one when the test is over.
fn serve<P: Platform>(pool: &Pool<32, P>, workers: usize, test: impl FnOnce()) {
    thread::scope(|scope| {
        pool.start(workers, |worker| {
            scope.spawn(|| keep_running(pool, worker));
            Ok::<(), ()>(())
        })
        .unwrap();
        test();
        if workers == 0 {
            keep_stepping(pool);
        }
        all_are_there(pool, workers);
        pool.close();
    });
    let end = format!("{pool:?}");
    assert!(
        end.contains("queued: 0, closed: true, workers: 0, sleepers: 0"),
        "{end}"
    );
}

fn jobs_and_maps<P: Platform + Send + 'static>(platform: P, workers: usize, fuse: &Arc<Fuse>) {
    let pool = Arc::new(Pool::new(platform));
    let stage = Stage::new(fuse);
    let maps = cfg!(feature = "std") || workers == 0;
    serve(&pool, workers, || {
        for id in 0..3 {
            // The second job maps, if any does.
            let id = if id == 1 && !maps { 5 } else { id };
            let home = Arc::downgrade(&pool);
            attempt(|| {
                stage.submit(&pool, id, move |stage| {
                    let pool = home.upgrade().unwrap();
                    match id {
                        0 => stage.submit(&pool, 3, |_| ()),
                        1 => stage.map(&pool, 10),
                        _ => (),
                    }
                });
            });
        }
        if maps {
            stage.map(&pool, 30);
        }
    });
    attempt(|| stage.submit(&pool, 4, |_| unreachable!("the pool is closed")));
    drop(Arc::into_inner(pool).expect("every job is gone"));
    stage.check();
}

#[test]
fn jobs_and_maps_with_a_fault_at_every_call() {
    let _watchdog = watchdog();
    for workers in [0, 1, 3] {
        at_every_call(|fuse| jobs_and_maps(Lab::lazy(), workers, fuse));
        #[cfg(feature = "std")]
        {
            at_every_call(|fuse| jobs_and_maps(Lab::hasty(), workers, fuse));
            at_every_call(|fuse| jobs_and_maps(Lab::without_clock(), workers, fuse));
            at_every_call(|fuse| jobs_and_maps(ringpool::Threads::new(), workers, fuse));
        }
    }
}

/// What a spawn hook does instead of what it should.
fn fail(panics: bool) -> io::Result<()> {
    if panics {
        resume_unwind(Box::new("no stack"));
    }
    Err(io::ErrorKind::OutOfMemory.into())
}

/// All that can go wrong with a spawn hook: whether it panics, and whether it has started its thread by then.
const WAYS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

#[test]
fn a_spawn_hook_with_a_fault_at_every_call() {
    let _watchdog = watchdog();
    for (panics, late) in WAYS {
        at_every_call(|fuse| {
            let pool = Pool::new(Lab::without_clock());
            thread::scope(|scope| {
                let (asked, running) = (Cell::new(0), Cell::new(0));
                let start = |workers| {
                    pool.start(workers, |worker| {
                        asked.set(asked.get() + 1);
                        let blows = fuse.blows();
                        if blows && !late {
                            fail(panics)?;
                        }
                        scope.spawn(|| keep_running(&pool, worker));
                        running.set(running.get() + 1);
                        if blows { fail(panics) } else { Ok(()) }
                    })
                };
                if let Ok(Err(error)) = catch_unwind(AssertUnwindSafe(|| start(4))) {
                    assert_eq!(error.started(), asked.get() - 1);
                }
                // Those that run go on, and others can take the places that are left.
                all_are_there(&pool, running.get());
                start(4 - running.get()).unwrap();
                all_are_there(&pool, 4);
                pool.close();
            });
            assert!(format!("{pool:?}").contains("workers: 0"), "{pool:?}");
        });
    }
}

#[cfg(feature = "std")]
mod with_std {
    use std::thread::Builder;

    use ringpool::{ThreadPool, Threads};

    use super::*;

    #[test]
    fn a_thread_pool_s_spawn_hook_with_a_fault_at_every_call() {
        let _watchdog = watchdog();
        for (panics, late) in WAYS {
            at_every_call(|fuse| {
                let alive = Arc::new(());
                let result = catch_unwind(AssertUnwindSafe(|| {
                    ThreadPool::<32>::with_spawn(Threads::new(), 4, |_, body| {
                        let blows = fuse.blows();
                        if blows && !late {
                            fail(panics)?;
                        }
                        let alive = Arc::clone(&alive);
                        let thread = Builder::new().spawn(move || {
                            let _alive = alive;
                            body();
                        });
                        if blows {
                            fail(panics)?;
                        }
                        thread
                    })
                }));
                if let Ok(Ok(pool)) = result {
                    all_are_there(&pool, 4);
                } else if late {
                    // The last thread is one that nobody can join. It ends all the same.
                    wait_until(|| Arc::strong_count(&alive) == 1);
                }
                assert_eq!(Arc::strong_count(&alive), 1, "the threads have ended");
            });
        }
    }

    /// Without `std`, the panic goes through the pool's drop, which leaves the rest of the jobs as they are.
    #[test]
    fn jobs_that_nobody_runs_with_a_fault_at_every_drop() {
        at_every_call(|fuse| {
            let stage = Stage::new(fuse);
            let pool = Pool::new(Lab::lazy());
            for id in 0..10 {
                stage.submit(&pool, id, |_| unreachable!("nobody runs it"));
            }
            drop(pool);
            stage.values.check();
            assert_eq!(stage.accepted.load(SeqCst), 10);
        });
    }

    /// When the function has panicked, the pool drops what is left, and that may panic again.
    #[test]
    fn a_map_that_panicked_with_a_fault_at_every_drop_of_what_it_leaves() {
        const LEN: usize = 20;
        let _watchdog = watchdog();
        for (workers, bad) in [0, 1, 3]
            .map(|n| [0, 1, 9, LEN - 1].map(|bad| (n, bad)))
            .concat()
        {
            for platform in [Lab::lazy, Lab::without_clock, Lab::hasty] {
                at_every_call(|fuse| {
                    let stage = Stage::new(fuse);
                    let pool = Pool::new(platform());
                    serve(&pool, workers, || {
                        let inputs: [_; LEN] = array::from_fn(|id| stage.make(id));
                        let mut places = [const { MaybeUninit::uninit() }; LEN];
                        let result = catch_unwind(AssertUnwindSafe(|| {
                            pool.map(inputs, &mut places[..], |input| {
                                let id = input.entry.id;
                                drop(input); // or the panic below would drop it: one panic in another
                                if id == bad {
                                    resume_unwind(Box::new("bad"));
                                }
                                stage.make(LEN + id)
                            });
                        }));
                        assert!(result.is_err());
                    });
                    stage.check();
                });
            }
        }
    }
}
