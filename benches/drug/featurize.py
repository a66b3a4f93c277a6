#!/usr/bin/env python3
"""SMILES to ECFP4 on one core: `ferrome drug featurize` beside RDKit in Python, round by round.

Both read the same .smi file and write id, smiles and the on-bits of every molecule to Parquet. CPU seconds are those of
the whole process less those of the same process on one molecule (start-up, imports). The on-bits must be equal in
99.95 % of the rows.

    python benches/drug/featurize.py LIBRARY.smi [--rounds 3] [--json OUT]
    python benches/drug/featurize.py --contender LIBRARY.smi OUT.parquet    # RDKit's side, alone
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
FERROME = os.environ.get("FERROME_BIN", str(ROOT / "target/release/ferrome"))


def rdkit_side(library: str, out: str) -> None:
    """The way one does it in Python: parse, fingerprint, on-bits, Parquet."""
    from rdkit import Chem, RDLogger
    from rdkit.Chem import rdFingerprintGenerator

    RDLogger.DisableLog("rdApp.*")
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    ids, smiles, bits = [], [], []
    for line in Path(library).read_text().splitlines():
        text, _, name = line.partition(" ")
        molecule = Chem.MolFromSmiles(text)
        ids.append(name)
        smiles.append(text)
        bits.append(None if molecule is None else list(generator.GetFingerprint(molecule).GetOnBits()))
    table = pa.table({"id": ids, "smiles": smiles, "ecfp4": pa.array(bits, pa.list_(pa.uint16()))})
    pq.write_table(table, out, compression="zstd")


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a command, on one core."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    one = dict(os.environ, OMP_NUM_THREADS="1", ARROW_NUM_THREADS="1")
    subprocess.run(command, check=True, env=one)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Runs both, checks that they agree, prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--contender", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    args = parser.parse_args()
    if args.contender:
        rdkit_side(args.library, args.out)
        return

    with tempfile.TemporaryDirectory() as folder:
        single = f"{folder}/single.smi"
        Path(single).write_text("CCO x\n")

        def ferrome(library: str) -> float:
            command = [FERROME, "drug", "featurize", library, "-o", f"{folder}/ours.parquet", "--what", "ecfp4"]
            return cpu_seconds([*command, "--threads", "1", "--overwrite", "--quiet"])

        def rdkit(library: str) -> float:
            return cpu_seconds([sys.executable, __file__, "--contender", library, f"{folder}/theirs.parquet"])

        rounds = []
        for _ in range(args.rounds):
            start = (ferrome(single), rdkit(single))
            both = (ferrome(args.library), rdkit(args.library))
            rounds.append((both[0] - start[0], both[1] - start[1]))
        ours = pq.read_table(f"{folder}/ours.parquet").column("ecfp4").to_pylist()
        theirs = pq.read_table(f"{folder}/theirs.parquet").column("ecfp4").to_pylist()

    rows = len(theirs)
    differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
    result = {
        "rows": rows,
        "ferrome_per_second": round(rows / median(r[0] for r in rounds)),
        "rdkit_per_second": round(rows / median(r[1] for r in rounds)),
        "ratio": round(median(r[1] / r[0] for r in rounds), 2),
        "differing": differ,
    }
    print(json.dumps(result))
    if args.json:
        Path(args.json).write_text(json.dumps(result) + "\n")
    if differ * 2000 > rows:
        sys.exit(f"{differ} of {rows} fingerprints differ")


main()
