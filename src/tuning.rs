//! The constants that were measured and not derived. No proof rests on one of them.

/// A worker that looks less and less before it sleeps looks as long as it may once in so many
/// sleeps.
pub(crate) const SLEEPS_PER_TRY: u32 = 16;

/// So many jobs, each found within so many looks, are a stream; and so many have to come in a
/// pause.
pub(crate) const STREAM: u32 = 16;

/// How many times a worker relaxes before it looks at a stream again: some 2 us.
pub(crate) const STREAM_PAUSE: u32 = 64;

/// A spinning worker looks at the end of the pool once in so many looks: producers write that line.
pub(crate) const LOOKS_PER_END: u32 = 256;

/// A sleeper is woken for so many quanta of a map's work.
pub(crate) const QUANTA_PER_WAKE: usize = 8;

/// How many sleepers a participant of a map wakes at most before it takes a chunk.
pub(crate) const FAN_OUT: usize = 4;

/// How long a chunk of a map takes, by the measure of the participant that takes it.
pub(crate) const QUANTA_PER_CHUNK: usize = 4;

/// A batch or a chunk is so many times as long as the one before, at most.
pub(crate) const GROWTH: usize = 8;

/// A chunk is this part of what its lane has left, at most.
pub(crate) const LANE_SHARE: usize = 8;

/// Cheap elements are taken so many at a time, at least.
pub(crate) const CHEAP_CHUNK: usize = 16;
