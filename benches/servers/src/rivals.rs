//! The same loop and the same handlers on each executor; and a thread a connection.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::thread::{self, Builder};
use std::time::Duration;

use clap::ValueEnum;
use crossbeam_channel::{TrySendError, bounded};
use ringpool::{Job, Platform, Pool, Spin, ThreadPool, Threads};

use crate::event_loop::{EventLoop, Server};
use crate::handlers::{self, Call};
use crate::http::{Connection, Request, Response};

const WORKERS: usize = 2;
const QUEUE: usize = 64;
const CONNECTIONS: usize = 1024;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Executor {
    Ringpool,
    Channel,
    Threadpool,
    Rayon,
    Threads,
    TwoPools,
    OnePool,
}

impl Executor {
    pub fn title(self) -> &'static str {
        match self {
            Self::Ringpool => "ringpool",
            Self::Channel => "crossbeam channel, bounded",
            Self::Threadpool => "threadpool",
            Self::Rayon => "rayon::spawn",
            Self::Threads => "a thread a connection",
            Self::TwoPools => "ringpool, two pools",
            Self::OnePool => "ringpool, one pool",
        }
    }
}

/// Without workers: images are computed by their callers, whatever the executor.
static ALONE: Pool<2> = Pool::new(Spin::new());

fn response(request: &Request) -> Response {
    response_with(&ALONE, request)
}

/// Images by `map` on `pool`.
fn response_with<const N: usize, P: Platform>(pool: &Pool<N, P>, request: &Request) -> Response {
    match request.call {
        Call::Mandelbrot(view) => handlers::mandelbrot(pool, view),
        _ => handlers::sha256(request.body()),
    }
}

fn serve_one(request: Request) {
    let response = response(&request);
    request.answer(response);
}

struct Serve(Request);

impl Job for Serve {
    fn run(self) {
        serve_one(self.0);
    }
}

/// With images by `map`.
struct ServeWith {
    request: Request,
    images: &'static Pool<QUEUE, Threads>,
}

impl Job for ServeWith {
    fn run(self) {
        let response = response_with(self.images, &self.request);
        self.request.answer(response);
    }
}

fn busy(request: Request) -> (Request, Response) {
    let response = Response::error("503 Service Unavailable", "Retry-After: 1\r\n");
    (request, response)
}

pub fn serve(executor: Executor) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let server: &Server = Box::leak(Box::new(Server::new()?));
    match executor {
        Executor::Ringpool => {
            let pool = ThreadPool::<QUEUE>::with_workers(WORKERS)?;
            run(server, listener, |request| {
                let result = pool.execute(Serve(request));
                result.map_err(|rejected| busy(rejected.into_inner().0))
            })
        }
        Executor::Channel => {
            let (sender, receiver) = bounded::<Request>(QUEUE);
            for _ in 0..WORKERS {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.iter().for_each(serve_one));
            }
            run(server, listener, |request| {
                sender.try_send(request).map_err(|error| match error {
                    TrySendError::Full(request) | TrySendError::Disconnected(request) => {
                        busy(request)
                    }
                })
            })
        }
        Executor::Threadpool => {
            let pool = threadpool::ThreadPool::new(WORKERS);
            run(server, listener, |request| {
                pool.execute(|| serve_one(request));
                Ok(())
            })
        }
        Executor::Rayon => {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(WORKERS);
            let pool = builder.build().map_err(io::Error::other)?;
            run(server, listener, |request| {
                pool.spawn(|| serve_one(request));
                Ok(())
            })
        }
        Executor::TwoPools | Executor::OnePool => {
            let pool = || {
                ThreadPool::<QUEUE>::with_workers(WORKERS)
                    .map(Box::new)
                    .map(Box::leak)
            };
            let requests: &ThreadPool<QUEUE> = pool()?;
            let images = match executor {
                Executor::OnePool => requests,
                _ => pool()?,
            };
            run(server, listener, |request| {
                let pool = match request.call {
                    Call::Mandelbrot(_) => images,
                    _ => requests,
                };
                let result = pool.execute(ServeWith { request, images });
                result.map_err(|rejected| busy(rejected.into_inner().request))
            })
        }
        Executor::Threads => loop {
            let (stream, _) = listener.accept()?;
            let connection = Box::new(Connection::new(server, stream)?);
            Builder::new().spawn(move || converse(connection))?;
        },
    }
}

fn run(
    server: &'static Server,
    listener: TcpListener,
    dispatch: impl Fn(Request) -> Result<(), (Request, Response)>,
) -> io::Result<()> {
    let (signals, _sender) = UnixStream::pair()?;
    EventLoop::new(server, listener, &signals, CONNECTIONS, dispatch)?.run()
}

/// A thread for itself, which waits for the socket.
fn converse(mut connection: Box<Connection>) -> io::Result<()> {
    connection.stream.set_nonblocking(false)?;
    connection
        .stream
        .set_read_timeout(Some(Duration::from_secs(60)))?;
    while !connection.ended {
        connection.receive()?;
        if let Ok(Some(call)) = connection.parse() {
            let request = Request::new(connection, call);
            let response = response(&request);
            connection = request.answer_here(response);
            connection.send()?;
        }
    }
    Ok(())
}
