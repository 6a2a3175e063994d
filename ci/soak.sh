#!/usr/bin/env bash
# Proves: with everything going on at once, on all cores, for 20 seconds or as many as told (`ci/soak.sh 600`),
# every job that was accepted runs exactly once, every map is right, everything is dropped, and memory does not
# grow. A second argument is the seed to begin with.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/soak
cargo run --release --manifest-path ci/soak/Cargo.toml -- "$@"
