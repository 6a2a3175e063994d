#!/usr/bin/env bash
# Proves: what would be published is complete: it builds from its archive alone.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo package --allow-dirty --features std
