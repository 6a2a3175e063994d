#!/usr/bin/env bash
# Proves: every example runs to its end; they check themselves. (readme.sh runs sha256sum, server.sh the server.)
set -euo pipefail
cd "$(dirname "$0")/.."

for file in examples/*.rs; do
    example=$(basename "$file" .rs)
    case $example in
        sha256sum) continue ;;
        spawn_hook | super_loop) features= ;;
        *) features=std ;;
    esac
    printf '\n-- %s\n' "$example"
    RUST_BACKTRACE=0 timeout 120 cargo run --quiet --release --features "$features" --example "$example"
done
