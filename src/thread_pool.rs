//! Worker threads from the standard library.

use std::boxed::Box;
use std::fmt;
use std::format;
use std::io;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::vec::Vec;

use crate::error::StartError;
use crate::platform::MAX_WORKERS;
use crate::platform::threads::Threads;
use crate::pool::Pool;
use crate::unwind;
use crate::worker::Serve;

/// A pool that has its own threads.
///
/// It dereferences to [`Pool`], which has `execute`, `map` and `close`. Dropping it closes it, runs
/// the queued jobs to the end and joins the threads, like the end of Python's `with
/// ThreadPoolExecutor(…)`. Dropped by one of its own jobs, it does not wait: the threads finish the
/// queue and end by themselves. (Two pools that are each dropped by a job of the other wait for
/// each other for ever, as two threads do that join each other.)
///
/// A process that forks has no workers in its child: `map` runs on its caller there, and jobs wait.
/// Dropping the pool there would join threads that are gone, which panics or worse: leave by `exec`
/// or `_exit`, or [`forget`](std::mem::forget) it.
///
/// With 0 threads, `map` runs on its caller, and queued jobs wait for a [`Worker`](crate::Worker)
/// of [`Pool::start`]; those that are left at the end are dropped.
///
/// # Examples
///
/// ```
/// use ringpool::ThreadPool;
///
/// let pool = ThreadPool::new(4)?;
/// let mut squares = vec![0; 1000];
/// pool.map(0..1000, &mut squares, |i| i * i);
/// assert_eq!(squares[999], 998_001);
///
/// pool.execute(|| println!("on some thread")).expect("room for a job");
/// # std::io::Result::Ok(())
/// ```
///
/// With the rest of what there is to choose (4096 slots, threads with names, small stacks and an
/// affinity, and no spinning before they sleep):
///
/// ```
/// # fn pin_to_core(_: usize) {}
/// use ringpool::{ThreadPool, Threads};
/// use std::thread::Builder;
///
/// let platform = Threads::new().with_spins(0);
/// let pool = ThreadPool::<4096>::with_spawn(platform, 2, |k, body| {
///     let builder = Builder::new().name(format!("codec-{k}")).stack_size(64 * 1024);
///     builder.spawn(move || {
///         pin_to_core(k);
///         body()
///     })
/// })?;
/// # drop(pool);
/// # std::io::Result::Ok(())
/// ```
pub struct ThreadPool<const CAPACITY: usize = 1024, const WORDS: usize = 6> {
    pool: Arc<Pool<CAPACITY, Threads, WORDS>>,
    threads: Vec<JoinHandle<()>>,
}

impl ThreadPool {
    /// A pool of `workers` threads, called `ringpool-0` and so on, with 1024 job slots.
    ///
    /// How many? For work that computes, [`std::thread::available_parallelism`]; one less if there
    /// is only `map`, whose caller works too. (That may be none, and then no worker runs what
    /// `execute` queues.) For work that waits (files, sockets), as many as are to wait at a
    /// time.
    ///
    /// # Errors
    ///
    /// If a thread cannot be started; those that were are joined. If `workers` is more than 256
    /// (32 on 32-bit targets): [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub fn new(workers: usize) -> io::Result<Self> {
        Self::with_workers(workers)
    }
}

impl<const CAPACITY: usize, const WORDS: usize> ThreadPool<CAPACITY, WORDS> {
    /// A pool of any capacity, else as [`new`](ThreadPool::new).
    ///
    /// ```
    /// use ringpool::ThreadPool;
    ///
    /// let pool = ThreadPool::<4096>::with_workers(4)?; // 4096 job slots
    /// assert_eq!(pool.capacity(), 4096);
    ///
    /// let roomy = ThreadPool::<64, 14>::with_workers(1)?; // a job may take 14 words
    /// let array = [1u64; 13];
    /// roomy.execute(move || println!("{}", array.len())).unwrap();
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`new`](ThreadPool::new).
    pub fn with_workers(workers: usize) -> io::Result<Self> {
        Self::with_spawn(Threads::new(), workers, |k, body| {
            thread::Builder::new()
                .name(format!("ringpool-{k}"))
                .spawn(body)
        })
    }

    /// A pool of `workers` threads that `spawn` starts: it gets a thread's number, from 0, and its
    /// body, for [`std::thread::Builder::spawn`] or the like.
    ///
    /// # Errors
    ///
    /// As for [`new`](ThreadPool::new). The error of `spawn` is inside a [`StartError`] inside the
    /// [`io::Error`], whose kind is that of the former.
    pub fn with_spawn(
        platform: Threads,
        workers: usize,
        mut spawn: impl FnMut(usize, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>,
    ) -> io::Result<Self> {
        if workers > MAX_WORKERS {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{workers} threads: a pool has {MAX_WORKERS} workers at most"),
            ));
        }
        // If this function fails, dropping `this` joins the threads that were started.
        let mut this = Self {
            pool: on_the_heap(platform),
            threads: Vec::with_capacity(workers),
        };
        for started in 0..workers {
            let pool = Arc::clone(&this.pool);
            let number = pool
                .sleep
                .claim_number()
                .expect("a new pool has room for that many");
            let worker = OwnedWorker { number, pool };
            match spawn(started, Box::new(move || worker.run())) {
                Ok(thread) => this.threads.push(thread),
                Err(error) => {
                    let kind = error.kind();
                    return Err(io::Error::new(
                        kind,
                        StartError::new(started, workers, Some(error)),
                    ));
                }
            }
        }
        Ok(this)
    }
}

impl<const CAPACITY: usize, const WORDS: usize> Deref for ThreadPool<CAPACITY, WORDS> {
    type Target = Pool<CAPACITY, Threads, WORDS>;

    fn deref(&self) -> &Self::Target {
        &self.pool
    }
}

impl<const CAPACITY: usize, const WORDS: usize> Drop for ThreadPool<CAPACITY, WORDS> {
    fn drop(&mut self) {
        self.pool.close();
        let own = thread::current().id();
        if self
            .threads
            .iter()
            .any(|thread| thread.thread().id() == own)
        {
            return;
        }
        for thread in self.threads.drain(..) {
            // Jobs' panics do not get here. What the spawn hook's own code did, the panic hook has
            // said.
            if let Err(payload) = thread.join() {
                unwind::discard(payload);
            }
        }
    }
}

// As for `Pool`; what is here besides, the handles of the threads, is touched at the end only.
impl<const CAPACITY: usize, const WORDS: usize> UnwindSafe for ThreadPool<CAPACITY, WORDS> {}

impl<const CAPACITY: usize, const WORDS: usize> RefUnwindSafe for ThreadPool<CAPACITY, WORDS> {}

impl<const CAPACITY: usize, const WORDS: usize> fmt::Debug for ThreadPool<CAPACITY, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("threads", &self.threads.len())
            .field("pool", &**self)
            .finish()
    }
}

/// A new pool, built where it stays: a ring of any capacity does not fit on a stack.
fn on_the_heap<const CAPACITY: usize, const WORDS: usize>(
    platform: Threads,
) -> Arc<Pool<CAPACITY, Threads, WORDS>> {
    let mut pool = Arc::<Pool<CAPACITY, Threads, WORDS>>::new_uninit();
    let place = Arc::get_mut(&mut pool).expect("it is new").as_mut_ptr();
    // SAFETY: the place is this function's own.
    unsafe { Pool::init(place, platform) };
    // SAFETY: `init` has initialised it.
    unsafe { pool.assume_init() }
}

/// A worker with its share in the pool. The thread that ends last frees the pool: no thread needs
/// to join another for that to be sound.
struct OwnedWorker<const CAPACITY: usize, const WORDS: usize> {
    number: usize,
    pool: Arc<Pool<CAPACITY, Threads, WORDS>>,
}

impl<const CAPACITY: usize, const WORDS: usize> OwnedWorker<CAPACITY, WORDS> {
    fn run(self) {
        self.pool.serve(self.number);
    }
}

impl<const CAPACITY: usize, const WORDS: usize> Drop for OwnedWorker<CAPACITY, WORDS> {
    fn drop(&mut self) {
        self.pool.release_number(self.number);
    }
}
