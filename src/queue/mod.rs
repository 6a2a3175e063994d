//! The queue of jobs: a ring of slots.

pub(crate) mod backoff;
pub(crate) mod ring;
pub(crate) mod slot;
