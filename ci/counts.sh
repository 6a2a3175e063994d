#!/usr/bin/env bash
# Proves: the table in docs/counts.md, of how many operations on shared words a job and a map take with 2 to 256 workers, is
# about this code. It runs the pool on a simulated machine with a processor for each worker (src/models/counted.rs) and
# allows a fifth for chance. `ci/counts.sh --bless` writes the table anew; `ci/counts.sh --contended` measures what
# a compare-exchange takes that two cores want.
set -euo pipefail
cd "$(dirname "$0")/.."

table=docs/counts.md
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/counts
count() {
    RUSTFLAGS="--cfg ringpool_shuttle --cfg ringpool_counted" cargo test --quiet --release --lib --features std "models::counts::$1" -- \
        --nocapture "${@:2}"
}

if [ "${1-}" = --contended ]; then
    count a_contended_exchange --ignored
    exit
fi
mkdir -p "$CARGO_TARGET_DIR"
{
    printf '<!-- Made by ci/counts.sh -->\n\n| for one of these, with so many workers | 2 | 16 | 64 | 128 | 256 |\n|---|---|---|---|---|---|\n'
    count table | grep '^| '
} >"$CARGO_TARGET_DIR/counts.md"
if [ "${1-}" = --bless ]; then
    cp "$CARGO_TARGET_DIR/counts.md" "$table"
    exit
fi
# A row that one of them lacks is all zeroes.
awk -F ' [|] ?' '
    /^\| \*\*/ { work = $0 }
    FNR < 4 || !/^\| [^|]*[|] [0-9]/ { next }
    { name = work substr($0, 1, index($0, " | ")); names[name] }
    { for (k = 2; k <= 6; k++) cell[FILENAME, name, k] = $k + 0 }
    END {
        for (name in names) for (k = 2; k <= 6; k++) {
            old = cell[ARGV[1], name, k]; new = cell[ARGV[2], name, k]
            if (new - old > 0.2 * old + 0.3 || old - new > 0.2 * old + 0.3) { print name, "was", old, "is", new; wrong = 1 }
        }
        exit wrong
    }
' "$table" "$CARGO_TARGET_DIR/counts.md" || {
    echo "The counts have changed. If they should: ci/counts.sh --bless, and docs/scaling.md." >&2
    exit 1
}
