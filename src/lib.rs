//! A thread pool that needs no allocator and no operating system: `map` for loops, `execute` for
//! jobs.
//!
//! * [`map`](Pool::map) applies a function to every element of borrowed data, in parallel, and
//!   returns when all of it is done, results in order.
//! * [`execute`](Pool::execute) hands one [`Job`], mostly a closure, to some worker, and returns at
//!   once.
//!
//! Jobs are written into a ring of fixed capacity, so a pool allocates nothing once it is made
//! (panics do). A full ring hands the job back. Workers are std threads ([`ThreadPool`], feature
//! `std`) or what your *spawn hook* starts ([`Pool::start`]): a second core, an RTOS task, a thread
//! of your own.
//!
//! # From Python
//!
//! `ThreadPoolExecutor.map` and `multiprocessing.Pool.map`, without processes, pickling or a global
//! lock:
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use ringpool::ThreadPool;
//!
//! let pool = ThreadPool::new(4)?; // with ThreadPoolExecutor(max_workers=4) as pool:
//! let words = ["ring", "slot", "worker"];
//! let lengths = pool.map(&words, Vec::new(), |word| word.len()); // list(pool.map(len, words))
//! assert_eq!(lengths, [4, 4, 6]);
//! # }
//! # std::io::Result::Ok(())
//! ```
//!
//! # A server
//!
//! A bounded queue of requests. One that finds no room comes back whole, so that it can be
//! answered:
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use ringpool::{Job, ThreadPool};
//!
//! struct Request(u32);
//!
//! impl Job for Request {
//!     fn run(self) {
//!         println!("200 for request {}", self.0);
//!     }
//! }
//!
//! let pool = ThreadPool::<256>::with_workers(2)?; // 256 requests can wait
//! for number in 0..300 {
//!     if let Err(rejected) = pool.execute(Request(number)) {
//!         let Request(number) = rejected.into_inner();
//!         println!("503 for request {number}");
//!     }
//! }
//! # } // the queued requests are served, and the threads joined
//! # std::io::Result::Ok(())
//! ```
//!
//! # Firmware
//!
//! A static pool. An interrupt may queue jobs, and the other core runs them:
//!
//! ```
//! use ringpool::{Pool, Spin, Worker};
//!
//! static POOL: Pool<16> = Pool::new(Spin::new()); // 16 jobs can wait; idle workers spin
//!
//! /// The spawn hook: has `worker.run()` called on the other core. Here a thread stands for it.
//! fn start_core_1(worker: Worker<'static>) -> Result<(), &'static str> {
//!     std::thread::spawn(move || worker.run());
//!     Ok(())
//! }
//!
//! fn interrupt() {
//!     let reading = 42;
//!     if POOL.execute(move || println!("{reading} was read")).is_err() {
//!         // Too fast for the other core: count it, or do without.
//!     }
//! }
//!
//! POOL.start(1, start_core_1)?;
//! interrupt();
//! let mut samples = [3, 1, 4, 1];
//! POOL.map(&mut samples, (), |sample| *sample *= 2); // on both cores
//! assert_eq!(samples, [6, 2, 8, 2]);
//! # Ok::<(), ringpool::StartError<&'static str>>(())
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `std` | [`ThreadPool`] and [`Threads`]; `Vec` in `map`; panics of jobs and of `map`'s function are caught and carried |
//! | `portable-atomic` | targets without compare-and-swap; the firmware chooses that crate's backend |
//! | `defmt` | [`defmt::Format`](https://docs.rs/defmt) for [`Rejected`] and [`StartError`] |
//!
//! None is on by default. The minimum supported Rust version is 1.85.
//!
//! # More
//!
//! | page | what it says |
//! |---|---|
//! | [`guide`] | Python, servers, firmware, sizes, questions: recipes that run |
//! | [`docs::design`] | how it works, with a picture; which file decides what |
//! | [`docs::servers`] | keep-alive, how many workers, how long a queue, two pools, the end |
//! | [`docs::porting`] | five steps to bring the pool to a chip |
//! | [`docs::footprint`] | code, RAM, stacks and instructions on microcontrollers |
//! | [`docs::figures`] | how fast it is beside fifteen others, and where they are faster |
//! | [`docs::wrong_guesses`] | what it costs at most when the pool guesses wrong |
//! | [`docs::scaling`] | what grows with the number of workers |
//! | [`docs::safety`] | what the crate's safety rests on, and which check sees what |
//! | [`docs::checks`] | how it is checked, script by script |
//! | [`docs::rivals`] | which tests of other pools it passes |

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
//
// In the repository a page's links go to files. Here they are defined before the page, and the
// first definition of a link is the one that counts. Its pictures are files there, too, of which
// nothing shows here; so they follow the page. The styles let long names break, so that their
// tables fit the page.
#[cfg(doc)]
pub mod docs {
    #[doc = "[footprint]: crate::docs::footprint\n[orderings]: crate::docs::safety#orderings"]
    #[doc = "[rivals]: crate::docs::rivals\n[safety]: crate::docs::safety"]
    #[doc = "[scaling]: crate::docs::scaling\n"]
    #[doc = include_str!("../docs/checks.md")]
    pub mod checks {}

    #[doc = "[figures]: crate::docs::figures\n[safety]: crate::docs::safety\n"]
    #[doc = include_str!("../docs/design.md")]
    #[doc = "\n"]
    #[doc = include_str!("../docs/how-it-works.svg")]
    pub mod design {}

    #[doc = "[scaling]: crate::docs::scaling\n"]
    #[doc = include_str!("../docs/figures.md")]
    #[doc = "\n"]
    #[doc = include_str!("../docs/plots/break-even-in-a-row.svg")]
    #[doc = "\n"]
    #[doc = include_str!("../docs/plots/server-20us-exp-50-w2.svg")]
    pub mod figures {}

    #[doc = "[porting]: crate::docs::porting\n"]
    #[doc = include_str!("../docs/footprint.md")]
    pub mod footprint {}

    #[doc = include_str!("../docs/porting.md")]
    pub mod porting {}

    #[doc = include_str!("../docs/rivals.md")]
    #[doc = "\n<style>.docblock td code { overflow-wrap: anywhere; white-space: pre-wrap }</style>"]
    pub mod rivals {}

    #[doc = include_str!("../docs/safety.md")]
    #[doc = include_str!("../docs/orderings.md")]
    #[doc = include_str!("sleep/README.md")]
    #[doc = "\n<style>.docblock td code { overflow-wrap: anywhere; white-space: pre-wrap }</style>"]
    pub mod safety {}

    #[doc = include_str!("../docs/scaling.md")]
    #[doc = include_str!("../docs/counts.md")]
    pub mod scaling {}

    #[cfg(feature = "std")]
    #[doc = include_str!("../docs/servers.md")]
    #[doc = "\n"]
    #[doc = include_str!("../docs/plots/servers-light.svg")]
    #[doc = "\n"]
    #[doc = include_str!("../docs/plots/servers-beyond.svg")]
    #[doc = "\n"]
    #[doc = include_str!("../docs/plots/servers-mixed.svg")]
    pub mod servers {}

    #[doc = include_str!("../docs/wrong-guesses.md")]
    pub mod wrong_guesses {}
}

/// README's code, run as tests.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
