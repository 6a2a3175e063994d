//! The pool: its public front.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::error::{Rejected, StartError};
use crate::job::Job;
use crate::map::Maps;
use crate::map::input::Input;
use crate::map::output::Output;
use crate::platform::Platform;
use crate::platform::spin::Spin;
use crate::queue::ring::Ring;
use crate::sleep::Sleep;
use crate::sync::const_fn;
#[cfg(feature = "std")]
use crate::sync::{AtomicUsize, Ordering};
use crate::worker::Worker;

/// A pool of workers around a ring of `CAPACITY` job slots.
///
/// * `CAPACITY`: how many jobs can be queued; a power of two, at least 2.
/// * `P`: how workers sleep and what time it is. [`Spin`] needs nothing and never sleeps.
/// * `WORDS`: how many machine words a job's captured values may take. The default, 6, makes a slot
///   of 64 bytes on 64-bit targets and of 32 bytes on 32-bit ones. A slot takes two words more, and
///   is aligned to two: so a job may capture a `u64` on 32-bit targets and a `u128` on 64-bit ones,
///   and an odd `WORDS` takes as much as the next even one. (With a `WORDS` of 2 on a 32-bit
///   target, a `u64` fills the slot, and a word beside it takes another two.)
///
/// A pool allocates nothing, ever, and can be a `static`. It has no threads of its own:
/// [`start`](Self::start) asks you for them. [`ThreadPool`](crate::ThreadPool) (feature `std`) is a
/// pool that does.
///
/// Dropping a pool drops the jobs that no worker has run; workers borrow the pool, so they are gone
/// by then.
///
/// # Examples
///
/// On scoped threads, with borrowed data:
///
/// ```
/// use ringpool::{Pool, Spin};
///
/// let pool: Pool<16> = Pool::new(Spin::new());
/// let words = ["ring", "slot", "job"];
/// let mut lengths = [0; 3];
/// std::thread::scope(|scope| {
///     pool.start(2, |worker| {
///         scope.spawn(move || worker.run());
///         Ok::<(), ()>(())
///     })
///     .unwrap();
///     pool.map(&words, &mut lengths, |word| word.len());
///     pool.close(); // workers leave, and the scope can end
/// });
/// assert_eq!(lengths, [4, 4, 3]);
/// ```
///
/// A function that takes any pool, a [`ThreadPool`](crate::ThreadPool) too:
///
/// ```
/// use ringpool::{Platform, Pool, Spin};
///
/// fn squares<const CAPACITY: usize, P: Platform, const WORDS: usize>(
///     pool: &Pool<CAPACITY, P, WORDS>,
///     numbers: &mut [u32],
/// ) {
///     pool.map(numbers, (), |n| *n *= *n);
/// }
///
/// let mut numbers = [1, 2, 3];
/// squares(&Pool::<16>::new(Spin::new()), &mut numbers);
/// assert_eq!(numbers, [1, 4, 9]);
///
/// # #[cfg(feature = "std")] {
/// let pool = ringpool::ThreadPool::new(2).unwrap();
/// squares(&pool, &mut numbers);
/// assert_eq!(numbers, [1, 16, 81]);
/// # }
/// ```
pub struct Pool<const CAPACITY: usize = 64, P: Platform = Spin, const WORDS: usize = 6> {
    pub(crate) ring: Ring<CAPACITY, WORDS>,
    pub(crate) sleep: Sleep<P>,
    pub(crate) maps: Maps,
    /// How many jobs have panicked. Nothing but a panic touches it.
    #[cfg(feature = "std")]
    panics: AtomicUsize,
}

// The RAM of a microcontroller: a slot is 32 bytes, and all else takes four of them.
#[cfg(all(target_arch = "arm", not(any(ringpool_loom, ringpool_shuttle))))]
static_assertions::const_assert!(size_of::<Pool<16>>() <= (16 + 4) * 32);

impl<const CAPACITY: usize, P: Platform, const WORDS: usize> Pool<CAPACITY, P, WORDS> {
    const_fn! {
        /// A pool without workers, which waits and wakes by means of `platform`.
        ///
        /// A `CAPACITY` that is not a power of two, or is less than 2, is a compile error:
        ///
        /// ```compile_fail
        /// static POOL: ringpool::Pool<3> = ringpool::Pool::new(ringpool::Spin::new());
        /// ```
        #[must_use]
        pub const fn new(platform: P) -> Self {
            Self {
                ring: Ring::new(),
                sleep: Sleep::new(platform),
                maps: Maps::new(),
                #[cfg(feature = "std")]
                panics: AtomicUsize::new(0),
            }
        }
    }

    /// Makes a pool in its place.
    ///
    /// # Safety
    ///
    /// `place` is valid for writes, and aligned.
    #[cfg(feature = "std")]
    #[allow(
        clippy::multiple_unsafe_ops_per_block,
        reason = "where a field is, and what is put there"
    )]
    pub(crate) unsafe fn init(place: *mut Self, platform: P) {
        // A field that is added to the pool has to be added here.
        let _ = |Self {
                     ring: _,
                     sleep: _,
                     maps: _,
                     panics: _,
                 }: &Self| ();
        // SAFETY: the caller's promise, for each field's place.
        unsafe {
            Ring::init(&raw mut (*place).ring);
            (&raw mut (*place).sleep).write(Sleep::new(platform));
            (&raw mut (*place).maps).write(Maps::new());
            (&raw mut (*place).panics).write(AtomicUsize::new(0));
        }
    }

    /// Adds `workers` workers, each started by `spawn`, the *spawn hook*: it gets a [`Worker`] and
    /// has to see to it that [`Worker::run`] or [`Worker::step`] is called.
    ///
    /// May be called again, to add more. A pool has at most 256 workers at a time on 64-bit
    /// targets, 32 on 32-bit ones. Zero workers are fine: `execute` queues, and `map` runs on
    /// its caller.
    ///
    /// # Errors
    ///
    /// When the hook fails, or there would be too many workers. Those that did start keep serving;
    /// the error says how many they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringpool::{Pool, Spin};
    ///
    /// static POOL: Pool = Pool::new(Spin::new());
    ///
    /// let mut free_cores = 1;
    /// let error = POOL
    ///     .start(2, |worker| {
    ///         if free_cores == 0 {
    ///             return Err("no core left");
    ///         }
    ///         free_cores -= 1;
    ///         std::thread::spawn(move || worker.run());
    ///         Ok(())
    ///     })
    ///     .unwrap_err();
    /// assert_eq!(error.started(), 1);
    /// assert_eq!(error.to_string(), "the spawn hook failed at worker 1 of 2: no core left");
    /// # POOL.close();
    /// ```
    pub fn start<'p, E>(
        &'p self,
        workers: usize,
        mut spawn: impl FnMut(Worker<'p>) -> Result<(), E>,
    ) -> Result<(), StartError<E>> {
        for started in 0..workers {
            let result = match self.sleep.claim_number() {
                Some(number) => spawn(Worker::new(self, number)).map_err(Some),
                None => Err(None),
            };
            result.map_err(|error| StartError::new(started, workers, error))?;
        }
        Ok(())
    }

    /// Runs `job` some time soon, on some worker.
    ///
    /// Never waits and allocates nothing, and takes no lock but what the platform's `unpark` takes
    /// to wake a sleeper: it may be called from a job, from within `map`, and from an interrupt
    /// handler if `unpark` may ([`Threads`](crate::Threads) says when its own may be called
    /// from a signal handler). Jobs are taken in the order in which they were queued.
    ///
    /// A job that panics does no harm to the pool (feature `std`); the panic hook prints it, and
    /// [`panics`](Self::panics) counts it. With `panic = "abort"` it ends the process, as any panic
    /// does.
    ///
    /// A job is a closure, or a [`Job`] of your own. One that takes more than `WORDS` machine
    /// words, or holds a value that is more aligned than two words, is a compile error. It says
    /// how large the job and the slot are, and what to do. `cargo build` and `cargo test` see
    /// it; `cargo check` does not, nor do editors that run it: the size of a generic function's
    /// job is known when code is made for it.
    ///
    /// ```compile_fail
    /// let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
    /// let array = [0u8; 1000];
    /// pool.execute(move || drop(array));
    /// ```
    ///
    /// Box it, where there is an allocator:
    ///
    /// ```
    /// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
    /// let array = [0u8; 1000];
    /// pool.execute(Box::new(move || drop(array))).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// When the ring is full or the pool is closed, with the job inside. *Full* is how the pool
    /// says that you are faster than the workers: run the job here, drop it, or try later.
    ///
    /// The ring looks full also while the slot that is next in turn is just being emptied.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringpool::{Pool, Spin};
    ///
    /// let pool: Pool<2> = Pool::new(Spin::new());
    /// pool.execute(|| ()).unwrap();
    /// pool.execute(|| ()).unwrap();
    /// if let Err(rejected) = pool.execute(|| println!("no room, so it runs here")) {
    ///     assert!(rejected.is_full());
    ///     let job = rejected.into_inner();
    ///     job();
    /// }
    /// ```
    #[inline]
    pub fn execute<J: Job>(&self, job: J) -> Result<(), Rejected<J>> {
        match self.ring.push(job) {
            Ok(()) => {
                self.sleep.notify(|| self.ring.len());
                Ok(())
            }
            Err((job, refusal)) => Err(Rejected::new(job, refusal)),
        }
    }

    /// Applies `f` to every element of `input`, in parallel, and puts the results into `output`, in
    /// the order of the input. Returns when all of it is done.
    ///
    /// [`Input`] and [`Output`] list what these can be. Elements and results may be borrowed. The
    /// caller works too, and alone if the work is too short to share or no worker is free: so `map`
    /// may be called from jobs and from within `map`, and works on a pool that has no workers
    /// or is closed.
    ///
    /// Elements are run in any order, by any number of threads. Nothing is promised about elements
    /// that wait for each other: `map(0..2, |_| barrier.wait())` may hang with any number of
    /// idle workers.
    ///
    /// It allocates nothing, unless `f` panics or a `Vec` by value has no room for the results.
    /// When it shares its work it takes about 5 KiB of the caller's stack on 64-bit targets,
    /// and less than 400 bytes on 32-bit ones; besides what `f` takes.
    ///
    /// # Panics
    ///
    /// * If the lengths of inputs and output differ; before any element is touched.
    /// * If `f` panics: the others stop, all leave, and the first panic goes on at the caller,
    ///   every input by value, every result, and a `Vec` for them, having been dropped once.
    ///   (Results that have replaced old ones in a borrowed output stay there.) Without the feature
    ///   `std`, a panic of `f` while the work is shared ends the program; so does each where panics
    ///   abort.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
    /// let xs = [1, 2, 3, 4];
    /// let mut ys = [0; 4];
    /// pool.map(&xs, &mut ys, |x| x * 2); // by reference
    /// assert_eq!(ys, [2, 4, 6, 8]);
    ///
    /// pool.map(0..4, &mut ys, |i| xs[i] + 1); // a range
    /// assert_eq!(ys, [2, 3, 4, 5]);
    ///
    /// pool.map(&mut ys, (), |y| *y += 1); // in place
    /// assert_eq!(ys, [3, 4, 5, 6]);
    ///
    /// pool.map((&xs, &mut ys), (), |(x, y)| *y += x); // in step
    /// assert_eq!(ys, [4, 6, 8, 10]);
    ///
    /// let names = [String::from("a"), String::from("b")]; // by value: items move into the function
    /// let mut greetings = [const { String::new() }; 2];
    /// pool.map(names, &mut greetings, |name| name + "!");
    /// assert_eq!(greetings, ["a!", "b!"]);
    /// ```
    ///
    /// With the feature `std`, results need no place beforehand:
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # let pool: ringpool::Pool = ringpool::Pool::new(ringpool::Spin::new());
    /// let squares = pool.map(0..4, Vec::new(), |k| k * k);
    /// assert_eq!(squares, [0, 1, 4, 9]);
    /// # }
    /// ```
    #[track_caller]
    pub fn map<I, O, R, F>(&self, input: I, output: O, f: F) -> O::Done
    where
        I: Input,
        O: Output<R>,
        F: Fn(I::Item) -> R + Sync,
    {
        self.maps.map(&self.sleep, input, output, f)
    }

    /// How many jobs can be queued: `CAPACITY`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        CAPACITY
    }

    /// How many jobs are queued; those that run are not among them.
    ///
    /// This and the other counts are snapshots for operators and metrics, made by relaxed loads:
    /// they may be out of date as they are returned, need not fit together, and order nothing.
    /// A count that is taken while a producer is between its claim of a slot and its
    /// publication includes that job.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.ring.len()
    }

    /// How many workers there are, whatever they do: they count from [`start`](Self::start)'s call
    /// of the spawn hook until the [`Worker`] is dropped. A snapshot, as
    /// [`queued`](Self::queued).
    ///
    /// # Examples
    ///
    /// Draining with a deadline, as when a server is told to stop:
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use ringpool::ThreadPool;
    /// use std::time::{Duration, Instant};
    ///
    /// let pool = ThreadPool::new(2).unwrap();
    /// pool.execute(|| println!("the last request")).unwrap();
    ///
    /// pool.close(); // from here on, `execute` hands jobs back
    /// let deadline = Instant::now() + Duration::from_secs(10);
    /// while pool.workers() != 0 && Instant::now() < deadline {
    ///     std::thread::sleep(Duration::from_millis(5));
    /// }
    /// if pool.workers() != 0 {
    ///     eprintln!("gave up: {} queued jobs are lost", pool.queued());
    ///     std::process::exit(1); // without dropping the pool, which would wait for its threads
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn workers(&self) -> usize {
        self.sleep.workers()
    }

    /// How many workers sleep, or are about to. A snapshot, as [`queued`](Self::queued).
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.sleep.sleepers()
    }

    /// How many jobs have panicked; each is counted when its panic has been printed and has ended.
    /// A snapshot, as [`queued`](Self::queued).
    #[cfg(feature = "std")]
    #[must_use]
    pub fn panics(&self) -> usize {
        // Relaxed: a snapshot.
        self.panics.load(Ordering::Relaxed)
    }

    #[cold]
    pub(crate) fn count_panic(&self) {
        // Relaxed: the number stands for itself.
        #[cfg(feature = "std")]
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes no new jobs from here on: `execute` hands them back. Those that are queued still run;
    /// then the workers leave. `map` goes on working.
    pub fn close(&self) {
        self.ring.close();
        self.sleep.wake_all();
    }
}

// A panic leaves the pool as it was: one of a job goes no further than its worker, by when the
// job's slot is free; one in `map` has let go of its team. Platforms' hooks do not panic. (Without
// `std`, a worker that a job's panic unwinds is counted as busy until it is dropped.)
impl<const CAPACITY: usize, P: Platform, const WORDS: usize> UnwindSafe
    for Pool<CAPACITY, P, WORDS>
{
}

impl<const CAPACITY: usize, P: Platform, const WORDS: usize> RefUnwindSafe
    for Pool<CAPACITY, P, WORDS>
{
}

impl<const CAPACITY: usize, P: Platform, const WORDS: usize> fmt::Debug
    for Pool<CAPACITY, P, WORDS>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pool = f.debug_struct("Pool");
        pool.field("capacity", &CAPACITY)
            .field("queued", &self.queued())
            .field("closed", &self.ring.is_closed())
            .field("workers", &self.workers())
            .field("sleepers", &self.sleepers());
        #[cfg(feature = "std")]
        pool.field("panics", &self.panics());
        pool.finish()
    }
}
