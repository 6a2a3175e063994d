#!/usr/bin/env bash
# Proves: all Rust code is formatted by rustfmt, with its defaults.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo fmt --check --manifest-path benches/Cargo.toml
cargo fmt --check --manifest-path benches/size/Cargo.toml
cargo fmt --check --manifest-path benches/servers/Cargo.toml
cargo fmt --check --manifest-path ci/soak/Cargo.toml
cargo fmt --check --manifest-path fuzz/Cargo.toml
cargo fmt --check --all --manifest-path tests/firmware/Cargo.toml
