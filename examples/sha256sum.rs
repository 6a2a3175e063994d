//! `sha256sum` on all cores: coreutils' lines in coreutils' order, and whole directories too.
//!
//! ```text
//! cargo run --release --features std --example sha256sum -- --demo
//! cargo run --release --features std --example sha256sum -- Cargo.toml src
//! ```
//!
//! The main thread finds files, gives each to the pool as a job, and prints what comes back, in order;
//! the pool's threads read and hash. At most [`WINDOW`] files are on their way, so memory is bounded.
//! The window slides: while one thread is busy with a huge file, the others hash what is behind it, other
//! huge files among that. (`map` in batches would be shorter, but a batch waits for its slowest file.)

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::iter;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringpool::ThreadPool;
use sha2::{Digest, Sha256};
use walkdir::{DirEntry, WalkDir};

/// Files on their way: waiting, being hashed, or hashed and not yet printed. The pool's ring has as many
/// slots.
const WINDOW: usize = 1024;

/// Bytes read at a time.
const BUFFER: usize = 64 * 1024;

/// How many files `--demo` makes.
const DEMO_FILES: u64 = 64;

/// Print SHA-256 checksums, computed in parallel.
///
/// The output is that of coreutils' sha256sum. A directory stands for the regular files in it and below,
/// in the order of `find DIR -type f | LC_ALL=C sort`.
#[derive(Parser)]
#[command(name = "sha256sum")]
struct Args {
    /// Files, directories, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    names: Vec<OsString>,

    /// How many threads hash [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,

    /// Say what the threads gained
    ///
    /// When the checksums are printed, the regular files among them are hashed four times more, now that
    /// the system has them in its cache (if they fit): by the threads, by one thread in a plain loop, by
    /// that again and by the threads again. The mean times go to standard error.
    #[arg(long)]
    stats: bool,

    /// Make files to hash, and say what the threads gain on them
    ///
    /// 64 files of MIB mebibytes together [default: 512], in a temporary directory. They are all zeroes, so
    /// most file systems keep no room for them. What is printed is what --stats prints.
    #[arg(
        long,
        value_name = "MIB",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "512",
        conflicts_with_all = ["names", "stats"]
    )]
    demo: Option<u32>,
}

/// A file, or a directory that cannot be read.
type Found = (PathBuf, io::Result<()>);

/// The same, and the checksum.
type Hashed = (PathBuf, io::Result<[u8; 32]>);

fn main() -> ExitCode {
    let args = Args::try_parse().unwrap_or_else(|error| {
        let _ = error.print();
        process::exit(error.use_stderr().into()) // 1 as coreutils; clap itself would take 2
    });
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // A reader that has closed the pipe does not want to hear of it.
            if error.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("sha256sum: write error: {}", reason(&error));
            }
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all could be hashed.
fn run(args: &Args) -> io::Result<bool> {
    let threads = match args.threads {
        Some(threads) => threads.get(),
        None => thread::available_parallelism().map_or(1, NonZero::get),
    };
    // Never dropped, as that would wait for the jobs in the ring: too long after a write error.
    let pool = Box::leak(Box::new(ThreadPool::new(threads).unwrap_or_else(|error| {
        eprintln!("sha256sum: {}", reason(&error));
        process::exit(1)
    })));

    if let Some(mebibytes) = args.demo {
        return demo(pool, threads, mebibytes).map(|()| true);
    }
    let bar = progress(&args.names, 1);
    let printed = print(hash_all(pool, find(&args.names), &bar), &bar);
    bar.finish_and_clear();
    let all_fine = printed?;

    if args.stats {
        stats(pool, threads, &args.names);
    }
    Ok(all_fine)
}

/// The files that `names` stand for.
fn find(names: &[OsString]) -> impl Iterator<Item = Found> {
    names
        .iter()
        .flat_map(|name| -> Box<dyn Iterator<Item = Found>> {
            let path = Path::new(name);
            if name == "-" || !path.is_dir() {
                return Box::new(iter::once((path.into(), Ok(()))));
            }
            let entries = WalkDir::new(path).sort_by(|a, b| sort_key(a).cmp(sort_key(b)));
            Box::new(entries.into_iter().filter_map(|entry| {
                match entry {
                    Ok(entry) if entry.file_type().is_file() => Some((entry.into_path(), Ok(()))),
                    Ok(_) => None,
                    Err(error) => Some((
                        error.path().unwrap_or(path).into(),
                        Err(error
                            .into_io_error()
                            .expect("no loops: links are not followed")),
                    )),
                }
            }))
        })
}

/// Sorts siblings as if by their files' paths: `a.c`, then what is in `a/`.
fn sort_key(entry: &DirEntry) -> impl Iterator<Item = &u8> {
    let slash: &[u8] = if entry.file_type().is_dir() {
        b"/"
    } else {
        b""
    };
    entry.file_name().as_encoded_bytes().iter().chain(slash)
}

/// Hashes `files` on the pool's threads. The checksums come in the order of the files.
fn hash_all(
    pool: &ThreadPool,
    files: impl Iterator<Item = Found>,
    bar: &Arc<ProgressBar>,
) -> impl Iterator<Item = Hashed> {
    let mut files = files.fuse();
    let mut window = VecDeque::with_capacity(WINDOW);
    iter::from_fn(move || {
        let room = WINDOW - window.len();
        window.extend(
            files
                .by_ref()
                .take(room)
                .map(|file| submit(pool, file, bar)),
        );
        let oldest: Receiver<Hashed> = window.pop_front()?;
        Some(oldest.recv().expect("jobs do not panic"))
    })
}

/// Has `file` hashed by some thread of the pool, which sends the checksum.
fn submit(pool: &ThreadPool, (path, found): Found, bar: &Arc<ProgressBar>) -> Receiver<Hashed> {
    let (sender, receiver) = mpsc::sync_channel(1);
    if let Err(error) = found {
        sender.send((path, Err(error))).expect("room for one");
        return receiver;
    }
    let (bar, is_stream) = (Arc::clone(bar), path.as_os_str() == "-");
    let job = move || {
        let hashed = hash(&path, &bar);
        let _ = sender.send((path, hashed)); // the receiver is gone if printing failed
    };
    if is_stream {
        job(); // if it is named twice, the first has all of it, as with coreutils
    } else if let Err(rejected) = pool.execute(job) {
        rejected.into_inner()(); // no slot is free after all: then here
    }
    receiver
}

fn hash(path: &Path, bar: &ProgressBar) -> io::Result<[u8; 32]> {
    thread_local! {
        static BYTES: RefCell<[u8; BUFFER]> = const { RefCell::new([0; BUFFER]) };
    }
    let mut file: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(path)?),
    };
    let mut hasher = Sha256::new();
    BYTES.with_borrow_mut(|bytes| {
        loop {
            match file.read(bytes) {
                Ok(0) => return Ok(hasher.finalize().into()),
                Ok(n) => {
                    hasher.update(&bytes[..n]);
                    bar.inc(n as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    })
}

/// Prints checksums, and on standard error what has none. Returns whether all have one.
fn print(files: impl Iterator<Item = Hashed>, bar: &ProgressBar) -> io::Result<bool> {
    let stdout = io::stdout();
    let at_once = stdout.is_terminal();
    let mut out = BufWriter::new(stdout.lock());
    let mut all_fine = true;
    for (path, hashed) in files {
        // What goes to a terminal goes above the bar.
        match hashed {
            Ok(digest) => {
                let line = line(&path, &digest);
                if at_once {
                    bar.suspend(|| out.write_all(&line).and_then(|()| out.flush()))?;
                } else {
                    out.write_all(&line)?;
                }
            }
            Err(error) => {
                all_fine = false;
                bar.suspend(|| eprintln!("sha256sum: {}: {}", quoted(&path), reason(&error)));
            }
        }
    }
    out.flush()?;
    Ok(all_fine)
}

/// The line for a file, as coreutils has it: it begins with a backslash if the name has escapes.
fn line(path: &Path, digest: &[u8; 32]) -> Vec<u8> {
    let name = path.as_os_str().as_encoded_bytes();
    let mut line = Vec::with_capacity(2 * digest.len() + name.len() + 4);
    if name.iter().any(|byte| b"\\\n\r".contains(byte)) {
        line.push(b'\\');
    }
    for byte in digest {
        write!(line, "{byte:02x}").expect("a Vec takes anything");
    }
    line.extend_from_slice(b"  ");
    for &byte in name {
        match byte {
            b'\\' => line.extend_from_slice(br"\\"),
            b'\n' => line.extend_from_slice(br"\n"),
            b'\r' => line.extend_from_slice(br"\r"),
            _ => line.push(byte),
        }
    }
    line.push(b'\n');
    line
}

/// A name for messages: in quotes and escaped unless it is plain.
fn quoted(path: &Path) -> String {
    match path.to_str() {
        Some(name)
            if !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "/._-+".contains(c)) =>
        {
            name.into()
        }
        _ => format!("{path:?}"),
    }
}

/// The system's message without Rust's "(os error 2)" behind it.
fn reason(error: &io::Error) -> String {
    let message = error.to_string();
    match message.split_once(" (os error") {
        Some((message, _)) => message.into(),
        None => message,
    }
}

/// A bar for the bytes of all files, `times` over. Hidden unless standard error is a terminal and there
/// is a size to show.
fn progress(names: &[OsString], times: u64) -> Arc<ProgressBar> {
    let style = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template(style).expect("a valid template"));
    if !bar.is_hidden() {
        let sizes = find(names).filter_map(|(path, _)| Some(fs::metadata(path).ok()?.len()));
        for size in sizes.filter(|&size| size != 0) {
            bar.inc_length(size * times);
        }
        if bar.length() == Some(0) {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.reset_eta();
    }
    Arc::new(bar)
}

/// Measures what the threads gain, and prints it on standard error.
fn stats(pool: &ThreadPool, threads: usize, names: &[OsString]) {
    let bar = progress(names, 4);
    let files = || find(names).filter(|(path, _)| path.as_os_str() != "-" && path.is_file());
    let threaded = || time(|| hash_all(pool, files(), &bar).count());
    let plain = || time(|| files().filter(|(path, _)| hash(path, &bar).is_ok()).count());

    let ((count, many), (_, one)) = (threaded(), plain());
    let ((_, one_again), (_, many_again)) = (plain(), threaded());
    let bytes = bar.position() / 4;
    bar.finish_and_clear();
    let many = (many + many_again).as_secs_f64() / 2.0;
    let one = (one + one_again).as_secs_f64() / 2.0;
    eprintln!(
        "{count} files, {bytes} bytes: {many:.3} s with {threads} threads, {one:.3} s with one; {:.2} times as fast",
        one / many,
    );
}

/// Measures what the threads gain on files that are made for it.
fn demo(pool: &ThreadPool, threads: usize, mebibytes: u32) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    for k in 0..DEMO_FILES {
        let file = File::create(directory.path().join(k.to_string()))?;
        file.set_len((u64::from(mebibytes) << 20) / DEMO_FILES)?;
    }
    stats(pool, threads, &[directory.path().into()]);
    Ok(())
}

fn time<R>(f: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    (f(), start.elapsed())
}
