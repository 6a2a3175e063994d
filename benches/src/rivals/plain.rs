//! No pool at all.

use super::{Shared, Work, fill_alone};

pub struct Loop;

impl Shared for Loop {
    fn start(_: usize) -> Self {
        Self
    }

    #[inline(never)]
    fn fill<F: Fn(usize) -> u64 + Sync>(&self, _: Work, out: &mut [u64], f: &F) {
        fill_alone(0, out, f);
    }
}
