//! The queue of jobs: a ring of slots.

mod fit;
pub(crate) mod ring;
pub(crate) mod slot;
