#!/usr/bin/env bash
# Proves: random programs on pools do what their model says (tests/program), in memory that AddressSanitizer
# watches, and leave nothing behind. libFuzzer looks for programs that reach new code, for a minute or for as
# many seconds as told: `ci/fuzz.sh 3600`. A program that fails is printed, and kept beside the build.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
ci/apt-install g++ # libFuzzer is C++.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

# The flags are cargo-fuzz's. The sanitizer's runtime comes with every toolchain of rustup's; its flag wants a
# nightly one, or to be told that this is one.
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg fuzzing -Zsanitizer=address -Ccodegen-units=1 -Cdebug-assertions $coverage" \
    cargo build --release --target "$host" --manifest-path fuzz/Cargo.toml
fuzz=$CARGO_TARGET_DIR/$host/release/ringpool-fuzz

corpus=$CARGO_TARGET_DIR/corpus failures=$CARGO_TARGET_DIR/failures
rm -rf "$failures"
mkdir -p "$corpus" "$failures"
# Leaks are looked for at the end: after each run, threads that were not joined would still be going.
"$fuzz" -max_total_time="$seconds" -max_len=300 -len_control=0 -timeout=60 -detect_leaks=0 \
    -print_final_stats=1 -print_funcs=0 -artifact_prefix="$failures/" "$corpus" 2>&1 |
    grep --line-buffered -vE '^#[0-9]+\s+(NEW|REDUCE|pulse|RELOAD)|# Uses: |dictionary' || {
    for file in "$failures"/*; do
        [ ! -e "$file" ] || RUST_LIBFUZZER_DEBUG_PATH=/dev/stdout "$fuzz" "$file" 2>&1 | grep -F 'Program {'
    done
    exit 1
}
