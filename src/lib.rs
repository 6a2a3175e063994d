//! A small thread pool for when there is no allocator, no operating system, or no microsecond to lose.
//!
//! Two operations, and no third:
//!
//! * [`execute`](Pool::execute) runs one [`Job`], mostly a closure, some time soon, on some worker;
//! * [`map`](Pool::map) applies a function to every element of borrowed data, in parallel, and returns
//!   when all of it is done, results in order.
//!
//! Jobs live inline in a ring of fixed capacity. After construction nothing allocates (panics do).
//! Workers are std threads ([`ThreadPool`], feature `std`) or whatever your *spawn hook* starts
//! ([`Pool::start`]): an RTOS task, a second core, a raw thread.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `std` | [`ThreadPool`] and [`Threads`]; `Vec` in `map`; panics of jobs and of `map`'s function are caught and carried |
//! | `portable-atomic` | targets without compare-and-swap; the firmware chooses that crate's backend |
//! | `defmt` | [`defmt::Format`](https://docs.rs/defmt) for [`Rejected`] and [`StartError`] |
//!
//! None is on by default.
//!
//! # Where to look
//!
//! `ring` is the queue and `job` what lies in it; `idle` says who sleeps and why no wake-up is lost; `search` how a worker
//! without work looks for more; `map` when a map gets help and how; `worker` ties them together. Their module documentation, in the
//! source, has the protocols and the proofs.
//!
//! [`docs::porting`] brings the pool to a chip in five steps. [`docs::safety`] says what the crate's safety
//! rests on and how that is checked, [`docs::rivals`] which tests of other pools it passes, [`docs::scaling`] what grows
//! with the number of workers.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "std"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "these links go to what `std` adds"
    )
)]

#[cfg(feature = "std")]
extern crate std;

#[cfg(not(any(target_has_atomic = "ptr", feature = "portable-atomic")))]
compile_error!(
    "ringpool: this target has no compare-and-swap. Turn on ringpool's feature `portable-atomic`, and in \
     the firmware choose that crate's backend, such as its feature `critical-section`"
);

#[cfg(target_pointer_width = "16")]
compile_error!("ringpool: it needs pointers of 32 or 64 bits; this target's have 16");

mod error;
#[cfg(any(doc, doctest))]
pub mod guide;
mod job;
mod map;
#[cfg(all(test, any(ringpool_loom, ringpool_shuttle)))]
mod models;
mod native;
mod platform;
mod pool;
mod queue;
mod serve;
mod sleep;
mod sync;
#[cfg(feature = "std")]
mod thread_pool;
mod tuning;
mod unwind;
mod worker;

pub use error::{Rejected, StartError};
pub use job::Job;
pub use map::chunks::{chunks, chunks_mut};
pub use map::input::Input;
pub use map::output::Output;
pub use platform::Platform;
pub use platform::spin::Spin;
#[cfg(feature = "std")]
pub use platform::threads::Threads;
#[cfg(any(target_arch = "arm", target_arch = "aarch64", doc))]
pub use platform::wfe::Wfe;
pub use pool::Pool;
#[cfg(feature = "std")]
pub use thread_pool::ThreadPool;
pub use worker::Worker;

/// What every public type is, whatever the platform and the job.
mod auto_traits {
    use core::error::Error;
    use core::fmt::Debug;
    use core::panic::{RefUnwindSafe, UnwindSafe};

    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use crate::{Pool, Rejected, Spin, StartError, Worker};

    assert_impl_all!(Pool: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Debug);
    assert_impl_all!(Worker<'static>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Debug);
    assert_impl_all!(Spin: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Debug, Default);
    assert_impl_all!(Rejected<fn()>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Error);
    assert_impl_all!(StartError<()>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Debug);
    assert_impl_all!(StartError<core::fmt::Error>: Error);
    // What holds a job or an error is what that is.
    assert_not_impl_any!(Rejected<*const ()>: Send, Sync);
    assert_not_impl_any!(Rejected<&'static mut ()>: UnwindSafe);
    assert_not_impl_any!(StartError<*const ()>: Send, Sync);

    #[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
    assert_impl_all!(crate::Wfe: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Debug, Copy, Default);

    #[cfg(feature = "std")]
    mod with_std {
        use super::*;
        use crate::{ThreadPool, Threads};

        assert_impl_all!(ThreadPool: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Debug);
        assert_impl_all!(Threads: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Debug, Default);
    }
}

/// Pages of documentation; there is no code in here.
#[cfg(doc)]
pub mod docs {
    #[doc = include_str!("../docs/porting.md")]
    pub mod porting {}

    #[doc = include_str!("../docs/safety.md")]
    #[doc = include_str!("../docs/orderings.md")]
    #[doc = include_str!("sleep/README.md")]
    pub mod safety {}

    #[doc = include_str!("../docs/rivals.md")]
    pub mod rivals {}

    #[doc = include_str!("../docs/scaling.md")]
    #[doc = include_str!("../docs/counts.md")]
    pub mod scaling {}
}

/// README's code, run as tests.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
