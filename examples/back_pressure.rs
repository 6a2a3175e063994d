//! A bounded queue: what to do when it is full, and how to wait for the end.
//!
//! In Python, the pool that everybody writes once:
//!
//! ```python
//! class Worker(Thread):
//!     def run(self):
//!         while True:
//!             func, args = self.tasks.get()
//!             try: func(*args)
//!             except Exception as e: print(e)
//!             finally: self.tasks.task_done()
//!
//! class ThreadPool:
//!     def __init__(self, n):
//!         self.tasks = Queue(8)
//!         for _ in range(n): Worker(self.tasks)
//!     def add_task(self, func, *args): self.tasks.put((func, args))   # waits while the queue is full
//!     def wait_completion(self): self.tasks.join()
//! ```

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Builder};
use std::time::Duration;

use ringpool::{ThreadPool, Threads};

static DONE: AtomicU32 = AtomicU32::new(0);

fn task() {
    thread::sleep(Duration::from_millis(2));
    DONE.fetch_add(1, Ordering::Relaxed);
}

/// Queues a job, and waits while there is no room, as Python's `Queue.put` does.
fn add_task<const N: usize>(pool: &ThreadPool<N>, mut job: impl FnOnce() + Send + 'static) {
    while let Err(rejected) = pool.execute(job) {
        assert!(rejected.is_full(), "nobody closed the pool");
        job = rejected.into_inner();
        thread::sleep(Duration::from_micros(100));
    }
}

fn main() -> std::io::Result<()> {
    // Two workers, and room for eight jobs that wait.
    let pool = ThreadPool::<8>::with_spawn(Threads::new(), 2, |k, body| {
        Builder::new().name(format!("worker-{k}")).spawn(body)
    })?;

    // Full is no error but news: you are faster than the workers. There are three answers to it.

    // 1. Shed: do without the job. Right for what will be stale anyway.
    let mut shed = 0;
    for _ in 0..100 {
        if pool.execute(task).is_err() {
            shed += 1;
        }
    }
    println!("of 100 jobs at once {shed} were shed");
    assert!(shed > 0);

    // 2. Run it here: the producer slows down to the pace of the whole.
    let mut here = 0;
    for _ in 0..100 {
        if let Err(rejected) = pool.execute(task) {
            here += 1;
            rejected.into_inner()();
        }
    }
    println!("of 100 jobs {here} ran on the producer");

    // 3. Wait for room.
    for _ in 0..100 {
        add_task(&pool, task);
    }
    // A job that panics takes no worker with it.
    add_task(&pool, || panic!("one job fails"));

    // wait_completion: the end of the pool runs what is queued and joins the threads.
    drop(pool);
    let done = DONE.load(Ordering::Relaxed);
    println!("{done} jobs done");
    assert_eq!(done, 300 - shed);
    Ok(())
}
