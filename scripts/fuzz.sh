#!/usr/bin/env bash
# Feeds random input to fuzz targets, beginning with the specimens of tests/specimens.
#
#     scripts/fuzz.sh SECONDS TARGET...
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=$1
shift

need_nightly() {
    if ! cargo +nightly --version >/dev/null 2>&1; then
        echo "fuzz: installing nightly Rust, which cargo-fuzz needs" >&2
        rustup toolchain install nightly --profile minimal
    fi
}

need_cargo_fuzz() {
    if ! cargo fuzz --version >/dev/null 2>&1; then
        echo "fuzz: installing cargo-fuzz" >&2
        cargo install cargo-fuzz --locked
    fi
}

specimens() { # target
    case "$1" in
        pickle) echo tests/specimens/weights ;;
        *) echo "tests/specimens/$1" ;;
    esac
}

run() { # target
    local corpus=fuzz/corpus/$1 dictionary=()
    mkdir -p "$corpus"
    if [ -e "fuzz/$1.dict" ]; then
        dictionary=("-dict=fuzz/$1.dict")
    fi
    cargo +nightly fuzz run "$1" "$corpus" "$(specimens "$1")" -- \
        "-max_total_time=$seconds" -print_final_stats=1 "${dictionary[@]}"
}

need_nightly
need_cargo_fuzz
for target in "$@"; do
    run "$target"
done
