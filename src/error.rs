//! What can go wrong: a job that was not taken, workers that were not started.

use core::fmt;

use crate::platform::MAX_WORKERS;
use crate::queue::ring::Refusal;

/// A job that [`execute`](crate::Pool::execute) did not take, because the ring is full or the pool
/// is closed.
#[must_use = "the job inside was not run"]
pub struct Rejected<J> {
    job: J,
    refusal: Refusal,
}

impl<J> Rejected<J> {
    pub(crate) fn new(job: J, refusal: Refusal) -> Self {
        Self { job, refusal }
    }

    /// The job, as it was.
    #[must_use = "the job inside was not run"]
    pub fn into_inner(self) -> J {
        self.job
    }

    /// There was no room. There may be, later.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.refusal == Refusal::Full
    }

    /// The pool takes no more jobs, now or later.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.refusal == Refusal::Closed
    }
}

impl<J> fmt::Debug for Rejected<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("reason", &self.refusal)
            .finish_non_exhaustive()
    }
}

impl<J> fmt::Display for Rejected<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.refusal {
            Refusal::Full => "the pool's ring is full",
            Refusal::Closed => "the pool is closed",
        })
    }
}

impl<J> core::error::Error for Rejected<J> {}

#[cfg(feature = "defmt")]
impl<J> defmt::Format for Rejected<J> {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self.refusal {
            Refusal::Full => defmt::write!(f, "the pool's ring is full"),
            Refusal::Closed => defmt::write!(f, "the pool is closed"),
        }
    }
}

/// Not all workers were started: [`Pool::start`](crate::Pool::start)'s error.
#[derive(Debug)]
pub struct StartError<E> {
    started: usize,
    wanted: usize,
    error: Option<E>,
}

impl<E> StartError<E> {
    /// How many workers were started before this happened.
    #[must_use]
    pub fn started(&self) -> usize {
        self.started
    }

    pub(crate) fn new(started: usize, wanted: usize, error: Option<E>) -> Self {
        Self {
            started,
            wanted,
            error,
        }
    }

    /// What the spawn hook said; `None` if it was not asked because the pool has no room for more
    /// workers.
    pub fn into_inner(self) -> Option<E> {
        self.error
    }
}

impl<E: fmt::Display> fmt::Display for StartError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            started, wanted, ..
        } = self;
        match &self.error {
            Some(error) => write!(
                f,
                "the spawn hook failed at worker {started} of {wanted}: {error}"
            ),
            None => write!(
                f,
                "no room for worker {started} of {wanted}: a pool has {MAX_WORKERS} workers at most"
            ),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for StartError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.as_ref().map(|error| error as _)
    }
}

#[cfg(feature = "defmt")]
impl<E: defmt::Format> defmt::Format for StartError<E> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let Self {
            started, wanted, ..
        } = self;
        match &self.error {
            Some(error) => defmt::write!(
                f,
                "the spawn hook failed at worker {=usize} of {=usize}: {}",
                started,
                wanted,
                error
            ),
            None => defmt::write!(
                f,
                "no room for worker {=usize} of {=usize}: a pool has {=usize} workers at most",
                started,
                wanted,
                MAX_WORKERS
            ),
        }
    }
}
