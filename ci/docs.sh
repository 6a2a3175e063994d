#!/usr/bin/env bash
# Proves: the documentation builds without warnings, with std and without, and for those who read the source; and
# its table of orderings has all that there are.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTDOCFLAGS="-D warnings"
cargo doc --no-deps --features std
cargo doc --no-deps --features std --document-private-items
# Without std the links to what std adds lead nowhere.
RUSTDOCFLAGS="-D warnings -A rustdoc::broken-intra-doc-links" cargo doc --no-deps
ci/orderings.sh --list
