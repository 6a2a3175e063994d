//! Measuring: a child process for each contestant of a table. Either it lives as long as the table
//! and is stopped while it is not its turn; or there is a fresh one in each round, because where
//! the kernel puts its threads is luck.

use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::table::{Setup, Start, Table};

/// How long a child may take to get ready, or for a turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one process measured.
#[derive(Clone, Default)]
pub struct Batch {
    pub samples: Vec<f64>,
    /// CPU time of the process while it took them, in ns a sample. Not all processes say.
    pub cpu: Option<f64>,
}

/// What came of a contestant: a batch of each of its processes, or why there is none.
pub type Outcome = Result<Vec<Batch>, String>;

/// How long a table is measured.
#[derive(Clone, Copy)]
pub enum Length {
    /// So many rounds, or until the time is up: two rounds at least.
    Rounds(usize, Duration),
    /// So many processes for each contestant, each for so many seconds.
    Fresh(usize, f64),
}

/// Runs all contestants of a table, round by round. Returns outcomes in their order, and how many
/// rounds there were.
pub fn measure(table: &Table, setup: &Setup, length: Length) -> (Vec<Outcome>, usize) {
    let neighbours = Neighbours::start(table.neighbours);
    let (mut outcomes, rounds) = match length {
        Length::Rounds(rounds, time) => in_turns(table, setup, rounds, time),
        Length::Fresh(processes, seconds) => (fresh(table, setup, processes, seconds), processes),
    };
    drop(neighbours);
    for (at, contestant) in table.contestants.iter().enumerate() {
        if let Start::Ideal { of, speed_up } = &contestant.start {
            let speed_up = speed_up(setup.threads);
            let faster = |batch: &Batch| Batch {
                samples: batch.samples.iter().map(|s| s / speed_up).collect(),
                cpu: None,
            };
            let position = table.contestants.iter().position(|c| c.name == *of);
            outcomes[at] = match position.map(|position| &outcomes[position]) {
                Some(Ok(batches)) => Ok(batches.iter().map(faster).collect()),
                _ => Err(format!("fails: no {of}")),
            };
        }
    }
    (outcomes, rounds)
}

/// Each contestant is one process, and stopped while it is not its turn.
fn in_turns(table: &Table, setup: &Setup, rounds: usize, time: Duration) -> (Vec<Outcome>, usize) {
    let mut seats: Vec<_> = (0..table.contestants.len())
        .map(|at| {
            let child = command(table, at, setup).map(|mut command| {
                let child = Child::start(&mut command)?;
                child.stop()?;
                Ok(child)
            });
            match child {
                Some(Ok(child)) => (Some(child), Ok(Batch::default())),
                Some(Err(why)) => (None, Err(why)),
                None => (None, Ok(Batch::default())),
            }
        })
        .collect();
    let begin = Instant::now();
    let mut round = 0;
    while round < rounds && (round < 2 || begin.elapsed() < time) {
        // The contestant that was first is last in the next round.
        for k in 0..seats.len() {
            let at = (round + k) % seats.len();
            let (child, outcome) = &mut seats[at];
            let Some(running) = child else { continue };
            let turn = running.signal(Signal::SIGCONT).and_then(|()| {
                let batch = running.turn()?;
                running.stop()?;
                Ok(batch)
            });
            match turn {
                Ok(batch) => outcome
                    .as_mut()
                    .expect("it runs")
                    .samples
                    .extend(batch.samples),
                Err(why) => {
                    *outcome = Err(why);
                    *child = None;
                }
            }
        }
        round += 1;
    }
    let outcomes = seats
        .into_iter()
        .map(|(_, outcome)| outcome.map(|batch| vec![batch]));
    (outcomes.collect(), round)
}

/// Each contestant is a new process in each round.
fn fresh(table: &Table, setup: &Setup, processes: usize, seconds: f64) -> Vec<Outcome> {
    let n = table.contestants.len();
    let mut outcomes: Vec<Outcome> = vec![Ok(Vec::new()); n];
    for round in 0..processes {
        let setup = Setup {
            seconds: Some(seconds),
            seed: round as u64 + 1,
            ..*setup
        };
        for k in 0..n {
            let at = (round + k) % n;
            let Ok(batches) = &mut outcomes[at] else {
                continue;
            };
            let Some(mut command) = command(table, at, &setup) else {
                continue;
            };
            match one_process(&mut command, seconds) {
                Ok(batch) => batches.push(batch),
                Err(why) => outcomes[at] = Err(why),
            }
        }
    }
    outcomes
}

/// Turns of one process until the time is up.
fn one_process(command: &mut Command, seconds: f64) -> Result<Batch, String> {
    let mut child = Child::start(command)?;
    let begin = Instant::now();
    let mut batch = child.turn()?;
    // The last turn ends nearer to the end of the time than the next one would.
    let mut turns = 1.0;
    while begin.elapsed().as_secs_f64() * (1.0 + 0.5 / turns) < seconds {
        batch.samples.extend(child.turn()?.samples);
        turns += 1.0;
    }
    Ok(batch)
}

/// What starts a contestant, if it is one that runs.
fn command(table: &Table, at: usize, setup: &Setup) -> Option<Command> {
    let contestant = &table.contestants[at];
    match &contestant.start {
        Start::Here(_) => {
            let this = std::env::current_exe().expect("a program has a path");
            Some(serving(&this, &table.id, &contestant.name, setup))
        }
        Start::Variant { program, of } => Some(serving(program, &table.id, of, setup)),
        Start::Command(command) => Some(command(setup)),
        Start::Ideal { .. } => None,
    }
}

/// This program, or one like it, as a child that [`serve`]s.
fn serving(program: &Path, table: &str, contestant: &str, setup: &Setup) -> Command {
    let setup = serde_json::to_string(setup).expect("numbers");
    let mut command = Command::new(program);
    command.args(["serve", table, contestant, &setup]);
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
        let before = cpu_time();
        let samples = turn();
        let cpu = (cpu_time() - before).as_nanos() as f64 / samples.len() as f64;
        let samples: Vec<_> = samples.iter().map(f64::to_string).collect();
        println!("{CPU}{cpu} {}", samples.join(" "));
    }
    // Not by way of destructors: what a pool does at its end is not measured, and may hang.
    process::exit(0);
}

/// What CPU time begins with in a line of samples.
const CPU: &str = "cpu=";

/// Of all threads of this process.
pub fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)
        .expect("every process has that clock")
        .into()
}

/// CPU time of all that is not this program and its children, in seconds since the machine started.
/// Children count once they have ended.
pub fn others() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks = stat.lines().next()?.split_whitespace().skip(1);
    let ticks: Vec<f64> = ticks.filter_map(|n| n.parse().ok()).collect();
    // user, nice, system; then idle and waiting for a disk; irq, softirq, steal. A tick is 10 ms.
    let [user, nice, system, _, _, irq, softirq, steal, ..] = ticks[..] else {
        return None;
    };
    let all = (user + nice + system + irq + softirq + steal) / 100.0;
    let own = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].map(|who| {
        let usage = getrusage(who).expect("every process has that");
        let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    });
    Some(all - own[0] - own[1])
}

/// Computes for ever: a busy neighbour.
pub fn burn() {
    loop {
        std::hint::black_box(crate::work::trivial(std::hint::black_box(1)));
    }
}

/// Processes that compute.
struct Neighbours(Vec<process::Child>);

impl Neighbours {
    fn start(count: usize) -> Self {
        let program = std::env::current_exe().expect("a program has a path");
        let start = |_| spawn(Command::new(&program).arg("burn")).expect("a neighbour");
        Self((0..count).map(start).collect())
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
    /// Starts it, and waits until it is ready.
    fn start(command: &mut Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let process = spawn(command).map_err(|error| format!("fails: {error}"))?;
        let read = Vec::new();
        let mut child = Self { process, read };
        match child.line()?.as_str() {
            "ready" => Ok(child),
            other => Err(complaint(other)),
        }
    }

    fn turn(&mut self) -> Result<Batch, String> {
        let stdin = self.process.stdin.as_mut().expect("piped");
        stdin
            .write_all(b"go\n")
            .map_err(|_| "fails: it ended".to_string())?;
        let line = self.line()?;
        let (cpu, samples) = match line.strip_prefix(CPU).and_then(|rest| rest.split_once(' ')) {
            Some((cpu, samples)) => (cpu.parse().ok(), samples),
            None => (None, &*line),
        };
        let samples: Result<Vec<f64>, _> = samples.split_whitespace().map(str::parse).collect();
        match samples {
            Ok(samples) if !samples.is_empty() => Ok(Batch { samples, cpu }),
            _ => Err(complaint(&line)),
        }
    }

    /// The next line that it prints.
    fn line(&mut self) -> Result<String, String> {
        let until = Instant::now() + PATIENCE;
        let stdout = self.process.stdout.as_mut().expect("piped");
        let mut searched = 0;
        loop {
            if let Some(end) = self.read[searched..].iter().position(|&byte| byte == b'\n') {
                let line = self.read.drain(..=searched + end).collect();
                let line = String::from_utf8(line).map_err(|_| "fails: not text".to_string())?;
                return Ok(line.trim_end().to_string());
            }
            searched = self.read.len();
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
