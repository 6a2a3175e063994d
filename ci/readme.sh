#!/usr/bin/env bash
# Proves: the commands on README's first screen do what README says, as they stand there. The checksums
# have to be those of coreutils.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck disable=SC2016 # The backquotes are Markdown.
mapfile -t commands < <(sed -n '/^```sh$/,/^```$/{/^cargo /p}' README.md | head -n 2)
case ${commands[0]} in *"--example sha256sum -- Cargo.toml src") ;; *) echo "README's first command is another"; exit 1 ;; esac
case ${commands[1]} in "cargo test "*) ;; *) echo "README's second command is another"; exit 1 ;; esac

echo "${commands[0]}"
diff <(find Cargo.toml src -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) <(bash -c "${commands[0]}")
echo "the same as coreutils"

echo "${commands[1]}"
bash -c "${commands[1]}"
