#!/usr/bin/env bash
# Proves: the documentation builds without warnings, with std and without, and for those who read the source; its
# table of orderings has all that there are; each bound on a wrong guess has its tests; and links between its pages, the
# README's too, lead to files that exist.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTDOCFLAGS="-D warnings"
cargo doc --no-deps --features std
cargo doc --no-deps --features std --document-private-items
# Without std the links to what std adds lead nowhere.
RUSTDOCFLAGS="-D warnings -A rustdoc::broken-intra-doc-links" cargo doc --no-deps
ci/orderings.sh --list

# shellcheck disable=SC2016 # The backquotes are Markdown's.
grep -oE '`[a-z0-9]+(_[a-z0-9]+){4,}`' docs/wrong-guesses.md | tr -d '`' | while read -r test; do
    grep -rqE "fn $test\(" src tests || { echo "docs/wrong-guesses.md names a test that is not there: $test"; exit 1; }
done
for page in ./*.md docs/*.md; do
    { grep -oE '\]\([^)# ]+|^\[[^]]+\]: [^# ]+|src="[^"]+' "$page" || true; } |
        sed -E -e 's/^(\]\(|\[[^]]+\]: |src=")//' -e '/:\/\//d' |
        while read -r link; do
            case $link in crate::*) continue ;; esac
            [ -e "$(dirname "$page")/$link" ] || { echo "$page links to $link, which is not there"; exit 1; }
        done
done
