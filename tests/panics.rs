//! Panics (feature `std`): of a map's function, of a job, and of whatever is dropped on the way.
#![cfg(feature = "std")]

mod common;

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::{
    Lab, Ledger, by_hand, on_every_pool, panic_message, quietly, rounds, serve, wait_until,
    watchdog,
};
use ringpool::{Pool, Spin, ThreadPool, Threads};

/// Panics when it is dropped. The payload of that panic may be let go; as it has no size, no memory goes
/// with it.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        resume_unwind(Box::new(()));
    }
}

/// Checks that the pool has lost nothing.
fn still_works<const C: usize, const W: usize, P: ringpool::Platform>(pool: &Pool<C, P, W>) {
    let mut ys = [0; 100];
    pool.map(0..100, &mut ys, |k| k + 1);
    assert_eq!(ys, std::array::from_fn(|k| k + 1));
}

#[test]
fn a_spawn_hook_whose_own_panic_panics_when_dropped_keeps_no_thread_from_being_joined() {
    let _watchdog = watchdog();
    let ended = Arc::new(AtomicUsize::new(0));
    let pool = ThreadPool::<8>::with_spawn(Threads::new(), 3, |k, body| {
        let ended = Arc::clone(&ended);
        thread::Builder::new().spawn(move || {
            body();
            thread::sleep(Duration::from_millis(20 * k as u64));
            ended.fetch_add(1, SeqCst);
            resume_unwind(Box::new(Grenade));
        })
    });
    let pool = pool.unwrap();
    // A payload of the drop's panic must not be dropped either, or the test never ends.
    let dropped = catch_unwind(|| drop(pool)).map_err(std::mem::forget);
    assert_eq!((dropped, ended.load(SeqCst)), (Ok(()), 3));
}

#[test]
fn a_pool_is_taken_past_a_panic_without_further_ado() {
    let pool = ThreadPool::new(1).unwrap();
    let map = || pool.map(0..3, (), |k| assert_ne!(k, 1));
    assert!(catch_unwind(map).is_err());
    still_works(&pool);
}

#[test]
fn a_pool_counts_the_jobs_that_panicked() {
    let pool: Pool<8> = Pool::new(Spin::new());
    pool.execute(|| quietly("one")).unwrap();
    pool.execute(|| ()).unwrap();
    let held = Grenade;
    pool.execute(move || drop(held)).unwrap();
    pool.execute(|| resume_unwind(Box::new(Grenade))).unwrap();
    pool.execute(|| ()).unwrap();
    let mut worker = by_hand(&pool);
    let counts = [(); 5].map(|()| {
        assert!(worker.step());
        pool.panics()
    });
    assert_eq!(counts, [1, 1, 2, 3, 3]);
    // The panic of a map is its caller's.
    let map = || pool.map(0..3, (), |_| quietly("map"));
    assert!(catch_unwind(AssertUnwindSafe(map)).is_err());
    assert_eq!(pool.panics(), 3);
    assert!(format!("{pool:?}").contains("panics: 3"));
}

#[test]
fn every_input_and_finished_output_is_dropped_once_wherever_the_panic_is() {
    const LEN: usize = 60;
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for bad in (0..LEN).chain([LEN]).rev().take(rounds(1000)) {
            for more in [0, 1, 7] {
                let inputs = Ledger::new(LEN);
                let outputs = Ledger::new(LEN);
                let mut places = [const { MaybeUninit::uninit() }; LEN];
                let values: [_; LEN] = std::array::from_fn(|id| inputs.make(id));
                let map = || {
                    let done = pool.map(values, &mut places[..], |value| {
                        let panics = value.id == bad || value.id > bad && value.id % 7 < more;
                        if panics {
                            quietly("bad");
                        }
                        outputs.make(value.id)
                    });
                    // SAFETY: `map` has initialised all of them, and they are not used again.
                    unsafe { std::ptr::drop_in_place(done) };
                };
                let result = catch_unwind(AssertUnwindSafe(map));
                assert_eq!(result.is_err(), bad < LEN);
                assert_eq!(inputs.made(), LEN);
                inputs.check();
                outputs.check();
                still_works(pool);
            }
        }
    });
}

#[test]
fn both_arrays_of_a_tuple_are_dropped_once() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let ledger = Ledger::new(200);
        let left: [_; 100] = std::array::from_fn(|id| ledger.make(id));
        let right: [_; 100] = std::array::from_fn(|id| ledger.make(100 + id));
        let message = panic_message(|| {
            pool.map((left, right), (), |(left, right)| {
                assert_eq!(left.id + 100, right.id);
                assert!(left.id != 42, "bad");
            });
        });
        assert_eq!(message, "bad");
        ledger.check();
    });
}

#[test]
fn an_assigned_output_is_whole_after_a_panic() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let ledger = Ledger::new(200);
        let mut outputs: [_; 100] = std::array::from_fn(|id| ledger.make(id));
        panic_message(|| {
            pool.map(0..100, &mut outputs, |k| {
                assert!(k != 42, "bad");
                ledger.make(100 + k)
            });
        });
        assert!(
            outputs
                .iter()
                .enumerate()
                .all(|(k, output)| output.id % 100 == k)
        );
        assert_eq!(outputs[42].id, 42);
        drop(outputs);
        ledger.check();
    });
}

#[test]
fn the_panic_goes_on_with_its_payload() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for bad in [0, 1, 99] {
            let map = || {
                pool.map(0..100, (), |k| {
                    if k == bad {
                        panic_any(k)
                    }
                })
            };
            let payload = catch_unwind(AssertUnwindSafe(map)).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&bad));
            still_works(pool);
        }
    });
}

#[test]
fn the_first_panic_goes_on() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 1, || {
        static HELPER_HAS_LEFT: AtomicBool = AtomicBool::new(false);
        let caller = thread::current().id();
        let (helper_inside, caller_inside) = (AtomicBool::new(false), AtomicBool::new(false));
        let message = panic_message(|| {
            pool.map(0..1000, (), |k| {
                if k == 0 {
                    // The caller has this one for itself.
                } else if thread::current().id() != caller {
                    helper_inside.store(true, SeqCst);
                    wait_until(|| caller_inside.load(SeqCst));
                    quietly("the helper's");
                } else {
                    caller_inside.store(true, SeqCst);
                    wait_until(|| helper_inside.load(SeqCst));
                    // A worker that runs a job has left the team.
                    pool.execute(|| HELPER_HAS_LEFT.store(true, SeqCst))
                        .unwrap();
                    wait_until(|| HELPER_HAS_LEFT.load(SeqCst));
                    quietly("the caller's");
                }
            });
        });
        assert_eq!(message, "the helper's");
        still_works(&pool);
    });
}

#[test]
fn the_others_stop_claiming() {
    let _watchdog = watchdog();
    for caller_panics in [false, true] {
        let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
        serve(&pool, 1, || {
            let caller = thread::current().id();
            let helped = AtomicBool::new(false);
            // Nobody could come to the end of this one.
            panic_message(|| {
                pool.map(0..isize::MAX as usize, (), |_| {
                    let helper = thread::current().id() != caller;
                    if helper {
                        helped.store(true, SeqCst);
                    }
                    if helper != caller_panics && helped.load(SeqCst) {
                        quietly("enough");
                    }
                });
            });
            still_works(&pool);
        });
    }
}

#[test]
fn everyone_has_left_before_the_panic_goes_on() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 1, || {
        let caller = thread::current().id();
        let [entered, panicking, left] = [const { AtomicBool::new(false) }; 3];
        panic_message(|| {
            pool.map(0..1000, (), |k| {
                if k == 0 {
                    // The caller has this one for itself.
                } else if thread::current().id() != caller {
                    entered.store(true, SeqCst);
                    wait_until(|| panicking.load(SeqCst));
                    for _ in 0..1000 {
                        thread::yield_now();
                    }
                    left.store(true, SeqCst);
                } else {
                    wait_until(|| entered.load(SeqCst));
                    panicking.store(true, SeqCst);
                    quietly("caller");
                }
            });
        });
        assert!(left.load(SeqCst));
    });
}

#[test]
fn everyone_may_panic_at_once() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for _ in 0..rounds(200) {
            let message = panic_message(|| pool.map(0..100, (), |_| quietly("all")));
            assert_eq!(message, "all");
        }
        still_works(pool);
    });
}

#[test]
fn a_panic_inside_a_nested_map_goes_through_both() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let message = panic_message(|| {
            pool.map(0..20, (), |i| {
                pool.map(0..20, (), |j| {
                    if (i, j) == (11, 7) {
                        quietly("nested");
                    }
                });
            });
        });
        assert_eq!(message, "nested");
        still_works(pool);
    });
}

#[test]
fn a_payload_that_panics_on_drop_is_let_go() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        // All payloads but the first are dropped by the pool; that one is the test's.
        let map = || pool.map(0..100, (), |_| resume_unwind(Box::new(Grenade)));
        let payload = catch_unwind(AssertUnwindSafe(map)).unwrap_err();
        assert!(payload.is::<Grenade>());
        std::mem::forget(payload);
        still_works(pool);
    });
}

#[test]
fn inputs_left_over_may_panic_on_drop() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let dropped = AtomicUsize::new(0);
        // The last one panics as it is dropped, in the arms of the pool or of the function.
        let inputs: [_; 100] = std::array::from_fn(|k| Dropping(&dropped, k == 99));
        let message = panic_message(|| pool.map(inputs, (), |_| quietly("first")));
        assert_eq!(message, "first");
        assert_eq!(dropped.load(SeqCst), 100);
        still_works(pool);
    });
}

#[test]
fn outputs_that_are_taken_back_may_panic_on_drop() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let (made, dropped) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut places = [const { MaybeUninit::uninit() }; 100];
        let message = panic_message(|| {
            pool.map(0..100, &mut places[..], |k| {
                if k == 60 {
                    quietly("first");
                }
                made.fetch_add(1, SeqCst);
                Dropping(&dropped, k == 0)
            });
        });
        assert_eq!(message, "first");
        assert_eq!(dropped.load(SeqCst), made.load(SeqCst));
        still_works(pool);
    });
}

#[test]
fn an_old_output_may_panic_as_it_is_replaced() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let (old, new) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let made = AtomicUsize::new(0);
        let mut outputs: [_; 100] = std::array::from_fn(|k| Dropping(&old, k == 42));
        let message = panic_message(|| {
            pool.map(0..100, &mut outputs, |_| {
                made.fetch_add(1, SeqCst);
                Dropping(&new, false)
            });
        });
        assert_eq!(message, "dropped");
        drop(outputs);
        assert_eq!(old.load(SeqCst), 100);
        assert_eq!(new.load(SeqCst), made.load(SeqCst));
        still_works(pool);
    });
}

#[test]
fn a_worker_survives_the_panics_of_its_jobs() {
    let _watchdog = watchdog();
    let pool = ThreadPool::new(1).unwrap();
    let (log, ran) = mpsc::channel();
    for k in 0..100 {
        let log = log.clone();
        pool.execute(move || {
            log.send((k, thread::current().id())).unwrap();
            quietly("job");
        })
        .unwrap();
    }
    drop((pool, log));
    let ran: Vec<_> = ran.iter().collect();
    assert!(ran.iter().map(|(k, _)| *k).eq(0..100), "queued jobs go on");
    let threads: HashSet<_> = ran.iter().map(|(_, thread)| thread).collect();
    assert_eq!(threads.len(), 1, "it is the same thread");
}

#[test]
fn a_step_survives_the_panic_of_its_job() {
    let pool: Pool<4> = Pool::new(Spin::new());
    pool.execute(|| quietly("job")).unwrap();
    pool.execute(|| ()).unwrap();
    let mut worker = by_hand(&pool);
    assert!(worker.step() && worker.step() && !worker.step());
}

#[test]
fn the_panic_hook_hears_of_a_job_s_panic() {
    let _watchdog = watchdog();
    static HEARD: Mutex<Option<String>> = Mutex::new(None);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().is::<i64>() {
            *HEARD.lock().unwrap() = thread::current().name().map(String::from);
        } else {
            before(info);
        }
    }));
    let pool = ThreadPool::new(1).unwrap();
    pool.execute(|| panic_any(1_i64)).unwrap();
    drop(pool);
    assert_eq!(HEARD.lock().unwrap().as_deref(), Some("ringpool-0"));
}

#[test]
fn a_job_may_panic_with_a_payload_that_panics_on_drop() {
    let _watchdog = watchdog();
    let pool = ThreadPool::new(1).unwrap();
    let (log, ran) = mpsc::channel();
    pool.execute(|| resume_unwind(Box::new(Grenade))).unwrap();
    pool.execute(move || log.send(()).unwrap()).unwrap();
    ran.recv().unwrap();
}

#[test]
fn a_job_may_panic_on_drop() {
    let _watchdog = watchdog();
    let pool = ThreadPool::new(1).unwrap();
    let (log, ran) = mpsc::channel();
    let grenade = Grenade;
    pool.execute(move || drop(grenade)).unwrap();
    let grenade = Grenade;
    pool.execute(move || {
        let _held = &grenade;
    })
    .unwrap();
    pool.execute(move || log.send(()).unwrap()).unwrap();
    ran.recv().unwrap();
}

#[test]
fn jobs_that_nobody_has_run_may_panic_on_drop() {
    let payload = std::sync::Arc::new(());
    let pool: Pool<8> = Pool::new(Spin::new());
    for _ in 0..4 {
        let (grenade, held) = (Grenade, payload.clone());
        pool.execute(move || drop((grenade, held))).unwrap();
    }
    drop(pool);
    assert_eq!(
        std::sync::Arc::strong_count(&payload),
        1,
        "all were dropped"
    );
}

/// Counts drops; may panic after it.
struct Dropping<'c>(&'c AtomicUsize, bool);

impl Drop for Dropping<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        // A second panic while the first unwinds would end the program, here as anywhere.
        if self.1 && !thread::panicking() {
            quietly("dropped");
        }
    }
}
