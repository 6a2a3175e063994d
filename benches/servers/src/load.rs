//! Open-loop load: requests are due at times drawn beforehand (Poisson), whatever the server does.
//! A request whose connections are all busy waits, and its latency counts from when it was due.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use polling::{Event, Events, PollMode, Poller};

use crate::rivals::Executor;

const CONNECTIONS: usize = 256;
/// How long the last answers may take, after the last request is due.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Load {
    /// Hashes of 4 KiB, far fewer than the server can take
    Light,
    /// Images, more than the server can take
    Beyond,
    /// Hashes of 4 KiB, which count, and a large image now and then, which does not
    Mixed,
}

impl Load {
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Beyond => "beyond",
            Self::Mixed => "mixed",
        }
    }

    /// Requests a second.
    pub fn rate(self) -> f64 {
        match self {
            Self::Light => 4000.0,
            Self::Beyond => 3000.0,
            Self::Mixed => 1000.0,
        }
    }

    pub fn executors(self) -> &'static [Executor] {
        let all = Executor::value_variants();
        let (plain, with_maps) = all.split_at(all.len() - 2);
        if self == Self::Mixed {
            with_maps
        } else {
            plain
        }
    }

    fn hash() -> Vec<u8> {
        let head = "POST /sha256 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4096\r\n\r\n";
        [head.as_bytes(), &[b'r'; 4096]].concat()
    }

    fn image(self) -> Vec<u8> {
        let size = if self == Self::Mixed {
            "width=800&height=600"
        } else {
            "width=64&height=48"
        };
        format!("GET /mandelbrot.png?{size} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
    }

    /// The share of images.
    fn images(self) -> f64 {
        match self {
            Self::Light => 0.0,
            Self::Beyond => 1.0,
            Self::Mixed => 0.005,
        }
    }

    /// Images are what counts if there is nothing else.
    fn counts(self, image: bool) -> bool {
        !image || self == Self::Beyond
    }
}

/// What became of the requests; times in ns.
#[derive(Default)]
pub struct Outcome {
    /// Latencies of those that were served.
    pub served: Vec<u64>,
    /// Latencies of those that were answered with 503.
    pub rejected: Vec<u64>,
    /// How many were served, those of the first eighth of the time included.
    pub served_in_all: usize,
    pub unanswered: usize,
}

struct Client {
    stream: TcpStream,
    due: Instant,
    image: bool,
    input: Vec<u8>,
}

impl Client {
    fn send(&mut self, request: &[u8], due: Instant) -> io::Result<()> {
        self.due = due;
        let mut sent = 0;
        while sent < request.len() {
            match self.stream.write(&request[sent..]) {
                Ok(length) => sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The status of the answer, when all of it is there.
    fn receive(&mut self) -> io::Result<Option<u16>> {
        let mut part = [0; 64 * 1024];
        match self.stream.read(&mut part) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => self.input.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut headers);
        let head = match response.parse(&self.input).map_err(io::Error::other)? {
            httparse::Status::Complete(head) => head,
            httparse::Status::Partial => return Ok(None),
        };
        let length = response.headers.iter().find(|h| h.name == "Content-Length");
        let length = length.and_then(|h| str::from_utf8(h.value).ok()?.parse::<usize>().ok());
        let whole = head + length.ok_or(ErrorKind::InvalidData)?;
        let status = response.code;
        if self.input.len() < whole {
            return Ok(None);
        }
        assert_eq!(self.input.len(), whole, "one answer to one request");
        self.input.clear();
        Ok(status)
    }
}

/// Loads the server at `port`. The first eighth of the time warms it up and is not counted.
pub fn load(load: Load, port: u16, rate: f64, seconds: f64, seed: u64) -> io::Result<Outcome> {
    // SAFETY: it sets a number of this thread.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000) };
    let poller = Poller::new()?;
    let mut clients = Vec::new();
    for key in 0..CONNECTIONS {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        // SAFETY: `clients` keeps the stream longer than `poller` is used.
        unsafe { poller.add_with_mode(&stream, Event::readable(key), PollMode::Level)? };
        clients.push(Client {
            stream,
            due: Instant::now(),
            image: false,
            input: Vec::new(),
        });
    }
    std::thread::sleep(Duration::from_millis(50)); // until the server has accepted all

    let mut random = fastrand::Rng::with_seed(seed);
    let mut kinds = fastrand::Rng::with_seed(!seed);
    let mut gap = || Duration::from_secs_f64(-(1.0 - random.f64()).ln() / rate);
    let requests = [Load::hash(), load.image()];
    let mut free: Vec<usize> = (0..CONNECTIONS).collect();
    let mut late = VecDeque::new();
    let mut events = Events::new();
    let start = Instant::now();
    let warm = start + Duration::from_secs_f64(seconds / 8.0);
    let end = start + Duration::from_secs_f64(seconds);
    let mut next = start + gap();
    let mut outcome = Outcome::default();
    loop {
        let now = Instant::now();
        while next <= now && next < end {
            late.push_back(next);
            next += gap();
        }
        while let (Some(&client), Some(&due)) = (free.last(), late.front()) {
            let image = kinds.f64() < load.images();
            clients[client].image = image;
            clients[client].send(&requests[usize::from(image)], due)?;
            free.pop();
            late.pop_front();
        }
        let timeout = match next < end {
            true => next.saturating_duration_since(Instant::now()),
            false if free.len() == CONNECTIONS || now > end + PATIENCE => break,
            false => Duration::from_millis(100),
        };
        events.clear();
        poller.wait(&mut events, Some(timeout))?;
        for event in events.iter() {
            let client = &mut clients[event.key];
            if let Some(status) = client.receive()? {
                free.push(event.key);
                let latency = client.due.elapsed().as_nanos() as u64;
                outcome.served_in_all += usize::from(status == 200);
                match status {
                    _ if client.due < warm || !load.counts(client.image) => {}
                    200 => outcome.served.push(latency),
                    503 => outcome.rejected.push(latency),
                    _ => return Err(io::Error::other(format!("status {status}"))),
                }
            }
        }
    }
    outcome.unanswered = late.len() + CONNECTIONS - free.len();
    for client in &clients {
        poller.delete(client.stream.as_fd())?;
    }
    Ok(outcome)
}
