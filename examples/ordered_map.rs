//! A map whose results come in order, and what becomes of errors.
//!
//! In Python:
//!
//! ```python
//! with ThreadPoolExecutor(max_workers=4) as ex:
//!     for line in ex.map(task, range(10)):   # in order; an exception is raised again here
//!         print(line)
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use ringpool::ThreadPool;

fn task(n: usize) -> String {
    thread::sleep(Duration::from_millis(5));
    format!("task {n} on {}", thread::current().name().unwrap_or("?"))
}

fn main() -> std::io::Result<()> {
    let pool = ThreadPool::new(4)?;

    // Results go where you say: the output is there before the call, and nothing is allocated for it.
    // The caller works too. Tasks of a few nanoseconds would all stay with it: sharing them takes longer.
    let mut lines = vec![String::new(); 10];
    pool.map(0..10, &mut lines, task);
    for (n, line) in lines.iter().enumerate() {
        println!("{line}");
        assert!(line.starts_with(&format!("task {n} ")));
    }

    // Errors as values: let the result be a `Result`. Borrowed data is fine: `map` returns when all is done.
    let texts = ["1", "2", "three", "4"];
    let mut numbers = vec![Ok(0); texts.len()];
    pool.map(&texts, &mut numbers, |text| text.parse::<u32>());
    println!("{numbers:?}");
    assert_eq!(numbers[3], Ok(4));
    let all: Result<Vec<u32>, _> = numbers.into_iter().collect();
    assert_eq!(
        all.unwrap_err().to_string(),
        "invalid digit found in string"
    );

    // A panic goes on at the caller, when every thread has left the map.
    let panic = catch_unwind(AssertUnwindSafe(|| {
        pool.map(0..10, (), |n| assert!(n != 7, "seven is not allowed"));
    }))
    .unwrap_err();
    println!("caught: {:?}", panic.downcast_ref::<&str>());
    assert_eq!(panic.downcast_ref(), Some(&"seven is not allowed"));

    // And the pool is as good as before.
    pool.map(0..10, &mut lines, |n| "#".repeat(n));
    assert_eq!(lines[9], "#########");
    Ok(())
}
