#!/usr/bin/env bash
# Proves: a mistake in src/ would not go unseen. cargo-mutants makes one change after another (`+` to `-`, `<` to
# `<=`, a function that does nothing), and the tests have to fail, or hang, for at least 95 of 100 of those that
# compile. What is left out, and why, is in ci/mutants.toml. It never changes an ordering: ci/orderings.sh does.
#
# Takes an hour or so: .ci/run does not call it. Arguments go to cargo-mutants: `-f src/idle.rs`, `--in-diff FILE`.
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
    local status=0
    cargo +nightly mutants --config ci/mutants.toml --output "$out" --colors never "${tests[@]/#/--cargo-arg=}" "$@" \
        -- -- -Zunstable-options --fail-fast || status=$?
    # 2: some were missed; 3: some hung.
    [[ $status =~ ^[023]$ ]]
    cat "$out"/mutants.out/{caught,timeout}.txt >>"$out/caught"
}
mutants --features std "$@"
# Once more without std those that were not caught with it: some code is not compiled with it.
mutants --iterate "$@"

sort -u "$out/caught" -o "$out/caught"
grep -vxFf "$out/caught" "$out/mutants.out/missed.txt" >"$out/missed" || true
caught=$(wc -l <"$out/caught")
all=$((caught + $(wc -l <"$out/missed")))
printf '\nMissed:\n'
cat "$out/missed"
printf '\n%d of %d caught\n' "$caught" "$all"
[ $((caught * 100)) -ge $((all * 95)) ]
