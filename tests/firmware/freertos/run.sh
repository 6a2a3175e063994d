#!/usr/bin/env bash
# Runs the firmware on chips of several speeds, so that interrupts and ticks come in different places. Time is the
# number of instructions: the same in every run, however busy the host is, and an interrupt can come between any two.
# (By default it comes between translation blocks only, and hardly ever in the middle of a submit.)
set -euo pipefail

for shift in 5 6 7; do
    echo "-- $((1 << shift)) ns an instruction"
    qemu-system-arm -machine mps2-an385 -icount "shift=$shift,sleep=off" -nographic \
        -semihosting-config enable=on,target=native -kernel "$1"
done
