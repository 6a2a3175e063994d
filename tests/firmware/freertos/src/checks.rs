//! The checks. Each has a pool of its own, whose workers are new tasks; [`dismiss`] sees them off.

use core::fmt::Arguments;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use ringpool::{Platform, Pool};

use crate::board;
use crate::platform::{FreeRtos, Spots, task};
use crate::rtos::{
    HIGH, IDLE, LOW, MIDDLE, TOP, compute, current, delay, now, set_priority, tasks, wait_until,
};

/// Runs all checks, in a task above all others.
pub fn run() {
    a_job_runs_before_execute_returns_if_the_worker_is_above();
    jobs_wait_in_a_full_ring_if_the_worker_is_below();
    a_worker_sleeps_while_a_submit_is_half_done();
    who_is_woken_for_one_job_of_two_wakes_another();
    helpers_of_all_priorities_take_part_in_a_map();
    maps_nest_and_jobs_map();
    a_map_outlasts_what_runs_between_caller_and_helper();
    an_interrupt_wakes_a_worker_on_its_way_to_sleep();
    an_interrupt_submits_jobs_while_tasks_map();
    who_has_nothing_to_do_sleeps();
    a_closed_pool_runs_what_is_queued();
    board::print(format_args!("all checks passed"));
    board::exit()
}

/// Every `park` of any pool.
static PARKS: AtomicUsize = AtomicUsize::new(0);

/// The platform, with its naps counted.
struct Counting<const WORKERS: usize>(FreeRtos<WORKERS>);

impl<const WORKERS: usize> Platform for Counting<WORKERS> {
    fn park(&self, spot: usize) {
        PARKS.fetch_add(1, SeqCst);
        self.0.park(spot);
    }

    fn unpark(&self, spot: usize) {
        self.0.unpark(spot);
    }

    fn spins(&self) -> u32 {
        self.0.spins()
    }
}

type Checked<const WORKERS: usize, const WORDS: usize = 6> = Pool<16, Counting<WORKERS>, WORDS>;

const fn pool<const WORKERS: usize, const WORDS: usize>(
    spots: &'static Spots<WORKERS>,
) -> Checked<WORKERS, WORDS> {
    Pool::new(Counting(FreeRtos(spots)))
}

fn check(name: &str) {
    board::print(format_args!("check: {name}"));
}

fn note(line: Arguments<'_>) {
    board::print(format_args!("  {line}"));
}

/// Computes for so many rounds of a loop.
fn work(rounds: usize) {
    (0..rounds).for_each(|k| _ = core::hint::black_box(k));
}

/// Gives a pool its workers, of these priorities, and waits until they sleep.
fn hire<const WORKERS: usize, const WORDS: usize>(
    spots: &'static Spots<WORKERS>,
    pool: &'static Checked<WORKERS, WORDS>,
    priorities: [usize; WORKERS],
) {
    spots.make();
    let parks = PARKS.load(SeqCst);
    let mut priorities = priorities.into_iter();
    let spawn = |worker: ringpool::Worker<'static>| {
        let priority = priorities.next().expect("one for each worker");
        task(move || worker.run(), priority)
    };
    if let Err(error) = pool.start(WORKERS, spawn) {
        panic!("{error}");
    }
    wait_until("all workers sleep", || {
        PARKS.load(SeqCst) - parks == WORKERS
    });
}

/// The task at work, and the idle one.
const OTHERS: usize = 2;

/// Ends a check: the pool is closed, and its tasks delete themselves.
fn dismiss<const WORKERS: usize, const WORDS: usize>(pool: &Checked<WORKERS, WORDS>) {
    set_priority(TOP);
    pool.close();
    assert!(pool.execute(|| ()).unwrap_err().is_closed());
    wait_until("the workers' tasks are gone", || tasks() == OTHERS);
}

/// Jobs that must come in order, one at a time: how many there were.
struct Sequence(AtomicUsize);

impl Sequence {
    const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    #[track_caller]
    fn come(&self, number: usize) {
        assert_eq!(
            self.0.fetch_add(1, SeqCst),
            number,
            "lost, doubled or out of order"
        );
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

fn a_job_runs_before_execute_returns_if_the_worker_is_above() {
    check("a job runs before execute returns, if the worker is above its producer");
    static SPOTS: Spots<1> = Spots::new();
    static POOL: Checked<1> = pool(&SPOTS);
    static RAN: Sequence = Sequence::new();
    hire(&SPOTS, &POOL, [HIGH]);
    set_priority(LOW);
    for number in 0..2000 {
        assert!(POOL.execute(move || RAN.come(number)).is_ok());
        assert_eq!(RAN.count(), number + 1);
    }
    dismiss(&POOL);
}

fn jobs_wait_in_a_full_ring_if_the_worker_is_below() {
    check("jobs wait, and are handed back by a full ring, if the worker is below its producer");
    static SPOTS: Spots<1> = Spots::new();
    static POOL: Checked<1> = pool(&SPOTS);
    static RAN: Sequence = Sequence::new();
    hire(&SPOTS, &POOL, [LOW]);
    let mut sent = 0;
    let mut submit = || {
        let number = sent;
        let accepted = POOL.execute(move || {
            work(board::LONG);
            RAN.come(number);
        });
        if let Err(rejected) = accepted {
            assert!(rejected.is_full());
            return None;
        }
        sent += 1;
        Some(sent)
    };
    let mut last = 0;
    for round in 0..50 {
        if round == 25 {
            // Nor is the worker to go on soon.
            task(|| compute(50), MIDDLE).expect("a task");
        }
        while let Some(sent) = submit() {
            last = sent;
        }
        assert_eq!((last, RAN.count()), (16 * (round + 1), 16 * round));
        wait_until("they ran", || RAN.count() == last);
    }
    // The tick takes the core from the worker, wherever that is; which does not always keep up.
    let mut full = 0;
    for _ in 0..500 {
        delay(1);
        (0..8).for_each(|_| match submit() {
            Some(sent) => last = sent,
            None => full += 1,
        });
    }
    wait_until("they ran", || RAN.count() == last);
    note(format_args!("{last} jobs; no room for {full} in between"));
    dismiss(&POOL);
}

/// Two tasks submit all the time, a worker above them runs each job at once, and a task in between comes with every
/// tick and submits one too. Now and then the tick takes the core from a producer that has claimed its slot
/// and not written it: the job behind cannot run, and the worker, which is woken for it, must not keep the
/// core. Were it to look again and again, nobody would ever write that slot.
fn a_worker_sleeps_while_a_submit_is_half_done() {
    check("a worker sleeps while a submit below it is half done");
    const WORDS: usize = board::LARGE;
    const ENOUGH: usize = 10;
    static SPOTS: Spots<1> = Spots::new();
    static POOL: Checked<1, WORDS> = pool(&SPOTS);
    static STOP: AtomicBool = AtomicBool::new(false);
    /// What the two producers and the one in between have had accepted, and what ran.
    static SENT: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
    static RAN: [Sequence; 3] = [const { Sequence::new() }; 3];
    /// Half done submits that the one in between met: before the slot was written, and before the worker was woken.
    static UNWRITTEN: AtomicUsize = AtomicUsize::new(0);
    static UNSENT: AtomicUsize = AtomicUsize::new(0);

    fn submit(producer: usize) -> bool {
        let number = SENT[producer].load(SeqCst);
        // A large job, for it to be between claimed and written for long.
        let ballast = [number; WORDS - 2];
        let job = move || {
            assert_eq!((ballast[0], ballast[WORDS - 3]), (number, number));
            RAN[producer].come(number);
        };
        match POOL.execute(job) {
            Ok(()) => SENT[producer].store(number + 1, SeqCst),
            Err(rejected) => assert!(rejected.is_full()),
        }
        number != SENT[producer].load(SeqCst)
    }

    fn produce(producer: usize) {
        let mut random: u32 = 1;
        while !STOP.load(SeqCst) {
            // Out of step with the tick, which an emulator may count in instructions.
            random = random.wrapping_mul(0x9e37_79b1).wrapping_add(1);
            work((random >> 26) as usize);
            if !submit(producer) {
                delay(1);
            }
        }
    }

    fn meet() {
        while !STOP.load(SeqCst) {
            delay(1);
            let (parks, ran) = (PARKS.load(SeqCst), RAN[2].count());
            if !submit(2) {
                continue;
            }
            if RAN[2].count() == ran {
                // Both producers are below, so it stays like that for as long as this task computes.
                let woken = PARKS.load(SeqCst);
                compute(2);
                assert_eq!((PARKS.load(SeqCst), RAN[2].count()), (woken, ran));
                let met = if woken == parks { &UNSENT } else { &UNWRITTEN };
                met.fetch_add(1, SeqCst);
                wait_until("the job ran", || RAN[2].count() != ran);
            }
        }
    }

    hire(&SPOTS, &POOL, [HIGH]);
    for body in [|| produce(0), || produce(1)] {
        task(body, LOW).expect("a task");
    }
    task(meet, MIDDLE).expect("a task");
    delay(1000);
    wait_until("enough submits were cut", || {
        UNWRITTEN.load(SeqCst) >= ENOUGH
    });
    STOP.store(true, SeqCst);
    wait_until("the producers are gone", || tasks() == OTHERS + 1);
    wait_until("all jobs ran", || {
        SENT.iter()
            .zip(&RAN)
            .all(|(sent, ran)| sent.load(SeqCst) == ran.count())
    });
    note(format_args!(
        "{} jobs; {} met a slot not yet written, {} a worker not yet woken",
        RAN.iter().map(Sequence::count).sum::<usize>(),
        UNWRITTEN.load(SeqCst),
        UNSENT.load(SeqCst),
    ));
    dismiss(&POOL);
}

fn who_is_woken_for_one_job_of_two_wakes_another() {
    check("who is woken for one job of two wakes another for the second");
    static SPOTS: Spots<2> = Spots::new();
    static POOL: Checked<2> = pool(&SPOTS);
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    hire(&SPOTS, &POOL, [LOW, MIDDLE]);
    for both in (2..100).step_by(2) {
        for _ in 0..2 {
            let meet = move || {
                BEGUN.fetch_add(1, SeqCst);
                wait_until("both have begun", || BEGUN.load(SeqCst) >= both);
            };
            // This task is above, so nobody is awake yet for the second.
            assert!(POOL.execute(meet).is_ok());
        }
        wait_until("both have begun", || BEGUN.load(SeqCst) == both);
        delay(3); // and sleep again
    }
    dismiss(&POOL);
}

fn helpers_of_all_priorities_take_part_in_a_map() {
    check("helpers of all priorities take part in a map, whatever its caller's");
    static SPOTS: Spots<3> = Spots::new();
    static POOL: Checked<3> = pool(&SPOTS);
    hire(&SPOTS, &POOL, [LOW, MIDDLE, HIGH]);
    for priority in [LOW, MIDDLE, HIGH, TOP] {
        set_priority(priority);
        let participants = [const { AtomicUsize::new(0) }; 4];
        let start = now();
        while participants.iter().any(|task| task.load(SeqCst) == 0) {
            assert!(now() - start < 30_000, "somebody never came");
            let mut squares = [0; 64];
            POOL.map(0..64_usize, &mut squares, |k| {
                let me = current();
                // In the first place that is free or mine.
                participants.iter().any(|task| {
                    task.compare_exchange(0, me, SeqCst, SeqCst).is_ok() || task.load(SeqCst) == me
                });
                if k.is_multiple_of(8) {
                    delay(1); // and those below get to work
                }
                k * k
            });
            assert!((0..64).map(|k| k * k).eq(squares));
        }
    }
    dismiss(&POOL);
}

/// Maps within a map.
fn nested<const WORKERS: usize>(pool: &Checked<WORKERS>) {
    let mut sums = [0; 8];
    pool.map(0..8, &mut sums, |i| {
        let mut products = [0; 16];
        pool.map(0..16, &mut products, |j| i * j);
        products.iter().sum::<usize>()
    });
    assert!((0..8).map(|i| i * 120).eq(sums));
}

fn maps_nest_and_jobs_map() {
    check("maps within maps, from jobs too");
    static SPOTS: Spots<3> = Spots::new();
    static POOL: Checked<3> = pool(&SPOTS);
    static RAN: AtomicUsize = AtomicUsize::new(0);
    hire(&SPOTS, &POOL, [LOW, MIDDLE, HIGH]);
    let mut sent = 0;
    for round in 0..200 {
        set_priority([LOW, MIDDLE, HIGH][round % 3]);
        let job = || {
            nested(&POOL);
            RAN.fetch_add(1, SeqCst);
        };
        match POOL.execute(job) {
            Ok(()) => sent += 1,
            Err(rejected) => assert!(rejected.is_full()),
        }
        nested(&POOL);
    }
    wait_until("the jobs ran", || RAN.load(SeqCst) == sent);
    note(format_args!("{sent} jobs that map"));
    dismiss(&POOL);
}

/// The textbook's priority inversion: a caller that is above waits for a helper that is below, and what is between
/// computes. It takes as long as that computes, and no longer.
fn a_map_outlasts_what_runs_between_caller_and_helper() {
    check("a map outlasts what runs between its caller's priority and its helper's");
    static SPOTS: Spots<1> = Spots::new();
    static POOL: Checked<1> = pool(&SPOTS);
    static HELPING: AtomicBool = AtomicBool::new(false);
    static COMPUTING: AtomicBool = AtomicBool::new(false);
    static COMPUTED: AtomicBool = AtomicBool::new(false);
    hire(&SPOTS, &POOL, [LOW]);
    for _ in 0..5 {
        for flag in [&HELPING, &COMPUTING, &COMPUTED] {
            flag.store(false, SeqCst);
        }
        let between = || {
            wait_until("the helper is at it", || HELPING.load(SeqCst));
            COMPUTING.store(true, SeqCst);
            compute(20);
            COMPUTED.store(true, SeqCst);
        };
        task(between, MIDDLE).expect("a task");
        let caller = current();
        POOL.map(0..3, (), |element| match element {
            0 => (), // before anybody is asked
            _ if current() == caller => wait_until("helped", || HELPING.load(SeqCst)),
            _ => {
                HELPING.store(true, SeqCst);
                while !COMPUTING.load(SeqCst) {
                    core::hint::spin_loop();
                }
            }
        });
        assert!(COMPUTED.load(SeqCst), "the helper went on before");
    }
    dismiss(&POOL);
}

/// What the board calls in its interrupt. (On the host one may come while another waits for the core.)
pub fn on_interrupt() {
    if AWAKE.0.load(SeqCst) < NIGHTS {
        submit_if_all_ran();
    } else {
        submit_or_close();
    }
}

/// A pool that gets a job from an interrupt only if the last one ran: so if its worker misses one, that is the
/// end.
static DROWSY: Checked<1> = pool(&DROWSY_SPOTS);
static DROWSY_SPOTS: Spots<1> = Spots::new();
const NIGHTS: usize = 3000;
/// How many jobs it got, and how many ran.
static WOKEN: AtomicUsize = AtomicUsize::new(0);
static AWAKE: Sequence = Sequence::new();

fn submit_if_all_ran() {
    let number = AWAKE.count();
    if WOKEN
        .compare_exchange(number, number + 1, SeqCst, SeqCst)
        .is_err()
    {
        return;
    }
    let job = move || {
        // Of any length, so that sooner or later the next interrupt comes when the worker falls asleep.
        work((number as u32).wrapping_mul(0x9e37_79b1) as usize % (2 * board::LONG));
        AWAKE.come(number);
    };
    assert!(DROWSY.execute(job).is_ok());
}

fn an_interrupt_wakes_a_worker_on_its_way_to_sleep() {
    check("an interrupt wakes a worker at once, also one that is on its way to sleep");
    hire(&DROWSY_SPOTS, &DROWSY, [HIGH]);
    set_priority(LOW);
    board::interrupts(true);
    let start = now();
    while AWAKE.count() < NIGHTS {
        // Whenever this task has the core, the worker, which is above, has nothing to do.
        let woken = WOKEN.load(SeqCst);
        assert!(AWAKE.count() >= woken, "it waits, or was not woken");
        assert!(now() - start < 30_000, "no interrupts");
    }
    board::interrupts(false);
    dismiss(&DROWSY);
}

/// What the interrupt submits to after that.
static FROM_INTERRUPT: Checked<2> = pool(&FROM_INTERRUPT_SPOTS);
static FROM_INTERRUPT_SPOTS: Spots<2> = Spots::new();
/// So many jobs it tries to submit; and which of them were accepted, and ran.
const INTERRUPTS: usize = 1500;
static TRIED: AtomicUsize = AtomicUsize::new(0);
static ACCEPTED: [AtomicBool; INTERRUPTS] = [const { AtomicBool::new(false) }; INTERRUPTS];
static RUN: [AtomicBool; INTERRUPTS] = [const { AtomicBool::new(false) }; INTERRUPTS];

fn submit_or_close() {
    let number = TRIED.fetch_add(1, SeqCst);
    if number >= INTERRUPTS {
        return FROM_INTERRUPT.close();
    }
    let job = move || {
        // Sometimes longer than it is until the next interrupt.
        if number.is_multiple_of(16) {
            work(4 * board::LONG);
        }
        assert!(!RUN[number].swap(true, SeqCst), "job {number} ran twice");
    };
    match FROM_INTERRUPT.execute(job) {
        Ok(()) => ACCEPTED[number].store(true, SeqCst),
        Err(rejected) => assert!(rejected.is_full()),
    }
}

fn an_interrupt_submits_jobs_while_tasks_map() {
    check("an interrupt submits jobs while tasks map and submit, and closes the pool");
    fn load(flag: &AtomicBool) -> bool {
        flag.load(SeqCst)
    }
    static RAN: AtomicUsize = AtomicUsize::new(0);
    hire(&FROM_INTERRUPT_SPOTS, &FROM_INTERRUPT, [LOW, HIGH]);
    let (parks, sent) = (PARKS.load(SeqCst), AtomicUsize::new(0));
    board::interrupts(true);
    let mut maps = 0;
    while TRIED.load(SeqCst) < INTERRUPTS {
        set_priority([LOW, MIDDLE, HIGH][maps % 3]);
        let mut doubles = [0; 32];
        FROM_INTERRUPT.map(0..32_usize, &mut doubles, |k| {
            let job = || {
                RAN.fetch_add(1, SeqCst);
            };
            if k.is_multiple_of(4) && FROM_INTERRUPT.execute(job).is_ok() {
                sent.fetch_add(1, SeqCst);
            }
            if k == 30 {
                delay(1); // and those below get to work
            }
            k + k
        });
        assert!((0..32).map(|k| k + k).eq(doubles));
        maps += 1;
    }
    set_priority(TOP);
    wait_until("an interrupt has closed the pool", || tasks() == OTHERS);
    board::interrupts(false);
    assert!(
        ACCEPTED.iter().map(load).eq(RUN.iter().map(load)),
        "a job was lost"
    );
    assert_eq!(RAN.load(SeqCst), sent.load(SeqCst));
    let accepted = RUN.iter().filter(|ran| load(ran)).count();
    assert_ne!(accepted, 0);
    note(format_args!(
        "{accepted} of {INTERRUPTS} jobs from there had room, {} from {maps} maps, {} naps",
        sent.load(SeqCst),
        PARKS.load(SeqCst) - parks,
    ));
}

fn who_has_nothing_to_do_sleeps() {
    check("who has nothing to do sleeps on, and the idle task runs");
    static SPOTS: Spots<3> = Spots::new();
    static POOL: Checked<3> = pool(&SPOTS);
    hire(&SPOTS, &POOL, [LOW, MIDDLE, HIGH]);
    for _ in 0..3 {
        nested(&POOL);
        delay(20);
        let (parks, idle) = (PARKS.load(SeqCst), IDLE.load(SeqCst));
        delay(100);
        assert_eq!(PARKS.load(SeqCst), parks, "somebody woke up for nothing");
        assert_ne!(IDLE.load(SeqCst), idle, "somebody kept the core");
    }
    dismiss(&POOL);
}

fn a_closed_pool_runs_what_is_queued() {
    check("a closed pool runs what is queued, and its tasks are gone");
    static SPOTS: Spots<2> = Spots::new();
    static POOL: Checked<2> = pool(&SPOTS);
    static RAN: AtomicUsize = AtomicUsize::new(0);
    hire(&SPOTS, &POOL, [LOW, MIDDLE]);
    for _ in 0..16 {
        let job = || {
            RAN.fetch_add(1, SeqCst);
        };
        assert!(POOL.execute(job).is_ok());
    }
    assert_eq!(RAN.load(SeqCst), 0, "this task is above its workers");
    dismiss(&POOL);
    assert_eq!(RAN.load(SeqCst), 16);
    nested(&POOL);
}
