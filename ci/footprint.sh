#!/usr/bin/env bash
# Proves: how much of a microcontroller a pool takes is what README's table says, within 5 % (another compiler
# makes other code); on a Cortex-M4F it is no more than was promised; and neither `execute` nor the loop of a
# worker can panic or contains code that formats.
#
# tests/firmware/footprint/ has firmwares with a pool and an empty one, tests/firmware/cycles/ one that counts its
# instructions in an emulator. The targets' `core` comes from rustup if
# it is there, else it is built with Debian's compiler from Debian's source of it.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=(thumbv7em-none-eabihf thumbv6m-none-eabi riscv32imac-unknown-none-elf)
# Of the first: bytes of code and constants, and of RAM for 16 jobs.
max_execute=1536 max_map=3072 max_ram=640

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/firmware RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zemit-stack-sizes
ci/apt-install llvm-22 python3 qemu-system-arm
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
    export PATH=/usr/bin:/bin:/usr/sbin:/sbin
    RUSTFLAGS+=" -Clinker=ld.lld-22 -Clinker-flavor=ld.lld"
fi
rustc --version

failed=0
fail() {
    echo "FAILED: $*" >&2
    failed=1
}

# Bytes of code and constants.
size() {
    llvm-size-22 -A "$1" | awk '$1 == ".text" || $1 == ".rodata" { bytes += $2 } END { print bytes }'
}

sizes=() counts=()
for target in "${targets[@]}"; do
    features=()
    case $target in thumbv6m-*) features=(--features portable-atomic) ;; esac
    (
        cd tests/firmware/footprint
        cargo build --quiet "${build_std[@]}" --target "$target" --profile footprint "${features[@]}"
    )
    built=$CARGO_TARGET_DIR/$target/footprint
    empty=$(size "$built/empty")
    execute=$(($(size "$built/execute") - empty))
    map=$(($(size "$built/map") - empty))
    ram=$((16#$(llvm-nm-22 --print-size "$built/execute" | awk '/POOL/ { print $2 }')))
    if [ "$target" = "${targets[0]}" ]; then
        [ "$execute" -le $max_execute ] || fail "execute and a worker take $execute bytes, more than $max_execute"
        [ "$map" -le $max_map ] || fail "execute, a worker and a map take $map bytes, more than $max_map"
        [ "$ram" -le $max_ram ] || fail "a pool of 16 takes $ram bytes of RAM, more than $max_ram"
    fi
    if symbols=$(llvm-nm-22 --demangle "$built/execute" | grep -E 'core::(fmt|panicking|[a-z]+::.*fail)|panic|unwind'); then
        fail "$target: execute or the worker can panic, or formats: $symbols"
    fi
    mapfile -t stack < <(
        ci/stack-depth "$built/execute" '::interrupt$' 'Serve>::serve$'
        ci/stack-depth "$built/map" 'Serve>::serve$' '^start$'
    )
    [ ${#stack[@]} -eq 4 ] || fail "$target: no stack depths"
    # shellcheck disable=SC2016 # These backticks are Markdown's.
    sizes+=("$(printf '| `%s` | %s | %s | %s | %s | %s | %s | %s |' "$target" "$execute" "$map" "$ram" "${stack[@]}")")

    case $target in riscv*) continue ;; esac
    counted=$(
        cd tests/firmware/cycles
        timeout -k 5 120 cargo run --quiet "${build_std[@]}" --target "$target" --profile footprint </dev/null
    ) || true
    [[ "$counted" =~ ^[0-9]+(\ [0-9]+){3}$ ]] || fail "$target: no count of instructions: $counted"
    # shellcheck disable=SC2016,SC2086 # Likewise; four numbers.
    counts+=("$(printf '| `%s` | %s | %s | %s | %s |' "$target" $counted)")
done

# shellcheck disable=SC2016 # Likewise.
printf '%s\n' \
    '| target | execute, worker | and a map | RAM | stack: `execute` | worker | worker that helps | `map` |' \
    '|---|---|---|---|---|---|---|---|' "${sizes[@]}" '' \
    '| target | `execute` | from an interrupt | `step` with a job | without |' \
    '|---|---|---|---|---|' "${counts[@]}"
for row in "${sizes[@]}" "${counts[@]}"; do
    # A row of as many columns in README, number by number.
    awk -F ' [|] ?' -v row="$row" '
        BEGIN { columns = split(row, new) }
        NF == columns && $1 == new[1] {
            found = 1
            for (k = 2; k < NF; k++) if (new[k] < $k * 0.95 || new[k] > $k * 1.05) exit wrong = 1
        }
        END { exit wrong || !found }
    ' README.md || fail "README does not say: $row"
done
exit $failed
