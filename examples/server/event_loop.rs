//! One thread that waits for all sockets. It accepts, receives, and makes a job of each whole
//! request: so a connection that is kept alive takes no worker while it is idle, slow, or between
//! two requests.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use polling::{Event, Events, Poller};

use crate::http::{Connection, Phase, Request, Response};

const LISTENER: usize = 0;
const SIGNAL: usize = 1;

/// How often clients that take too long are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// While the server stops: clients that say nothing for so long have read their answers.
const SILENCE: Duration = Duration::from_millis(50);

/// What the loop's thread shares with the workers.
pub struct Server {
    poller: Poller,
    /// Connections that jobs have answered.
    #[expect(clippy::vec_box, reason = "that is how jobs and the loop hold them")]
    returned: Mutex<Vec<Box<Connection>>>,
    stopping: AtomicBool,
    /// Open connections.
    pub connections: AtomicUsize,
    /// Requests that the loop refused for what they are: 400, 404 and so on.
    pub refused: AtomicUsize,
}

impl Server {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            returned: Mutex::default(),
            stopping: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        })
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Gives a connection back to the loop, from a worker.
    pub fn give_back(&self, connection: Box<Connection>) {
        self.returned
            .lock()
            .expect("no panic inside")
            .push(connection);
        self.poller.notify().expect("the poller is there");
    }

    pub fn opened(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub fn closed(&self, stream: &TcpStream) {
        self.connections.fetch_sub(1, Relaxed);
        let _ = self.poller.delete(stream); // it fails for one that was never added
    }
}

/// The loop. `dispatch` gets every whole request: it has it answered by a job, or returns it with
/// an answer.
pub struct EventLoop<D> {
    server: &'static Server,
    dispatch: D,
    listener: Option<TcpListener>,
    /// The poller reports the listener; not while there are too many connections.
    armed: bool,
    max_connections: usize,
    /// Who waits for a socket.
    waiting: HashMap<usize, Box<Connection>>,
    next_key: usize,
    events: Events,
    swept: Instant,
}

impl<D: Fn(Request) -> Result<(), (Request, Response)>> EventLoop<D> {
    /// `signals` has a byte to read when the server has to stop.
    pub fn new(
        server: &'static Server,
        listener: TcpListener,
        signals: &UnixStream,
        max_connections: usize,
        dispatch: D,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        // SAFETY: `stop` deletes the listener before it drops it.
        unsafe { server.poller.add(&listener, Event::readable(LISTENER))? };
        // SAFETY: `main` keeps the socket until the process ends.
        unsafe { server.poller.add(signals, Event::readable(SIGNAL))? };
        Ok(Self {
            server,
            dispatch,
            listener: Some(listener),
            armed: true,
            max_connections,
            waiting: HashMap::new(),
            next_key: SIGNAL + 1,
            events: Events::new(),
            swept: Instant::now(),
        })
    }

    /// Serves until there is a signal.
    pub fn run(&mut self) -> io::Result<()> {
        while !self.server.is_stopping() {
            self.turn(SWEEP)?;
        }
        // Clients that the kernel has already let in are served, too.
        self.accept();
        if let Some(listener) = self.listener.take() {
            self.server.poller.delete(&listener)?;
        }
        Ok(())
    }

    /// After `run`: serves those who are connected until all jobs are `done` and all answers sent,
    /// or the deadline has come (`false`). Each answer now says `Connection: close`.
    pub fn drain(&mut self, done: impl Fn() -> bool, deadline: Instant) -> io::Result<bool> {
        let mut active = Instant::now();
        loop {
            if self.turn(Duration::from_millis(5))? {
                active = Instant::now();
            }
            let now = Instant::now();
            if done()
                && now >= active + SILENCE
                && self.waiting.values().all(|c| c.phase != Phase::Sending)
            {
                return Ok(true);
            }
            if now >= deadline {
                return Ok(false);
            }
        }
    }

    /// Waits for something to happen, and sees to it. `false`: nothing did.
    fn turn(&mut self, timeout: Duration) -> io::Result<bool> {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        match self.server.poller.wait(&mut events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in events.iter() {
            match event.key {
                LISTENER => self.accept(),
                SIGNAL => self.server.stopping.store(true, Relaxed),
                key => {
                    if let Some(connection) = self.waiting.remove(&key) {
                        self.hear(connection, event.readable);
                    }
                }
            }
        }
        let returned = std::mem::take(&mut *self.server.returned.lock().expect("no panic inside"));
        let idle = events.is_empty() && returned.is_empty();
        self.events = events;
        for connection in returned {
            let _ = self.advance(connection);
        }

        if self.swept.elapsed() >= SWEEP {
            self.swept = Instant::now();
            self.waiting
                .retain(|_, connection| connection.deadline > self.swept);
        }
        match &self.listener {
            Some(listener) if !self.armed && self.has_room() => {
                let what = Event::readable(LISTENER);
                self.server.poller.modify(listener, what)?;
                self.armed = true;
            }
            _ => {}
        }
        Ok(!idle)
    }

    fn has_room(&self) -> bool {
        self.server.connections.load(Relaxed) < self.max_connections
    }

    fn accept(&mut self) {
        self.armed = false; // the poller reports once
        while let (Some(listener), true) = (&self.listener, self.has_room()) {
            match listener.accept() {
                Ok((stream, _)) => {
                    let added = Connection::new(self.server, stream)
                        .and_then(|connection| self.add(Box::new(connection)));
                    if let Err(error) = added {
                        eprintln!("a connection is lost: {error}");
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    // Out of descriptors, mostly: a pause, or the loop would do nothing but this.
                    eprintln!("accept: {error}");
                    std::thread::sleep(Duration::from_millis(10));
                    break;
                }
            }
        }
    }

    fn add(&mut self, connection: Box<Connection>) -> io::Result<()> {
        // SAFETY: `Connection` deletes its stream, by `Server::closed`, before it drops it.
        unsafe {
            self.server
                .poller
                .add(&connection.stream, Event::readable(self.next_key))?
        };
        self.waiting.insert(self.next_key, connection);
        self.next_key += 1;
        Ok(())
    }

    /// Something happened on the socket. An error ends the connection, there is no more to do about
    /// it.
    fn hear(&mut self, mut connection: Box<Connection>, readable: bool) {
        if readable && connection.receive().is_err() {
            return;
        }
        let _ = match connection.phase {
            Phase::Closing if connection.ended => Ok(()),
            Phase::Closing => self.wait_for(connection, Event::readable),
            _ => self.advance(connection),
        };
    }

    /// Goes on with a connection until it has to wait: for its socket, or for a job.
    fn advance(&mut self, mut connection: Box<Connection>) -> io::Result<()> {
        loop {
            if !connection.send()? {
                return self.wait_for(connection, Event::writable);
            }
            if connection.finish()? {
                return self.wait_for(connection, Event::readable);
            }
            match connection.parse() {
                Ok(Some(call)) => match (self.dispatch)(Request::new(connection, call)) {
                    Ok(()) => return Ok(()),
                    Err((request, response)) => connection = request.answer_here(response),
                },
                Ok(None) if connection.ended => return Ok(()),
                Ok(None) => {
                    connection.rest();
                    return self.wait_for(connection, Event::readable);
                }
                Err(response) => {
                    self.server.refused.fetch_add(1, Relaxed);
                    connection.respond(response);
                }
            }
        }
    }

    fn wait_for(
        &mut self,
        connection: Box<Connection>,
        what: fn(usize) -> Event,
    ) -> io::Result<()> {
        self.server
            .poller
            .modify(&connection.stream, what(self.next_key))?;
        self.waiting.insert(self.next_key, connection);
        self.next_key += 1;
        Ok(())
    }
}
