//! forte: halves the work by `join`, down to single elements, as its documentation does with a
//! tree; or to pieces that are cut by hand. Its caller becomes one of its workers.

use forte::{ThreadPool, Worker};

use super::{Executor, Shared, Work, fill_alone};

static POOL: ThreadPool = ThreadPool::new();

pub struct Forte;

impl Shared for Forte {
    fn start(threads: usize) -> Self {
        Executor::start(threads - 1)
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        POOL.with_worker(|worker| halve(worker, work.piece, 0, out, f));
    }
}

impl Executor for Forte {
    fn start(threads: usize) -> Self {
        assert_eq!(POOL.resize_to(threads), threads, "threads");
        Self
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        POOL.spawn(move |_: &Worker| job());
    }
}

fn halve<F: Fn(usize) -> u64 + Sync>(
    worker: &Worker,
    piece: usize,
    at: usize,
    out: &mut [u64],
    f: &F,
) {
    if out.len() <= piece {
        return fill_alone(at, out, f);
    }
    let middle = out.len() / 2;
    let (left, right) = out.split_at_mut(middle);
    worker.join(
        |worker| halve(worker, piece, at, left, f),
        |worker| halve(worker, piece, at + middle, right, f),
    );
}
