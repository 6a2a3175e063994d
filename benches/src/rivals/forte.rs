//! forte: halves the work by `join`, down to single elements or to pieces cut by hand, with the hint that its
//! documentation gives for long work. Its caller becomes one of its workers.

use forte::{ThreadPool, Worker, WorkloadHint};

use super::{Shared, Work, fill_alone};

static POOL: ThreadPool = ThreadPool::new();

pub struct Forte;

impl Shared for Forte {
    fn start(threads: usize) -> Self {
        POOL.resize_to(threads - 1);
        Self
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        let hint = WorkloadHint::new();
        POOL.with_worker(|worker| halve(worker, hint, work.piece, 0, out, f));
    }
}

fn halve<F: Fn(usize) -> u64 + Sync>(
    worker: &Worker,
    hint: WorkloadHint,
    piece: usize,
    at: usize,
    out: &mut [u64],
    f: &F,
) {
    if out.len() <= piece {
        fill_alone(at, out, f);
        return hint.complete_part(worker);
    }
    let middle = out.len() / 2;
    let (left, right) = out.split_at_mut(middle);
    worker.join(
        |worker| halve(worker, hint, piece, at, left, f),
        |worker| halve(worker, hint, piece, at + middle, right, f),
    );
}
