//! What the samples say: medians, percentiles and ratios, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use serde::Serialize;

use crate::harness::Outcome;
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
    /// How long it took to measure.
    pub seconds: f64,
    pub rows: Vec<Row>,
}

#[derive(Serialize)]
pub struct Row {
    pub contestant: String,
    #[serde(skip)]
    pub role: Role,
    /// `hangs`, or `fails: ...`.
    pub failure: Option<String>,
    pub samples: usize,
    pub median: Option<f64>,
    pub p99: Option<f64>,
    /// The best rival's median over this one.
    pub ratio: Option<f64>,
    /// (share of the samples, the sample that so many are not above).
    pub quantiles: Vec<(f64, f64)>,
}

impl Figures {
    pub fn new(
        table: &Table,
        threads: usize,
        rounds: usize,
        seconds: f64,
        outcomes: Vec<Outcome>,
    ) -> Self {
        let mut rows: Vec<_> = table
            .contestants
            .iter()
            .zip(outcomes)
            .map(|(contestant, outcome)| Row::new(&contestant.name, contestant.role, outcome))
            .collect();
        let best = rows
            .iter()
            .filter(|row| row.role == Role::Rival)
            .filter_map(|row| row.median)
            .min_by(f64::total_cmp);
        for row in &mut rows {
            if matches!(row.role, Role::Ringpool | Role::Rival) {
                // 0 of something is as good as 0, and infinitely better than any.
                row.ratio = best.zip(row.median).map(|(best, median)| match median {
                    0.0 if best == 0.0 => 1.0,
                    _ => best / median,
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
            seconds,
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

    /// The table as text: a row for each contestant, in their order, whoever is ahead.
    pub fn text(&self) -> String {
        let latency = self.shape == Shape::Latency;
        let name = self.rows.iter().map(|row| row.contestant.chars().count());
        let name = name.max().unwrap_or(0).max(20);
        let unit = match self.unit {
            "ns" => String::new(),
            unit => format!(", {unit}"),
        };
        let mut text = format!("\n{}{unit} [{}]\n{:name$}", self.title, self.id, "");
        _ = write!(text, "{:>12}{:>12}", "median", "p99");
        if latency {
            _ = write!(text, "{:>12}", "p99.9");
        }
        _ = writeln!(text, "{:>9}{:>9}", "ratio", "samples");
        for row in &self.rows {
            _ = write!(text, "{:name$}", row.contestant);
            if let Some(failure) = &row.failure {
                _ = writeln!(text, "  {failure}");
                continue;
            }
            let shares: &[f64] = if latency {
                &[0.5, 0.99, 0.999]
            } else {
                &[0.5, 0.99]
            };
            for &share in shares {
                let value = row.quantile(share).expect("no failure");
                _ = write!(text, "{:>12}", quantity(value, self.unit));
            }
            let ratio = row.ratio.map_or(String::new(), ratio);
            _ = writeln!(text, "{ratio:>9}{:>9}", row.samples);
        }
        text
    }
}

impl Row {
    fn new(name: &str, role: Role, outcome: Outcome) -> Self {
        let (mut samples, failure) = match outcome {
            Ok(samples) => (samples, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * samples.len() as f64).ceil() as usize;
            samples[rank.clamp(1, samples.len()) - 1]
        };
        let percents = (0..=99).map(|percent| f64::from(percent) / 100.0);
        let permilles = (991..=999).map(|permille| f64::from(permille) / 1000.0);
        let quantiles: Vec<_> = percents
            .chain(permilles)
            .chain([0.9999, 1.0])
            .filter(|_| failure.is_none())
            .map(|share| (share, at(share)))
            .collect();
        let mut row = Self {
            contestant: name.to_string(),
            role,
            failure,
            samples: samples.len(),
            median: None,
            p99: None,
            ratio: None,
            quantiles,
        };
        row.median = row.quantile(0.5);
        row.p99 = row.quantile(0.99);
        row
    }

    /// The sample that this share of them is not above, if it is one that is kept.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let found = self.quantiles.iter().find(|(at, _)| *at == share);
        found.map(|(_, sample)| *sample)
    }
}

/// How fast each contestant is along a curve, against the plain loop: (contestant, points of x and speed-up).
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
            let cell = at.map_or("-".to_string(), |(_, speed_up)| ratio(*speed_up));
            _ = write!(text, "{cell:>8}");
        }
        text.push('\n');
    }
    for point in points {
        for row in &point.rows {
            if let Some(failure) = &row.failure {
                let x = point.x.map_or(String::new(), &x);
                _ = writeln!(text, "{} at {x}: {failure}", row.contestant);
            }
        }
    }
    text
}

/// Some three significant figures.
fn ratio(ratio: f64) -> String {
    match ratio {
        _ if !ratio.is_finite() => "inf".to_string(),
        _ if ratio >= 100.0 => format!("{ratio:.0}"),
        _ if ratio >= 10.0 => format!("{ratio:.1}"),
        _ if ratio >= 0.1 => format!("{ratio:.2}"),
        _ => format!("{ratio:.3}"),
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
    match value {
        _ if value < 100.0 => format!("{value:.1} ns"),
        _ if value < 1e3 => format!("{value:.0} ns"),
        _ if value < 1e6 => format!("{} us", ratio(value / 1e3)),
        _ if value < 1e9 => format!("{} ms", ratio(value / 1e6)),
        _ => format!("{} s", ratio(value / 1e9)),
    }
}

/// What a run was made on.
#[derive(Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    pub rustc: String,
}

impl Machine {
    pub fn this() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": "));
        Self {
            cpu: model.map_or("unknown".to_string(), |(_, model)| model.to_string()),
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_string(),
            rustc: rustc().unwrap_or("unknown rustc".to_string()),
        }
    }
}

/// The compiler, if it still is where cargo found it.
fn rustc() -> Option<String> {
    let output = Command::new("rustc").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    Some(version.trim().to_string())
}

/// A run, as `--json` writes it.
#[derive(Serialize)]
pub struct Run<'a> {
    pub machine: &'a Machine,
    pub quick: bool,
    pub tables: &'a [Figures],
}
