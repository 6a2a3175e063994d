#!/usr/bin/env bash
# Measures variants of ringpool beside this checkout, in the same interleaved rounds, each in fresh
# processes:
#
#   benches/variants.sh NAME=DIRECTORY [NAME=DIRECTORY ...] [-- SUITE ARGUMENTS]
#
# DIRECTORY is a copy of the crate: another commit (`git worktree add ../old 32d44d3`) or a change;
# `same=.` is this checkout once more: what differs there is noise. Each builds the suite with that
# copy; only the public interface is used. In each table the row `ringpool` is this checkout, and a
# ratio is its figure over the row's: above 1 is faster. A figure is the median over the processes,
# quartiles in brackets. `--rivals`, first, lets the others take part. Build first: `-- --list`.
#
#   --only latency-5us --only latency-1ms   a job now and then; 1 worker, cores, 2 x cores; -busy
#   --only server-20us-fixed-50-w2          5, 20, 50, 200 us; fixed, exp; load 10, 50, 70; -busy
#   --only mixed-                           jobs beside a map of 10 ms every 20 ms
#   --only execute-                         tiny jobs: -1, -2 (producers), -tree, -chain
#   --only map-64 --only map-1024           awake and asleep; map-tail is skewed, map-1us large
#   --only row-2000 --only pause-5000       break-even at 2, 20, 200 us; at 5, 50, 500 us
#   --skip busy --skip python               without those whose name contains that
#   --processes 5 --seconds 0.1             less; a process takes another 0.05 s
#   --json FILE                             the figures of each process
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/../target/benches}
made=$CARGO_TARGET_DIR/variants

# build PROJECT NAME: the suite, as a program of that name.
build() {
    cargo build --quiet --ignore-rust-version --release --manifest-path "$1/Cargo.toml" >&2
    mkdir -p "$made/$2"
    cp "$CARGO_TARGET_DIR/release/ringpool-benches" "$made/$2/program"
}

# variant NAME DIRECTORY: the suite, built with that copy of the crate. Same versions of all else.
variant() {
    local project=$made/$1
    mkdir -p "$project"
    ln -sfn "$here/src" "$project/src"
    ln -sf "$here/build.rs" "$project/build.rs"
    sed "s|^ringpool = .*|ringpool = { path = \"$(cd "$2" && pwd)\", features = [\"std\"] }|" \
        "$here/Cargo.toml" >"$project/Cargo.toml"
    cp "$here/Cargo.lock" "$project/"
    build "$project" "$1"
}

usage() {
    sed -n '2,/^set/s/^#//p' "$0" >&2
    exit 2
}

[ $# -gt 0 ] || usage
arguments=(--processes 10 --no-rivals)
cargo fetch --quiet --manifest-path "$here/Cargo.toml"
while [ $# -gt 0 ]; do
    case $1 in
        --rivals) arguments=(--processes 10) ;;
        --) break ;;
        *=*)
            variant "${1%%=*}" "${1#*=}"
            arguments+=(--variant "${1%%=*}=$made/${1%%=*}/program")
            ;;
        *) usage ;;
    esac
    shift
done
build "$here" ringpool
exec "$made/ringpool/program" "${arguments[@]}" "${@:2}"
