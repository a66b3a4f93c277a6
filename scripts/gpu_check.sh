#!/bin/sh
# Parity and throughput of `ferrome protein embed` and `cell embed` on a CUDA machine with PyTorch 2.11 and no Rust.
#
#     FERROME_BIN=path/to/ferrome scripts/gpu_check.sh >> benches/RESULTS.md
#     FERROME_BIN=path/to/ferrome scripts/gpu_check.sh --device cpu --tiny     # the logic alone
#
# stdout is Markdown, stderr is talk.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
: "${FERROME_BIN:=$here/../target/release/ferrome}"
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
exec "$python" "$here/gpu_check.py" "$@"
