//! After a pool's construction nothing allocates: not a job, not a map, on no thread and on no path.
//! Only for results in a vector without room a map allocates, once.
//!
//! Without the test harness, whose own threads allocate.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use std::{process, thread};

use common::{Lab, rounds, serve, wait_until};
use ringpool::{Platform, Pool, chunks, chunks_mut};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: the system's allocator, which is as good as it says, does everything.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        FREED.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    // `realloc` and `alloc_zeroed` are made of these two.
}

#[global_allocator]
static COUNTING: Counting = Counting;

static RUNS: AtomicUsize = AtomicUsize::new(0);
static FULL: AtomicUsize = AtomicUsize::new(0);

/// Submits a job; one that finds the ring full runs here.
fn submit<P: Platform, const C: usize>(pool: &Pool<C, P>) {
    let job = || {
        RUNS.fetch_add(1, SeqCst);
    };
    if let Err(rejected) = pool.execute(job) {
        FULL.fetch_add(1, SeqCst);
        rejected.into_inner()();
        thread::yield_now();
    }
}

/// A map of every kind, one of them with another inside.
fn map<P: Platform, const C: usize>(pool: &Pool<C, P>, k: usize) {
    let xs = [k; 50];
    let mut ys = [0; 50];
    match k % 7 {
        0 => pool.map(&xs, &mut ys, |x| x + 1),
        1 => pool.map(xs, &mut ys, |x| x + 1),
        2 => pool.map((&xs, &mut ys), (), |(x, y)| *y = x + 1),
        3 => {
            let mut places = [const { MaybeUninit::uninit() }; 50];
            let done = pool.map(0..50, &mut places[..], |_| k + 1);
            ys.copy_from_slice(done);
        }
        4 => pool.map((chunks(&xs, 7), chunks_mut(&mut ys, 7)), (), |(xs, ys)| {
            ys.copy_from_slice(xs);
            ys.iter_mut().for_each(|y| *y += 1);
        }),
        5 => pool.map((k..=k + 49, &mut ys), (), |(x, y)| *y = x.min(k) + 1),
        _ => pool.map(&xs, &mut ys, |x| {
            let mut inner = [0; 8];
            pool.map(0..8, &mut inner, |k| x + k);
            submit(pool);
            inner[1]
        }),
    }
    assert_eq!(ys, [k + 1; 50]);
}

/// Uses `pool`, which its workers serve already, and returns the number of allocations.
fn allocations<P: Platform, const C: usize>(pool: &'static Pool<C, P>) -> usize {
    // Every worker has begun, and what the system allocates for a thread's first sleep is there.
    for k in 0..100 {
        map(pool, k);
        submit(pool);
    }
    static ARRIVED: AtomicUsize = AtomicUsize::new(0);
    ARRIVED.store(0, SeqCst);
    for _ in 0..WORKERS {
        let job = || {
            ARRIVED.fetch_add(1, SeqCst);
            wait_until(|| ARRIVED.load(SeqCst) >= WORKERS);
        };
        while pool.execute(job).is_err() {}
    }
    wait_until(|| ARRIVED.load(SeqCst) >= WORKERS);

    let before = ALLOCATIONS.load(SeqCst);
    let jobs = rounds(1_000_000);
    RUNS.store(0, SeqCst);
    FULL.store(0, SeqCst);
    // Half of them from here, half from jobs.
    for _ in 0..jobs / 2 {
        let job = move || {
            RUNS.fetch_add(1, SeqCst);
            submit(pool);
        };
        let mut result = pool.execute(job);
        while let Err(rejected) = result {
            FULL.fetch_add(1, SeqCst);
            thread::yield_now();
            result = pool.execute(rejected.into_inner());
        }
    }
    wait_until(|| RUNS.load(SeqCst) == jobs / 2 * 2);
    for k in 0..rounds(10_000) {
        map(pool, k);
    }
    // From jobs, too.
    static MAPPED: AtomicUsize = AtomicUsize::new(0);
    MAPPED.store(0, SeqCst);
    for k in 0..10 {
        let job = move || {
            map(pool, k);
            MAPPED.fetch_add(1, SeqCst);
        };
        while pool.execute(job).is_err() {}
    }
    wait_until(|| MAPPED.load(SeqCst) == 10);
    let after = ALLOCATIONS.load(SeqCst);
    assert!(FULL.load(SeqCst) > 0, "the ring has been full");
    after - before
}

/// Checks, on a pool that has been used, that a map allocates for results in a vector once, or not at
/// all if there is room, and frees the memory of a vector whose items it takes.
#[cfg(feature = "std")]
fn vectors_allocate_once<P: Platform, const C: usize>(pool: &Pool<C, P>) {
    let counts = || (ALLOCATIONS.load(SeqCst), FREED.load(SeqCst));
    for len in (1..100).chain([1000]) {
        let (allocated, freed) = counts();
        let ys = pool.map(0..len, Vec::new(), |k| k);
        assert_eq!(counts(), (allocated + 1, freed));

        let room = Vec::with_capacity(len);
        let (allocated, freed) = counts();
        let ys = pool.map(ys, room, |y| y + 1);
        assert_eq!(counts(), (allocated, freed + 1));
        assert!(ys.iter().copied().eq(1..=len));
        pool.map(ys, (), |_| ());
        assert_eq!(counts(), (allocated, freed + 2));
    }
}

const WORKERS: usize = 2;

fn jobs_and_maps_allocate_nothing() {
    static CLOCKLESS: Pool<8, Lab> = Pool::new(Lab::without_clock());
    serve(&CLOCKLESS, WORKERS, || {
        assert_eq!(allocations(&CLOCKLESS), 0);
        #[cfg(feature = "std")]
        vectors_allocate_once(&CLOCKLESS);
    });
}

#[cfg(feature = "std")]
fn nor_do_they_on_a_thread_pool() {
    let pool = ringpool::ThreadPool::<8>::with_spawn(
        ringpool::Threads::new().with_spins(10),
        WORKERS,
        |_, body| thread::Builder::new().spawn(body),
    )
    .unwrap();
    // The jobs' pool has to be one that lives for ever.
    assert_eq!(allocations(&**Box::leak(Box::new(pool))), 0);
}

fn main() {
    let start = Instant::now();
    let tests = thread::spawn(|| {
        black_box(Box::new(1));
        assert!(ALLOCATIONS.load(SeqCst) > 0, "the counter counts");
        jobs_and_maps_allocate_nothing();
        #[cfg(feature = "std")]
        nor_do_they_on_a_thread_pool();
    });
    while !tests.is_finished() {
        // Allocates nothing, unlike the watchdog of the other tests.
        thread::sleep(Duration::from_millis(20));
        if start.elapsed() > Duration::from_secs(if cfg!(miri) { 1800 } else { 120 }) {
            eprintln!("no_alloc hangs");
            process::abort();
        }
    }
    tests.join().expect("the test has said why");
    println!("jobs and maps allocate nothing");
}
