//! Measuring: a child process for each contestant of a table, stopped while it is not its turn.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::table::{Setup, Start, Table};

/// How long a child may take to get ready, or for a turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of a contestant: its samples, or why there are none.
pub type Outcome = Result<Vec<f64>, String>;

/// Runs all contestants of a table, round by round, until there were enough rounds or the time is up: two rounds at
/// least. Returns outcomes in their order, and how many rounds there were.
pub fn measure(
    table: &Table,
    setup: &Setup,
    rounds: usize,
    time: Duration,
) -> (Vec<Outcome>, usize) {
    let mut seats: Vec<_> = table
        .contestants
        .iter()
        .map(|contestant| {
            let mut command = match &contestant.start {
                Start::Here(_) => this_program(table, &contestant.name, setup),
                Start::Command(command) => command(setup),
                Start::Ideal { .. } => return (None, Ok(Vec::new())),
            };
            match Child::start(&mut command) {
                Ok(child) => (Some(child), Ok(Vec::new())),
                Err(why) => (None, Err(why)),
            }
        })
        .collect();
    let neighbours = table.busy.then(Neighbours::start);
    let begin = Instant::now();
    let mut round = 0;
    while round < rounds && (round < 2 || begin.elapsed() < time) {
        // Whoever came first comes last in the next round.
        for k in 0..seats.len() {
            let at = (round + k) % seats.len();
            let (child, outcome) = &mut seats[at];
            let Some(running) = child else { continue };
            match running.turn() {
                Ok(samples) => outcome.as_mut().expect("it runs").extend(samples),
                Err(why) => {
                    *outcome = Err(why);
                    *child = None;
                }
            }
        }
        round += 1;
    }
    drop(neighbours);
    let mut outcomes: Vec<_> = seats.into_iter().map(|(_, outcome)| outcome).collect();
    for (at, contestant) in table.contestants.iter().enumerate() {
        if let Start::Ideal { of, speed_up } = &contestant.start {
            let whose = |c: &&Outcome| c.is_ok();
            let position = table.contestants.iter().position(|c| c.name == *of);
            let samples = position.map(|p| &outcomes[p]).filter(whose);
            outcomes[at] = match samples {
                Some(Ok(samples)) => {
                    let speed_up = speed_up(setup.threads);
                    Ok(samples.iter().map(|sample| sample / speed_up).collect())
                }
                _ => Err(format!("fails: no {of}")),
            };
        }
    }
    (outcomes, round)
}

/// This program, as a child that [`serve`]s.
fn this_program(table: &Table, contestant: &str, setup: &Setup) -> Command {
    let calibrated = serde_json::to_string(&setup.calibrated).expect("numbers");
    let mut command = Command::new(std::env::current_exe().expect("a program has a path"));
    command
        .args(["serve", &table.id, contestant])
        .args(["--threads", &setup.threads.to_string()])
        .args(["--calibrated", &calibrated]);
    command
}

/// The other side: gets a contestant ready and gives it its turns.
pub fn serve(tables: Vec<Table>, id: &str, name: &str, setup: &Setup) {
    std::panic::set_hook(Box::new(|panic| {
        println!("fails: {}", panic.to_string().replace('\n', " "));
        process::exit(1);
    }));
    let contestant = tables
        .into_iter()
        .find(|table| table.id == id)
        .and_then(|table| table.contestants.into_iter().find(|c| c.name == name))
        .expect("no such contestant");
    let Start::Here(make) = contestant.start else {
        panic!("{name} is not a part of this program");
    };
    let mut turn = make(setup);
    println!("ready");
    for line in io::stdin().lock().lines() {
        assert_eq!(line.expect("a line"), "go");
        let samples: Vec<_> = turn().iter().map(f64::to_string).collect();
        println!("{}", samples.join(" "));
    }
    // Not by way of destructors: what a pool does at its end is not measured, and may hang.
    process::exit(0);
}

/// Computes for ever: somebody's busy neighbour.
pub fn burn() {
    loop {
        std::hint::black_box(crate::work::trivial(std::hint::black_box(1)));
    }
}

/// A process that computes, for each core.
struct Neighbours(Vec<process::Child>);

impl Neighbours {
    fn start() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let program = std::env::current_exe().expect("a program has a path");
        let start = |_| spawn(Command::new(&program).arg("burn")).expect("a neighbour");
        Self((0..cores).map(start).collect())
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(end);
    }
}

/// A contestant's process.
struct Child {
    process: process::Child,
    /// Read and not yet used.
    read: Vec<u8>,
}

impl Child {
    /// Starts it, waits until it is ready and stops it.
    fn start(command: &mut Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let process = spawn(command).map_err(|error| format!("fails: {error}"))?;
        let read = Vec::new();
        let mut child = Self { process, read };
        match child.line()?.as_str() {
            "ready" => child.stop()?,
            other => return Err(complaint(other)),
        }
        Ok(child)
    }

    fn turn(&mut self) -> Outcome {
        self.signal(Signal::SIGCONT)?;
        let stdin = self.process.stdin.as_mut().expect("piped");
        stdin
            .write_all(b"go\n")
            .map_err(|_| "fails: it ended".to_string())?;
        let line = self.line()?;
        self.stop()?;
        let samples: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
        match samples {
            Ok(samples) if !samples.is_empty() => Ok(samples),
            _ => Err(complaint(&line)),
        }
    }

    /// The next line that it prints.
    fn line(&mut self) -> Result<String, String> {
        let until = Instant::now() + PATIENCE;
        let stdout = self.process.stdout.as_mut().expect("piped");
        loop {
            if let Some(end) = self.read.iter().position(|&byte| byte == b'\n') {
                let line = self.read.drain(..=end).collect();
                let line = String::from_utf8(line).map_err(|_| "fails: not text".to_string())?;
                return Ok(line.trim_end().to_string());
            }
            let left = until.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).expect("not that long");
            let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, timeout).map_err(|error| format!("fails: {error}"))? == 0 {
                return Err("hangs".to_string());
            }
            let mut buffer = [0; 1 << 16];
            match stdout.read(&mut buffer) {
                Ok(0) => return Err("fails: it ended".to_string()),
                Ok(n) => self.read.extend_from_slice(&buffer[..n]),
                Err(error) => return Err(format!("fails: {error}")),
            }
        }
    }

    /// Stops all its threads, and waits until they are.
    fn stop(&self) -> Result<(), String> {
        self.signal(Signal::SIGSTOP)?;
        waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED))
            .map(drop)
            .map_err(|error| format!("fails: {error}"))
    }

    fn signal(&self, signal: Signal) -> Result<(), String> {
        kill(self.pid(), signal).map_err(|error| format!("fails: {error}"))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Starts a process that does not outlive this one.
fn spawn(command: &mut Command) -> io::Result<process::Child> {
    // SAFETY: between fork and exec it makes one system call, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from));
    }
    command.spawn()
}

fn end(process: &mut process::Child) {
    // It may be gone already.
    _ = process.kill();
    _ = process.wait();
}

fn complaint(line: &str) -> String {
    if line.starts_with("fails: ") {
        line.to_string()
    } else {
        format!("fails: it says {line:?}")
    }
}
