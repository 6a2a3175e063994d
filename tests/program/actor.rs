//! Runs a program's operations.

use std::borrow::Borrow;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::thread;

use ringpool::{Platform, Pool, Worker};

use super::books::{Fate, MAIN, Ticket, World, raise};
use super::{Act, IfRejected, Job, Op, Program, Service};
use crate::common::{by_hand, dawdle};

/// A program submits no more jobs than this.
const FUEL: usize = 400;
/// It has no more threads that serve: on some platforms they all spin, and there may be two cores.
const THREADS: usize = 4;
/// And no more workers that are kept or forgotten: a pool has room for 252 in all.
const IDLERS: usize = 100;

/// Runs the program's operations, and its workers to their end.
pub fn perform<const C: usize, P: Platform, H>(world: &Arc<World>, host: &Arc<H>, program: &Program)
where
    H: Borrow<Pool<C, P>> + Send + Sync + 'static,
{
    let pool: &Pool<C, P> = (**host).borrow();
    let (stop, mut serving, mut kept) = (AtomicBool::new(false), false, Vec::new());
    let actor = Actor {
        pool,
        host: &Arc::downgrade(host),
        world,
        id: MAIN,
    };
    let result = thread::scope(|scope| {
        let result = catch_unwind(AssertUnwindSafe(|| {
            for op in &program.ops {
                match op {
                    Op::Start {
                        workers,
                        service,
                        hook_fails_at,
                    } => {
                        let room = match service {
                            Service::Run | Service::StepAlways => THREADS - world.books().threads,
                            Service::Keep | Service::Forget => IDLERS - world.books().idlers,
                        };
                        let wanted = usize::from(workers % 5).min(room);
                        let failing = hook_fails_at.map(usize::from).filter(|k| *k < wanted);
                        let hired = failing.unwrap_or(wanted);
                        match service {
                            Service::Run | Service::StepAlways => {
                                world.hire(hired);
                                serving |= hired != 0;
                            }
                            Service::Keep | Service::Forget => world.books().idlers += hired,
                        }
                        let mut started = 0;
                        let result = pool.start(wanted, |worker| {
                            if failing == Some(started) {
                                return Err("no more");
                            }
                            started += 1;
                            match service {
                                Service::Run => drop(scope.spawn(move || worker.run())),
                                Service::StepAlways => drop(scope.spawn(|| always(worker, &stop))),
                                Service::Keep => kept.push(worker),
                                Service::Forget => mem::forget(worker),
                            }
                            Ok(())
                        });
                        assert_eq!(started, hired);
                        let error = result
                            .err()
                            .map(|error| (error.started(), error.into_inner()));
                        assert_eq!(error, failing.map(|k| (k, Some("no more"))));
                    }
                    Op::Step(which, times) if !kept.is_empty() => {
                        let which = usize::from(*which) % kept.len();
                        for _ in 0..=times % 80 {
                            actor.step(&mut kept[which]);
                        }
                    }
                    Op::Dismiss { worker, forget } if !kept.is_empty() => {
                        let worker = kept.swap_remove(usize::from(*worker) % kept.len());
                        match forget {
                            true => mem::forget(worker),
                            false => world.books().idlers -= 1,
                        }
                    }
                    Op::Step(..) | Op::Dismiss { .. } => {}
                    Op::Do(act) => drop(world.planned(|| actor.act(act))),
                    Op::Crowd(acts) => {
                        let mut books = world.books();
                        books.crowded = true;
                        books.give_up();
                        drop(books);
                        thread::scope(|scope| {
                            for id in [MAIN - 1, MAIN - 2] {
                                let actor = Actor { id, ..actor };
                                scope.spawn(move || drop(world.planned(|| actor.acts(acts))));
                            }
                        });
                    }
                }
                actor.look();
            }
            let mut books = world.books();
            if books.crowded && books.threads == 0 {
                // Nobody is left to run what the crowd has queued.
                books.steps = true;
                drop(books);
                let mut last = by_hand(pool);
                while last.step() {}
            }
        }));
        stop.store(true, SeqCst);
        if result.is_err() || serving {
            world.books().closing = true;
            pool.close();
        }
        result
    });
    result.unwrap_or_else(|payload| resume_unwind(payload));
}

/// Steps a worker until it is told to stop and there is nothing left to do.
fn always(mut worker: Worker<'_>, stop: &AtomicBool) {
    loop {
        let stopping = stop.load(SeqCst);
        if !worker.step() {
            if stopping {
                break;
            }
            thread::yield_now();
        }
    }
}

/// Somebody on a pool.
pub struct Actor<'a, const C: usize, P: Platform, H> {
    pub pool: &'a Pool<C, P>,
    pub host: &'a Weak<H>,
    pub world: &'a Arc<World>,
    pub id: usize,
}

impl<const C: usize, P: Platform, H> Actor<'_, C, P, H>
where
    H: Borrow<Pool<C, P>> + Send + Sync + 'static,
{
    pub fn acts(&self, acts: &[Act]) {
        acts.iter().for_each(|act| self.act(act));
    }

    fn act(&self, act: &Act) {
        match act {
            Act::Execute(more, job) => {
                let job = Arc::new(job.clone());
                (0..=more % 80).for_each(|_| self.execute(&job));
            }
            Act::Map(map) => self.map(map),
            Act::Close => {
                self.world.books().closing = true;
                self.pool.close();
                self.world.books().closed = true;
            }
            Act::Panic => raise(),
            Act::Dawdle(time) => {
                dawdle(usize::from(*time));
                // Others may come to their end meanwhile, on the same core too.
                (0..time % 8).for_each(|_| thread::yield_now());
            }
        }
    }

    /// One step by hand.
    fn step(&self, worker: &mut Worker<'_>) {
        let mut books = self.world.books();
        books.steps = true;
        let (alone, queued, begun) = (books.alone(), books.queue.len(), books.begun.len());
        drop(books);
        let busy = worker.step();
        let books = self.world.books();
        if alone {
            assert_eq!(busy, queued != 0, "whether there was anything to do");
            assert_eq!(
                books.begun.len() - begun,
                usize::from(busy),
                "one job a step"
            );
        }
    }

    /// What the pool says of itself.
    fn look(&self) {
        let books = self.world.books();
        if books.alone() {
            let (queued, closed, workers) = (books.queue.len(), books.closed, books.idlers);
            let says = format!("{:?}", self.pool);
            let expected = format!(
                "Pool {{ capacity: {C}, queued: {queued}, closed: {closed}, workers: {workers}, \
                 sleepers: 0"
            );
            assert!(says.starts_with(&expected), "{says}, not {expected}");
        }
    }

    fn execute(&self, job: &Arc<Job>) {
        let mut books = self.world.books();
        let id = books.jobs.len();
        if id == FUEL {
            return;
        }
        books.jobs.push(Fate {
            producer: self.id,
            rejected: false,
            runs: 0,
            drops: 0,
        });
        books.claims += 1;
        let (closed, begun) = (books.closed, books.begun.len());
        let full = books.queue.len() == C;
        let alone = books.alone();
        if alone && !closed && !full {
            books.queue.push_back(id);
        }
        drop(books);

        let ticket = Ticket {
            id,
            world: Arc::clone(self.world),
            grenade: job.grenade,
        };
        let (this, host) = (Arc::clone(job), Weak::clone(self.host));
        let result = self.pool.execute(move || {
            let Ticket { id, ref world, .. } = ticket;
            let result = world.planned(|| {
                ticket.begin();
                // A pool that is just being dropped takes no more from its jobs.
                if let Some(owner) = host.upgrade() {
                    Actor {
                        pool: (*owner).borrow(),
                        host: &host,
                        world,
                        id,
                    }
                    .acts(&this.acts);
                }
            });
            result.unwrap_or_else(|payload| resume_unwind(payload));
        });

        let mut books = self.world.books();
        let refusal = result
            .as_ref()
            .err()
            .map(|it| (it.is_closed(), it.is_full()));
        if alone {
            let expected = (closed || full).then_some((closed, !closed));
            assert_eq!(refusal, expected, "job {id}: (closed, full)");
        }
        if closed {
            assert_eq!(refusal, Some((true, false)), "the pool is closed");
        }
        let Err(rejected) = result else {
            return;
        };
        books.claims -= 1;
        books.jobs[id].rejected = true;
        let (claims, one_consumer, closing) = (books.claims, books.one_consumer(), books.closing);
        drop(books);
        assert!(closing || rejected.is_full(), "nobody has closed it");
        if one_consumer && rejected.is_full() {
            assert!(claims - begun >= C, "there is room: {claims} - {begun}");
        }
        let _planned = match job.if_rejected {
            IfRejected::Run => self.world.planned(rejected.into_inner()),
            IfRejected::Drop => self.world.planned(|| drop(rejected.into_inner())),
            IfRejected::Ignore => self.world.planned(|| drop(rejected)),
        };
        let runs = usize::from(matches!(job.if_rejected, IfRejected::Run));
        let books = self.world.books();
        let Fate {
            runs: ran, drops, ..
        } = books.jobs[id];
        assert_eq!((ran, drops), (runs, 1), "job {id} came back: (runs, drops)");
    }
}
