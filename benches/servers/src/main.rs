//! The server of `examples/server`, on ringpool and on other executors: latency under a load that
//! does not wait for answers (open loop), from the time at which a request was due.
//!
//! ```text
//! cargo run --release --manifest-path benches/servers/Cargo.toml -- run light
//! ```

// What the example has and this does not use: metrics, drain.
#[allow(dead_code)]
#[path = "../../../examples/server/event_loop.rs"]
mod event_loop;
#[allow(dead_code)]
#[path = "../../../examples/server/handlers.rs"]
mod handlers;
#[allow(dead_code)]
#[path = "../../../examples/server/http.rs"]
mod http;
mod load;
mod plot;
mod rivals;
mod run;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use load::Load;
use rivals::Executor;

#[derive(Parser)]
enum Args {
    #[command(flatten)]
    Do(Do),
}

#[derive(Subcommand)]
enum Do {
    /// Serves until it is killed, on a free port, which it prints
    Serve { executor: Executor },
    /// Starts each server in turn, several times, and loads it
    Run {
        load: Load,
        /// Fresh processes of each server
        #[arg(long, default_value_t = 10)]
        rounds: usize,
        /// Of load on each process
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Requests a second, instead of the load's own
        #[arg(long)]
        rate: Option<f64>,
        /// Where to put the plot
        #[arg(long)]
        plots: Option<PathBuf>,
    },
}

fn main() -> std::io::Result<()> {
    let Args::Do(what) = Args::parse();
    match what {
        Do::Serve { executor } => rivals::serve(executor),
        Do::Run {
            load,
            rounds,
            seconds,
            rate,
            plots,
        } => {
            let rate = rate.unwrap_or(load.rate());
            run::run(load, rate, rounds, seconds, plots.as_deref())
        }
    }
}
