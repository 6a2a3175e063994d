//! Servers in turn, each in fresh processes; the table.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;

use crate::load::{Load, Outcome, load};
use crate::plot;
use crate::rivals::Executor;

/// What one process did.
struct Turn {
    outcome: Outcome,
    /// Of the processor, in seconds.
    cpu: f64,
    /// The most memory it had, in MiB.
    memory: f64,
}

pub fn run(
    what: Load,
    rate: f64,
    rounds: usize,
    seconds: f64,
    plots: Option<&Path>,
) -> io::Result<()> {
    let executors = what.executors();
    let mut turns: Vec<Vec<Turn>> = executors.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for k in 0..executors.len() {
            let which = (k + round) % executors.len(); // each comes first, and after each other
            turns[which].push(turn(executors[which], what, rate, seconds, round as u64)?);
        }
    }

    println!(
        "{rate} requests a second, {rounds} processes of {seconds} s each; median (least to most)\n"
    );
    println!(
        "| | p50 | p99 | p99.9 | served | answered with 503 | p99 of these | \
         unanswered | CPU for each served | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (executor, turns) in executors.iter().zip(&mut turns) {
        for turn in &mut *turns {
            turn.outcome.served.sort_unstable();
            turn.outcome.rejected.sort_unstable();
        }
        let column = |of: &dyn Fn(&Turn) -> f64, digits: usize| {
            let mut values: Vec<f64> = turns.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            let median = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
            let (least, most) = (values[0], values[values.len() - 1]);
            format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
        };
        let ms = |times: fn(&Turn) -> &Vec<u64>, share: f64| {
            column(&|turn| quantile(times(turn), share) / 1e6, 2) + " ms"
        };
        let has_rejected = turns.iter().any(|turn| !turn.outcome.rejected.is_empty());
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            executor.title(),
            ms(|turn| &turn.outcome.served, 0.5),
            ms(|turn| &turn.outcome.served, 0.99),
            ms(|turn| &turn.outcome.served, 0.999),
            column(&|turn| share(&turn.outcome.served, &turn.outcome), 0) + " %",
            column(&|turn| share(&turn.outcome.rejected, &turn.outcome), 0) + " %",
            match has_rejected {
                true => ms(|turn| &turn.outcome.rejected, 0.99),
                false => "".to_string(),
            },
            turns
                .iter()
                .map(|turn| turn.outcome.unanswered)
                .sum::<usize>(),
            column(
                &|turn| 1e6 * turn.cpu / turn.outcome.served_in_all as f64,
                0
            ) + " us",
            column(&|turn| turn.memory, 1) + " MiB",
        );
    }

    if let Some(directory) = plots {
        fs::create_dir_all(directory)?;
        let lines = executors.iter().zip(&turns).map(|(executor, turns)| {
            let all = turns.iter().flat_map(|turn| &turn.outcome.served);
            let mut all: Vec<u64> = all.copied().collect();
            all.sort_unstable();
            (executor.title(), all)
        });
        let title = format!(
            "{rate} requests a second ({}): those that were served",
            what.name()
        );
        let file = directory.join(format!("servers-{}.svg", what.name()));
        plot::draw(&file, &title, &lines.collect::<Vec<_>>())
            .map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}

/// How many in a hundred of the answers these are.
fn share(these: &[u64], all: &Outcome) -> f64 {
    100.0 * these.len() as f64 / (all.served.len() + all.rejected.len()) as f64
}

/// Of sorted times; the nearest rank.
fn quantile(sorted: &[u64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0) as f64
}

/// Killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn turn(executor: Executor, what: Load, rate: f64, seconds: f64, seed: u64) -> io::Result<Turn> {
    let name = executor.to_possible_value().expect("none is hidden");
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["serve", name.get_name()])
        .stdout(Stdio::piped());
    let mut process = Process(command.spawn()?);
    let mut port = String::new();
    BufReader::new(process.0.stdout.take().expect("a pipe")).read_line(&mut port)?;
    let port = port.trim().parse().map_err(io::Error::other)?;

    let outcome = load(what, port, rate, seconds, seed)?;
    let of = format!("/proc/{}", process.0.id());
    let stat = fs::read_to_string(format!("{of}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    // User and system time, in hundredths of a second.
    let cpu: f64 = after_name
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<f64>().ok())
        .sum();
    let status = fs::read_to_string(format!("{of}/status"))?;
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(Turn {
        outcome,
        cpu: cpu / 100.0,
        memory: most.unwrap_or(0.0) / 1024.0,
    })
}
