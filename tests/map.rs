//! `map`: every kind of input and output, every length, on pools where none, some or all help.

mod common;

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::{
    Lab, Ledger, by_hand, on_every_pool, panic_message, rounds, serve, wait_until, watchdog,
};
use ringpool::{Pool, Spin};

#[test]
fn results_are_in_input_order_at_every_length() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for len in (0..70).chain([127, 128, 129, 1000]).take(rounds(1000)) {
            // Three times: the second and third time the pool knows what an element costs.
            for _ in 0..3 {
                let xs: Vec<usize> = (0..len).map(|x| x * 7).collect();
                let mut ys = vec![0; len];
                pool.map(&xs[..], &mut ys[..], |x| x + 1);
                assert!(
                    ys.iter().zip(&xs).all(|(y, x)| *y == x + 1),
                    "{len}: {ys:?}"
                );
            }
        }
    });
}

#[test]
fn every_element_is_mapped_exactly_once() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let counts: Vec<AtomicUsize> = (0..rounds(20_000)).map(|_| AtomicUsize::new(0)).collect();
        for round in 1..=3 {
            pool.map(&counts[..], (), |count| {
                count.fetch_add(1, SeqCst);
            });
            assert!(counts.iter().all(|count| count.load(SeqCst) == round));
        }
    });
}

#[test]
fn slices_and_arrays_by_reference() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let xs = [1, 2, 3, 4, 5];
        let mut ys = [0; 5];
        pool.map(&xs, &mut ys, |x| x * 2);
        assert_eq!(ys, [2, 4, 6, 8, 10]);
        pool.map(&xs[1..], &mut ys[..4], |x| x * 3);
        assert_eq!(ys, [6, 9, 12, 15, 10]);
    });
}

#[cfg(feature = "std")]
#[test]
fn vectors_by_reference() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut xs = vec![1, 2, 3, 4, 5];
        let mut ys = vec![0; 5];
        pool.map(&xs, &mut ys, |x| x * 2);
        assert_eq!(ys, [2, 4, 6, 8, 10]);
        pool.map(&mut xs, (), |x| *x += 1);
        assert_eq!(xs, [2, 3, 4, 5, 6]);
    });
}

#[test]
fn in_place() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut ys = [1, 2, 3, 4, 5];
        pool.map(&mut ys, (), |y| *y += 1);
        pool.map(&mut ys[..2], (), |y| *y *= 10);
        assert_eq!(ys, [20, 30, 4, 5, 6]);
    });
}

#[test]
fn ranges_count_from_their_start() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut ys = [0; 6];
        pool.map(10..16, &mut ys, |i| i);
        assert_eq!(ys, [10, 11, 12, 13, 14, 15]);
        pool.map(usize::MAX - 6..usize::MAX, &mut ys, |i| usize::MAX - i);
        assert_eq!(ys, [6, 5, 4, 3, 2, 1]);
    });
}

#[test]
fn arrays_by_value_move_into_the_function() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let names = ["a", "b", "c", "d"].map(String::from);
        let mut greetings = [const { String::new() }; 4];
        pool.map(names, &mut greetings, |name| name + "!");
        assert_eq!(greetings, ["a!", "b!", "c!", "d!"]);
    });
}

#[test]
fn values_and_results_are_dropped_once() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let ledger = Ledger::new(400);
        let inputs: [_; 100] = std::array::from_fn(|id| ledger.make(id));
        let mut outputs: [_; 100] = std::array::from_fn(|id| ledger.make(100 + id));
        // An assigned output drops what was there.
        pool.map(inputs, &mut outputs, |input| ledger.make(200 + input.id));
        assert_eq!(
            outputs.each_ref().map(|output| output.id)[..3],
            [200, 201, 202]
        );
        let mut places = [const { MaybeUninit::uninit() }; 100];
        let done = pool.map(outputs, &mut places[..], |output| {
            ledger.make(100 + output.id)
        });
        assert_eq!(done[99].id, 399);
        // SAFETY: `map` has initialised all of them, and they are not used again.
        unsafe { std::ptr::drop_in_place(done) };
        assert_eq!(ledger.made(), 400);
        ledger.check();
    });
}

#[test]
fn an_uninitialised_output_comes_back_initialised() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut places = [const { MaybeUninit::uninit() }; 50];
        let done: &mut [Box<usize>] = pool.map(0..50, &mut places[..], Box::new);
        assert!(done.iter().enumerate().all(|(k, boxed)| **boxed == k));
        // SAFETY: `map` has initialised all of them, and they are not used again.
        unsafe { std::ptr::drop_in_place(done) };
    });
}

#[test]
fn tuples_of_inputs_are_walked_in_step() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let xs = [1, 2, 3];
        let mut ys = [10, 20, 30];
        pool.map((&xs, &mut ys), (), |(x, y)| *y += x);
        assert_eq!(ys, [11, 22, 33]);

        let mut sums = [0; 3];
        pool.map((&xs, 5..8, [100, 200, 300]), &mut sums, |(x, i, v)| {
            x + i + v
        });
        assert_eq!(sums, [106, 208, 310]);

        let words = ["a", "b", "c"].map(String::from);
        let mut lines = [const { String::new() }; 3];
        pool.map(
            (words, 0..3, &xs, &mut ys),
            &mut lines,
            |(word, i, x, y)| {
                *y = 0;
                format!("{word}{i}{x}")
            },
        );
        assert_eq!(lines, ["a01", "b12", "c23"]);
        assert_eq!(ys, [0; 3]);

        let mut nested = [0; 3];
        pool.map(
            ((&xs, &ys), (0..3, &xs)),
            &mut nested,
            |((a, b), (c, d))| a + b + c + d,
        );
        assert_eq!(nested, [2, 5, 8]);
    });
}

#[test]
fn results_may_borrow_from_the_input() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let lines = ["one two", "three four"].map(String::from);
        let mut words = [""; 2];
        pool.map(&lines, &mut words, |line| line.split(' ').next().unwrap());
        assert_eq!(words, ["one", "three"]);
    });
}

#[test]
fn empty_inputs_call_nobody() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut none: [u8; 0] = [];
        pool.map(&[0u8; 0], &mut none, |_| unreachable!());
        pool.map([0u8; 0], &mut none, |_| unreachable!());
        pool.map(&mut [0u8; 0], (), |_| unreachable!());
        pool.map(7..7, (), |_| unreachable!());
        #[expect(clippy::reversed_empty_ranges, reason = "the point of it")]
        pool.map(7..3, (), |_| unreachable!());
        let mut nowhere: [MaybeUninit<u8>; 0] = [];
        let done = pool.map(0..0, &mut nowhere[..], |_| -> u8 { unreachable!() });
        assert!(done.is_empty());
    });
}

#[test]
fn elements_without_a_size_are_elements() {
    struct Nothing;
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let calls = AtomicUsize::new(0);
        let count = || {
            calls.fetch_add(1, SeqCst);
        };
        DROPPED.store(0, SeqCst);
        pool.map(&[(); 500], &mut [(); 500], |()| count());
        pool.map([const { Nothing }; 500], (), |_| count());
        let mut places = [const { MaybeUninit::uninit() }; 500];
        let done = pool.map(&mut [(); 500], &mut places[..], |()| {
            count();
            Nothing
        });
        assert_eq!(done.len(), 500);
        assert_eq!((calls.load(SeqCst), DROPPED.load(SeqCst)), (1500, 500));
        // SAFETY: `map` has initialised all of them, and they are not used again.
        unsafe { std::ptr::drop_in_place(done) };
        assert_eq!(DROPPED.load(SeqCst), 1000);
    });
}

#[test]
fn a_slice_as_long_as_can_be_ends_at_the_first_panic() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::without_clock());
    let calls = AtomicUsize::new(0);
    let message = panic_message(|| {
        pool.map(&[(); usize::MAX], (), |()| {
            assert!(calls.fetch_add(1, SeqCst) != 1000, "enough");
        });
    });
    assert_eq!(message, "enough");
}

#[test]
fn a_huge_range_ends_at_the_first_panic() {
    let _watchdog = watchdog();
    // Nobody helps: with the feature `std` and without.
    for platform in [Lab::lazy(), Lab::hasty(), Lab::without_clock()] {
        let pool: Pool<2, Lab> = Pool::new(platform);
        for bad in [0, 1, 2, 1000] {
            let message = panic_message(|| {
                pool.map(0..usize::MAX, (), |k| assert!(k != bad, "at {k}"));
            });
            assert_eq!(message, format!("at {bad}"));
        }
    }
}

#[test]
fn unequal_lengths_are_named_and_nothing_is_touched() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let says = |one: usize, other: usize, call: &dyn Fn()| {
            let message = panic_message(call);
            let has = |part: String| assert!(message.contains(&part), "{message}");
            has(format!("has {one} elements"));
            has(format!("has {other}"));
        };
        let ledger = Ledger::new(7);
        let entries = || std::array::from_fn::<_, 3, _>(|id| ledger.make(id));
        let mut old = std::array::from_fn::<_, 4, _>(|id| ledger.make(3 + id));
        let message = panic_message(|| pool.map(entries(), &mut old, |_| unreachable!()));
        assert_eq!(
            message,
            "ringpool: the input has 3 elements, the output has 4"
        );
        assert_eq!(old.each_ref().map(|entry| entry.id), [3, 4, 5, 6]);
        drop(old);
        ledger.check();

        says(3, 2, &|| pool.map(&[0; 3], &mut [0; 2], |_| unreachable!()));
        says(0, 1, &|| pool.map(0..0, &mut [0; 1], |_| unreachable!()));
        says(usize::MAX, 1, &|| {
            pool.map(0..usize::MAX, &mut [0; 1], |_| unreachable!())
        });
        says(2, 3, &|| {
            pool.map(0..2, &mut [MaybeUninit::uninit(); 3][..], |_| -> u8 {
                unreachable!()
            });
        });
        says(2, 3, &|| pool.map((0..2, 0..3), (), |_| unreachable!()));
        says(2, 5, &|| {
            pool.map((0..2, 0..2, 0..5), (), |_| unreachable!())
        });
        says(2, 6, &|| {
            pool.map((0..2, 0..2, 0..2, 0..6), (), |_| unreachable!())
        });
        // Nothing stays behind.
        let mut ys = [0; 3];
        pool.map(0..3, &mut ys, |k| k);
        assert_eq!(ys, [0, 1, 2]);
    });
}

#[test]
fn a_length_panic_points_at_its_caller() {
    let place = std::sync::Arc::new(Mutex::new(None));
    let seen = place.clone();
    let this = thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().id() == this {
            *seen.lock().unwrap() = info.location().map(|at| (at.file().to_owned(), at.line()));
        }
        before(info);
    }));
    let pool: Pool<2> = Pool::new(Spin::new());
    let line = line!() + 1;
    panic_message(|| pool.map((0..2, 0..3), (), |_| ()));
    let (file, at) = place.lock().unwrap().take().unwrap();
    assert!(file.ends_with("map.rs") && at == line, "{file}:{at}");
}

#[test]
fn a_map_inside_a_map_inside_a_map() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut sums = [0; 8];
        pool.map(0..8, &mut sums, |i| {
            let mut sums = [0; 8];
            pool.map(0..8, &mut sums, |j| {
                let mut products = [0; 8];
                pool.map(0..8, &mut products, |k| i * j * k);
                products.iter().sum::<usize>()
            });
            sums.iter().sum::<usize>()
        });
        assert_eq!(sums, std::array::from_fn(|i| i * 28 * 28));
    });
}

#[test]
fn a_map_that_calls_itself() {
    let _watchdog = watchdog();
    fn leaves(pool: &Pool<16, Lab>, depth: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        let mut counts = [0; 2];
        pool.map(0..2, &mut counts, |_| leaves(pool, depth - 1));
        counts.iter().sum()
    }
    on_every_pool(|pool| {
        let depth = if cfg!(miri) { 3 } else { 9 };
        assert_eq!(leaves(pool, depth), 1 << depth);
    });
}

#[test]
fn a_map_inside_a_job() {
    let _watchdog = watchdog();
    static POOL: Pool<8, Lab> = Pool::new(Lab::hasty());
    static SUM: AtomicUsize = AtomicUsize::new(0);
    serve(&POOL, 3, || {
        for _ in 0..8 {
            POOL.execute(|| {
                let mut squares = [0; 100];
                POOL.map(0..100, &mut squares, |k| k * k);
                SUM.fetch_add(squares.iter().sum(), SeqCst);
            })
            .unwrap();
        }
    });
    assert_eq!(SUM.load(SeqCst), 8 * 328_350);
}

#[test]
fn more_maps_at_once_than_the_pool_has_teams() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        thread::scope(|scope| {
            for caller in 0..10 {
                scope.spawn(move || {
                    for _ in 0..rounds(1000).min(50) {
                        let mut ys = [0; 50];
                        pool.map(0..50, &mut ys, |k| k * caller);
                        assert!(ys.iter().enumerate().all(|(k, y)| *y == k * caller));
                    }
                });
            }
        });
    });
}

#[test]
fn a_fifth_map_runs_on_its_caller_and_asks_again() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    let holders = AtomicUsize::new(0);
    let [release, helped] = [const { AtomicBool::new(false) }; 2];
    let this = thread::current().id();
    let mut alone = [None; 1000];
    serve(&pool, 4, || {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let caller = thread::current().id();
                    pool.map(0..100, (), |_| {
                        let holds = thread::current().id() == caller;
                        holders.fetch_add(usize::from(holds), SeqCst);
                        wait_until(|| release.load(SeqCst));
                    });
                });
            }
            wait_until(|| holders.load(SeqCst) == 4);
            pool.map(0..1000, &mut alone, |_| Some(thread::current().id()));
            // By the hundredth element it has been refused.
            pool.map(0..rounds(1_000_000), (), |k| {
                release.fetch_or(k == 100, SeqCst);
                if thread::current().id() != this {
                    helped.store(true, SeqCst);
                } else if !helped.load(SeqCst) {
                    thread::yield_now();
                }
            });
        });
    });
    assert_eq!(alone, [Some(this); 1000]);
    assert!(helped.load(SeqCst));
}

#[test]
fn a_closed_pool_still_maps() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        pool.close();
        let mut ys = [0; 100];
        pool.map(0..100, &mut ys, |k| k + 1);
        assert_eq!(ys, std::array::from_fn(|k| k + 1));
    });
}

#[test]
fn without_workers_the_caller_does_it_all() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let caller = thread::current().id();
    let mut ids = [None; 100];
    pool.map(0..100, &mut ids, |_| Some(thread::current().id()));
    assert_eq!(ids, [Some(caller); 100]);
}

#[test]
fn a_worker_that_nobody_steps_holds_nothing_up() {
    let _watchdog = watchdog();
    for platform in [Lab::without_clock(), Lab::hasty()] {
        let pool: Pool<2, Lab> = Pool::new(platform);
        let _idler = by_hand(&pool);
        let mut ys = [0; 100];
        pool.map(0..100, &mut ys, |k| k + 1);
        assert_eq!(ys, std::array::from_fn(|k| k + 1));
    }
}

#[test]
fn workers_help() {
    let _watchdog = watchdog();
    for platform in [Lab::without_clock(), Lab::hasty()] {
        let pool: Pool<2, Lab> = Pool::new(platform);
        serve(&pool, 2, || {
            let inside = Mutex::new(HashSet::new());
            // No element ends before three threads are at it.
            pool.map(0..1000, (), |_| {
                inside.lock().unwrap().insert(thread::current().id());
                wait_until(|| inside.lock().unwrap().len() == 3);
            });
        });
    }
}

#[test]
fn a_map_that_is_known_to_be_long_is_shared_from_its_first_element() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::hasty());
    serve(&pool, 1, || {
        let (inside, wanted) = (AtomicUsize::new(0), AtomicUsize::new(0));
        for both in [false, true] {
            wanted.store(if both { 2 } else { 0 }, SeqCst);
            pool.map(0..1000, (), |_| {
                inside.fetch_add(1, SeqCst);
                wait_until(|| inside.load(SeqCst) >= wanted.load(SeqCst));
            });
            inside.store(0, SeqCst);
        }
    });
}

#[test]
fn a_short_map_stays_on_its_caller() {
    let _watchdog = watchdog();
    let pool: Pool<2, Lab> = Pool::new(Lab::lazy());
    serve(&pool, 2, || {
        // It is not known to be short at its first call.
        for round in 0..rounds(100) {
            let mut ids = [None; 100];
            pool.map(0..100, &mut ids, |_| {
                thread::yield_now();
                Some(thread::current().id())
            });
            assert!(round == 0 || ids == [Some(thread::current().id()); 100]);
        }
    });
}

#[test]
fn the_slices_of_one_array_do_not_mix() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut data = [0u8; 300];
        let (left, rest) = data.split_at_mut(100);
        let (middle, right) = rest.split_at_mut(100);
        thread::scope(|scope| {
            for (value, part) in [(1, left), (2, middle), (3, right)] {
                scope.spawn(move || pool.map(part, (), |byte| *byte += value));
            }
        });
        assert!(
            data.iter()
                .enumerate()
                .all(|(k, byte)| *byte as usize == 1 + k / 100)
        );
    });
}
