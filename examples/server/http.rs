//! A connection: bytes in, one request at a time, bytes out. Nothing here waits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::event_loop::Server;
use crate::handlers::{Call, route};

/// Bounds of what one request may take, in bytes. A connection holds one and a read more at most.
const MAX_HEAD: usize = 8 * 1024;
const MAX_BODY: usize = 1024 * 1024;
const MAX_HEADERS: usize = 64;

pub struct Response {
    pub status: &'static str,
    pub content_type: &'static str,
    /// Another header, with its line end; or nothing.
    pub header: &'static str,
    pub body: Vec<u8>,
}

impl Response {
    pub fn ok(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status: "200 OK",
            content_type,
            header: "",
            body,
        }
    }

    pub fn error(status: &'static str, header: &'static str) -> Self {
        let body = format!("{status}\n").into_bytes();
        Self {
            status,
            content_type: "text/plain",
            header,
            body,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Phase {
    /// Between two requests.
    Idle,
    /// A part of a request is there.
    Receiving,
    /// A job has the request.
    Answering,
    /// The answer is on its way.
    Sending,
    /// All is sent. Reads on until the client is done, because closing a socket with unread bytes
    /// may cost the client the answer.
    Closing,
}

impl Phase {
    /// How long a client may take. A byte now and then does not buy more.
    fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Idle => 60,
            Self::Receiving | Self::Answering | Self::Sending => 10,
            Self::Closing => 1,
        })
    }
}

pub struct Connection {
    server: &'static Server,
    pub stream: TcpStream,
    pub phase: Phase,
    pub deadline: Instant,
    /// The client sends no more.
    pub ended: bool,
    keep_alive: bool,
    input: Vec<u8>,
    /// The lengths of the request at the start of `input`.
    head: usize,
    body: usize,
    output: Vec<u8>,
    sent: usize,
}

impl Connection {
    pub fn new(server: &'static Server, stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        server.opened();
        Ok(Self {
            server,
            stream,
            phase: Phase::Idle,
            deadline: Instant::now() + Phase::Idle.limit(),
            ended: false,
            keep_alive: false,
            input: Vec::new(),
            head: 0,
            body: 0,
            output: Vec::new(),
            sent: 0,
        })
    }

    pub fn enter(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.deadline = Instant::now() + phase.limit();
        }
    }

    /// Takes in what has arrived, as long as there is room.
    pub fn receive(&mut self) -> io::Result<()> {
        let mut part = [0; 16 * 1024];
        while self.input.len() < MAX_HEAD + MAX_BODY {
            match self.stream.read(&mut part) {
                Ok(0) => self.ended = true,
                Ok(_) if self.phase == Phase::Closing => {}
                Ok(length) => {
                    self.input.extend_from_slice(&part[..length]);
                    if length == part.len() {
                        continue;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            break;
        }
        Ok(())
    }

    /// What the first request in the input asks for, if all of it is there. A request that cannot
    /// be served has its answer at once.
    pub fn parse(&mut self) -> Result<Option<Call>, Response> {
        self.keep_alive = false; // who cannot be understood is not listened to any longer
        let refuse = |status| Err(Response::error(status, ""));
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let head = match request.parse(&self.input) {
            Ok(httparse::Status::Complete(head)) if head <= MAX_HEAD => head,
            Ok(httparse::Status::Partial) if self.input.len() <= MAX_HEAD => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => {
                return refuse("431 Request Header Fields Too Large");
            }
            Err(_) => return refuse("400 Bad Request"),
        };

        let mut length = None;
        let mut keep_alive = request.version == Some(1);
        for header in request.headers {
            let value = std::str::from_utf8(header.value).unwrap_or("").trim();
            if header.name.eq_ignore_ascii_case("content-length") {
                let digits = !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit());
                if length.is_some() || !digits {
                    return refuse("400 Bad Request");
                }
                length = Some(value.parse().unwrap_or(usize::MAX));
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                return refuse("501 Not Implemented");
            } else if header.name.eq_ignore_ascii_case("connection") {
                let mut options = value.split(',').map(str::trim);
                keep_alive &= !options.any(|option| option.eq_ignore_ascii_case("close"));
            }
        }
        let body = length.unwrap_or(0);
        if body > MAX_BODY {
            return refuse("413 Content Too Large");
        }
        if self.input.len() < head + body {
            return Ok(None);
        }
        (self.head, self.body, self.keep_alive) = (head, body, keep_alive);
        route(request.method.unwrap_or(""), request.path.unwrap_or("")).map(Some)
    }

    /// Lays down the answer to the request that was parsed.
    pub fn respond(&mut self, response: Response) {
        self.keep_alive &= !self.server.is_stopping();
        let Response {
            status,
            content_type,
            header,
            body,
        } = response;
        let (length, keep_alive) = (
            body.len(),
            if self.keep_alive {
                "keep-alive"
            } else {
                "close"
            },
        );
        write!(
            self.output,
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
             {header}Connection: {keep_alive}\r\n\r\n"
        )
        .expect("a vector takes everything");
        self.output.extend_from_slice(&body);

        self.input.drain(..self.head + self.body);
        (self.head, self.body) = (0, 0);
        self.input.shrink_to(MAX_HEAD); // a large body does not stay with an idle connection
        self.enter(Phase::Sending);
    }

    /// Sends what the client takes now. `true`: that was all.
    pub fn send(&mut self) -> io::Result<bool> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.output.shrink_to(MAX_HEAD);
        self.sent = 0;
        Ok(true)
    }

    /// Ends the connection in order, if what was sent is the last answer on it.
    pub fn finish(&mut self) -> io::Result<bool> {
        let last = self.phase == Phase::Sending && !self.keep_alive;
        if last {
            self.stream.shutdown(Shutdown::Write)?;
            self.enter(Phase::Closing);
        }
        Ok(last)
    }

    /// Waits for the next request, or for the rest of it.
    pub fn rest(&mut self) {
        self.enter(match self.input.is_empty() {
            true => Phase::Idle,
            false => Phase::Receiving,
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.server.closed(&self.stream);
    }
}

/// A whole request, to be answered by a job or at once. One that is dropped, by a handler that
/// panics, is answered too.
pub struct Request {
    connection: Option<Box<Connection>>,
    pub call: Call,
}

impl Request {
    pub fn new(mut connection: Box<Connection>, call: Call) -> Self {
        connection.enter(Phase::Answering);
        Self {
            connection: Some(connection),
            call,
        }
    }

    pub fn body(&self) -> &[u8] {
        let connection = self.connection.as_ref().expect("not answered yet");
        &connection.input[connection.head..][..connection.body]
    }

    /// Sends the answer from a job: as much as the client takes now. The loop sees to the rest.
    pub fn answer(mut self, response: Response) {
        self.reply(response);
    }

    /// The connection with its answer, for the loop itself.
    pub fn answer_here(mut self, response: Response) -> Box<Connection> {
        let mut connection = self.connection.take().expect("answered once");
        connection.respond(response);
        connection
    }

    fn reply(&mut self, response: Response) {
        if let Some(mut connection) = self.connection.take() {
            connection.respond(response);
            if connection.send().is_ok() {
                connection.server.give_back(connection);
            }
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.reply(Response::error("500 Internal Server Error", ""));
    }
}
