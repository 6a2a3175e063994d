//! Boards with one core: a loop that maps and steps a worker, and interrupts that submit jobs to it.

use portable_atomic::{AtomicUsize, Ordering::SeqCst};
use ringpool::Worker;

use crate::{
    Board, Checked, INTERRUPTS, LAST, RECEIVED, SENT, a_token_stays, check, clocks_go_on,
    jobs_capture_64_bits, nested, since,
};

/// Runs all checks.
pub fn run<B: Board>(pool: &'static Checked<B>) {
    clocks_go_on::<B>();
    a_token_stays::<B>();
    let mut worker = hire(pool);
    steps_run_jobs_in_order(pool, &mut worker);
    jobs_capture_64_bits(pool, |came| {
        while worker.step() {}
        assert!(came());
    });
    interrupts_submit_while_main_maps(pool, &mut worker);
    interrupts_submit_while_main_submits(pool, &mut worker);
    interrupts_wake_a_sleeper(pool, worker);
    B::print(format_args!("all checks passed"));
}

/// Runs those that need no interrupts.
pub fn run_without_interrupts<B: Board>(pool: &'static Checked<B>) {
    clocks_go_on::<B>();
    let mut worker = hire(pool);
    steps_run_jobs_in_order(pool, &mut worker);
    jobs_capture_64_bits(pool, |came| {
        while worker.step() {}
        assert!(came());
    });
    check::<B>("maps within maps, on their caller");
    nested(pool, 0);
    // Long enough to ask for help.
    nested(pool, B::MILLISECOND / 100);
    B::print(format_args!("all checks passed"));
}

fn hire<B: Board>(pool: &'static Checked<B>) -> Worker<'static> {
    let mut worker = None;
    let start = pool.start(1, |it| {
        worker = Some(it);
        Ok::<(), ()>(())
    });
    assert!(start.is_ok());
    worker.expect("the spawn hook was called")
}

/// Main's jobs: queued, and run.
static QUEUED: AtomicUsize = AtomicUsize::new(0);
static RAN: AtomicUsize = AtomicUsize::new(0);

/// Queues one of main's jobs. Returns whether there was room.
fn submit<B: Board>(pool: &Checked<B>) -> bool {
    let number = QUEUED.load(SeqCst);
    let in_order = move || {
        let ran = RAN.fetch_add(1, SeqCst);
        assert_eq!(ran, number, "out of order");
    };
    match pool.execute(in_order) {
        Ok(()) => QUEUED.store(number + 1, SeqCst),
        Err(rejected) => {
            assert!(rejected.is_full(), "{rejected}");
            return false;
        }
    }
    true
}

fn steps_run_jobs_in_order<B: Board>(pool: &Checked<B>, worker: &mut Worker<'_>) {
    check::<B>("steps run jobs, one each and in order; a full ring hands a job back");
    for round in 0..100 {
        let wanted = 1 + round % 16;
        for _ in 0..wanted {
            assert!(submit(pool));
        }
        assert_eq!(submit(pool), wanted != 16);
        let (ran, queued) = (RAN.load(SeqCst), QUEUED.load(SeqCst));
        for k in ran..queued {
            assert!(worker.step());
            assert_eq!(RAN.load(SeqCst), k + 1);
        }
        assert!(!worker.step());
    }
}

/// Does `work` with interrupts until some have come; returns how often one came in the middle of it.
fn interrupted<B: Board>(worker: &mut Worker<'_>, mut work: impl FnMut(&mut Worker<'_>)) {
    const ENOUGH: usize = 500;
    let (first, start) = (INTERRUPTS.load(SeqCst), B::now());
    let sent = SENT.load(SeqCst);
    let mut cut = 0;
    B::interrupts(true);
    while INTERRUPTS.load(SeqCst) - first < ENOUGH {
        let before = INTERRUPTS.load(SeqCst);
        work(worker);
        cut += usize::from(INTERRUPTS.load(SeqCst) != before);
        while worker.step() {}
        assert!(
            since::<B>(start) < 20_000 * B::MILLISECOND,
            "20 s for {ENOUGH} interrupts"
        );
    }
    B::interrupts(false);
    while worker.step() {}
    let sent = SENT.load(SeqCst) - sent;
    B::print(format_args!(
        "  {ENOUGH} interrupts, {cut} of these pieces of work cut; {sent} jobs sent"
    ));
    assert_eq!(RECEIVED.load(SeqCst), SENT.load(SeqCst));
    assert_eq!(RAN.load(SeqCst), QUEUED.load(SeqCst));
    assert_ne!(cut, 0);
    assert_ne!(sent, 0);
}

fn interrupts_submit_while_main_maps<B: Board>(pool: &Checked<B>, worker: &mut Worker<'_>) {
    check::<B>("an interrupt submits jobs while main maps");
    interrupted::<B>(worker, |_| nested(pool, 0));
}

fn interrupts_submit_while_main_submits<B: Board>(pool: &Checked<B>, worker: &mut Worker<'_>) {
    check::<B>("an interrupt submits jobs while main submits and takes jobs");
    interrupted::<B>(worker, |worker| {
        for _ in 0..50 {
            while !submit(pool) {
                worker.step();
            }
            if QUEUED.load(SeqCst) % 3 == 0 {
                worker.step();
            }
        }
    });
}

fn interrupts_wake_a_sleeper<B: Board>(pool: &Checked<B>, worker: Worker<'_>) {
    check::<B>(
        "a worker sleeps between the jobs of an interrupt, and leaves when one of them closes the pool",
    );
    let (naps, interrupts) = (B::naps(), INTERRUPTS.load(SeqCst));
    LAST.store(RECEIVED.load(SeqCst) + 6000, SeqCst);
    B::interrupts(true);
    worker.run();
    B::interrupts(false);
    assert_eq!(RECEIVED.load(SeqCst), SENT.load(SeqCst));
    let naps = B::naps() - naps;
    let interrupts = INTERRUPTS.load(SeqCst) - interrupts;
    B::print(format_args!("  {interrupts} interrupts, {naps} naps"));
    assert!(naps >= 20);
    // Each wakes it, and may leave it a token besides.
    assert!(naps <= 2 * interrupts + 1, "it does not sleep");
    assert!(pool.execute(|| ()).unwrap_err().is_closed());
}
