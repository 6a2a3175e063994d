#!/usr/bin/env bash
# Proves, by sanitizers on the tests, as far as these reach, and with nothing suppressed:
#
# * AddressSanitizer: nobody touches memory that is gone, frames of maps included; in a debug build.
# * LeakSanitizer: no memory is lost. (A leak on purpose shows that it looks.)
# * ThreadSanitizer: there is no data race; in a release build, several times. The standard library is built
#   with it too, so that there are no false reports.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/sanitize
mkdir -p "$CARGO_TARGET_DIR"

mapfile -t tests < <(ci/pool-tests)

# The runtime comes with every toolchain of rustup's; its flag wants a nightly, or this variable.
address() {
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
        ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 \
        cargo test --target x86_64-unknown-linux-gnu --features std "$@"
}
address "${tests[@]}"
(address --test forget -- --ignored a_leak 2>&1 || true) | grep -F "ERROR: LeakSanitizer: detected memory leaks"
echo "as it should: that one was on purpose"

# Debian's compiler, which has the source of the standard library and is called by its path.
ci/apt-install gcc libc6-dev libclang-rt-22-dev rustc-web cargo-web rust-web-src
export PATH=/usr/bin:/bin:/usr/sbin:/sbin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
unset RUSTUP_TOOLCHAIN CARGO

# The runtime has to come before everything else, or linking fails.
linker=$CARGO_TARGET_DIR/cc
runtime=$(dpkg-query -L libclang-rt-22-dev | grep '/libclang_rt\.tsan-x86_64\.a$')
cat >"$linker" <<END
#!/bin/sh
exec cc -Wl,--whole-archive $runtime -Wl,--no-whole-archive -Wl,--export-dynamic "\$@"
END
chmod +x "$linker"

for _ in 1 2 3; do
    RUSTFLAGS="-Zsanitizer=thread -Zexternal-clangrt -Clinker=$linker" \
        cargo test -Zbuild-std --target x86_64-unknown-linux-gnu --release --features std "${tests[@]}"
done
