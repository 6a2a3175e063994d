#!/usr/bin/env bash
# Proves: imports in src/ go downwards only. Each module uses what stands in its row, and all of that stands in rows above
# it: so none goes in a circle. Tests, models and documentation links are left out.
set -euo pipefail
cd "$(dirname "$0")/.."

layers='
sync:
native:
tuning:
unwind:
job:
platform:    sync native tuning
queue:       sync native tuning unwind job platform
sleep:       sync tuning platform
map:         sync tuning unwind platform sleep
error:       platform queue
worker:
pool:        sync unwind job platform queue sleep map error worker
serve:       tuning unwind platform queue sleep map worker pool
thread_pool: unwind platform error worker pool
'

# The modules that the files named use, tests aside.
uses() {
    awk 'FNR == 1 { test = 0 } /^#\[cfg\(test\)\]/ { test = 1 } !test && !/^ *\/\//' "$@" |
        grep -oE 'crate::[a-z_]+' | sed 's/crate:://' | sort -u
}

above=" "
failed=0
for file in src/*.rs; do
    module=$(basename "$file" .rs)
    case $module in lib | guide) continue ;; esac
    grep -q "^$module:" <<<"$layers" || { echo "ci/layers.sh has no row for src/$module.rs" >&2; failed=1; }
done
while IFS=: read -r module allowed; do
    [ -n "$module" ] || continue
    for used in $allowed; do
        [[ $above = *" $used "* ]] || { echo "$module: $used does not stand above it" >&2; failed=1; }
    done
    mapfile -t files < <(git ls-files "src/$module.rs" "src/$module/*.rs" | grep -v 'tests\.rs$')
    while read -r used; do
        case " $module models $allowed " in
        *" $used "*) ;;
        *) echo "src: $module uses $used, which its row does not allow" >&2; failed=1 ;;
        esac
    done < <(uses "${files[@]}")
    above="$above$module "
done <<<"$layers"
exit $failed
