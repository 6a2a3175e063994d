//! Work that computes: threads that really run in parallel.
//!
//! In Python threads take turns at the interpreter, so this takes processes, which copy their arguments
//! and results:
//!
//! ```python
//! multiprocessing.pool.ThreadPool(n).map(is_prime, numbers)   # no faster than a loop
//! multiprocessing.Pool(n).map(is_prime, numbers)              # faster, with n processes
//! ```

use std::thread;
use std::time::Instant;

use ringpool::ThreadPool;

fn is_prime(n: usize) -> bool {
    n > 1 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)
}

fn main() -> std::io::Result<()> {
    const COUNT: usize = 1_000_000;
    let cores = thread::available_parallelism()?.get();
    // The thread that calls `map` works too: so one worker less than cores.
    let pool = ThreadPool::new(cores - 1)?;

    let start = Instant::now();
    let expected: Vec<bool> = (0..COUNT).map(is_prime).collect();
    let alone = start.elapsed();

    let mut primes = vec![false; COUNT];
    let start = Instant::now();
    pool.map(0..COUNT, &mut primes, is_prime);
    let together = start.elapsed();

    // Large numbers take longer than small ones. Nobody has to say so: whoever is done first takes more.
    assert_eq!(primes, expected);
    let found = primes.iter().filter(|&&prime| prime).count();
    assert_eq!(found, 78_498);
    println!("{found} primes below {COUNT}");
    println!("a loop {alone:.1?}, the pool on {cores} cores {together:.1?}");
    println!(
        "{:.2} times as fast",
        alone.as_secs_f64() / together.as_secs_f64()
    );
    Ok(())
}
