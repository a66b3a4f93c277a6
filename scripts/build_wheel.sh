#!/usr/bin/env bash
# Builds the Python package and leaves its one wheel in target/wheels/; the wheel's path is the only line on stdout. Arguments
# go to maturin.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
wheels=${CARGO_TARGET_DIR:-target}/wheels

rm -rf "$wheels"
.venv/bin/maturin build --release --locked --interpreter .venv/bin/python --out "$wheels" "$@" >&2
ls "$wheels"/ferrome-*.whl
