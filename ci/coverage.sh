#!/usr/bin/env bash
# Proves: the tests run at least 98 of 100 lines of src/ (tests aside), with std and without. Prints each file's
# share, and the lines that no test runs.
#
# The counters are LLVM's: Debian's llvm-22 reads what Rust 1.95's writes.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/apt-install llvm-22
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
out=$CARGO_TARGET_DIR/coverage
rm -rf "$out"
mkdir -p "$out"

# For this crate only: what it depends on is built already.
printf '#!/bin/sh\nexec "$@" -Cinstrument-coverage\n' >"$out/rustc"
chmod +x "$out/rustc"
export RUSTC_WORKSPACE_WRAPPER=$out/rustc

mapfile -t tests < <(ci/pool-tests)

for features in "" std; do
    LLVM_PROFILE_FILE="$out/%m-%p.profraw" cargo test --quiet --features "$features" "${tests[@]}"
    cargo test --no-run --quiet --message-format json --features "$features" "${tests[@]}" |
        sed -n 's/.*"executable":"\([^"]*\)".*/-object=\1/p' >>"$out/objects"
done
llvm-profdata-22 merge --sparse "$out"/*.profraw --output "$out/profdata"
xargs llvm-cov-22 export --format=lcov --instr-profile "$out/profdata" --sources src <"$out/objects" >"$out/lcov"

# In lcov's format a file is `SF:name`, then a line is `DA:number,times`.
awk -v root="$PWD/" '
    /^SF:/ {
        file = substr($0, 4)
        sub(root, "", file)
        source = 0
        delete text
        while ((getline line < file) > 0) {
            # The tests of a file are its end.
            if (line ~ /^mod tests \{/) break
            text[++source] = line
        }
        close(file)
    }
    /^DA:/ {
        split(substr($0, 4), count, ",")
        if (file ~ /tests\.rs$/ || count[1] > source) next
        lines[file]++
        total++
        if (count[2] == 0) {
            missed[file]++
            unseen++
            where = where sprintf("%s:%d:%s\n", file, count[1], text[count[1]])
        }
    }
    END {
        printf "\n%s", where
        for (file in lines)
            printf "%6.2f %% of %3d lines  %s\n", 100 - 100 * missed[file] / lines[file], lines[file], file | "sort -k6"
        close("sort -k6")
        printf "%6.2f %% of %3d lines\n", 100 - 100 * unseen / total, total
        exit total == 0 || unseen > total * 0.02
    }
' "$out/lcov"
