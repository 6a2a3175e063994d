#!/usr/bin/env bash
# Proves: the pool does on other processors what it does on x86-64. The tests and the examples pass, built for AArch64, for
# Arm and x86 of 32 bits, and for s390x, whose bytes are the other way round, under QEMU, which runs threads in parallel
# (x86 on an x86-64 host without it: in QEMU's i386 a thread that has handled a signal may end up as another one):
# so the size of a word, the order of its bytes, and the code that the compiler makes, are seen to. What a processor
# reorders is not: an x86 host shows none of it, and ci/loom.sh does.
#
# Takes half an hour: .ci/run does not call it. `ci/cross.sh s390x` is one of them.
#
# The targets' std comes from rustup (`rustup target add s390x-unknown-linux-gnu`) if it is there, else it is built with
# Debian's compiler from Debian's source of it.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/cross
# Optimised, but with all checks of a debug build: once is enough.
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true RUST_BACKTRACE=0

# The tests of one: its name for Rust, for GNU, for Debian, and for QEMU, if it takes one.
check() {
    local target=$1 gnu=$2 debian=$3 variable tests
    local emulator=${4:+"qemu-$4 -L /usr/$2"}
    printf '\n== %s\n' "$target"

    ci/apt-install "gcc-$gnu" "libc6-dev-$debian-cross" qemu-user
    variable=${target//-/_}
    export CARGO_BUILD_TARGET=$target # for the programs of tests/compile_fail.rs, too
    export "CARGO_TARGET_${variable^^}_LINKER=$gnu-gcc"
    if [ -n "$emulator" ]; then
        export "CARGO_TARGET_${variable^^}_RUNNER=$emulator"
        export RINGPOOL_TEST_EMULATOR=$emulator # for a test that starts itself
    else
        local libraries=/usr/$gnu/lib
        local link=-Clink-arg=-Wl,--dynamic-linker=$libraries/ld-linux.so.2,-rpath,$libraries
        export "CARGO_TARGET_${variable^^}_RUSTFLAGS=$link" "CARGO_TARGET_${variable^^}_RUSTDOCFLAGS=$link"
    fi
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        ci/apt-install gcc libc6-dev rustc-web cargo-web rust-web-src
        unset RUSTUP_TOOLCHAIN RUSTC CARGO
        # Debian's cargo takes the first rustc in PATH, which must not be rustup's.
        export PATH=/usr/bin:/bin:/usr/sbin:/sbin RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=std,test
    fi
    rustc --version

    # Not tests/sha256sum.rs, which starts the example itself, without QEMU. So that one is compared here.
    mapfile -t tests < <(ci/pool-tests)
    tests+=(--test=compile_fail --test=no_alloc)
    for features in std "" portable-atomic; do
        cargo test --release --features "$features" "${tests[@]}"
        cargo test --release --features "$features" --doc
    done
    ci/examples.sh
    diff <(sha256sum src/*.rs) <(cargo run --quiet --release --features std --example sha256sum -- src/*.rs)
    echo "the same as coreutils"
}

[ $# -ne 0 ] || set -- aarch64 armv7 i686 s390x
for processor; do
    case $processor in
    aarch64) names=(aarch64-unknown-linux-gnu aarch64-linux-gnu arm64 aarch64) ;;
    armv7) names=(armv7-unknown-linux-gnueabihf arm-linux-gnueabihf armhf arm) ;;
    i686)
        names=(i686-unknown-linux-gnu i686-linux-gnu i386 i386)
        [ "$(uname -m)" != x86_64 ] || names[3]=
        ;;
    s390x) names=(s390x-unknown-linux-gnu s390x-linux-gnu s390x s390x) ;;
    *) echo "none of aarch64, armv7, i686, s390x: $processor" && exit 1 ;;
    esac
    (check "${names[@]}")
done
