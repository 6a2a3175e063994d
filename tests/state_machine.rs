//! Random programs on pools against a model (see `program`), by proptest, which cuts one that fails down to the
//! smallest that does and prints it. A program that was found this way becomes a test of its own here; nothing
//! else is kept. `PROPTEST_CASES=100000` runs more of them. `ci/fuzz.sh` runs the same under libFuzzer.
#![cfg(feature = "std")]

mod common;
mod program;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use program::{
    Act, Capacity, End, Fault, Host, IfRejected, Job, Map, Op, Program, Service, Sink, Source,
    Temper,
};

fn act() -> impl Strategy<Value = Act> {
    let leaf = prop_oneof![
        1 => Just(Act::Close),
        2 => Just(Act::Panic),
        2 => any::<u8>().prop_map(Act::Dawdle),
        6 => (more(), job(Just(Vec::new()))).prop_map(|(more, job)| Act::Execute(more, job)),
        6 => map(Just(Vec::new())).prop_map(Act::Map),
    ];
    leaf.prop_recursive(3, 16, 4, |act| {
        let acts = vec(act, 0..4).boxed();
        prop_oneof![
            (more(), job(acts.clone())).prop_map(|(more, job)| Act::Execute(more, job)),
            map(acts).prop_map(Act::Map),
        ]
    })
}

/// Mostly a few.
fn more() -> impl Strategy<Value = u8> {
    prop_oneof![3 => 0..4_u8, 2 => 0..12_u8, 1 => 0..80_u8]
}

fn job(acts: impl Strategy<Value = Vec<Act>>) -> impl Strategy<Value = Job> {
    let fate = select(vec![IfRejected::Run, IfRejected::Drop, IfRejected::Ignore]);
    (acts, prop::bool::weighted(0.1), fate).prop_map(|(acts, grenade, if_rejected)| Job {
        acts,
        grenade,
        if_rejected,
    })
}

fn map(acts: impl Strategy<Value = Vec<Act>>) -> impl Strategy<Value = Map> {
    use {Fault::*, Sink::*, Source::*};
    let input = select(vec![References, InPlace, Range, Array, Pair, Triple]);
    let output = select(vec![Nothing, Assign, Uninitialised]);
    let fault = select(vec![
        None, None, None, None, None, None, Call, Calls, InputDrop, OldDrop, ResultDrop, Lengths,
    ]);
    let len = prop_oneof![0..5_u8, 0..40_u8, any::<u8>()];
    (input, output, len, fault, any::<u8>(), 0..30_u8, acts).prop_map(
        |(input, output, len, fault, fault_at, acts_at, acts)| Map {
            input,
            output,
            len,
            fault,
            fault_at,
            acts_at,
            acts,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    use Service::*;
    let workers = (
        0..5_u8,
        select(vec![Keep, Keep, Run, Run, StepAlways, Forget]),
        hook_fails_at(),
    );
    prop_oneof![
        3 => workers.prop_map(|(workers, service, hook_fails_at)| Op::Start {
            workers,
            service,
            hook_fails_at,
        }),
        4 => (any::<u8>(), more()).prop_map(|(worker, times)| Op::Step(worker, times)),
        1 => any::<(u8, bool)>().prop_map(|(worker, forget)| Op::Dismiss { worker, forget }),
        10 => act().prop_map(Op::Do),
        1 => vec(act(), 0..4).prop_map(Op::Crowd),
    ]
}

fn hook_fails_at() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.1, 0..4_u8)
}

fn program() -> impl Strategy<Value = Program> {
    use {Capacity::*, End::*};
    let temper = select(vec![
        Temper::Threads { spins: false },
        Temper::Threads { spins: true },
        Temper::Spin,
        Temper::WithoutClock,
        Temper::Hasty,
    ]);
    let threads = (0..5_u8, any::<bool>(), hook_fails_at());
    let host = prop_oneof![
        3 => temper.prop_map(Host::Pool),
        1 => threads.prop_map(|(threads, spins, hook_fails_at)| Host::ThreadPool {
            threads,
            spins,
            hook_fails_at,
        }),
    ];
    let capacity = select(vec![Two, Four, Eight, SixtyFour]);
    let end = select(vec![Drop, ByJob, Forget]);
    (capacity, host, vec(op(), 0..16), end).prop_map(|(capacity, host, ops, end)| Program {
        capacity,
        host,
        ops,
        end,
    })
}

#[test]
fn pools_do_what_the_model_says() {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 1000;
    }
    let result = TestRunner::new(config).run(&program(), |program| {
        let _watchdog = common::watchdog_over(format!("{program:?}"));
        program::run(&program);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
