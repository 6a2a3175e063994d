#!/usr/bin/env bash
# Proves, by trying many schedules of src/models/shuttle.rs: larger mixes of jobs, maps, panics and closing
# lose no job and no wake-up, and leave nobody in a frame that is gone. It says what the variables
# SHUTTLE_RANDOM_SEED, SHUTTLE_TIMES and SHUTTLE_SCHEDULE are for; arguments choose tests.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/shuttle
RUSTFLAGS="--cfg ringpool_shuttle" cargo test --release --lib --features std "models::shuttle::${1-}" -- --show-output "${@:2}"
