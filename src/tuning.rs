//! The constants that were measured and not derived, with unit, value and what each buys. No proof
//! rests on one of them.
//!
//! Where nothing else is said they were measured on two cores of an AMD EPYC under Linux 6.18, in
//! interleaved processes (`benches/variants.sh`); `docs/design.md` has the figures.

/// Looks. A thread of `Threads` looks so often before it sleeps: some 10 us. A job every 5 us then
/// starts after 0.13 us; where the thread has to be woken, after 4 us.
#[cfg(feature = "std")]
pub(crate) const SPINS: u32 = 300;

/// Sleeps. Each sleep halves a worker's looks. Once in so many sleeps it gets the full number
/// again, to find out whether looking pays by now.
pub(crate) const SLEEPS_PER_TRY: u32 = 16;

/// Looks, times and jobs. 16 jobs in a row, each found within 16 looks, make a stream; it ends when
/// fewer than 16 come in a pause. A tiny job of one producer takes 11 ns so, else 38.
pub(crate) const STREAM: u32 = 16;

/// Pauses. A worker relaxes so often before it looks at a stream again: some 2 us. With 16 it gains
/// nothing.
pub(crate) const STREAM_PAUSE: u32 = 64;

/// Looks. A spinning worker looks at the end of the pool once in so many: producers write that
/// line.
pub(crate) const LOOKS_PER_END: u32 = 256;

/// Slots. A producer prefetches the slot so far ahead: up to 1.8 times as fast.
pub(crate) const PREFETCH_AHEAD: usize = 4;

/// Nanoseconds. The quantum of `Threads`: what it costs to wake a thread, at least.
#[cfg(feature = "std")]
pub(crate) const QUANTUM_NS: u64 = 2000;

/// Quanta. A sleeper is woken for so much work of a map by itself. With 8, one of 20 us takes 1.6
/// times as long as its loop where a wake-up costs 10 us.
pub(crate) const QUANTA_PER_WAKE: usize = 16;

/// Quanta. The same soon after another map. With 8, maps of 5 and 10 us in a row are 1.4 and 1.7
/// times slower.
pub(crate) const QUANTA_PER_WAKE_IN_A_ROW: usize = 2;

/// Workers. A participant of a map wakes so many before it takes a chunk: waking 250 takes the
/// logarithm of their number (counted, `docs/scaling.md`; on two cores it makes no difference).
pub(crate) const FAN_OUT: usize = 4;

/// Quanta. A chunk of a map takes so long, by its taker's own measure: taking one and reading the
/// clock costs 40 ns.
pub(crate) const QUANTA_PER_CHUNK: usize = 4;

/// A batch or a chunk is so many times as long as the one before, at most. With 2, a map of 16 384
/// trivial elements takes 1.14 times as long.
pub(crate) const GROWTH: usize = 8;

/// A chunk is this part of what its lane has left, at most. With 4 the same map is 6 % faster, and
/// one participant may have a quarter of a lane whose end is heavy.
pub(crate) const LANE_SHARE: usize = 8;

/// Elements. Cheap ones are taken so many at a time, at least.
pub(crate) const CHEAP_CHUNK: usize = 16;
