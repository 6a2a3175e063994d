//! Work that waits: more workers than cores.
//!
//! In Python:
//!
//! ```python
//! with ThreadPoolExecutor(max_workers=32) as ex:
//!     pages = list(ex.map(download, urls))
//! ```

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use ringpool::ThreadPool;

/// How long a server takes to answer.
const LATENCY: Duration = Duration::from_millis(50);

/// Stands for a request: the thread waits, and the core is free.
fn download(url: &str) -> usize {
    thread::sleep(LATENCY);
    url.len()
}

/// What this process has used of the processor, in hundredths of a second (Linux).
fn cpu_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn main() -> std::io::Result<()> {
    // The caller waits for pages as well, so 31 workers make 32 requests at a time.
    let pool = ThreadPool::new(31)?;
    let urls: Vec<String> = (0..256).map(|n| format!("https://host/{n}")).collect();
    let mut sizes = vec![0; urls.len()];

    let start = Instant::now();
    pool.map(&urls, &mut sizes, |url| download(url));
    let elapsed = start.elapsed();

    let one_by_one = LATENCY * urls.len() as u32;
    println!(
        "{} pages in {elapsed:.1?}; one by one {one_by_one:.1?}",
        urls.len()
    );
    assert!(
        sizes
            .iter()
            .zip(&urls)
            .all(|(&size, url)| size == url.len())
    );
    assert!(elapsed < one_by_one / 4);

    // Workers that have nothing to do sleep: they cost memory, not time.
    thread::sleep(Duration::from_millis(10));
    if let Some(before) = cpu_time() {
        thread::sleep(Duration::from_millis(500));
        let used = cpu_time().unwrap_or(before) - before;
        println!("31 idle workers: {used} hundredths of a second of CPU time in half a second");
        assert!(used <= 5);
    }
    Ok(())
}
