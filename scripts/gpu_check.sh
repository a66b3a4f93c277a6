#!/bin/sh
# Parity and throughput of `ferrome protein embed`, `ferrome cell embed` and of the graph tier of `ferrome drug score` on a CUDA
# machine with PyTorch 2.11 and no Rust. FERROME_BIN may be compressed by xz, which makes it a quarter as large. The graph model is made by the example `random_model` (RANDOM_MODEL, or examples/ beside the binary), or is
# the folder FERROME_DRUG_MODEL.
#
#     FERROME_BIN=path/to/ferrome scripts/gpu_check.sh >> benches/RESULTS.md
#     FERROME_BIN=path/to/ferrome scripts/gpu_check.sh --device cpu --tiny     # the logic alone
#
# stdout is Markdown, stderr is talk.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
: "${FERROME_BIN:=$here/../target/release/ferrome}"
case "$FERROME_BIN" in
*.xz)
    unpacked=$(mktemp -d)
    trap 'rm -rf "$unpacked"' EXIT
    "$python" -c 'import lzma, shutil, sys
with lzma.open(sys.argv[1]) as packed, open(sys.argv[2], "wb") as out:
    shutil.copyfileobj(packed, out)' "$FERROME_BIN" "$unpacked/ferrome"
    chmod +x "$unpacked/ferrome"
    FERROME_BIN=$unpacked/ferrome
    ;;
esac
export FERROME_BIN

if [ ! -x "$FERROME_BIN" ]; then
    echo "gpu_check: no binary at $FERROME_BIN: set FERROME_BIN" >&2
    exit 1
fi
torch_lib=$("$python" -c 'import torch; print(torch.__path__[0] + "/lib")') || {
    echo "gpu_check: $python has no torch: pip install torch==2.11.0" >&2
    exit 1
}
export LD_LIBRARY_PATH="$torch_lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

"$FERROME_BIN" doctor >&2
status=0
"$python" "$here/gpu_check.py" "$@" || status=$?
"$python" "$here/gpu_check_drug.py" "$@" || status=$?
exit "$status"
