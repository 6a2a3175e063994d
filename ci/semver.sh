#!/usr/bin/env bash
# Proves: nothing that used the last release breaks with this version, unless its number says so. The argument
# is the commit to compare with, by default the last release's tag. Before the first release there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

baseline=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [ -z "$baseline" ]; then
    echo "No release yet: nothing to compare with."
    exit 0
fi

PATH=$(ci/cargo-install cargo-semver-checks@0.51.0):$PATH
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/semver
before=$CARGO_TARGET_DIR/before
rm -rf "$before"
mkdir -p "$before"
git archive "$baseline" | tar -x -C "$before"
cargo semver-checks --baseline-root "$before"
