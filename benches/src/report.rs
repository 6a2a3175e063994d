//! What the samples say: medians, percentiles and ratios, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use serde::Serialize;

use crate::cores;
use crate::harness::{Batch, Length, Outcome};
use crate::table::{Role, Shape, Table};

/// A table with its figures.
#[derive(Serialize)]
pub struct Figures {
    pub id: String,
    pub title: String,
    pub unit: &'static str,
    #[serde(skip)]
    pub shape: Shape,
    /// Of a point of a curve.
    pub curve: Option<&'static str>,
    pub x: Option<f64>,
    pub threads: usize,
    pub rounds: usize,
    /// How long each process measured, if each round had fresh ones.
    pub fresh: Option<f64>,
    /// How long it took to measure.
    pub seconds: f64,
    /// CPU time of all other programs meanwhile, in seconds.
    pub others: Option<f64>,
    pub rows: Vec<Row>,
}

#[derive(Serialize)]
pub struct Row {
    pub contestant: String,
    #[serde(skip)]
    pub role: Role,
    /// `hangs`, or `fails: ...`.
    pub failure: Option<String>,
    /// Of a process.
    pub samples: usize,
    pub median: Option<f64>,
    /// The best rival's median, 99th and 99.9th percentile over this one's; without rivals,
    /// ringpool's.
    pub ratios: [Option<f64>; 3],
    /// (share of the samples, the sample that so many are not above): the median of its processes'.
    pub quantiles: Vec<(f64, f64)>,
    /// One by one: those of [`SHARES`], and the CPU time a sample in ns.
    pub processes: Vec<([f64; 4], Option<f64>)>,
}

/// What a table shows at most.
const SHARES: [f64; 4] = [0.5, 0.99, 0.999, 1.0];

impl Figures {
    pub fn new(
        table: &Table,
        threads: usize,
        length: Length,
        rounds: usize,
        seconds: f64,
        outcomes: Vec<Outcome>,
    ) -> Self {
        let contestants = table.contestants.iter().zip(outcomes);
        let mut rows: Vec<_> = contestants
            .map(|(contestant, outcome)| Row::new(&contestant.name, contestant.role, outcome))
            .collect();
        let is_reference = |role| match rows.iter().any(|row| row.role == Role::Rival) {
            true => role == Role::Rival,
            false => role == Role::Ringpool,
        };
        let references: Vec<_> = rows.iter().filter(|row| is_reference(row.role)).collect();
        let best = [0, 1, 2].map(|k| {
            let figures = references.iter().filter_map(|row| row.quantile(SHARES[k]));
            match references.first()?.role {
                Role::Rival => figures.min_by(f64::total_cmp),
                _ => references[0].quantile(SHARES[k]),
            }
        });
        for row in &mut rows {
            if matches!(row.role, Role::Ringpool | Role::Rival) {
                row.ratios = [0, 1, 2].map(|k| {
                    // 0 of something is as good as 0, and infinitely better than any.
                    match (best[k]?, row.quantile(SHARES[k])?) {
                        (0.0, 0.0) => Some(1.0),
                        (best, figure) => Some(best / figure),
                    }
                });
            }
        }
        let (curve, x) = match table.shape {
            Shape::Point(curve, x) => (Some(curve), Some(x)),
            Shape::Times | Shape::Latency => (None, None),
        };
        Self {
            id: table.id.clone(),
            title: table.title.clone(),
            unit: table.unit,
            shape: table.shape,
            curve,
            x,
            threads,
            rounds,
            fresh: match length {
                Length::Fresh(_, seconds) => Some(seconds),
                Length::Rounds(..) => None,
            },
            seconds,
            others: None,
            rows,
        }
    }

    pub fn we_failed(&self) -> bool {
        let ours = |row: &&Row| row.role == Role::Ringpool;
        self.rows
            .iter()
            .filter(ours)
            .any(|row| row.failure.is_some())
    }

    /// Whether its figures are worth little, because other programs took too much of the machine.
    fn disturbance(&self) -> String {
        match self.others.map(|others| others / self.seconds) {
            Some(cores) if cores > 0.1 => format!("; DISTURBED: others took {cores:.1} cores"),
            _ => String::new(),
        }
    }

    /// The table as text: a row for each contestant, in their order, whichever is ahead.
    pub fn text(&self) -> String {
        let latency = self.shape == Shape::Latency;
        let name = self.rows.iter().map(|row| row.contestant.chars().count());
        let name = name.max().unwrap_or(0).max(20);
        let mut text = format!("\n{}", self.title);
        if self.unit != "ns" {
            _ = write!(text, ", {}", self.unit);
        }
        _ = write!(text, " [{}]", self.id);
        let mut columns = vec!["median", "p99"];
        if latency {
            columns.push("p99.9");
        }
        let mut width = 12;
        if let Some(seconds) = self.fresh {
            let processes = self.rounds;
            _ = write!(
                text,
                ", {processes} processes of {seconds} s: median (quartiles)"
            );
            width = 27;
            if latency {
                columns.extend(["max", "CPU"]);
            }
        }
        text += &self.disturbance();
        _ = write!(text, "\n{:name$}", "");
        for column in &columns {
            _ = write!(text, "{column:>width$}");
        }
        let ratios = if latency { 3 } else { 1 };
        for ratio in &["ratio", "p99", "p99.9"][..ratios] {
            _ = write!(text, "{ratio:>8}");
        }
        _ = writeln!(text, "{:>9}", "samples");
        for row in &self.rows {
            _ = write!(text, "{:name$}", row.contestant);
            if let Some(failure) = &row.failure {
                _ = writeln!(text, "  {failure}");
                continue;
            }
            for column in 0..columns.len() {
                let figure = |(shown, cpu): &([f64; 4], _)| shown.get(column).copied().or(*cpu);
                let figures: Vec<_> = row.processes.iter().filter_map(figure).collect();
                let cell = match self.fresh {
                    Some(_) => spread(figures, self.unit),
                    None => quantity(figures[0], self.unit),
                };
                _ = write!(text, "{cell:>width$}");
            }
            for &ratio in &row.ratios[..ratios] {
                _ = write!(text, "{:>8}", ratio.map_or(String::new(), significant));
            }
            _ = writeln!(text, "{:>9}", row.samples);
        }
        text
    }
}

impl Row {
    fn new(name: &str, role: Role, outcome: Outcome) -> Self {
        let (batches, failure) = match outcome {
            Ok(batches) => (batches, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let samples = batches.iter().map(|batch| batch.samples.len());
        let samples = samples.min().unwrap_or(0);
        let sorted: Vec<Batch> = batches
            .into_iter()
            .map(|mut batch| {
                batch.samples.sort_by(f64::total_cmp);
                batch
            })
            .collect();
        let percents = (0..=99).map(|percent| f64::from(percent) / 100.0);
        let permilles = (991..=999).map(|permille| f64::from(permille) / 1000.0);
        let of_processes = |share| {
            let mut figures: Vec<_> = sorted.iter().map(|b| rank(&b.samples, share)).collect();
            figures.sort_by(f64::total_cmp);
            rank(&figures, 0.5)
        };
        let quantiles: Vec<_> = percents
            .chain(permilles)
            .chain([0.9999, 1.0])
            .filter(|_| failure.is_none())
            .map(|share| (share, of_processes(share)))
            .collect();
        let shown = |batch: &Batch| (SHARES.map(|share| rank(&batch.samples, share)), batch.cpu);
        let mut row = Self {
            contestant: name.to_string(),
            role,
            failure,
            samples,
            median: None,
            ratios: [None; 3],
            quantiles,
            processes: sorted.iter().map(shown).collect(),
        };
        row.median = row.quantile(0.5);
        row
    }

    /// The sample that this share of them is not above, if it is one that is kept.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let found = self.quantiles.iter().find(|(at, _)| *at == share);
        found.map(|(_, sample)| *sample)
    }
}

/// How fast each contestant is along a curve, against the plain loop: (contestant, points of x and
/// speed-up).
pub fn speed_ups(points: &[&Figures]) -> Vec<(String, Vec<(f64, f64)>)> {
    let mut names: Vec<&str> = Vec::new();
    let mut curves: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        let plain = point.rows.iter().find(|row| row.role == Role::Loop);
        let Some(plain) = plain.and_then(|row| row.median) else {
            continue;
        };
        for row in point.rows.iter().filter(|row| row.role != Role::Loop) {
            if !names.contains(&&*row.contestant) {
                names.push(&row.contestant);
            }
            if let (Some(median), Some(x)) = (row.median, point.x) {
                let curve = curves.entry(&row.contestant).or_default();
                curve.push((x, plain / median));
            }
        }
    }
    let curve = |name: &str| (name.to_string(), curves.remove(name).unwrap_or_default());
    names.into_iter().map(curve).collect()
}

/// A curve as text: a column for each point.
pub fn curve_text(title: &str, points: &[&Figures], x: impl Fn(f64) -> String) -> String {
    let mut text = format!("\n{title}: speed-up over the plain loop\n{:26}", "");
    for point in points {
        _ = write!(text, "{:>8}", point.x.map_or(String::new(), &x));
    }
    text.push('\n');
    for (name, curve) in speed_ups(points) {
        _ = write!(text, "{name:26}");
        for point in points {
            let at = curve.iter().find(|(x, _)| Some(*x) == point.x);
            let cell = at.map_or("-".to_string(), |(_, speed_up)| significant(*speed_up));
            _ = write!(text, "{cell:>8}");
        }
        text.push('\n');
    }
    for point in points {
        let disturbance = point.disturbance();
        if !disturbance.is_empty() {
            let x = point.x.map_or(String::new(), &x);
            _ = writeln!(text, "{x}{disturbance}");
        }
        for row in &point.rows {
            if let Some(failure) = &row.failure {
                let x = point.x.map_or(String::new(), &x);
                _ = writeln!(text, "{} at {x}: {failure}", row.contestant);
            }
        }
    }
    text
}

/// The sample that this share of them is not above. They are sorted.
fn rank(samples: &[f64], share: f64) -> f64 {
    let rank = (share * samples.len() as f64).ceil() as usize;
    samples[rank.clamp(1, samples.len()) - 1]
}

/// Some three significant figures.
fn significant(number: f64) -> String {
    match number {
        _ if !number.is_finite() => "inf".to_string(),
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 10.0 => format!("{number:.1}"),
        _ if number >= 0.1 || number == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// The unit that suits a time, and how many ns it is.
fn scale(ns: f64) -> (&'static str, f64) {
    match ns {
        _ if ns < 1e3 => ("ns", 1.0),
        _ if ns < 1e6 => ("us", 1e3),
        _ if ns < 1e9 => ("ms", 1e6),
        _ => ("s", 1e9),
    }
}

/// A value; times with the unit that suits them.
pub fn quantity(value: f64, unit: &str) -> String {
    if unit != "ns" {
        return match value {
            _ if value == value.round() => format!("{value}"),
            _ => format!("{value:.3}"),
        };
    }
    let (unit, ns) = scale(value);
    format!("{} {unit}", significant(value / ns))
}

/// The median, and the quartiles in brackets.
fn spread(mut values: Vec<f64>, unit: &str) -> String {
    if values.is_empty() {
        return "-".to_string();
    }
    values.sort_by(f64::total_cmp);
    let [low, median, high] = [0.25, 0.5, 0.75].map(|share| rank(&values, share));
    let (suited, ns) = if unit == "ns" {
        scale(median)
    } else {
        ("", 1.0)
    };
    if unit == "ns" && (scale(low).1 < ns || scale(high).1 > ns) {
        let [low, median, high] = [low, median, high].map(|value| quantity(value, unit));
        return format!("{median} ({low}-{high})");
    }
    let [low, median, high] = [low, median, high].map(|value| significant(value / ns));
    format!("{median} ({low}-{high}) {suited}")
        .trim_end()
        .to_string()
}

/// What a run was made on.
#[derive(Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    pub rustc: String,
    /// Of the rivals: name and version.
    pub rivals: Vec<String>,
}

impl Machine {
    pub fn this() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": "));
        Self {
            cpu: model.map_or("unknown".to_string(), |(_, model)| model.to_string()),
            cores: cores(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_string(),
            rustc: version("rustc").unwrap_or("unknown rustc".to_string()),
            rivals: versions(),
        }
    }
}

/// Of a program, if there is one: the first line that it says.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().next()?.trim().to_string())
}

/// What the rivals are: crates as they are locked, and what is installed here.
fn versions() -> Vec<String> {
    const LOCKED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    const CRATES: [&str; 11] = [
        "rayon",
        "crossbeam-channel",
        "threadpool",
        "forkunion",
        "micropool",
        "forte",
        "chili",
        "paralight",
        "scoped_threadpool",
        "rusty_pool",
        "executors",
    ];
    let locked = |name: &&str| {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let (_, rest) = LOCKED.split_once(&entry)?;
        Some(format!("{name} {}", rest.split_once('"')?.0))
    };
    let crates = CRATES.iter().filter_map(locked);
    crates
        .chain(
            ["gcc", "python3"]
                .iter()
                .filter_map(|program| version(program)),
        )
        .collect()
}

/// A run, as `--json` writes it.
#[derive(Serialize)]
pub struct Run<'a> {
    pub machine: &'a Machine,
    pub quick: bool,
    pub tables: &'a [Figures],
}
