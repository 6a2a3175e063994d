#!/usr/bin/env bash
# Proves: the tests pass with every set of features, and in a release build.
set -euo pipefail
cd "$(dirname "$0")/.."

for features in "" portable-atomic std,portable-atomic std; do
    cargo test --features "$features"
done
cargo test --release --features std
