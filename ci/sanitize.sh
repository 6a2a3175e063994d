#!/usr/bin/env bash
# Proves, by ThreadSanitizer on the tests: no data race that they reach. The standard library is built with it
# too, so that there are no false reports and nothing to suppress.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/apt-install gcc libc6-dev libclang-rt-22-dev rustc-web cargo-web rust-web-src

# Debian's compiler, which has the source of the standard library and is called by its path.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
unset RUSTUP_TOOLCHAIN CARGO
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/sanitize

# The runtime has to come before everything else, or linking fails.
mkdir -p "$CARGO_TARGET_DIR"
linker=$CARGO_TARGET_DIR/cc
runtime=$(dpkg-query -L libclang-rt-22-dev | grep '/libclang_rt\.tsan-x86_64\.a$')
cat >"$linker" <<END
#!/bin/sh
exec cc -Wl,--whole-archive $runtime -Wl,--no-whole-archive -Wl,--export-dynamic "\$@"
END
chmod +x "$linker"

tests=(--lib)
for file in tests/*.rs; do
    case $file in
    # No threads of this crate in these processes, or an allocator of their own.
    tests/compile_fail.rs | tests/no_alloc.rs | tests/sha256sum.rs) ;;
    *) tests+=(--test "$(basename "$file" .rs)") ;;
    esac
done
RUSTFLAGS="-Zsanitizer=thread -Zexternal-clangrt -Clinker=$linker" \
    cargo test -Zbuild-std --target x86_64-unknown-linux-gnu --release --features std "${tests[@]}"
