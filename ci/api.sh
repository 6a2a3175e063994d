#!/usr/bin/env bash
# Proves, of what the crate shows to the world and what it takes from it:
# * the public interface is the one in ci/api.txt, and every feature only adds to it;
#   `ci/api.sh --bless` writes that file anew, and the change shows in the diff;
# * the library compiles with every set of features;
# * it and its tests compile with the lowest versions that Cargo.toml admits;
# * dependencies come from crates.io, under the licences of ci/deny.toml, and no crate comes twice.
#   (Not whether somebody has reported one of them as unsound: that needs a database from the network.)
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$(ci/cargo-install cargo-public-api@0.52.0 cargo-hack@0.6.46 cargo-deny@0.20.2):$PATH
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/api
mkdir -p "$CARGO_TARGET_DIR"

printf -- '-- the public interface\n'
# Automatic traits belong to it, but for the two that only the compiler knows. Pages of documentation do not.
surface() {
    cargo +nightly public-api --simplified --color never --features "$1" |
        grep -v 'core::marker::\(Freeze\|UnsafeUnpin\) for \|^pub mod ringpool::\(docs\|guide\)'
}
surface "" >"$CARGO_TARGET_DIR/core"
surface std >"$CARGO_TARGET_DIR/std"
surface portable-atomic | diff "$CARGO_TARGET_DIR/core" -
if grep -vxFf "$CARGO_TARGET_DIR/std" "$CARGO_TARGET_DIR/core"; then
    echo "The feature std takes these away."
    exit 1
fi
{
    echo "# The public interface, as cargo public-api lists it; ci/api.sh compares. What the feature std adds comes last."
    cat "$CARGO_TARGET_DIR/core"
    printf '\n# with std\n'
    grep -vxFf "$CARGO_TARGET_DIR/core" "$CARGO_TARGET_DIR/std"
} >"$CARGO_TARGET_DIR/api.txt"
if [ "${1:-}" = --bless ]; then
    cp "$CARGO_TARGET_DIR/api.txt" ci/api.txt
elif ! diff -u ci/api.txt "$CARGO_TARGET_DIR/api.txt"; then
    echo "The public interface has changed. If it should: ci/api.sh --bless, and a line in CHANGELOG.md."
    exit 1
fi

printf -- '\n-- every set of features\n'
cargo hack check --lib --feature-powerset --skip default

printf -- '\n-- the lowest versions\n'
copy=$CARGO_TARGET_DIR/minimal
rm -rf "$copy"
mkdir "$copy"
git ls-files -z | xargs -0 cp --parents -t "$copy"
(
    cd "$copy"
    cargo +nightly update --quiet -Z direct-minimal-versions
    cargo check --quiet --all-targets --features std,portable-atomic
    cargo tree --edges normal --features std,portable-atomic
)

printf -- '\n-- dependencies\n'
cargo deny --config ci/deny.toml --all-features check licenses sources
cargo deny --config ci/deny.toml --all-features --exclude-dev check bans
