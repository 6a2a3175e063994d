#!/usr/bin/env bash
# Proves: what would be published is complete: unpacked elsewhere, it builds and passes its tests.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
cargo package --allow-dirty --no-verify
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
tar -xf "$CARGO_TARGET_DIR/package/ringpool-$version.crate" -C "$elsewhere"
cd "$elsewhere/ringpool-$version"
find . -type f | LC_ALL=C sort
cargo test --features std
