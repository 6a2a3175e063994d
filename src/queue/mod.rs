//! The queue of jobs: a ring of slots.

pub(crate) mod backoff;
mod fit;
pub(crate) mod ring;
pub(crate) mod slot;
