#!/usr/bin/env bash
# Proves: every fence, and every ordering stronger than Relaxed, is there for something that is checked. Each in turn is
# weakened in a copy of the code, or taken out; then one of the models of ci/loom.sh has to fail. Writes what it
# found to docs/orderings.md, which is part of the documentation.
#
# Takes some ten minutes: ci/docs.sh calls it with --list only, which checks that the table was made from this code: it
# has a hash of the files that have a row, without tests, comments and blank lines.
set -euo pipefail
cd "$(dirname "$0")/.."

table=docs/orderings.md

# "file function ordering weaker line" for each, tests aside.
sites() {
    local file
    for file in $(git ls-files "src/*.rs" | grep -vE "models/|tests\.rs"); do
        case $file in src/sync.rs | src/platform/parker.rs) continue ;; esac
        awk -v file="${file#src/}" '
            function site(from, to) { print file, name, from, to, NR }
            /^mod tests \{/ { exit }
            /^ *\/\// { next }
            match($0, /fn [a-z_]+/) { name = substr($0, RSTART + 3, RLENGTH - 3) }
            /fence\(Ordering::SeqCst\)/ { site("fence", "AcqRel"); site("fence", "nothing"); next }
            /Ordering::SeqCst/ { site("SeqCst", "AcqRel") }
            /Ordering::AcqRel/ { site("AcqRel", "Acquire"); site("AcqRel", "Release") }
            /Ordering::Acquire/ { site("Acquire", "Relaxed") }
            /Ordering::Release/ { site("Release", "Relaxed") }
        ' "$file"
    done
}

# Of the code that the table is about: each file that has a row.
code() {
    sites | cut -d ' ' -f 1 | LC_ALL=C sort -u | while read -r file; do
        echo "$file"
        sed -E '/^mod tests \{/,$d; s,^[ \t]*//.*,,; s,[ \t]+//.*,,; /^[ \t]*$/d' "src/$file"
    done
}

stamp() {
    printf '<!-- Made by ci/orderings.sh, of the code %s -->\n' "$(code | sha256sum | cut -c 1-16)"
}

row() {
    # shellcheck disable=SC2016 # These backticks are Markdown's.
    printf '| `%s` | `%s` | %s | %s |' "$@"
}

if [ "${1-}" = --list ]; then
    [ "$(head -n 1 "$table")" = "$(stamp)" ] || {
        echo "$table is not about this code: run ci/orderings.sh" >&2
        exit 1
    }
    exit
fi

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/orderings
# For libtest's --fail-fast.
export RUSTC_BOOTSTRAP=1
copy=$CARGO_TARGET_DIR/copy
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z | xargs -0 cp --parents -t "$copy"
result=$(mktemp)
trap 'rm -f "$result"' EXIT

# The quick ones first. One at a time, so that the one that fails is the last that was begun.
models() {
    local group
    for group in models::rules producer models::loom; do
        "$copy/ci/loom.sh" "$group" -- --test-threads=1 -Zunstable-options --fail-fast || return
    done >"$result" 2>&1
}

models || {
    cat "$result"
    exit 1
}

cat >"$table" <<END
$(stamp)

| in | function | has | with | this model fails | because |
|---|---|---|---|---|---|
END
missed=0
while read -r file function from to line; do
    case $to in
    nothing) edit="${line}d" ;;
    *) edit="${line}s/Ordering::[A-Za-z]*/Ordering::$to/" ;;
    esac
    sed "$edit" "src/$file" >"$copy/src/$file"
    if models </dev/null; then
        model=none because="" missed=$((missed + 1))
    elif ! grep -q '^running' "$result"; then
        cat "$result"
        exit 1
    else
        model="\`$(grep -o '^test models::[a-z_:]*' "$result" | tail -n 1 | sed 's/.*:://')\`"
        because=$(grep -oE -m 1 'deadlock|Causality violation|assertion|SIG[A-Z]*' "$result" || echo "a panic")
    fi
    cp "src/$file" "$copy/src/$file"
    {
        row "$file" "$function" "$from" "$to"
        echo " $model | ${because,,} |"
    } | tee -a "$table"
done < <(sites)
[ "$missed" -eq 0 ] || {
    echo "$missed of them nothing catches" >&2
    exit 1
}
