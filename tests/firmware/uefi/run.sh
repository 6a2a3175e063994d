#!/usr/bin/env bash
# Boots an application from a disk, with four processors.
set -euo pipefail
disk=$(mktemp -d)
trap 'rm -r "$disk"' EXIT
mkdir -p "$disk/EFI/BOOT"
cp "$1" "$disk/EFI/BOOT/BOOTX64.EFI"
qemu-system-x86_64 -machine q35 -cpu max -smp 4 -m 128M -bios /usr/share/ovmf/OVMF.fd -nic none \
    -drive format=raw,file=fat:rw:"$disk" -no-reboot -display none -serial none -monitor none \
    -debugcon stdio -device isa-debug-exit,iobase=0xf4
