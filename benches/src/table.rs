//! Tables: what is measured, and who takes part.

use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::work::Calibrated;

/// What a contestant does when it is its turn: returns samples, in its table's unit.
///
/// It begins with a short warm-up that it does not measure, because its threads were stopped and
/// its cache lines are cold.
pub type Turn = Box<dyn FnMut() -> Vec<f64>>;

/// What is the same for all contestants of a table.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Setup {
    /// Threads that compute, the caller included if it does.
    pub threads: usize,
    /// How long an [`Element`](crate::work::Element) takes: measured once, so that all do the same
    /// work.
    pub calibrated: Calibrated,
    /// What a process that serves one round only measures, in seconds; else a turn is short.
    pub seconds: Option<f64>,
    /// For what is drawn at random: the same for all contestants of a round.
    pub seed: u64,
}

/// One workload.
pub struct Table {
    /// Short and unique: `map-64-awake`. `--only` looks here and at the title.
    pub id: String,
    pub title: String,
    /// Of the samples; smaller is better.
    pub unit: &'static str,
    pub shape: Shape,
    /// How many turns each contestant gets in a full run, if they are not too long.
    pub rounds: usize,
    /// Other than what `--threads` says.
    pub threads: Option<usize>,
    /// How many other processes compute meanwhile.
    pub neighbours: usize,
    /// A fresh process for each contestant in each round, which measures for so many seconds.
    pub fresh: Option<f64>,
    /// Measured only if `--only` names it, or with `--all`.
    pub on_request: bool,
    pub contestants: Vec<Contestant>,
}

/// A table of times, with as many threads as `--threads` says.
pub fn table(id: &str, title: &str, rounds: usize, contestants: Vec<Contestant>) -> Table {
    Table {
        id: id.to_string(),
        title: title.to_string(),
        unit: "ns",
        shape: Shape::Times,
        rounds,
        threads: None,
        neighbours: 0,
        fresh: None,
        on_request: false,
        contestants,
    }
}

impl Table {
    /// Puts variants behind the first ringpool; takes others away, if there are to be no rivals.
    pub fn choose(&mut self, variants: &[(String, PathBuf)], no_rivals: bool) {
        let is_ours = |contestant: &Contestant| contestant.role == Role::Ringpool;
        let Some(ours) = self.contestants.iter().position(is_ours) else {
            return;
        };
        let of = self.contestants[ours].name.clone();
        if no_rivals {
            self.contestants
                .retain(|c| c.role == Role::Loop || c.name == of);
        }
        let next = 1 + self
            .contestants
            .iter()
            .position(is_ours)
            .expect("it is kept");
        let variant = |(name, program): &(String, PathBuf)| Contestant {
            name: name.clone(),
            role: Role::Ringpool,
            start: Start::Variant {
                program: program.clone(),
                of: of.clone(),
            },
        };
        self.contestants
            .splice(next..next, variants.iter().map(variant));
    }
}

/// How a table is shown.
#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// Median, 99th percentile.
    Times,
    /// The 99.9th percentile too, and a plot of the distribution.
    Latency,
    /// A point of the curve with this name, at this x.
    Point(&'static str, f64),
}

pub struct Contestant {
    pub name: String,
    pub role: Role,
    pub start: Start,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Role {
    Ringpool,
    Rival,
    /// The plain loop: no pool, so not a rival.
    Loop,
    /// What the machine allows: not a rival either.
    Limit,
}

pub enum Start {
    /// In a process of its own, a copy of this program: builds the pool, checks one result (a panic
    /// says what is wrong), and hands back what a turn is.
    Here(Box<dyn Fn(&Setup) -> Turn>),
    /// Another program that speaks the same protocol: prints `ready`; then for each line `go` that
    /// it reads, prints a line of samples. Ends when its input does. A line `fails: ...` says why
    /// it gives up.
    Command(Box<dyn Fn(&Setup) -> Command>),
    /// This program, built with another copy of ringpool, as the contestant of that name.
    Variant { program: PathBuf, of: String },
    /// Nobody: what another contestant's samples would be if it were faster by what `speed_up`
    /// makes of the number of threads.
    Ideal {
        of: &'static str,
        speed_up: Box<dyn Fn(usize) -> f64>,
    },
}

impl Contestant {
    pub fn new(
        name: impl Into<String>,
        role: Role,
        make: impl Fn(&Setup) -> Turn + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            role,
            start: Start::Here(Box::new(make)),
        }
    }

    pub fn command(name: impl Into<String>, make: impl Fn(&Setup) -> Command + 'static) -> Self {
        Self {
            name: name.into(),
            role: Role::Rival,
            start: Start::Command(Box::new(make)),
        }
    }
}
