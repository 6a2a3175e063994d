#!/usr/bin/env bash
# Proves: README is short; the commands on its first screen do what it says, as they stand there; and the example's
# checksums are coreutils'.
set -euo pipefail
cd "$(dirname "$0")/.."

lines=$(wc -l <README.md)
[ "$lines" -le 150 ] || { echo "README has $lines lines, more than 150"; exit 1; }

# shellcheck disable=SC2016 # The backquotes are Markdown.
mapfile -t commands < <(sed -n '/^```sh$/,/^```$/{/^cargo /p}' README.md | head -n 2)
case ${commands[0]} in *" --example sha256sum -- --demo") ;; *) echo "README's first command is another"; exit 1 ;; esac
case ${commands[1]} in "cargo test "*) ;; *) echo "README's second command is another"; exit 1 ;; esac

echo "${commands[0]}"
shown=$(bash -c "${commands[0]}" 2>&1 | tail -n 1)
echo "$shown"
line='^64 files, 536870912 bytes: [0-9.]+ s with [0-9]+ threads, [0-9.]+ s with one; [0-9.]+ times as fast$'
[[ $shown =~ $line ]] || { echo "that is not what README shows"; exit 1; }

files=(Cargo.toml src)
diff <(find "${files[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) \
    <(bash -c "${commands[0]/--demo/"${files[*]}"}")
echo "the same as coreutils"

echo "${commands[1]}"
bash -c "${commands[1]}"
