#!/usr/bin/env bash
# Proves: on bare metal the pool boots, runs on every core, takes jobs from interrupts and sleeps when idle:
# the firmwares of tests/firmware/ check it, in emulators. And docs/porting.md's recipes are those that compile here,
# for chips that no emulator has.
#
# ci/embedded.sh         some of them
# ci/embedded.sh --all   all of them
# ci/embedded.sh NAME..  those whose package or target is called so
#
# The targets' `core` comes from rustup if it is there, else it is built with Debian's compiler from Debian's
# source of it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Without --all, those with a plus.
boards='
+ cortex-a   aarch64-unknown-none
- cortex-a   armv7a-none-eabi
- cortex-m   thumbv7em-none-eabihf
- cortex-m   thumbv7m-none-eabi
+ cortex-m   thumbv6m-none-eabi
- embassy    thumbv7m-none-eabi
- freertos   thumbv7m-none-eabi
- freertos   host
+ mps2-an521 thumbv6m-none-eabi
- mps2-an521 thumbv8m.main-none-eabi
- recipes/embassy-rp thumbv6m-none-eabi
- recipes/esp-hal riscv32imafc-unknown-none-elf
+ recipes/rp2040-hal thumbv6m-none-eabi
- recipes/rp235x-hal thumbv8m.main-none-eabihf
+ riscv      riscv64gc-unknown-none-elf
- riscv      riscv32imac-unknown-none-elf
- riscv      riscv32imc-unknown-none-elf
- rtic       thumbv7m-none-eabi
- uefi       x86_64-unknown-uefi
- wasm       wasm32-unknown-unknown
'

# What the guide shows is what is compiled.
guide=$(<docs/porting.md)
for recipe in tests/firmware/recipes/*/; do
    code=$(<"$recipe/src/main.rs")
    dependencies=$(sed -n '/^\[dependencies\]/,$p' "$recipe/Cargo.toml")
    dependencies=${dependencies//"../../../.."/"../ringpool"}
    if [[ "$guide" != *"$code"* || "$guide" != *"$dependencies"* ]]; then
        echo "docs/porting.md has another $recipe" >&2
        exit 1
    fi
done

chosen=()
while read -r always board target; do
    case ${1:-} in
    '') [ "$always" = + ] || continue ;;
    --all) ;;
    *) [[ " $* " == *" ${board#recipes/} "* || " $* " == *" $target "* ]] || continue ;;
    esac
    chosen+=("$board $target")
done < <(grep . <<<"$boards")
if [ ${#chosen[@]} -eq 0 ]; then
    echo "no such firmware: $*; there are:$boards" >&2
    exit 2
fi

ci/apt-install gcc gcc-arm-none-eabi libnewlib-arm-none-eabi nodejs ovmf qemu-system-arm qemu-system-misc \
    qemu-system-x86

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/firmware
from_source=
for choice in "${chosen[@]}"; do
    target=${choice#* }
    if [ "$target" != host ] && [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        from_source=yes
    fi
done
if [ -n "$from_source" ]; then
    ci/apt-install rustc-web cargo-web rust-web-src lld-22
    unset RUSTUP_TOOLCHAIN RUSTC CARGO
    # Debian's cargo takes the first rustc in PATH, which must not be rustup's.
    export PATH=/usr/bin:/bin:/usr/sbin:/sbin RUSTC_BOOTSTRAP=1
fi
rustc --version

# Debian's compiler brings no linker.
linker() {
    case $1 in
    wasm32-*) echo -Clinker=wasm-ld-22 ;;
    *-uefi) echo -Clinker=lld-link-22 ;;
    *) echo -Clinker=ld.lld-22 -Clinker-flavor=ld.lld ;;
    esac
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for choice in "${chosen[@]}"; do
    read -r board target <<<"$choice"
    printf '\n-- %s, %s\n' "$board" "$target"
    (
        how=(--release)
        if [ "$target" != host ]; then
            how+=(--target "$target")
            if [ -n "$from_source" ]; then
                # What the package of FreeRTOS compiles beside the kernel wants `alloc`; nothing of it is linked.
                how+=("-Zbuild-std=core,alloc")
                RUSTFLAGS="-Dwarnings $(linker "$target")"
                export RUSTFLAGS
            fi
        fi
        cd "tests/firmware/$board"
        if [ "$board" = recipes/esp-hal ]; then
            # Its start-up code does not assemble here: `fscsr` in a function that is without floats for LLVM.
            cargo check "${how[@]}"
            exit
        fi
        cargo build "${how[@]}"
        case $board in recipes/*) exit ;; esac
        # One that hangs is ended: status 124.
        timeout -k 5 120 cargo run --quiet "${how[@]}" </dev/null 2>&1 | tee "$log"
    )
    case $board in recipes/*) continue ;; esac
    # A firmware may also end too early.
    grep -q '^all checks passed' "$log"
done
