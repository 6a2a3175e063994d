//! A process that forks while its pool idles. The child has the forking thread and no other: no worker, though
//! the pool counts as many as before. There, maps run on their caller, jobs wait until somebody steps a worker,
//! and nothing hangs. The parent does not notice.
//!
//! Dropping the pool in the child is std's and the C library's affair: it joins threads that are not there. The
//! child should `mem::forget` it, or leave by `exec` or `_exit`.
#![cfg(all(unix, feature = "std", not(miri)))]

mod common;

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use std::{array, io, panic, thread};

use common::{by_hand, wait_until, watchdog};
use ringpool::{Pool, ThreadPool, Threads};

type Small = ThreadPool<8>;

/// Two workers, which sleep when they have nothing to do; or never do.
fn pool(sleep: bool) -> Small {
    let platform = Threads::new().with_spins(if sleep { 0 } else { u32::MAX });
    let spawn = |_, body| thread::Builder::new().spawn(body);
    let pool = ThreadPool::with_spawn(platform, 2, spawn).unwrap();
    pool.execute(|| ()).unwrap();
    wait_until(|| format!("{pool:?}").contains("queued: 0"));
    wait_until(|| !sleep || format!("{pool:?}").contains("sleepers: 2"));
    // Where it sleeps by a lock, a worker holds that for a moment, and a lock that is held is held in the child for ever.
    thread::sleep(Duration::from_millis(50));
    pool
}

/// Checks that `work` says yes in a child. It must not allocate.
fn in_a_child(work: impl FnOnce() -> bool) {
    assert_eq!(fork(work), 0, "how the child ended, as wait(2) has it");
}

/// How a child ended, as wait(2) has it. It ends when it has done its `work`; with 0 if that says yes.
fn fork(work: impl FnOnce() -> bool) -> libc::c_int {
    // SAFETY: what the child does needs no lock that another thread may have held; it ends below.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: no memory is touched. This is the child's watchdog: other threads it has none.
        unsafe { libc::alarm(60) };
        let well = catch_unwind(AssertUnwindSafe(work));
        // SAFETY: it leaves without running anything else of its parent's.
        unsafe { libc::_exit(i32::from(!matches!(well, Ok(true)))) };
    }
    assert!(child > 0, "{}", io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: `status` is there to be written.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    status
}

/// Whether a map, and one within it, do what they should.
fn maps_work<const C: usize>(pool: &Pool<C, Threads>) -> bool {
    let mut sums = [0; 1000];
    pool.map(0..1000, &mut sums, |i| {
        let mut terms = [0; 10];
        pool.map(0..10, &mut terms, |j| i + j);
        terms.iter().sum()
    });
    sums == array::from_fn(|i| 10 * i + 45)
}

/// Checks that the workers are there.
fn parent_is_well(pool: Small) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let before = RUNS.load(SeqCst);
    let job = || {
        RUNS.fetch_add(1, SeqCst);
    };
    pool.execute(job).unwrap();
    assert!(maps_work(&pool));
    drop(pool);
    assert!(RUNS.load(SeqCst) > before);
}

#[test]
fn in_the_child_maps_run_on_their_caller() {
    let _watchdog = watchdog();
    for sleep in [true, false] {
        let pool = pool(sleep);
        in_a_child(|| (0..100).all(|_| maps_work(&pool)));
        parent_is_well(pool);
    }
}

#[test]
fn in_the_child_jobs_queue_and_can_be_stepped() {
    let _watchdog = watchdog();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let job = || {
        RUNS.fetch_add(1, SeqCst);
    };
    for sleep in [true, false] {
        let pool = pool(sleep);
        in_a_child(|| {
            let mut worker = by_hand(&pool);
            (0..3).all(|round| {
                let accepted = (0..20).filter(|_| pool.execute(job).is_ok()).count();
                accepted == 8
                    && RUNS.load(SeqCst) == round * 8
                    && (0..8).all(|_| worker.step())
                    && !worker.step()
                    && maps_work(&pool)
            })
        });
        assert_eq!(RUNS.load(SeqCst), 0, "that was in another process");
        parent_is_well(pool);
    }
}

#[test]
fn the_child_may_close_the_pool_and_forget_it() {
    let _watchdog = watchdog();
    for sleep in [true, false] {
        let mut pool = Some(pool(sleep));
        in_a_child(|| {
            let pool = pool.take().unwrap();
            pool.execute(|| ()).unwrap();
            pool.close();
            let closed = pool
                .execute(|| ())
                .is_err_and(|rejected| rejected.is_closed());
            // It runs what is queued, and leaves.
            let mut last = by_hand(&pool);
            let ran = last.step();
            last.run();
            let works = maps_work(&pool);
            forget(pool);
            closed && ran && works
        });
        parent_is_well(pool.unwrap());
    }
}

/// With glibc, nothing hangs there: std finds that the threads have not ended as threads do, and panics.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn dropping_the_pool_in_the_child_is_no_hang() {
    let _watchdog = watchdog();
    let mut pool = Some(pool(true));
    let status = fork(|| {
        panic::set_hook(Box::new(|_| ()));
        drop(pool.take());
        true
    });
    // Not by its alarm. (ThreadSanitizer does not let it come to that panic.)
    assert!(libc::WIFEXITED(status) && status != 0, "{status:#x}");
    parent_is_well(pool.unwrap());
}
