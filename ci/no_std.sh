#!/usr/bin/env bash
# Proves: the pool needs `core` and nothing else. It builds, and a small firmware around it links, for a
# microcontroller with compare-and-swap and for one without, where std does not exist and nobody allocates.
#
# The targets' `core` comes from rustup (`rustup target add thumbv7em-none-eabihf riscv32imc-unknown-none-elf`)
# if it is there, else it is built with Debian's compiler from Debian's source of it.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/no_std
targets=(thumbv7em-none-eabihf riscv32imc-unknown-none-elf)

build_std=()
for target in "${targets[@]}"; do
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        build_std=(-Zbuild-std=core)
    fi
done
if [ ${#build_std[@]} -ne 0 ]; then
    ci/apt-install rustc-web cargo-web rust-web-src lld-22
    unset RUSTUP_TOOLCHAIN RUSTC CARGO
    # Debian's cargo takes the first rustc in PATH, which must not be rustup's.
    export PATH=/usr/bin:/bin:/usr/sbin:/sbin RUSTC_BOOTSTRAP=1
    export RUSTFLAGS="-Clinker=ld.lld-22 -Clinker-flavor=ld.lld"
fi
rustc --version

cd ci/no_std
# With compare-and-swap: no feature is needed.
cargo build "${build_std[@]}" --target thumbv7em-none-eabihf
# Without: the firmware chooses how its atomics are made.
cargo build "${build_std[@]}" --target riscv32imc-unknown-none-elf --features portable-atomic
