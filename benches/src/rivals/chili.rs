//! chili: halves the work by `join`, down to single elements, as its documentation does with a
//! tree; or to pieces that are cut by hand. Its caller is one of the threads that it counts.

use std::num::NonZero;

use chili::{Config, Scope, ThreadPool};

use super::{ForkJoin, Shared, Work, fill_alone};

/// With a scope that is held all the time: it is made for many joins.
pub struct Held(Scope<'static>);

impl ForkJoin for Held {
    fn start(threads: usize) -> Self {
        let pool = Box::leak(Box::new(pool(threads)));
        Self(pool.scope())
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&mut self, work: Work, out: &mut [u64], f: &F) {
        halve(&mut self.0, work.piece, 0, out, f);
    }
}

/// With a scope for each map: a scope belongs to one thread.
pub struct Chili(ThreadPool);

impl Shared for Chili {
    fn start(threads: usize) -> Self {
        Self(pool(threads))
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&self, work: Work, out: &mut [u64], f: &F) {
        halve(&mut self.0.scope(), work.piece, 0, out, f);
    }
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::with_config(Config {
        thread_count: NonZero::new(threads),
        ..Config::default()
    })
}

fn halve<F: Fn(usize) -> u64 + Sync>(
    scope: &mut Scope<'_>,
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
    scope.join(
        |scope| halve(scope, piece, at, left, f),
        |scope| halve(scope, piece, at + middle, right, f),
    );
}
