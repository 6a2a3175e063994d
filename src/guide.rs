//! Recipes, and migrations from other pools; compiled, and run as tests. There is no code in here.
//!
//! * [`python`]: what each method of Python's pools is here, and some that users write themselves;
//! * [`servers`]: full queues, counts, draining, async; from `threadpool`, `rayon`,
//!   `scoped_threadpool`;
//! * [`firmware`]: a static pool, interrupts, a main loop; from FreeRTOS queues and tasks;
//! * [`sizes`]: bytes of pools, jobs and stacks;
//! * [`faq`]: what users of other pools ask.

// Doc tests without `std` leave out what is about threads.
#[cfg(any(not(doctest), feature = "std"))]
#[doc = include_str!("../docs/guide/python.md")]
pub mod python {}

#[cfg(any(not(doctest), feature = "std"))]
#[doc = include_str!("../docs/guide/servers.md")]
pub mod servers {}

#[doc = include_str!("../docs/guide/firmware.md")]
pub mod firmware {}

#[cfg(any(not(doctest), feature = "std"))]
#[doc = include_str!("../docs/guide/sizes.md")]
pub mod sizes {}

#[cfg(any(not(doctest), feature = "std"))]
#[doc = include_str!("../docs/guide/faq.md")]
pub mod faq {}
