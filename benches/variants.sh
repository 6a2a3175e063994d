#!/usr/bin/env bash
# Measures variants of ringpool beside this checkout, in the same interleaved rounds, each in fresh processes:
#
#   benches/variants.sh NAME=DIRECTORY [NAME=DIRECTORY ...] [-- SUITE ARGUMENTS]
#
# DIRECTORY is a copy of the crate: another commit (`git worktree add ../old 32d44d3`) or a change. `same=.` is this
# checkout once more: what differs there is noise. Each builds the whole suite with that copy; only the public interface
# is used. In each table the row `ringpool` is this checkout; a ratio is its figure over the row's, above 1 is faster
# than it, for the median, the 99th and the 99.9th percentile. `--rivals` first lets the others take part.
# A figure is the median over processes, quartiles in brackets. A process that is measured takes --seconds and 0.1.
#   -- --skip busy --only latency-5us --only latency-1ms        1 worker, cores, 2 x cores; `--only 5us-w2-busy`: beside
#                                                               a neighbour that computes
#   -- --only server-20us-fixed-50-w2    S = 5, 20, 50, 200; fixed, exp; load 10, 50, 70; workers = cores, 2 x cores; -busy
#   -- --only mixed-                                            jobs beside a map of 10 ms every 20 ms
#   -- --only execute-                                          tiny jobs: execute-1 and -2 (producers), -tree, -chain
#   -- --skip python --only map-64 --only map-1024 --only map-tail --only map-1us       awake, asleep, skew, large
#   -- --only row-2000 --only row-5000 --only pause-2000 --only pause-5000 --only row-10000    break-even, 2 us to 1 ms
#   -- --processes 5 --seconds 0.1 ...        less; --list names all tables; --json FILE keeps the figures of each process
# All but the server's rows take 40 s for a variant with 5 processes of 0.1 s. (Build first, with `-- --list`.)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/../target/benches}
made=$CARGO_TARGET_DIR/variants

# build PROJECT NAME: the suite, as a program of that name.
build() {
    cargo build --quiet --release --manifest-path "$1/Cargo.toml" >&2
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
        *)
            sed -n '2,25s/^#//p' "$0" >&2
            exit 2
            ;;
    esac
    shift
done
build "$here" ringpool
exec "$made/ringpool/program" "${arguments[@]}" "${@:2}"
