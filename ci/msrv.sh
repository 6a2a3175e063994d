#!/usr/bin/env bash
# Proves: the library compiles with the oldest Rust that Cargo.toml promises, with every set of features.
# That compiler comes from rustup if it is there, else from Debian 12's packages, unpacked beside the build.
set -euo pipefail
cd "$(dirname "$0")/.."

msrv=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
target=${CARGO_TARGET_DIR:-$PWD/target}/msrv
mkdir -p "$target"

if RUSTC=$(rustup which --toolchain "$msrv.0" rustc 2>/dev/null); then
    export RUSTC
else
    deb=$target/deb
    if [ ! -x "$deb/rustc" ]; then
        mkdir -p "$deb"
        [ -n "$(apt-cache madison rustc-web)" ] || ci/apt-install rustc-web
        version=$(apt-cache madison rustc-web | awk -v msrv="$msrv" 'index($3, msrv ".") == 1 { print $3; exit }')
        (
            cd "$deb"
            apt-get download -qq "rustc-web=$version" "libstd-rust-web-dev=$version" "libstd-rust-web-$msrv=$version"
            llvm=$(dpkg-deb -f libstd-rust-web-"$msrv"_*.deb Depends | grep -o 'libllvm[0-9]*')
            apt-get download -qq "$llvm"
            for package in *.deb; do
                dpkg-deb -x "$package" .
            done
            libraries=$PWD/usr/lib/$(uname -m)-linux-gnu
            # shellcheck disable=SC2016 # "$@" is for the script that is written.
            printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "'$libraries'" "'$PWD/usr/bin/rustc'" >rustc
            chmod +x rustc
        )
    fi
    export RUSTC=$deb/rustc
fi

"$RUSTC" --version | grep -F " $msrv."
for features in "" std portable-atomic std,portable-atomic; do
    CARGO_TARGET_DIR=$target cargo check --features "$features"
done
