//! An HTTP/1.1 server: a job for each *request*, not for each connection; a full queue says so to
//! the client; it stops when told to, and finishes what it has accepted.
//!
//! ```text
//! cargo run --release --features std --example server
//! curl --data-binary @Cargo.toml localhost:8080/sha256
//! curl -o image.png 'localhost:8080/mandelbrot.png?width=800&height=600'
//! curl localhost:8080/metrics
//! ```
//!
//! `docs/servers.md` has the reasons, and measurements.

mod event_loop;
mod handlers;
mod http;

use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use clap::Parser;
use ringpool::{Job, Rejected, ThreadPool, Threads};
use signal_hook::consts::{SIGINT, SIGTERM};

use event_loop::{EventLoop, Server};
use handlers::Call;
use http::{Request, Response};

/// How many requests may wait. The last of them waits for `QUEUE / workers` others.
const QUEUE: usize = 64;
const IMAGE_QUEUE: usize = 4;

#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Workers for short requests [default: one a core]
    #[arg(long)]
    workers: Option<usize>,
    /// Workers for images [default: one a core]
    #[arg(long)]
    image_workers: Option<usize>,
    /// Open connections; more wait in the kernel
    #[arg(long, default_value_t = 512)]
    connections: usize,
    /// Seconds to finish what was accepted, after SIGTERM or SIGINT
    #[arg(long, default_value_t = 10.0)]
    drain: f64,
}

/// Two pools. A `map` takes all workers of its pool for as long as it takes, a hundred times longer
/// than a hash: on one pool, hashes would wait behind images. On two, the kernel shares out the
/// cores, and each kind has a queue of its own: it is images that are refused when there are too
/// many of them.
struct App {
    requests: ThreadPool<QUEUE>,
    images: ThreadPool<IMAGE_QUEUE>,
    accepted: AtomicUsize,
    rejected: AtomicUsize,
}

/// A request with what it takes to answer it. The connection is behind a box, so it is five words
/// of the six that a slot holds.
struct AppJob {
    request: Request,
    app: &'static App,
}

impl Job for AppJob {
    fn run(self) {
        let response = match self.request.call {
            Call::Mandelbrot(view) => handlers::mandelbrot(&self.app.images, view),
            _ => handlers::sha256(self.request.body()),
        };
        self.request.answer(response);
    }
}

impl App {
    fn dispatch(
        &'static self,
        server: &Server,
        request: Request,
    ) -> Result<(), (Request, Response)> {
        let call = request.call;
        let job = AppJob { request, app: self };
        let result = match call {
            Call::Sha256 => self.requests.execute(job),
            Call::Mandelbrot(_) => self.images.execute(job),
            // Answered by the loop itself: they are wanted most when the queues are full.
            Call::Metrics => {
                let text = self.metrics(server).into_bytes();
                return Err((job.request, Response::ok("text/plain; version=0.0.4", text)));
            }
        };
        let count = if result.is_ok() {
            &self.accepted
        } else {
            &self.rejected
        };
        count.fetch_add(1, Relaxed);
        result.map_err(|rejected: Rejected<AppJob>| {
            let response = Response::error("503 Service Unavailable", "Retry-After: 1\r\n");
            (rejected.into_inner().request, response)
        })
    }

    /// In Prometheus' text format.
    fn metrics(&self, server: &Server) -> String {
        let mut text = String::new();
        for (name, kind, value) in [
            ("accepted_total", "counter", &self.accepted),
            ("rejected_total", "counter", &self.rejected),
            ("refused_total", "counter", &server.refused),
            ("connections", "gauge", &server.connections),
        ] {
            let value = value.load(Relaxed);
            let _ = writeln!(text, "# TYPE server_{name} {kind}\nserver_{name} {value}");
        }
        let (requests, images) = (&*self.requests, &*self.images);
        for (name, kind, [request, image]) in [
            (
                "capacity",
                "gauge",
                [requests.capacity(), images.capacity()],
            ),
            ("queued", "gauge", [requests.queued(), images.queued()]),
            ("workers", "gauge", [requests.workers(), images.workers()]),
            (
                "sleepers",
                "gauge",
                [requests.sleepers(), images.sleepers()],
            ),
            (
                "panics_total",
                "counter",
                [requests.panics(), images.panics()],
            ),
        ] {
            let _ = writeln!(text, "# TYPE pool_{name} {kind}");
            let _ = writeln!(text, "pool_{name}{{pool=\"requests\"}} {request}");
            let _ = writeln!(text, "pool_{name}{{pool=\"images\"}} {image}");
        }
        text
    }
}

/// Names that tell the pools apart in `top -H`.
fn pool<const N: usize>(name: &str, workers: usize) -> io::Result<ThreadPool<N>> {
    ThreadPool::with_spawn(Threads::new(), workers, |k, body| {
        Builder::new().name(format!("{name}-{k}")).spawn(body)
    })
}

fn main() -> io::Result<ExitCode> {
    let args = Args::parse();
    let (signals, on_signal) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(SIGTERM, on_signal.try_clone()?)?;
    signal_hook::low_level::pipe::register(SIGINT, on_signal)?;

    let cores = thread::available_parallelism()?.get();
    let server: &Server = Box::leak(Box::new(Server::new()?));
    let app: &App = Box::leak(Box::new(App {
        requests: pool("request", args.workers.unwrap_or(cores))?,
        images: pool("image", args.image_workers.unwrap_or(cores))?,
        accepted: AtomicUsize::new(0),
        rejected: AtomicUsize::new(0),
    }));

    let listener = TcpListener::bind(args.listen)?;
    println!("listening on {}", listener.local_addr()?);
    let dispatch = |request| app.dispatch(server, request);
    let mut event_loop = EventLoop::new(server, listener, &signals, args.connections, dispatch)?;
    event_loop.run()?;

    // From here on, `execute` hands requests back, and they are answered with 503.
    app.requests.close();
    app.images.close();
    let deadline = Instant::now() + Duration::from_secs_f64(args.drain);
    let done = || app.requests.workers() == 0 && app.images.workers() == 0;
    let drained = event_loop.drain(done, deadline)?;
    print!("{}", app.metrics(server));
    if !drained {
        eprintln!(
            "gave up: {} requests are lost",
            app.requests.queued() + app.images.queued()
        );
        return Ok(ExitCode::FAILURE); // ends the process, and the workers with it
    }
    Ok(ExitCode::SUCCESS)
}
