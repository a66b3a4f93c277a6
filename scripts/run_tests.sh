#!/usr/bin/env bash
# Runs every test, the Python ones also when a Rust one fails, and ends with the runners' own counts.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=${CARGO_TARGET_DIR:-target}
logs=$target/test-logs
mkdir -p "$logs"

rust_tests() {
    # Doctests are linked without the rpath that build scripts give to binaries.
    LD_LIBRARY_PATH=$PWD/.venv/libtorch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
        cargo test --release --locked --workspace --no-fail-fast 2>&1 | tee "$logs/rust.txt"
}

# Together, because then both are built from what the Rust tests were built from: features of a crate are those that all
# chosen packages ask for.
# tests/python/package runs in an environment with the wheel, by test_package.py.
python_tests() {
    cargo build --release --locked -p ferrome-cli -p ferrome-py && wheel=$(scripts/build_wheel.sh) && \
        FERROME_BIN=$(realpath "$target/release/ferrome") FERROME_WHEEL=$(realpath "$wheel") \
        .venv/bin/python -m pytest -p no:cacheprovider --ignore tests/python/package tests/python 2>&1 | tee "$logs/python.txt"
}

# The sum of the lines `test result: ok. 12 passed; 0 failed; 1 ignored; …`, one for each test binary.
rust_counts() {
    awk '/^test result: / { runs++; passed += $4; failed += $6; ignored += $8 }
        END { printf "%d passed; %d failed; %d ignored; in %d runs (test binaries and doctests)", passed, failed, ignored, runs }' \
        "$logs/rust.txt"
}

python_counts() {
    tail -n 1 "$logs/python.txt" | tr -d '='
}

failed=0
rust_tests || failed=1
python_tests || failed=1

echo
echo "cargo test: $(rust_counts)"
echo "pytest:     $(python_counts | sed 's/^ *//; s/ *$//')"
if [ "$failed" = 1 ]; then
    echo "tests: FAILED (whole output in $logs)"
    exit 1
fi
echo "tests: all passed"
