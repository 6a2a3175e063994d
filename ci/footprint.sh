#!/usr/bin/env bash
# Proves: how much of a microcontroller a pool takes is what docs/footprint.md and docs/porting.md say, within 5 %
# (another compiler makes other code); on a Cortex-M4F it is no more than was promised; and neither `execute` nor the
# loop of a worker can panic or contains code that formats.
#
# tests/firmware/footprint/ has firmwares with a pool and an empty one, tests/firmware/cycles/ one that counts its
# instructions in an emulator. The targets' `core` comes from rustup if
# it is there, else it is built with Debian's compiler from Debian's source of it.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=(thumbv7em-none-eabihf thumbv6m-none-eabi riscv32imac-unknown-none-elf)
# Of the first: bytes of code and constants, and of RAM for 16 jobs; measured, up to the next 64. Of the code, some 110
# bytes hold the bound that each worker that finds work wakes the next while more is queued than others search for; some
# 200 of the map's hold that each participant wakes as many as the rest is worth, and that a helper leaves for a job.
max_execute=1536 max_map=3328 max_ram=640

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

# Bytes of RAM of each pool in a firmware.
pools() {
    local bytes
    while read -r _ bytes _; do
        echo $((16#$bytes))
    done < <(llvm-nm-22 --print-size "$1" | grep POOL)
}

# The stacks of what was built so, at the deepest: `execute`, a worker, one that helps, `map`.
stacks() {
    ci/stack-depth "$1/execute" '::interrupt$' 'Serve>::serve$'
    ci/stack-depth "$1/map" 'Serve>::serve$' '^start$'
}

# A row of a table in Markdown, its first cell as code.
row() {
    # shellcheck disable=SC2016 # These backquotes are Markdown's.
    printf '| `%s` |' "$1"
    printf ' %s |' "${@:2}"
}

sizes=() deepest=() counts=() rams=() depths=()
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
    ram=$(pools "$built/execute")
    if [ "$target" = "${targets[0]}" ]; then
        [ "$execute" -le $max_execute ] || fail "execute and a worker take $execute bytes, more than $max_execute"
        [ "$map" -le $max_map ] || fail "execute, a worker and a map take $map bytes, more than $max_map"
        [ "$ram" -le $max_ram ] || fail "a pool of 16 takes $ram bytes of RAM, more than $max_ram"
    fi
    if symbols=$(llvm-nm-22 --demangle "$built/execute" | grep -E 'core::(fmt|panicking|[a-z]+::.*fail)|panic|unwind'); then
        fail "$target: execute or the worker can panic, or formats: $symbols"
    fi
    mapfile -t stack < <(stacks "$built")
    [ ${#stack[@]} -eq 4 ] || fail "$target: no stack depths"
    sizes+=("$(row "$target" "$execute" "$map" "$ram")")
    deepest+=("$(row "$target" "${stack[@]}")")
    mapfile -t ram < <(pools "$built/pools")
    rams+=("$(row "$target" "${ram[@]}")")

    case $target in riscv*) continue ;; esac
    counted=$(
        cd tests/firmware/cycles
        timeout -k 5 120 cargo run --quiet "${build_std[@]}" --target "$target" --profile footprint </dev/null
    ) || true
    [[ "$counted" =~ ^[0-9]+(\ [0-9]+){3}$ ]] || fail "$target: no count of instructions: $counted"
    # shellcheck disable=SC2086 # Four numbers.
    counts+=("$(row "$target" $counted)")
done

# The first again, as it is built during development.
for profile in release dev unoptimised; do
    (
        cd tests/firmware/footprint
        cargo build --quiet "${build_std[@]}" --target "${targets[0]}" --profile "$profile"
    )
    mapfile -t stack < <(stacks "$CARGO_TARGET_DIR/${targets[0]}/${profile/dev/debug}")
    [ ${#stack[@]} -eq 4 ] || fail "$profile: no stack depths"
    depths+=("$(row "$profile" "${stack[@]}")")
done

# Each table, and whether the file has it, number by number.
table() {
    local file=$1 head=$2 row
    shift 2
    printf '\n%s\n%s\n' "$head" "${head//[^|]/-}"
    for row; do
        printf '%s\n' "$row"
        awk -F ' [|] ?' -v head="$head" -v row="$row" '
            BEGIN { columns = split(row, new) }
            $0 == head { inside = 1 }
            !/^[|]/ { inside = 0 }
            inside && NF == columns && $1 == new[1] {
                found = 1
                for (k = 2; k < NF; k++) if (new[k] < $k * 0.95 || new[k] > $k * 1.05) exit wrong = 1
            }
            END { exit wrong || !found }
        ' "$file" || fail "$file does not say: $row"
    done
}
# shellcheck disable=SC2016 # Markdown's, too.
{
    table docs/footprint.md '| target | code: `execute`, worker | code: and a `map` | RAM |' "${sizes[@]}"
    table docs/footprint.md '| target | `execute` | worker | worker that helps a map | `map` |' "${deepest[@]}"
    table docs/footprint.md '| target | `execute` | from an interrupt | `step` with a job | `step` without |' \
        "${counts[@]}"
    table docs/porting.md '| target | `Pool<16>` | `Pool<4>` | `Pool<16, _, 2>` | `Pool<4, _, 2>` |' "${rams[@]}"
    table docs/porting.md '| profile | `execute` | worker | worker that helps | `map` |' "${depths[@]}"
}
exit $failed
