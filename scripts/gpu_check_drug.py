#!/usr/bin/env python3
"""Parity and throughput of `ferrome drug score` with a graph transformer on a GPU. `gpu_check.sh` runs it.

Needs Python alone. The model has random weights: `random_model` writes it, an example of the crate `ferrome-drug` that is
looked for in `examples/` beside the binary (or RANDOM_MODEL says where); or FERROME_DRUG_MODEL is the folder of a model with
a graph and a fast tier. Without either the check is left out, and says so. Molecules are put together from pieces. stdout is
Markdown for benches/RESULTS.md, the exit code says whether parity holds.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

TOLERANCE = 1e-4
CORES = [
    "c1({})c({})c({})nc({})n1",
    "c1({})c({})c({})cc({})c1",
    "c1({})nc2c({})c({})ccc2c({})c1",
    "C1({})CN({})C({})CN1{}",
    "c1({})c({})c2c({})cn({})c2cc1",
]  # fmt: skip
GROUPS = [
    "C", "N", "OC", "F", "Cl", "C#N", "C(=O)N", "NC(=O)C3CCCC3", "N3CCOCC3", "c3ccccc3", "c3ccc(F)cc3", "C(=O)Nc3cccnc3",
    "S(=O)(=O)N3CCCC3", "CCN(C)C", "Oc3ccc(Cl)cc3", "c3cc4ccccc4[nH]3",
]  # fmt: skip
TARGET = "MLEICLKLVGCKSKKGLSSSSSCYLEEALQRPVASDFEPQGLSEAARWNSKENLLAGPSENDPNLFVALYDFVASGDNTLSITKGEKLRVLGYNHNGEWCEAQ" * 6


def molecules(count: int) -> list[str]:
    """Different molecules of about 10 to 45 atoms, the same every time."""
    size = len(GROUPS)
    made = []
    for number in random.Random(1).sample(range(len(CORES) * size**4), count):
        number, core = divmod(number, len(CORES))
        groups = [GROUPS[number // size**place % size] for place in range(4)]
        made.append(CORES[core].format(*groups))
    return made


def library(path: Path, smiles: list[str]) -> Path:
    """A .smi file."""
    path.write_text("".join(f"{text} m{number}\n" for number, text in enumerate(smiles)))
    return path


def graph_model(folder: Path) -> Path | None:
    """A model's folder, if there is a way to get one."""
    if given := os.environ.get("FERROME_DRUG_MODEL"):
        return Path(given)
    beside = Path(os.environ["FERROME_BIN"]).parent / "examples/random_model"
    maker = Path(os.environ.get("RANDOM_MODEL", beside))
    if not maker.is_file():
        return None
    trained = library(folder / "trained.smi", molecules(2000))
    subprocess.run([maker, trained, folder / "model"], check=True, capture_output=True)
    return folder / "model"


def score(source: Path, model: Path, device: str, *more: str) -> tuple[list[float], dict]:
    """Scores of all rows, and `--stats`."""
    out, stats, target = source.with_suffix(".csv"), source.with_suffix(".json"), source.with_name("target.fasta")
    target.write_text(f">t\n{TARGET}\n")
    command = [os.environ["FERROME_BIN"], "drug", "score", source, "--targets", target, "-m", model, "-o", out]
    command += ["--device", device, "--stats", stats, "--overwrite", "--quiet", *more]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"gpu_check: ferrome ended with {done.returncode}\n{done.stderr}")
    with open(out, newline="") as file:
        scores = [float(row["score"]) for row in csv.DictReader(file)]
    return scores, json.loads(stats.read_text())


def parity(folder: Path, model: Path, device: str, count: int) -> tuple[str, bool]:
    """A Markdown line, and whether the device says what the CPU says."""
    source = library(folder / "parity.smi", molecules(count))
    (expected, _), (got, _) = score(source, model, "cpu"), score(source, model, device)
    largest = max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(expected, got, strict=True))
    spread = max(expected) - min(expected)
    holds = largest <= TOLERANCE and spread > 100 * TOLERANCE
    word = "holds" if holds else "**broken**"
    return f"- parity with the CPU, {count:,} molecules (scores spread over {spread:.2f}): largest relative difference {largest:.1e}: {word}", holds


def throughput(folder: Path, model: Path, device: str, count: int, rounds: int) -> list[str]:
    """Markdown lines: molecules per second of both tiers, loading not counted."""
    source = library(folder / "speed.smi", molecules(count))
    lines = [f"| {count:,} molecules, one target | molecules/s | seconds | load, s | peak, MB |", "|---|--:|--:|--:|--:|"]
    for name, more in {"graph tier": [], "fast tier": ["--tier", "fast"]}.items():
        stats = sorted((score(source, model, device, *more)[1] for _ in range(rounds)), key=lambda stats: stats["run_seconds"])
        middle = stats[len(stats) // 2]
        seconds, peak = middle["run_seconds"], middle["peak_rss_bytes"] / 1e6
        lines.append(f"| {name} | {count / seconds:,.0f} | {seconds:.2f} | {middle['load_seconds']:.1f} | {peak:,.0f} |")
    return lines


def main() -> int:
    """Both checks; 1 when parity is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="few molecules, to see that all of it runs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--molecules", type=int, help="of the throughput run [default: 200,000; tiny: 500]")
    options, _ = parser.parse_known_args()
    count = options.molecules or (500 if options.tiny else 200_000)
    print(f"## Drug scoring on a GPU, {datetime.date.today()}\n")
    with tempfile.TemporaryDirectory(prefix="ferrome-gpu-check-drug-") as scratch:
        folder = Path(scratch)
        model = graph_model(folder)
        if model is None:
            print("gpu_check: no graph model: set RANDOM_MODEL or FERROME_DRUG_MODEL", file=sys.stderr)
            print("- left out: no model with a graph\n")
            return 0
        line, holds = parity(folder, model, options.device, 200 if options.tiny else 5000)
        lines = [f"`scripts/gpu_check.sh {' '.join(sys.argv[1:])}`: device {options.device}, {os.cpu_count()} CPUs, model {model.name}", ""]
        print("\n".join([*lines, line, "", *throughput(folder, model, options.device, count, options.rounds), ""]))
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
