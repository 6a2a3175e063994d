#!/usr/bin/env bash
# Proves, by going through the interleavings of src/models/loom.rs: no job and no wake-up is lost, and no helper
# is left in a map's frame that is gone.
#
# loom 0.7.3 remembers only the last access of each atomic and so skips interleavings (its issues #166 and
# #392). ci/loom-dpor.patch makes it remember every load since the last store, by thread, and use its stacks
# again, which takes a fifth of the time. It goes onto a copy of the source from cargo's registry. loom is
# (c) 2019 Carl Lerche, MIT licence: ci/loom-LICENSE, for the lines of it that are in the patch.
#
# Arguments go to the test program, as in `ci/loom.sh a_helper`; LOOM_MAX_PREEMPTIONS=4 searches deeper, for hours.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}/loom
export CARGO_TARGET_DIR=$target
mended=$target/loom-0.7.3
mkdir -p "$target"
ci/apt-install patch

# The lock file is the same with the mended loom and without, to everyone else.
lock=$(mktemp)
[ -e Cargo.lock ] || cargo generate-lockfile
cp Cargo.lock "$lock"
trap 'mv "$lock" Cargo.lock' EXIT

cargo fetch
registry=$(cargo metadata --format-version 1 | grep -o '[^"]*/loom-0\.7\.3/Cargo\.toml' | head -n 1)
if [ ! -e "$mended/patched" ] || ! cmp -s ci/loom-dpor.patch "$mended/patched"; then
    rm -rf "$mended"
    cp -R "$(dirname "$registry")" "$mended"
    patch -d "$mended" -p1 <ci/loom-dpor.patch
    cp ci/loom-dpor.patch "$mended/patched"
fi

check() {
    RUSTFLAGS="--cfg ringpool_loom" cargo test --release --lib --features "$1" \
        --config "patch.crates-io.loom.path=\"$mended\"" "${@:2}"
}
if [ $# -ne 0 ]; then
    check "" "$@"
    exit
fi
check "" models
# With std, jobs' panics are caught, and what loom has to say with them: only what is about panics.
check std models::loom::a_panic
