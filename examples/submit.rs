//! Single jobs, and how their results come back.
//!
//! In Python:
//!
//! ```python
//! with ThreadPoolExecutor(max_workers=2) as ex:
//!     futures = {n: ex.submit(fibonacci, n) for n in (27, 28, 29, 30)}
//!     print(futures[30].result())            # waits for it
//! # shutdown(wait=True): all jobs are done here
//! ```

use std::fs;
use std::sync::{Arc, OnceLock, mpsc};

use ringpool::ThreadPool;

fn fibonacci(n: u32) -> u64 {
    if n < 2 {
        n.into()
    } else {
        fibonacci(n - 1) + fibonacci(n - 2)
    }
}

/// Queues a job. If there is no room, the caller runs it: the one who is too fast lends a hand.
fn submit(pool: &ThreadPool, job: impl FnOnce() + Send + 'static) {
    if let Err(rejected) = pool.execute(job) {
        let job = rejected.into_inner();
        job();
    }
}

fn main() -> std::io::Result<()> {
    let pool = ThreadPool::new(2)?;

    // A job returns nothing. Results come through what it captures; a channel for many of them.
    let (sender, results) = mpsc::channel();
    for n in [27, 28, 29, 30] {
        let sender = sender.clone();
        submit(&pool, move || {
            // Fails only if nobody wants the result any more.
            let _ = sender.send((n, fibonacci(n)));
        });
    }
    drop(sender); // the last job to end ends the loop below
    let mut got = 0;
    for (n, f) in results {
        println!("fibonacci({n}) = {f}");
        got += 1;
        assert!(n != 30 || f == 832_040);
    }
    assert_eq!(got, 4);

    // A job that panics drops its sender: whoever waits is told, and the worker lives on.
    let (sender, result) = mpsc::channel();
    submit(&pool, move || {
        let file = fs::metadata("no/such/file").expect("there should be a file");
        let _ = sender.send(file.len());
    });
    assert!(result.recv().is_err());
    println!("no result came back from the job that panicked");

    // For a single result, a slot. The end of the pool waits for all jobs.
    let slot = Arc::new(OnceLock::new());
    let answer = Arc::clone(&slot);
    submit(&pool, move || answer.set(fibonacci(20)).expect("set once"));
    drop(pool);
    println!("fibonacci(20) = {:?}", slot.get());
    assert_eq!(slot.get(), Some(&6765));
    Ok(())
}
