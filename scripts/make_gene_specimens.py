"""Makes tests/specimens/gene_dictionary: dictionaries of genes in every form that is read, and some that are refused.

    .venv/bin/python scripts/make_gene_specimens.py
"""

from __future__ import annotations

import gzip
import json
import os
import pickle
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "tests/specimens/gene_dictionary"
TOKENS = {"<pad>": np.int16(0), "<mask>": np.int16(1), "ENSG00000000003": np.int16(2), "ENSG00000000005": np.int16(3)}
MEDIANS = {"ENSG00000000003": np.float64(2.001861), "ENSG00000000005": np.float64(0.1) + np.float64(0.2)}
SYMBOLS = {"TSPAN6": "ENSG00000000003", "TNMD": "ENSG00000000005", "XIST": "ENSG00000229807"}
PUBLISHED_V2_MEDIANS = "a51c53f6a771d64508dfaf61529df70e394c53bd20856926117ae5d641a24bf5"


class Evil:
    """Would run a command in Python's own reader."""

    def __reduce__(self) -> tuple:
        return os.system, ("true",)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = {f"tokens_protocol_{protocol}.pkl": pickle.dumps(TOKENS, protocol) for protocol in (2, 3, 4, 5)}
    # What NumPy 1 wrote: the module was called `numpy.core`, one letter shorter.
    old = pickle.dumps(TOKENS, 3)
    files["tokens_numpy_1.pkl"] = old.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    files["medians.pkl"] = pickle.dumps(MEDIANS, 4)
    files["medians_float32.pkl"] = pickle.dumps({gene: np.float32(value) for gene, value in MEDIANS.items()}, 4)
    files["symbols.pkl"] = pickle.dumps(SYMBOLS, 4)
    files["symbols.json"] = json.dumps(SYMBOLS, indent=2).encode()
    table = "".join(f"{gene}\t{symbol}\n" for symbol, gene in SYMBOLS.items())
    files["symbols.tsv"] = b"gene_id\tgene_name\n" + table.encode()
    files["symbols.csv.gz"] = gzip.compress(table.replace("\t", ",").encode(), mtime=0)
    files["vocab.txt"] = "".join(f"{name}\n" for name in TOKENS).encode()
    files["bad_truncated.pkl"] = files["medians.pkl"][:80]
    files["bad_evil.pkl"] = pickle.dumps({"ENSG00000000003": Evil()}, 4)
    files["bad_object.pkl"] = pickle.dumps({"ENSG00000000003": np.array([1, 2])}, 4)
    files["bad_list.pkl"] = pickle.dumps(list(SYMBOLS), 4)
    files["bad_gzip.tsv.gz"] = files["symbols.csv.gz"][:-9]
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{PUBLISHED_V2_MEDIANS}\nsize 1512661\n"
    files["bad_pointer.pkl"] = pointer.encode()
    for name, content in files.items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
