//! Random programs on pools, and what must be true of them: every accepted job runs exactly once, every
//! rejected one comes back, jobs run in the order in which they were queued, results are in the order of
//! the input, every panic ends where it should, everything is dropped once.
//!
//! As long as nobody but the program's own thread works, a plain model says what every operation has to answer.

mod actor;
mod books;
mod map;

use std::borrow::Borrow;
use std::fmt;
use std::io;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Once};
use std::thread;

use ringpool::{Platform, Pool, Spin, StartError, ThreadPool, Threads};

use crate::common::{Lab, wait_until};
use actor::perform;
use books::World;

/// A pool, what happens to it, and its end.
#[derive(Clone)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub struct Program {
    pub capacity: Capacity,
    pub host: Host,
    pub ops: Vec<Op>,
    pub end: End,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Capacity {
    Two,
    Four,
    Eight,
    SixtyFour,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Host {
    Pool(Temper),
    /// With up to 4 threads; the hook may fail at one of them.
    ThreadPool {
        threads: u8,
        spins: bool,
        hook_fails_at: Option<u8>,
    },
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Temper {
    Threads { spins: bool },
    Spin,
    WithoutClock,
    Hasty,
}

#[derive(Clone, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Op {
    /// Up to 4 workers; the hook may fail at one of them.
    Start {
        workers: u8,
        service: Service,
        hook_fails_at: Option<u8>,
    },
    /// One of the workers that are kept, so many times.
    Step(u8, u8),
    /// Drops, or forgets, one of the workers that are kept.
    Dismiss {
        worker: u8,
        forget: bool,
    },
    Do(Act),
    /// Two threads do the same.
    Crowd(Vec<Act>),
}

/// What becomes of a worker.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Service {
    /// A thread runs it.
    Run,
    /// A thread steps it again and again.
    StepAlways,
    /// It is kept and stepped by hand.
    Keep,
    Forget,
}

/// What anybody may do: the program's thread, a job, the function of a map.
#[derive(Clone, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Act {
    /// The same job, so many times and once more.
    Execute(u8, Job),
    Map(Map),
    Close,
    Panic,
    Dawdle(u8),
}

#[derive(Clone, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub struct Job {
    pub acts: Vec<Act>,
    /// It panics as it is dropped.
    pub grenade: bool,
    pub if_rejected: IfRejected,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum IfRejected {
    Run,
    Drop,
    /// The error is dropped, the job in it.
    Ignore,
}

#[derive(Clone, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub struct Map {
    pub input: Source,
    pub output: Sink,
    pub len: u8,
    pub fault: Fault,
    pub fault_at: u8,
    /// What the function does at one element, besides.
    pub acts_at: u8,
    pub acts: Vec<Act>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Source {
    References,
    InPlace,
    Range,
    /// By value, `ARRAY` elements whatever `len` says.
    Array,
    Pair,
    /// With an array by value.
    Triple,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Sink {
    Nothing,
    Assign,
    Uninitialised,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum Fault {
    None,
    /// The function panics at an element.
    Call,
    /// It panics at every element.
    Calls,
    /// An element of an array panics as it is dropped.
    InputDrop,
    /// A value that a result replaces does.
    OldDrop,
    /// A result does.
    ResultDrop,
    /// Input and output, or two inputs, differ in length.
    Lengths,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(fuzzing, derive(arbitrary::Arbitrary))]
pub enum End {
    Drop,
    /// A job of its own drops it, if it is a `ThreadPool`.
    ByJob,
    /// Forgotten for long enough to finish what is queued.
    Forget,
}

const ARRAY: usize = 24;

/// As Rust code, but for the paths.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            capacity,
            host,
            ops,
            end,
        } = self;
        let text = format!(
            "Program {{ capacity: {capacity:?}, host: {host:?}, ops: {ops:?}, end: {end:?} }}"
        );
        f.write_str(&text.replace('[', "vec!["))
    }
}

/// Runs a program; panics if something is not as it should be.
pub fn run(program: &Program) {
    expect_messages();
    match program.capacity {
        Capacity::Two => on_capacity::<2>(program),
        Capacity::Four => on_capacity::<4>(program),
        Capacity::Eight => on_capacity::<8>(program),
        Capacity::SixtyFour => on_capacity::<64>(program),
    }
}

/// The one panic with a message that programs ask for shall not be printed.
fn expect_messages() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info
                .payload()
                .downcast_ref::<String>()
                .is_some_and(|it| is_about_lengths(it))
            {
                others(info);
            }
        }));
    });
}

fn is_about_lengths(message: &str) -> bool {
    message.starts_with("ringpool: the input has ")
}

fn on_capacity<const CAPACITY: usize>(program: &Program) {
    let world = Arc::new(World::default());
    match program.host {
        Host::Pool(temper) => {
            let host: Arc<Pool<CAPACITY, AnyPlatform>> = Arc::new(Pool::new(temper.platform()));
            perform::<CAPACITY, _, _>(&world, &host, program);
            let pool = Arc::into_inner(host).expect("no job is at work");
            world.forget_for_a_while(program.end, &pool);
        }
        Host::ThreadPool {
            threads,
            spins,
            hook_fails_at,
        } => {
            let threads = usize::from(threads % 5);
            let ended = Arc::new(AtomicUsize::new(0));
            let Some(pool) = thread_pool(threads, spins, hook_fails_at, &ended) else {
                return;
            };
            let host: Arc<Own<CAPACITY>> = Arc::new(Own(pool));
            world.hire(threads);
            perform::<CAPACITY, _, _>(&world, &host, program);
            if let (End::ByJob, true) = (program.end, threads != 0) {
                let held = Arc::clone(&host);
                world.books().claims += 1;
                let _ = host.0.execute(move || drop(held));
            }
            world.forget_for_a_while(program.end, &host.0);
            // Whoever has it last drops it: this thread, or a job that is at work.
            if let Some(pool) = Arc::into_inner(host) {
                drop(pool);
                assert_eq!(ended.load(SeqCst), threads, "threads are joined");
            }
            wait_until(|| ended.load(SeqCst) == threads);
        }
    }
    world.audit();
}

/// `None`, as it should be, if the hook failed.
fn thread_pool<const CAPACITY: usize>(
    threads: usize,
    spins: bool,
    hook_fails_at: Option<u8>,
    ended: &Arc<AtomicUsize>,
) -> Option<ThreadPool<CAPACITY>> {
    let failing = hook_fails_at.map(usize::from).filter(|k| *k < threads);
    let pool = ThreadPool::with_spawn(threads_with(spins), threads, |k, body| {
        if failing == Some(k) {
            return Err(io::ErrorKind::Other.into());
        }
        let ended = Arc::clone(ended);
        thread::Builder::new().spawn(move || {
            body();
            ended.fetch_add(1, SeqCst);
        })
    });
    match (pool, failing) {
        (Ok(pool), None) => Some(pool),
        (Err(error), Some(k)) => {
            assert_eq!(ended.load(SeqCst), k, "threads are joined");
            let inner = error.into_inner().unwrap();
            let inner: Box<StartError<io::Error>> = inner.downcast().unwrap();
            assert_eq!(inner.started(), k);
            None
        }
        (pool, _) => panic!("the hook failed at {failing:?}: {pool:?}"),
    }
}

fn threads_with(spins: bool) -> Threads {
    match spins {
        true => Threads::new(),
        false => Threads::new().with_spins(0),
    }
}

/// A `ThreadPool` in the same clothes as a `Pool`.
struct Own<const CAPACITY: usize>(ThreadPool<CAPACITY>);

impl<const CAPACITY: usize> Borrow<Pool<CAPACITY, Threads>> for Own<CAPACITY> {
    fn borrow(&self) -> &Pool<CAPACITY, Threads> {
        &self.0
    }
}

struct AnyPlatform(Box<dyn Platform + Send>);

impl Temper {
    fn platform(self) -> AnyPlatform {
        AnyPlatform(match self {
            Temper::Threads { spins } => Box::new(threads_with(spins)),
            Temper::Spin => Box::new(<Spin>::new()),
            Temper::WithoutClock => Box::new(Lab::without_clock()),
            Temper::Hasty => Box::new(Lab::hasty()),
        })
    }
}

impl Platform for AnyPlatform {
    fn park(&self, spot: usize) {
        self.0.park(spot);
    }

    fn unpark(&self, spot: usize) {
        self.0.unpark(spot);
    }

    fn ticks(&self) -> u64 {
        self.0.ticks()
    }

    fn quantum(&self) -> u64 {
        self.0.quantum()
    }

    fn spins(&self) -> u32 {
        self.0.spins()
    }

    fn relax(&self) {
        self.0.relax();
    }
}
