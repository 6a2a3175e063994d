//! `rayon-core`.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

use ringpool::{Pool, Spin};

use crate::common::{Lab, by_hand, on_every_pool, rounds, serve, wait_until, watchdog};

/// rayon-core `fifo_order` of `scope`, `spawn` and `thread_pool`.
#[test]
fn jobs_queued_by_jobs_run_in_the_order_in_which_they_were_queued() {
    static POOL: Pool<128> = Pool::new(Spin::new());
    let (log, order) = channel();
    for i in 0..10 {
        let log = log.clone();
        let job = move || {
            for j in 0..10 {
                let log = log.clone();
                POOL.execute(move || log.send(10 * i + j).unwrap()).unwrap();
            }
        };
        POOL.execute(job).unwrap();
    }
    let mut worker = by_hand(&POOL);
    while worker.step() {}
    drop(log);
    assert!(order.iter().eq(0..100));
}

/// rayon-core `linear_stack_growth`.
#[test]
fn a_chain_of_jobs_does_not_grow_the_stack() {
    let _watchdog = watchdog();
    static POOL: Pool<2, Lab> = Pool::new(Lab::without_clock());
    static DONE: AtomicBool = AtomicBool::new(false);
    fn link(left: usize) {
        match left {
            0 => DONE.store(true, SeqCst),
            _ => POOL.execute(move || link(left - 1)).unwrap(),
        }
    }
    serve(&POOL, 1, || {
        // The worker's stack has two megabytes: room for some 20 bytes a link.
        POOL.execute(|| link(rounds(100_000))).unwrap();
        wait_until(|| DONE.load(SeqCst));
    });
}

/// rayon-core `sort`, `sort_in_pool` and `scope_join`.
#[test]
fn a_quick_sort_maps_over_its_halves() {
    fn sort(pool: &Pool<16, Lab>, values: &mut [u32]) {
        let Some((pivot, rest)) = values.split_last_mut() else {
            return;
        };
        let mut small = 0;
        for k in 0..rest.len() {
            if rest[k] <= *pivot {
                rest.swap(small, k);
                small += 1;
            }
        }
        let last = values.len() - 1;
        values.swap(small, last);
        let (left, right) = values.split_at_mut(small);
        pool.map([left, &mut right[1..]], (), |half| sort(pool, half));
    }
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        // Knuth's multiplicative hash: every value is another one, and none is at its place.
        let hash = |k: u32| k.wrapping_mul(2_654_435_761);
        let mut values: Vec<_> = (0..rounds(2000) as u32).map(hash).collect();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        sort(pool, &mut values);
        assert_eq!(values, sorted);
    });
}

/// rayon-core `update_tree`.
#[test]
fn a_tree_is_updated_by_maps_over_children() {
    struct Tree(usize, Vec<Tree>);
    fn grow(value: usize) -> Tree {
        let children = (value * 3 + 1..=value * 3 + 1 + value % 3).filter(|child| *child < 9999);
        Tree(value, children.map(grow).collect())
    }
    fn update(pool: &Pool<16, Lab>, Tree(value, children): &mut Tree) {
        *value += 1;
        pool.map(&mut children[..], (), |child| update(pool, child));
    }
    fn values(Tree(value, children): &Tree, into: &mut Vec<usize>) {
        into.push(*value);
        children.iter().for_each(|child| values(child, into));
    }
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut tree = grow(0);
        values(&tree, &mut before);
        update(pool, &mut tree);
        values(&tree, &mut after);
        assert!(before.len() > 50, "{}", before.len());
        assert!(before.iter().map(|value| value + 1).eq(after));
    });
}

/// rayon-core `mixed_lifetime_scope`: what elements point to may outlive the slice, and so may results.
#[test]
fn results_may_outlive_the_slice_that_they_came_from() {
    fn first_words<'text>(pool: &Pool<16, Lab>, lines: &[&'text str]) -> [&'text str; 2] {
        let mut words = [""; 2];
        pool.map(lines, &mut words, |line| line.split(' ').next().unwrap());
        words
    }
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let text = String::from("one two,three four");
        let lines: Vec<_> = text.split(',').collect();
        let words = first_words(pool, &lines);
        drop(lines);
        assert_eq!(words, ["one", "three"]);
    });
}

/// rayon-core `mutual_install`, `mutual_install_sleepy`, `broadcast_mutual` and `nested_scopes`: maps that go
/// through several pools and come back to the first.
#[test]
fn maps_go_through_several_pools_and_back() {
    fn leaves(pools: &[&Pool<2, Lab>], depth: usize) -> usize {
        let Some(rest) = depth.checked_sub(1) else {
            return 1;
        };
        let mut counts = [0; 3];
        let pool = pools[depth % pools.len()];
        pool.map(0..3, &mut counts, |_| leaves(pools, rest));
        counts.iter().sum()
    }
    let _watchdog = watchdog();
    let [a, b, c] = [(); 3].map(|()| Pool::new(Lab::without_clock()));
    serve(&a, 1, || {
        serve(&b, 1, || {
            serve(&c, 1, || {
                for _ in 0..rounds(20) {
                    assert_eq!(leaves(&[&a, &b], 4), 81);
                    assert_eq!(leaves(&[&a, &b, &c], 6), 729);
                }
            });
        });
    });
}

/// rayon-core `start_callback_called`, `exit_callback_called` and the thread-locals of its
/// `tests/scoped_threadpool.rs`; CPython `test_initializer`.
#[test]
fn what_the_hook_sets_up_on_a_thread_is_there_for_its_jobs() {
    thread_local! {
        static ROLE: Cell<&'static str> = const { Cell::new("none") };
    }
    let _watchdog = watchdog();
    static JOBS: AtomicUsize = AtomicUsize::new(0);
    let [started, ended] = [const { AtomicUsize::new(0) }; 2];
    let pool: Pool<8, Lab> = Pool::new(Lab::without_clock());
    ROLE.set("caller");
    thread::scope(|scope| {
        pool.start(3, |worker| {
            scope.spawn(|| {
                assert_eq!(ROLE.replace("worker"), "none");
                started.fetch_add(1, SeqCst);
                worker.run();
                ended.fetch_add(1, SeqCst);
            });
            Ok::<(), ()>(())
        })
        .unwrap();
        for _ in 0..3 {
            let job = || {
                if ROLE.get() == "worker" {
                    JOBS.fetch_add(1, SeqCst);
                }
                wait_until(|| JOBS.load(SeqCst) == 3);
            };
            pool.execute(job).unwrap();
        }
        let caller = thread::current().id();
        let helped = AtomicBool::new(false);
        pool.map(0..1000, (), |k| {
            let here = thread::current().id() == caller;
            assert_eq!(ROLE.get(), if here { "caller" } else { "worker" });
            helped.fetch_or(!here, SeqCst);
            wait_until(|| k == 0 || helped.load(SeqCst));
        });
        pool.close();
    });
    assert_eq!((started.into_inner(), ended.into_inner()), (3, 3));
}

/// rayon-core `cleared_current_thread`, and the contrary of its `use_current_thread_basic`.
#[test]
fn a_thread_may_serve_one_pool_after_another_or_two_at_once() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let job = || {
        RUNS.fetch_add(1, SeqCst);
    };
    let [first, second] = [(); 2].map(|()| Pool::<4>::new(Spin::new()));
    let (mut one, mut other) = (by_hand(&first), by_hand(&second));
    for pool in [&first, &second] {
        pool.execute(job).unwrap();
        pool.execute(job).unwrap();
    }
    assert!(one.step() && other.step());
    assert_eq!(RUNS.load(SeqCst), 2);
    first.close();
    one.run();
    assert_eq!(RUNS.load(SeqCst), 3);
    second.close();
    other.run();
    assert_eq!(RUNS.load(SeqCst), 4);
}

/// The contrary of rayon-core's `termination_while_things_are_executing`, which lets a job submit more.
#[test]
fn a_job_that_outlives_its_pool_s_close_gets_its_jobs_back() {
    let _watchdog = watchdog();
    static POOL: Pool<4, Lab> = Pool::new(Lab::without_clock());
    static BEGUN: AtomicBool = AtomicBool::new(false);
    static CLOSED: AtomicBool = AtomicBool::new(false);
    static HANDED_BACK: AtomicBool = AtomicBool::new(false);
    static RAN: AtomicBool = AtomicBool::new(false);
    serve(&POOL, 1, || {
        let job = || {
            BEGUN.store(true, SeqCst);
            wait_until(|| CLOSED.load(SeqCst));
            if let Err(rejected) = POOL.execute(|| RAN.store(true, SeqCst)) {
                HANDED_BACK.store(rejected.is_closed(), SeqCst);
                rejected.into_inner()();
            }
        };
        POOL.execute(job).unwrap();
        wait_until(|| BEGUN.load(SeqCst));
        POOL.close();
        CLOSED.store(true, SeqCst);
    });
    assert!(HANDED_BACK.load(SeqCst) && RAN.load(SeqCst));
}

/// rayon-core `handler_panics_handled_correctly`; the contrary of CPython's failing initializer, which breaks
/// the whole pool.
#[cfg(feature = "std")]
#[test]
fn threads_that_panic_around_their_body_leave_the_rest_of_the_pool() {
    use crate::common::quietly;
    use ringpool::{ThreadPool, Threads};

    let _watchdog = watchdog();
    let pool = ThreadPool::<8>::with_spawn(Threads::new(), 3, |k, body| {
        thread::Builder::new().spawn(move || match k {
            0 => quietly("before its body, which is dropped"),
            1 => body(),
            _ => {
                body();
                quietly("after its body");
            }
        })
    })
    .unwrap();
    wait_until(|| format!("{pool:?}").contains("workers: 2"));
    let (log, ran) = channel();
    for k in 0..8 {
        let log = log.clone();
        pool.execute(move || log.send(k).unwrap()).unwrap();
    }
    drop((pool, log));
    assert_eq!(ran.iter().sum::<i32>(), 28);
}
