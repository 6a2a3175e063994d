//! What the tests of other pools and queues check, as far as it applies here and no other file checks it.
//!
//! `docs/rivals.md` has every test of theirs and says which of ours it is, or why it does not apply.

#[path = "../common/mod.rs"]
mod common;

mod python;
mod queues;
mod rayon;
mod scoped_threadpool;
mod table;
mod threadpool;
