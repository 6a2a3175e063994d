//! State that many jobs change.
//!
//! In Python a lock is a habit, and nobody notices if it is forgotten:
//!
//! ```python
//! lock, count, seen = Lock(), 0, {}
//! def task(word):
//!     global count
//!     with lock:
//!         count += 1
//!         seen[word] = seen.get(word, 0) + 1
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ringpool::ThreadPool;

const TEXT: &str = "the ring has a head and a tail and the head follows the tail around the ring";

fn main() -> std::io::Result<()> {
    let pool = ThreadPool::new(4)?;
    let words: Vec<&str> = TEXT.split(' ').collect();

    // Inside `map`, jobs borrow what they share. A number is an atomic, the rest lies in its lock: there
    // is no way to it but through the lock.
    let count = AtomicUsize::new(0);
    let seen = Mutex::new(BTreeMap::new());
    pool.map(&words, (), |&word| {
        count.fetch_add(1, Ordering::Relaxed);
        *seen.lock().unwrap().entry(word).or_insert(0) += 1;
    });
    let seen = seen.into_inner().unwrap();
    println!("{} words: {seen:?}", count.load(Ordering::Relaxed));
    assert_eq!(count.into_inner(), words.len());
    assert_eq!(seen["the"], 4);

    // This does not compile (E0594: cannot assign to `count`, as it is a captured variable in a `Fn` closure):
    //
    //     let mut count = 0;
    //     pool.map(&words, (), |_| count += 1);
    //
    // Nor this (E0277: `Rc<RefCell<i32>>` cannot be sent between threads safely):
    //
    //     let count = Rc::new(RefCell::new(0));
    //     pool.execute(move || *count.borrow_mut() += 1);

    // Jobs of `execute` outlive the call, so they own what they share.
    let total = Arc::new(Mutex::new(0));
    for n in 1..=10 {
        let total = Arc::clone(&total);
        let job = move || *total.lock().unwrap() += n;
        if let Err(rejected) = pool.execute(job) {
            rejected.into_inner()(); // no room: here, then
        }
    }
    drop(pool); // waits for them
    println!("1 + ... + 10 = {}", total.lock().unwrap());
    assert_eq!(*total.lock().unwrap(), 55);

    // Best of all is nothing shared: each result in its own place, added up at the end.
    let pool = ThreadPool::new(4)?;
    let mut lengths = vec![0; words.len()];
    pool.map(&words, &mut lengths, |word| word.len());
    assert_eq!(lengths.iter().sum::<usize>() + words.len() - 1, TEXT.len());
    Ok(())
}
