#!/usr/bin/env bash
# Proves: no warning of the compiler or of clippy, with any set of features, in any target; and what
# Cargo.toml's [lints] ask for: a reason at every `unsafe`, one unsafe operation to a block, docs.
set -euo pipefail
cd "$(dirname "$0")/.."

for features in "" std portable-atomic std,portable-atomic; do
    cargo clippy --all-targets --features "$features" -- -D warnings
done
ci/apt-install gcc g++ libc6-dev # for rivals in C and C++
cargo clippy --ignore-rust-version --manifest-path benches/Cargo.toml -- -D warnings
cargo clippy --manifest-path benches/size/Cargo.toml --all-features -- -D warnings
cargo clippy --manifest-path benches/servers/Cargo.toml -- -D warnings
cargo clippy --manifest-path ci/soak/Cargo.toml -- -D warnings
