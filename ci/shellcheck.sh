#!/usr/bin/env bash
# Proves: the scripts of this directory have none of the mistakes that shellcheck knows.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/apt-install shellcheck
shellcheck .ci/run ci/apt-install ci/cargo-install ci/pool-tests ci/*.sh tests/firmware/freertos/run.sh
