//! Random programs on pools against a model: `tests/program`, under libFuzzer. `ci/fuzz.sh` builds and runs it.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/program/mod.rs"]
mod program;

libfuzzer_sys::fuzz_target!(|program: program::Program| program::run(&program));
