//! A program's maps: every kind of input and output, and of what may go wrong.

use std::borrow::Borrow;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::thread;

use ringpool::{Input, Platform, Pool};

use super::actor::Actor;
use super::books::{Payload, Tag, raise};
use super::{ARRAY, Fault, Map, Sink, Source, is_about_lengths};
use crate::common::{Entry, Ledger};

impl<const C: usize, P: Platform, H> Actor<'_, C, P, H>
where
    H: Borrow<Pool<C, P>> + Send + Sync + 'static,
{
    pub fn map(&self, map: &Map) {
        let len = match map.input {
            Source::Array | Source::Triple => ARRAY,
            _ => map.len.into(),
        };
        let case = Case::new(map, len);
        let raised = Mutex::new(Vec::new());
        let note = |payload: &Payload| {
            raised.lock().unwrap().extend(payload.downcast_ref::<Tag>());
        };
        // What the function does with element `index`, which consists of `value`.
        let call = |index: usize, value: Option<Value>| {
            assert_eq!(
                case.calls[index].fetch_add(1, SeqCst),
                0,
                "element {index} is mapped once"
            );
            let result = self.world.planned(|| {
                if usize::from(map.acts_at) == index {
                    self.acts(&map.acts);
                }
                if case.fails(Fault::Call, index) || map.fault == Fault::Calls {
                    raise();
                }
                drop(value);
            });
            result.unwrap_or_else(|payload| {
                note(&payload);
                resume_unwind(payload)
            });
            case.calls[index].fetch_add(1, SeqCst);
            index
        };
        // An old value whose drop panics is part of the map too.
        let blow = || {
            let result = catch_unwind(|| raise());
            result.unwrap_or_else(|payload| {
                note(&payload);
                resume_unwind(payload)
            })
        };
        let run = Run {
            actor: self,
            case: &case,
            raised: &raised,
            blow: &blow,
        };

        let xs: Vec<usize> = (0..len).collect();
        let mut ys = xs.clone();
        let values = || std::array::from_fn::<_, ARRAY, _>(|k| case.input(k));
        match map.input {
            Source::References => run.on(&xs[..], |x| call(*x, None)),
            Source::InPlace => {
                run.on(&mut ys[..], |y| {
                    *y = call(*y, None) + len;
                    *y - len
                });
                for (k, y) in ys.iter().enumerate() {
                    assert_eq!(*y, if case.is_done(k) { k + len } else { k });
                }
            }
            Source::Range => {
                let start = usize::MAX - len;
                run.on(start..usize::MAX, |k| call(k - start, None));
            }
            Source::Array => run.on(values(), |value| call(value.id(), Some(value))),
            Source::Pair => {
                if case.zip_differs() {
                    ys.push(len);
                }
                run.on((&xs, &mut ys[..]), |(x, y)| {
                    assert_eq!(x, y);
                    call(*x, None)
                });
            }
            Source::Triple => run.on((values(), 0..ARRAY, &xs[..]), |(value, k, x)| {
                assert_eq!((value.id(), k), (*x, *x));
                call(k, Some(value))
            }),
        }
        case.ledger.check();
        // Whoever called this map hears of its panic, in one of its own.
        if !raised.into_inner().unwrap().is_empty() {
            raise();
        }
    }
}

/// A map: what there is of it, whatever its input and output.
struct Case<'m> {
    map: &'m Map,
    len: usize,
    /// The function's calls for each element: 1 is begun, 2 is done.
    calls: Vec<AtomicU8>,
    /// Inputs, old outputs and results.
    ledger: Ledger,
}

impl<'m> Case<'m> {
    fn new(map: &'m Map, len: usize) -> Self {
        let calls = (0..len).map(|_| AtomicU8::new(0)).collect();
        Self {
            map,
            len,
            calls,
            ledger: Ledger::new(3 * (len + 1)),
        }
    }

    fn fails(&self, fault: Fault, index: usize) -> bool {
        self.map.fault == fault && usize::from(self.map.fault_at) % self.len.max(1) == index
    }

    fn input(&self, index: usize) -> Value<'_> {
        self.value(
            index,
            self.fails(Fault::InputDrop, index).then_some(&|| raise()),
        )
    }

    fn old<'c>(&'c self, index: usize, blow: &'c Blow<'c>) -> Value<'c> {
        self.value(
            self.old_id(index),
            self.fails(Fault::OldDrop, index).then_some(blow),
        )
    }

    fn result(&self, index: usize) -> Value<'_> {
        self.value(
            self.result_id(index),
            self.fails(Fault::ResultDrop, index).then_some(&|| raise()),
        )
    }

    fn value<'c>(&'c self, id: usize, fuse: Option<&'c Blow<'c>>) -> Value<'c> {
        Value {
            entry: self.ledger.make(id),
            fuse,
        }
    }

    fn old_id(&self, index: usize) -> usize {
        self.len + 1 + index
    }

    fn result_id(&self, index: usize) -> usize {
        2 * (self.len + 1) + index
    }

    fn is_done(&self, index: usize) -> bool {
        self.calls[index].load(SeqCst) == 2
    }

    fn zip_differs(&self) -> bool {
        self.map.fault == Fault::Lengths && self.map.input == Source::Pair
    }

    /// How many places there are for the results.
    fn places(&self) -> usize {
        self.len + usize::from(self.map.fault == Fault::Lengths)
    }
}

type Blow<'c> = dyn Fn() + Sync + 'c;

/// A value whose drop is counted, and may panic.
struct Value<'c> {
    entry: Entry,
    fuse: Option<&'c Blow<'c>>,
}

impl Value<'_> {
    fn id(&self) -> usize {
        self.entry.id
    }
}

impl Drop for Value<'_> {
    fn drop(&mut self) {
        if let (Some(fuse), false) = (self.fuse, thread::panicking()) {
            fuse();
        }
    }
}

/// A map with its input.
struct Run<'a, const C: usize, P: Platform, H> {
    actor: &'a Actor<'a, C, P, H>,
    case: &'a Case<'a>,
    /// The panics of the function and of what it replaced.
    raised: &'a Mutex<Vec<Tag>>,
    blow: &'a Blow<'a>,
}

impl<const C: usize, P: Platform, H> Run<'_, C, P, H>
where
    H: Borrow<Pool<C, P>> + Send + Sync + 'static,
{
    fn on<I: Input>(&self, input: I, function: impl Fn(I::Item) -> usize + Sync) {
        let (pool, case) = (self.actor.pool, self.case);
        match case.map.output {
            Sink::Nothing => self.check(case.zip_differs(), || {
                pool.map(input, (), |item| {
                    function(item);
                });
            }),
            Sink::Assign => {
                let old = |k| Some(case.old(k, self.blow));
                let mut places: Vec<_> = (0..case.places()).map(old).collect();
                self.check(case.places() != case.len, || {
                    pool.map(input, &mut places[..], |item| {
                        Some(case.result(function(item)))
                    });
                });
                for (k, place) in places.iter_mut().take(case.len).enumerate() {
                    let id = if case.is_done(k) {
                        case.result_id(k)
                    } else {
                        case.old_id(k)
                    };
                    let value = place.take().unwrap();
                    assert_eq!(value.id(), id, "at {k}");
                    let _grenade = catch_unwind(AssertUnwindSafe(|| drop(value)));
                }
            }
            Sink::Uninitialised => {
                let mut places: Vec<_> =
                    (0..case.places()).map(|_| MaybeUninit::uninit()).collect();
                self.check(case.places() != case.len, || {
                    let done = pool.map(input, &mut places[..], |item| {
                        Some(case.result(function(item)))
                    });
                    for (k, place) in done.iter_mut().enumerate() {
                        let value = place.take().unwrap();
                        assert_eq!(value.id(), case.result_id(k), "at {k}");
                        let _grenade = catch_unwind(AssertUnwindSafe(|| drop(value)));
                    }
                });
            }
        }
    }

    /// Runs the map and looks at how it ends.
    fn check(&self, lengths_differ: bool, map: impl FnOnce()) {
        let Self { case, raised, .. } = self;
        let all = |n| case.calls.iter().all(|calls| calls.load(SeqCst) == n);
        let alone = self.actor.world.books().alone();
        let result = catch_unwind(AssertUnwindSafe(map));
        let raised = raised.lock().unwrap();
        let Err(payload) = result else {
            assert!(
                !lengths_differ && raised.is_empty(),
                "it should have panicked"
            );
            return assert!(all(2), "every element is mapped");
        };
        if let Some(tag) = payload.downcast_ref::<Tag>() {
            assert!(raised.contains(tag), "{tag:?} is none of {raised:?}");
            assert!(raised.len() == 1 || !alone, "the others stop");
        } else if lengths_differ {
            let message = payload.downcast_ref::<String>().unwrap();
            let (one, other) = (
                format!(" {} elements", case.len),
                format!(" {}", case.len + 1),
            );
            assert!(
                is_about_lengths(message) && message.contains(&one) && message.contains(&other)
            );
            assert!(all(0), "no element is touched");
        } else {
            resume_unwind(payload);
        }
    }
}
