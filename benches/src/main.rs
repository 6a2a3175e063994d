//! How fast ringpool and its rivals are: every contestant of a table does the same work in the same
//! run, in turns, so that what disturbs the machine disturbs them alike. Read the ratios, not the
//! times.

mod allocations;
mod executors;
mod harness;
mod maps;
mod plots;
mod report;
mod rivals;
mod size;
mod table;
mod work;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};

use harness::Length;
use report::{Figures, Machine, Run};
use table::{Setup, Shape, Table};
use work::calibrate;

/// Measures ringpool and its rivals, side by side.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Args)]
struct Options {
    /// Threads that compute, the caller of a map included.
    #[arg(long, default_value_t = cores())]
    threads: usize,
    /// A tenth of the rounds, and of the time.
    #[arg(long)]
    quick: bool,
    /// Only the tables whose id or title contains this, or one of these.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// But not those that contain this.
    #[arg(long, value_name = "PATTERN")]
    skip: Vec<String>,
    /// All tables, those that are else measured by `--only` too.
    #[arg(long)]
    all: bool,
    /// A fresh process for each contestant in each round, and so many of them.
    #[arg(long, value_name = "N", overrides_with = "processes")]
    processes: Option<usize>,
    /// How long a fresh process measures.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
    /// Another build of this program as a contestant, beside ringpool: see variants.sh.
    #[arg(long, value_name = "NAME=PROGRAM", value_parser = variant)]
    variant: Vec<(String, PathBuf)>,
    /// Only ringpool, its variants and the plain loop.
    #[arg(long)]
    no_rivals: bool,
    /// Writes all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the curves, as SVG files in this directory.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Prints what tables there are, and who takes part.
    #[arg(long)]
    list: bool,
}

/// What this program does otherwise; the hidden ones in its children.
#[derive(Subcommand)]
enum Part {
    /// One contestant of one table.
    #[command(hide = true)]
    Serve {
        table: String,
        contestant: String,
        /// As JSON.
        setup: String,
    },
    /// A busy neighbour.
    #[command(hide = true)]
    Burn,
    /// How large a program gets by a pool, and how long it takes to build.
    Size,
}

/// How many there are.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get())
}

fn variant(argument: &str) -> Result<(String, PathBuf), String> {
    let (name, program) = argument.split_once('=').ok_or("NAME=PROGRAM")?;
    Ok((name.to_string(), program.into()))
}

fn tables(threads: usize) -> Vec<Table> {
    let mut tables = maps::tables(threads);
    tables.extend(executors::tables());
    tables
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    match cli.part {
        Some(Part::Serve {
            table,
            contestant,
            setup,
        }) => {
            let setup: Setup = serde_json::from_str(&setup)?;
            harness::serve(tables(setup.threads), &table, &contestant, &setup);
        }
        Some(Part::Burn) => harness::burn(),
        Some(Part::Size) => size::run()?,
        None => run(&cli.options)?,
    }
    Ok(())
}

impl Options {
    fn length(&self, table: &Table) -> Length {
        let is_fresh = table.fresh.or(self.seconds).is_some() || self.processes.is_some();
        match (is_fresh, self.quick) {
            (true, true) => Length::Fresh(2, 0.1),
            (true, false) => Length::Fresh(
                self.processes.unwrap_or(10),
                self.seconds.or(table.fresh).unwrap_or(0.1),
            ),
            (false, true) => {
                Length::Rounds((table.rounds / 10).clamp(2, 5), Duration::from_secs(1))
            }
            (false, false) => Length::Rounds(table.rounds, Duration::from_secs(10)),
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut tables = tables(options.threads);
    let only = &options.only;
    tables.retain(|table| {
        let is_meant =
            |pattern: &String| table.id.contains(pattern) || table.title.contains(pattern);
        let asked = match only.is_empty() {
            true => options.all || options.list || !table.on_request,
            false => only.iter().any(is_meant),
        };
        asked && !options.skip.iter().any(is_meant)
    });
    for table in &mut tables {
        table.choose(&options.variant, options.no_rivals);
    }
    if options.list {
        for table in &tables {
            let names: Vec<_> = table.contestants.iter().map(|c| c.name.as_str()).collect();
            println!("{}: {}\n    {}", table.id, table.title, names.join(", "));
        }
        return Ok(());
    }
    let machine = Machine::this();
    println!(
        "{}, {} cores, Linux {}, {}; {} compute threads",
        machine.cpu, machine.cores, machine.kernel, machine.rustc, options.threads
    );
    if !options.no_rivals {
        println!("rivals: {}", machine.rivals.join(", "));
    }
    println!(
        "ratio: the best rival's figure (without rivals: ringpool's) over this; above 1 is faster"
    );

    let started = Instant::now();
    let calibrated = calibrate();
    let mut done: Vec<Figures> = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let threads = table.threads.unwrap_or(options.threads);
        let setup = Setup {
            threads,
            calibrated,
            seconds: None,
            seed: 0,
        };
        let length = options.length(table);
        let (before, others) = (Instant::now(), harness::others());
        let (outcomes, rounds) = harness::measure(table, &setup, length);
        let seconds = before.elapsed().as_secs_f64();
        let mut figures = Figures::new(table, threads, length, rounds, seconds, outcomes);
        figures.others = others
            .zip(harness::others())
            .map(|(before, after)| after - before);
        match table.shape {
            Shape::Times | Shape::Latency => print!("{}", figures.text()),
            Shape::Point(..) => {}
        }
        done.push(figures);
        // After its last point.
        if let Shape::Point(curve, _) = table.shape {
            let next = tables.get(at + 1).map(|table| table.shape);
            if !matches!(next, Some(Shape::Point(same, _)) if same == curve) {
                print!("{}", maps::curve_text(curve, &done));
            }
        }
    }
    println!("\n{:.0} s", started.elapsed().as_secs_f64());

    if let Some(file) = &options.json {
        let run = Run {
            machine: &machine,
            quick: options.quick,
            tables: &done,
        };
        fs::write(file, serde_json::to_string_pretty(&run)?)?;
    }
    if let Some(directory) = &options.plots {
        fs::create_dir_all(directory)?;
        plots::draw(&done, directory)?;
    }
    match done.iter().find(|table| table.we_failed()) {
        Some(table) => Err(format!("ringpool failed: {}", table.id).into()),
        None => Ok(()),
    }
}
