#!/usr/bin/env bash
# Proves: the benchmark suite builds; ringpool and its rivals run in it and give right results. A
# few tables of each kind, a tenth of the rounds: its figures mean nothing here. If ringpool fails
# or hangs, so does this; a rival that does is a row that says so.
set -euo pipefail
cd "$(dirname "$0")/.."

# For OpenMP and what else is in C or C++; and Python's pools.
ci/apt-install gcc g++ libc6-dev python3
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/benches
suite=(cargo run --ignore-rust-version --release --manifest-path benches/Cargo.toml --)
"${suite[@]}" --list

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
timeout -k 5 300 "${suite[@]}" --quick --json "$out/figures.json" --plots "$out" \
    --only map-64- --only map-tail --only map-nested --only map-2-callers --only map-allocations \
    --only scaling- --only execute-1-w1 --only latency-1ms-w1 --only server-20us-fixed-10-w \
    --only mixed- --skip busy --only python-map-64
for file in figures.json scaling.svg latency-1ms-w1.svg; do
    [ -s "$out/$file" ] || { echo "no $file" >&2; exit 1; }
done

# Another copy of the crate takes part.
timeout -k 5 300 benches/variants.sh same=. -- --quick --only map-2-asleep | tee "$out/variants"
grep -q '^same ' "$out/variants" || { echo "no variant in the table" >&2; exit 1; }
