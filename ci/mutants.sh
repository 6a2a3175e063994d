#!/usr/bin/env bash
# Proves: a mistake in src/ would not go unseen. cargo-mutants makes one change after another (`+` to `-`, `<` to
# `<=`, a function that does nothing), and the tests have to fail, or hang, for at least 95 of 100 of those that
# compile. What is left out, and why, is in ci/mutants.toml. It never changes an ordering: ci/orderings.sh does.
#
# Takes an hour or so: .ci/run does not call it. Arguments go to cargo-mutants: `-f src/sleep/mod.rs`, `--in-diff FILE`.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$(ci/cargo-install cargo-mutants@27.1.0):$PATH
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/mutants
export CARGO_PROFILE_DEV_DEBUG=false RUST_BACKTRACE=0
out=$CARGO_TARGET_DIR/out
rm -rf "$out"
mkdir -p "$out"

mapfile -t tests < <(ci/pool-tests)

# With nightly, whose test programs end at the first failure; another test may hang meanwhile.
mutants() {
    local status=0 results=$out/mutants.out
    cargo +nightly mutants --config ci/mutants.toml --output "$out" --iterate --colors never "$@" \
        -- -- -Zunstable-options --fail-fast || status=$?
    # 2: some were missed; 3: some hung.
    [[ $status =~ ^[023]$ ]]
    # Neither is tried again.
    cat "$results/timeout.txt" >>"$results/caught.txt"
    cat "$results/caught.txt" >>"$out/caught"
}
# First the unit tests, which are quick; then all tests, on what is left; then without std, where some code is
# compiled that is not with it.
mutants --features std --cargo-arg=--lib "$@"
mutants --features std "${tests[@]/#/--cargo-arg=}" "$@"
mutants "${tests[@]/#/--cargo-arg=}" "$@"

caught=$(sort -u "$out/caught" | wc -l)
missed=$(wc -l <"$out/mutants.out/missed.txt")
printf '\nMissed:\n'
cat "$out/mutants.out/missed.txt"
printf '\n%d of %d caught\n' "$caught" $((caught + missed))
[ $((caught * 100)) -ge $(((caught + missed) * 95)) ]
