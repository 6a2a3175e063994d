//! Vectors by value in `map`: their items move, and results are appended.
#![cfg(feature = "std")]

mod common;

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use common::{Lab, Ledger, on_every_pool, panic_message, quietly, rounds, watchdog};
use ringpool::{Input, Output, Pool};
use static_assertions::{assert_impl_all, assert_not_impl_any};

// Items and results go to other threads, and are on one at a time.
assert_impl_all!(Vec<Cell<u8>>: Input, Output<Cell<u8>>);
assert_not_impl_any!(Vec<Rc<u8>>: Input, Output<Rc<u8>>);

#[test]
fn results_are_appended_at_every_length() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for len in (0..70).chain([127, 128, 129, 1000]).take(rounds(1000)) {
            // Three times: the second and third time the pool knows what an element costs.
            for _ in 0..3 {
                let xs: Vec<usize> = (0..len).map(|x| x * 7).collect();
                let ys = pool.map(&xs, Vec::new(), |x| x + 1);
                assert!(
                    ys.iter()
                        .eq(xs.iter().map(|x| x + 1).collect::<Vec<_>>().iter())
                );
                let ys = pool.map(&xs, ys, |x| x + 2);
                let expected = [1, 2].map(|more| xs.iter().map(move |x| x + more));
                assert!(ys.iter().copied().eq(expected.into_iter().flatten()));
            }
        }
    });
}

#[test]
fn results_can_be_anything_that_may_be_sent() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let names = ["1", "2", "three"];
        let numbers = pool.map(&names, Vec::new(), |name| {
            let number: Result<u8, _> = name.parse();
            number.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        });
        assert_eq!(numbers[1].as_ref().unwrap(), &2);
        assert_eq!(
            numbers[2].as_ref().unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        let all: io::Result<Vec<u8>> = numbers.into_iter().collect();
        assert!(all.is_err());
    });
}

#[test]
fn results_may_borrow_from_the_input() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let lines = ["one two", "three four"].map(String::from);
        let words: Vec<&str> = pool.map(&lines, Vec::new(), |line| line.split(' ').next().unwrap());
        assert_eq!(words, ["one", "three"]);
    });
}

#[test]
fn a_vector_with_room_stays_where_it_is() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let mut ys = Vec::with_capacity(103);
        ys.extend([7, 8, 9]);
        let place = ys.as_ptr();
        let ys = pool.map(0..100, ys, |k| k);
        assert!(ys[..3] == [7, 8, 9] && ys[3..].iter().copied().eq(0..100));
        assert_eq!((ys.as_ptr(), ys.capacity()), (place, 103));
    });
}

#[test]
fn items_of_a_vector_move_into_the_function() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let names: Vec<_> = ('a'..='z').map(String::from).collect();
        let greetings = pool.map(names.clone(), Vec::new(), |name| name + "!");
        assert_eq!((greetings.len(), &*greetings[25]), (26, "z!"));
        let pairs = pool.map(
            (names, greetings, 0..26),
            Vec::new(),
            |(name, greeting, k)| (greeting, k, name),
        );
        assert_eq!(pairs[3], ("d!".to_owned(), 3, "d".to_owned()));
    });
}

#[test]
fn values_and_results_are_dropped_once() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let ledger = Ledger::new(203);
        let old: Vec<_> = (200..203).map(|id| ledger.make(id)).collect();
        let inputs: Vec<_> = (0..100).map(|id| ledger.make(id)).collect();
        let outputs = pool.map(inputs, old, |input| ledger.make(100 + input.id));
        assert!(
            outputs
                .iter()
                .map(|output| output.id)
                .eq((200..203).chain(100..200))
        );
        drop(outputs);
        assert_eq!(ledger.made(), 203);
        ledger.check();
    });
}

#[test]
fn elements_without_a_size_are_elements() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        DROPPED.store(0, SeqCst);
        let nothings = pool.map(vec![(); 500], vec![Nothing], |()| Nothing);
        assert_eq!((nothings.len(), DROPPED.load(SeqCst)), (501, 0));
        pool.map(nothings, (), drop);
        assert_eq!(DROPPED.load(SeqCst), 501);
    });
}

#[test]
fn empty_vectors_call_nobody() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let none: Vec<u8> = pool.map(Vec::<String>::new(), Vec::new(), |_| unreachable!());
        assert_eq!(none.capacity(), 0);
        let old = pool.map(0..0, vec![String::from("old")], |_| unreachable!());
        assert_eq!(old, ["old"]);
    });
}

#[test]
fn lengths_that_differ_touch_nothing() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let ledger = Ledger::new(10);
        let some =
            |ids: std::ops::Range<usize>| -> Vec<_> { ids.map(|id| ledger.make(id)).collect() };
        let message = panic_message(|| {
            pool.map((some(0..3), some(3..7)), some(7..10), |_| unreachable!());
        });
        assert_eq!(
            message,
            "ringpool: the input has 3 elements, the input beside it has 4"
        );
        assert_eq!(ledger.made(), 10);
        ledger.check();

        // What no vector could hold.
        let message = panic_message(|| {
            pool.map(0..usize::MAX, vec![1u8], |_| unreachable!());
        });
        assert_eq!(message, "capacity overflow");
    });
}

#[test]
fn capacity_is_not_length() {
    let pool: Pool<2, Lab> = Pool::new(Lab::lazy());
    let message = |ys: &mut Vec<usize>| panic_message(|| pool.map(0..5, ys, |k| k));
    let but = "ringpool: the input has 5 elements, the output has";
    assert_eq!(
        message(&mut Vec::with_capacity(5)),
        format!(
            "{but} 0: capacity is not length. To append the results to a vector, pass it by value; \
             it is returned"
        )
    );
    assert_eq!(message(&mut Vec::new()), format!("{but} 0"));
    let mut four = vec![0; 4];
    four.reserve(1);
    assert_eq!(message(&mut four), format!("{but} 4"));
    pool.map(0..0, &mut Vec::with_capacity(5), |k| k);
}

/// Checks that the pool has lost nothing.
fn still_works(pool: &Pool<16, Lab>) {
    assert!(
        pool.map(0..100, Vec::new(), |k| k + 1)
            .into_iter()
            .eq(1..101)
    );
}

#[test]
fn everything_is_dropped_once_wherever_the_panic_is() {
    const LEN: usize = 60;
    const OLD: usize = 5;
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for bad in (0..LEN).chain([LEN]).rev().take(rounds(1000)) {
            for more in [0, 1, 7] {
                let inputs = Ledger::new(LEN);
                let outputs = Ledger::new(LEN + OLD);
                let values: Vec<_> = (0..LEN).map(|id| inputs.make(id)).collect();
                let old: Vec<_> = (LEN..LEN + OLD).map(|id| outputs.make(id)).collect();
                let map = || {
                    pool.map(values, old, |value| {
                        let panics = value.id == bad || value.id > bad && value.id % 7 < more;
                        if panics {
                            quietly("bad");
                        }
                        outputs.make(value.id)
                    })
                };
                let result = catch_unwind(AssertUnwindSafe(map));
                assert_eq!(result.is_err(), bad < LEN);
                assert_eq!(inputs.made(), LEN);
                inputs.check();
                drop(result);
                outputs.check();
                still_works(pool);
            }
        }
    });
}

/// Counts drops; may panic after it.
struct Dropping<'c> {
    drops: &'c AtomicUsize,
    panics: bool,
}

impl Drop for Dropping<'_> {
    fn drop(&mut self) {
        self.drops.fetch_add(1, SeqCst);
        if self.panics {
            quietly("dropped");
        }
    }
}

#[test]
fn whatever_a_panic_drops_may_panic_as_it_is_dropped() {
    const LEN: usize = 50;
    const OLD: usize = 3;
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        // The function panics at `bad`. Before and behind it there is an item that does as it is
        // dropped, and a result.
        for bad in (1..LEN - 1).take(rounds(1000)) {
            for explosive in 0..OLD {
                let drops = AtomicUsize::new(0);
                let made = AtomicUsize::new(0);
                let dropping = |panics| {
                    made.fetch_add(1, SeqCst);
                    let drops = &drops;
                    Dropping { drops, panics }
                };
                let old: Vec<_> = (0..OLD).map(|k| dropping(k == explosive)).collect();
                let inputs: Vec<_> = (0..LEN).map(|k| (k, dropping(k == LEN - 1))).collect();
                let message = panic_message(|| {
                    pool.map(inputs, old, |(k, item)| {
                        if k == bad {
                            quietly("first");
                        }
                        drop(item);
                        dropping(k == 0)
                    });
                });
                // A helper may have been at the last item before the function came to `bad`.
                assert!(["first", "dropped"].contains(&&*message));
                assert_eq!(drops.load(SeqCst), made.load(SeqCst), "{bad} {explosive}");
                still_works(pool);
            }
        }
    });
}

#[test]
fn the_items_of_a_tuple_are_dropped_even_if_those_beside_them_panic() {
    const LEN: usize = 50;
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        for explosive in [1, LEN / 2, LEN - 1] {
            let drops = AtomicUsize::new(0);
            let dropping = |panics| {
                let drops = &drops;
                Dropping { drops, panics }
            };
            let left: Vec<_> = (0..LEN).map(|_| dropping(false)).collect();
            let middle: [_; LEN] = std::array::from_fn(|k| dropping(k == explosive));
            let right: Vec<_> = (0..LEN).map(|_| dropping(false)).collect();
            panic_message(|| {
                pool.map((left, middle, right, 0..LEN), (), |(.., k)| {
                    if k == 0 {
                        quietly("first");
                    }
                });
            });
            assert_eq!(drops.load(SeqCst), 3 * LEN);
            still_works(pool);
        }
    });
}

#[test]
fn large_vectors_are_shared() {
    let _watchdog = watchdog();
    on_every_pool(|pool| {
        let len = rounds(20_000);
        let strings = pool.map(0..len, Vec::new(), |k| k.to_string());
        let lengths = pool.map(strings, Vec::new(), |string| string.len());
        assert!(
            lengths
                .iter()
                .enumerate()
                .all(|(k, len)| k.to_string().len() == *len)
        );
    });
}
