#!/usr/bin/env bash
# Proves: the picture of how the crate works is made from its text, and each file that it names exists. With --draw,
# makes it anew.
set -euo pipefail
cd "$(dirname "$0")/.."

text=docs/how-it-works.dot picture=docs/how-it-works.svg
if [ "${1-}" = --draw ]; then
    ci/apt-install graphviz
    # As Markdown takes it: its first tag is one line, no line is blank. As wide as the page.
    dot -Tsvg "$text" | sed -e '1,/^<svg/{/^<svg/!d}' -e '/^<!--.*-->$/d' -e '/^$/d' \
        -e '/^<svg/{N;s/ width="[^"]*" height="[^"]*"\n/ width="100%"/}' >"$picture"
fi

files() {
    grep -oE '[a-z_/]+\.rs' "$1" | LC_ALL=C sort
}
diff <(files "$text") <(files "$picture") || {
    echo "$picture is not of $text: run ci/diagram.sh --draw" >&2
    exit 1
}
while read -r file; do
    [ -e "src/$file" ] || [ -e "src/platform/$file" ] || {
        echo "$text names $file, which src/ does not have" >&2
        exit 1
    }
done < <(files "$text" | uniq)
