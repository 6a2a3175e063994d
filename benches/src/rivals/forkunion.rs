//! forkunion: the caller is one of its threads; the others spin for ever. Slices for even work,
//! `for_n_dynamic` for other work, as its documentation says.

use forkunion::{ThreadPool, Topology};

use super::{ForkJoin, Load, Work, fill_alone};

pub struct ForkUnion(ThreadPool);

/// Memory whose elements different threads fill.
struct Out(*mut u64);

// SAFETY: each element is touched by the one thread that has its index.
unsafe impl Sync for Out {}

impl Out {
    fn at(&self, at: usize) -> *mut u64 {
        self.0.wrapping_add(at)
    }
}

impl ForkJoin for ForkUnion {
    fn start(threads: usize) -> Self {
        let topology = Topology::new().expect("a topology");
        Self(ThreadPool::try_spawn(&topology, threads).expect("threads"))
    }

    // An operation runs when it is dropped.
    fn fill<F: Fn(usize) -> u64 + Sync>(&mut self, work: Work, out: &mut [u64], f: &F) {
        let (len, out) = (out.len(), Out(out.as_mut_ptr()));
        let fill = |at, len| {
            // SAFETY: the pool hands out each index of the output once.
            let part = unsafe { std::slice::from_raw_parts_mut(out.at(at), len) };
            fill_alone(at, part, f);
        };
        match work.load {
            Load::Even => drop(self.0.for_slices(len, |prong, n| fill(prong.task_index, n))),
            Load::Uneven | Load::Few => {
                drop(self.0.for_n_dynamic(len, |prong| fill(prong.task_index, 1)));
            }
        }
    }
}
