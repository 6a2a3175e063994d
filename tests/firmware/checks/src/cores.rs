//! Boards with several cores: one calls, the others have a worker each.

use core::mem::MaybeUninit;

use portable_atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use ringpool::{Pool, Worker};

use crate::{
    Board, Checked, INTERRUPTS, RECEIVED, SENT, a_token_stays, check, clocks_go_on,
    clocks_of_this_core_go_on, jobs_capture_64_bits, nested, pause, since, wait_until,
};

/// Runs all checks, on core 0.
pub fn run<B: Board>(pool: &'static Checked<B>) {
    clocks_go_on::<B>();
    a_token_stays::<B>();
    without_workers(pool);
    check::<B>("the spawn hook starts a worker on every other core, and all fall asleep");
    if let Err(error) = pool.start(B::CORES - 1, B::spawn) {
        panic!("{error}");
    }
    all_sleep(pool);
    sleepers_stay_asleep::<B>();
    a_job_wakes_a_sleeper(pool);
    jobs_capture_64_bits(pool, |came| wait_until::<B>("all have run", came));
    every_core_takes_part(pool);
    maps_are_right(pool);
    maps_nest(pool);
    jobs_map_and_submit(pool);
    all_submit_at_once(pool);
    a_full_ring_hands_the_job_back(pool);
    everything_at_once(pool);
    all_sleep(pool);
    sleepers_stay_asleep::<B>();
    closing_drains::<B>();
    closing_wakes_all(pool);
    B::print(format_args!("all checks passed"));
}

/// Jobs that ran.
static RAN: AtomicUsize = AtomicUsize::new(0);

/// Workers that have left.
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// What a core does, whose worker the spawn hook made: [`Worker::run`], and then it says that it has left.
pub fn serve(worker: Worker<'static>) {
    worker.run();
    LEFT.fetch_add(1, SeqCst);
}

/// What jobs capture; counts its drops.
struct Parcel;
static DROPPED: AtomicUsize = AtomicUsize::new(0);

impl Drop for Parcel {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, SeqCst);
    }
}

fn without_workers<B: Board>(pool: &Checked<B>) {
    check::<B>("without workers a map runs on its caller");
    let mut squares = [0; 100];
    pool.map(0..100, &mut squares, |k| k * k);
    assert!((0..100).map(|k| k * k).eq(squares));
}

fn all_sleep<B: Board>(pool: &Checked<B>) {
    wait_until::<B>("all workers sleep", || pool.sleepers() == B::CORES - 1);
}

fn sleepers_stay_asleep<B: Board>() {
    check::<B>("who has nothing to do sleeps on");
    // (More than once, if need be: where cores take turns on the host's, one may be late to fall asleep.)
    let undisturbed = (0..3).any(|_| {
        let naps = B::naps();
        pause::<B>(100 * B::MILLISECOND);
        B::naps() == naps
    });
    assert!(undisturbed, "somebody woke up for nothing");
    let naps = B::naps();
    assert!(naps >= B::CORES - 1, "{naps} naps");
}

fn a_job_wakes_a_sleeper<B: Board>(pool: &Checked<B>) {
    check::<B>("a job is run, whether it meets sleepers or those about to sleep");
    let (before, naps, start) = (RAN.load(SeqCst), B::naps(), B::now());
    for round in 0..5000 {
        // Now and then the next job comes at once, when this one is about to end, or its worker about to sleep.
        // (That takes long where cores take turns on the host's.)
        let at_once = round % 8 == 0 && since::<B>(start) < 5_000 * B::MILLISECOND;
        let length = at_once.then_some(round / 8 % 64);
        let job = move || {
            RAN.fetch_add(1, SeqCst);
            (0..length.unwrap_or(0)).for_each(|k| _ = core::hint::black_box(k));
        };
        assert!(pool.execute(job).is_ok());
        wait_until::<B>("the job has run", || RAN.load(SeqCst) == before + round + 1);
        match round {
            0..100 => all_sleep(pool),
            _ if at_once => (),
            _ => (0..round % 500).for_each(|_| core::hint::spin_loop()),
        }
    }
    let woken = B::naps() - naps;
    assert!(woken >= 100, "woken {woken} times only");
}

fn every_core_takes_part<B: Board>(pool: &Checked<B>) {
    check::<B>("every core takes part in a map, and submits jobs from within");
    for _ in 0..10 {
        let before = RAN.load(SeqCst);
        let (cores, submitted) = (AtomicUsize::new(0), AtomicUsize::new(0));
        pool.map(0..B::CORES + 1, (), |element| {
            if element == 0 {
                // Long, so that the others are shared.
                return pause::<B>(B::MILLISECOND);
            }
            cores.fetch_or(1 << B::core(), SeqCst);
            wait_until::<B>("all cores have come", || {
                cores.load(SeqCst).count_ones() as usize == B::CORES
            });
            clocks_of_this_core_go_on::<B>();
            for _ in 0..10 {
                submit(pool, || {
                    RAN.fetch_add(1, SeqCst);
                });
                submitted.fetch_add(1, SeqCst);
            }
        });
        let submitted = submitted.load(SeqCst);
        assert_eq!(submitted, 10 * B::CORES);
        wait_until::<B>("the jobs have run", || {
            RAN.load(SeqCst) == before + submitted
        });
    }
}

/// Has a job run: here, if there is no room.
fn submit<B: Board>(pool: &Checked<B>, job: impl FnOnce() + Send + 'static) {
    if let Err(rejected) = pool.execute(job) {
        assert!(rejected.is_full(), "{rejected}");
        rejected.into_inner()();
    }
}

fn maps_are_right<B: Board>(pool: &Checked<B>) {
    check::<B>("maps of all lengths, cheap and dear, are right and in order");
    let xs: [usize; 300] = core::array::from_fn(|k| k * 7);
    for round in 0..300 {
        let xs = &xs[..round];
        let mut places = [const { MaybeUninit::uninit() }; 300];
        let ys = pool.map(xs, &mut places[..round], |x| {
            if round % 3 == 0 {
                pause::<B>(B::MILLISECOND / 100);
            }
            (x / 7, x + round)
        });
        assert!(
            (0..round)
                .map(|k| (k, k * 7 + round))
                .eq(ys.iter().copied())
        );
    }
}

fn maps_nest<B: Board>(pool: &Checked<B>) {
    check::<B>("maps within maps");
    for round in 0..30 {
        nested(pool, round % 2 * B::MILLISECOND / 100);
    }
}

fn jobs_map_and_submit<B: Board>(pool: &'static Checked<B>) {
    check::<B>("jobs that map and submit jobs");
    let before = RAN.load(SeqCst);
    for _ in 0..50 {
        submit(pool, move || {
            nested(pool, B::MILLISECOND / 1000);
            submit(pool, || {
                RAN.fetch_add(1, SeqCst);
            });
        });
    }
    wait_until::<B>("all have run", || RAN.load(SeqCst) == before + 50);
}

fn all_submit_at_once<B: Board>(pool: &'static Checked<B>) {
    check::<B>("jobs that submit the next one, while main and an interrupt submit too");
    const LENGTH: usize = 2000;
    let (before, dropped) = (RAN.load(SeqCst), DROPPED.load(SeqCst));
    let chains = 2 * B::CORES;
    B::interrupts(true);
    for _ in 0..chains {
        link(pool, LENGTH);
    }
    for k in 0..LENGTH {
        // There shall be room, and jobs to be run.
        wait_until::<B>("the last but one has run", || {
            DROPPED.load(SeqCst) - dropped + 2 > k
        });
        let parcel = Parcel;
        submit(pool, move || drop(parcel));
    }
    wait_until::<B>("all have run", || {
        RAN.load(SeqCst) == before + chains * LENGTH && DROPPED.load(SeqCst) == dropped + LENGTH
    });
    interrupts_end::<B>();
}

/// Stops them, when one has sent a job since the last time, and all that they sent have run.
fn interrupts_end<B: Board>() {
    static BEFORE: AtomicUsize = AtomicUsize::new(0);
    let before = BEFORE.load(SeqCst);
    wait_until::<B>("an interrupt has sent a job", || {
        SENT.load(SeqCst) != before
    });
    B::interrupts(false);
    let sent = SENT.load(SeqCst);
    wait_until::<B>("those from interrupts have run", || {
        RECEIVED.load(SeqCst) == sent
    });
    BEFORE.store(sent, SeqCst);
}

/// One of a chain of jobs, with so many left: submits the next.
fn link<B: Board>(pool: &'static Checked<B>, left: usize) {
    for left in (0..left).rev() {
        RAN.fetch_add(1, SeqCst);
        match pool.execute(move || link(pool, left)) {
            Ok(()) => break,
            // The next one is run here.
            Err(rejected) => assert!(rejected.is_full(), "{rejected}"),
        }
    }
}

fn a_full_ring_hands_the_job_back<B: Board>(pool: &'static Checked<B>) {
    check::<B>("a full ring hands the job back");
    static BLOCKED: AtomicUsize = AtomicUsize::new(0);
    static GATE: AtomicBool = AtomicBool::new(false);
    for _ in 1..B::CORES {
        let block = || {
            BLOCKED.fetch_add(1, SeqCst);
            wait_until::<B>("the gate opens", || GATE.load(SeqCst));
        };
        assert!(pool.execute(block).is_ok());
    }
    wait_until::<B>("all workers are busy", || {
        BLOCKED.load(SeqCst) == B::CORES - 1
    });
    let (before, dropped) = (RAN.load(SeqCst), DROPPED.load(SeqCst));
    for k in 0..16 {
        let parcel = Parcel;
        let job = move || {
            RAN.fetch_add(1, SeqCst);
            drop(parcel);
        };
        assert!(pool.execute(job).is_ok(), "room for {k} only");
    }
    let parcel = Parcel;
    let rejected = pool.execute(move || drop(parcel)).unwrap_err();
    assert!(rejected.is_full());
    assert_eq!(DROPPED.load(SeqCst), dropped);
    rejected.into_inner()();
    assert_eq!(DROPPED.load(SeqCst), dropped + 1);
    GATE.store(true, SeqCst);
    wait_until::<B>("all have run", || {
        RAN.load(SeqCst) == before + 16 && DROPPED.load(SeqCst) == dropped + 17
    });
}

fn everything_at_once<B: Board>(pool: &'static Checked<B>) {
    check::<B>("jobs and maps on every core at once, and jobs from interrupts");
    let (before, dropped) = (RAN.load(SeqCst), DROPPED.load(SeqCst));
    B::interrupts(true);
    let cores = AtomicUsize::new(0);
    pool.map(0..4 * B::CORES, (), |k| {
        cores.fetch_or(1 << B::core(), SeqCst);
        for n in 0..500 {
            let parcel = Parcel;
            submit(pool, move || {
                RAN.fetch_add(1, SeqCst);
                drop(parcel);
            });
            if n % 16 == k % 16 {
                nested(pool, 0);
            }
        }
    });
    let jobs = 4 * B::CORES * 500;
    wait_until::<B>("all have run", || {
        RAN.load(SeqCst) == before + jobs && DROPPED.load(SeqCst) == dropped + jobs
    });
    interrupts_end::<B>();
    B::print(format_args!(
        "  {jobs} jobs; {} interrupts, {} jobs from there; cores that mapped: {:#b}; {} naps",
        INTERRUPTS.load(SeqCst),
        SENT.load(SeqCst),
        cores.load(SeqCst),
        B::naps(),
    ));
}

fn closing_drains<B: Board>() {
    check::<B>("a closed pool runs what is queued; one that is dropped drops it");
    let (ran, dropped) = (RAN.load(SeqCst), DROPPED.load(SeqCst));
    let pool = Pool::<4, B>::new(B::default());
    let queue = || {
        let parcel = Parcel;
        let job = move || {
            RAN.fetch_add(1, SeqCst);
            drop(parcel);
        };
        assert!(pool.execute(job).is_ok());
    };
    (0..4).for_each(|_| queue());
    let mut worker = None;
    let start = pool.start(1, |it| {
        worker = Some(it);
        Ok::<(), ()>(())
    });
    assert!(start.is_ok());
    let mut worker = worker.expect("the spawn hook was called");
    assert!(worker.step());
    queue();
    pool.close();
    assert!(pool.execute(|| ()).unwrap_err().is_closed());
    worker.run();
    assert_eq!(RAN.load(SeqCst), ran + 5);

    let pool = Pool::<4, B>::new(B::default());
    let parcel = Parcel;
    assert!(pool.execute(move || drop(parcel)).is_ok());
    drop(pool);
    assert_eq!(RAN.load(SeqCst), ran + 5);
    assert_eq!(DROPPED.load(SeqCst), dropped + 6);
}

fn closing_wakes_all<B: Board>(pool: &Checked<B>) {
    check::<B>("when the pool closes, sleeping workers leave; a map still works");
    all_sleep(pool);
    pool.close();
    assert!(pool.execute(|| ()).unwrap_err().is_closed());
    wait_until::<B>("the workers have left", || {
        LEFT.load(SeqCst) == B::CORES - 1
    });
    nested(pool, 0);
}
