#!/usr/bin/env bash
# Proves, of what would be published:
# * it is complete: unpacked elsewhere, it builds and passes its tests;
# * a crate that uses it sees nothing of what only its tests need: not in its dependencies, not by
#   `--cfg loom` in its own RUSTFLAGS, and it may take another version of loom.
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

printf -- '\n-- a crate that uses it\n'
ringpool=$PWD
mkdir -p "$elsewhere/user/src"
cd "$elsewhere/user"
cat >Cargo.toml <<EOF
[package]
name = "user"
edition = "2024"
[dependencies]
ringpool = { path = "$ringpool", features = ["std"] }
[target.'cfg(loom)'.dependencies]
loom = "=0.7.2"
EOF
cat >src/main.rs <<EOF
fn main() {
    let pool = ringpool::ThreadPool::new(2).unwrap();
    let mut squares = [0; 100];
    pool.map(0..100, &mut squares, |k| k * k);
    assert_eq!(squares[99], 9801);
}
EOF
# The user itself, ringpool and its three dependencies, and what these need.
tree=$(cargo tree --edges normal,build --prefix none | sort -u)
echo "$tree"
if grep -E '^(loom|shuttle|proptest|clap) ' <<<"$tree"; then
    exit 1
fi
RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$CARGO_TARGET_DIR/user cargo run --quiet
# Without loom of its own, its lock file has none either.
sed -i '/loom/d' Cargo.toml
rm Cargo.lock
cargo tree --quiet >/dev/null
if grep -E '"(loom|shuttle|proptest|clap)"' Cargo.lock; then
    exit 1
fi
