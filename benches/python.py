#!/usr/bin/env python3
"""Measure what calling Ferrome from Python costs beside the command line: 1,000 short sequences, the same model.

The wheel is installed into an environment of its own; command and Python alternate, round by round. Medians, ratios (computed
within a round, then the median), machine and versions are appended to a Markdown file.

    python benches/python.py                     # five rounds
    python benches/python.py --rounds 1 --out /dev/stdout
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benches/peers"
sys.path[:0] = [str(PEERS), str(ROOT / "tests/python")]
import environment  # noqa: E402
from workload import SHAPES, write_checkpoints  # noqa: E402

SEQUENCES, SHORTEST, LONGEST = 1000, 20, 60
TARGET = 1.05  # Python's time over the command's
RESIDUES = "LAGVSERTIDPKQNFYMHWC"


@dataclass(frozen=True)
class Round:
    """Seconds of one round."""

    command_process: float  # the whole process
    command_work: float  # loading and running, by its own --stats
    python_import: float
    python_call: float
    python_loaded: float  # with a model that is loaded

    @property
    def ratio(self) -> float:
        """The call over the command's own loading and running."""
        return self.python_call / self.command_work


# ------------------------------------------------------------------------------------------------------------- running


def write_inputs(folder: Path) -> None:
    """The same random sequences as FASTA and one a line."""
    dice = random.Random(1)
    sequences = ["".join(dice.choices(RESIDUES, k=dice.randint(SHORTEST, LONGEST))) for _ in range(SEQUENCES)]
    (folder / "sequences.txt").write_text("\n".join(sequences))
    (folder / "sequences.fasta").write_text("".join(f">{i}\n{sequence}\n" for i, sequence in enumerate(sequences)))


def run_round(python: Path, model: Path, folder: Path, arguments: argparse.Namespace) -> Round:
    """The command, then Python; their vectors have to be equal, bit by bit."""
    threads = ["--threads", str(arguments.threads)]
    line = [arguments.ferrome, "protein", "embed", folder / "sequences.fasta", "-m", model, "--device", "cpu", "--quiet"]
    began = time.perf_counter()
    subprocess.run(
        [*line, "-o", folder / "command.npy", "--overwrite", "--stats", folder / "stats.json", *threads], check=True
    )
    process = time.perf_counter() - began
    stats = json.loads((folder / "stats.json").read_text())
    line = [python, PEERS / "python_embed.py", folder / "sequences.txt", "-m", model, "--save", folder / "python.npy"]
    said = subprocess.run([*line, *threads], check=True, stdout=subprocess.PIPE, text=True, cwd=folder).stdout
    times = json.loads(said)
    if not np.array_equal(np.load(folder / "command.npy"), np.load(folder / "python.npy")):
        raise SystemExit("the vectors of the command and of Python differ")
    work = stats["load_seconds"] + stats["run_seconds"]
    return Round(process, work, times["import"], times["call"], times["loaded"])


def models(folder: Path) -> dict[str, Path]:
    """The model that ships, and the 35M shape of ESM-2 with random weights."""
    hugging, _ = write_checkpoints(SHAPES["35m"], folder, seed=1, fair=False)
    return {"ferrome-esm2-mini (6 x 192)": ROOT / "weights/ferrome-esm2-mini", f"ESM-2 35M ({SHAPES['35m']})": hugging}


# ------------------------------------------------------------------------------------------------------------- reports


def report(results: dict[str, list[Round]], arguments: argparse.Namespace) -> str:
    """What is appended to the file."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "pyarrow"))
    lines = [
        f"## Python, {datetime.date.today()}",
        "",
        f"`python benches/python.py {' '.join(sys.argv[1:])}`".replace(" `", "`"),
        "",
        f"{arguments.cpu}, {os.cpu_count()} CPUs, {arguments.threads} threads, load average at the start {arguments.load:.1f}; "
        f"{packages}, Python {platform.python_version()}; {arguments.rounds} rounds; {SEQUENCES:,} sequences of {SHORTEST} to "
        f"{LONGEST} residues, mean pooling, f32; vectors equal bit for bit.",
        "",
        "| model | command, load and run, s | Python, the call, s | ratio | with a loaded model, s | command, whole process, s "
        "| `import ferrome`, s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, rounds in results.items():
        middle = {key: median(getattr(each, key) for each in rounds) for key in Round.__dataclass_fields__}
        lines.append(
            f"| {name} | {middle['command_work']:.3f} | {middle['python_call']:.3f} | {median(r.ratio for r in rounds):.3f} "
            f"| {middle['python_loaded']:.3f} | {middle['command_process']:.3f} | {middle['python_import']:.3f} |"
        )
    lines.append("")
    for name, rounds in results.items():
        ratio = median(each.ratio for each in rounds)
        verdict = "met" if ratio <= TARGET else "MISSED"
        lines.append(f"- {name}: Python takes {ratio:.3f} times as long (target at most {TARGET}): {verdict}")
    return "\n".join(lines) + "\n"


def cpu_name() -> str:
    """As Linux calls it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")


def main() -> None:
    """Measure, and append the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ferrome", default=os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=ROOT / "benches/RESULTS.md")
    arguments = parser.parse_args()
    arguments.cpu, arguments.load = cpu_name(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = environment.make(folder / "environment")
        write_inputs(folder)
        results = {}
        for label, model in models(folder).items():
            results[label] = [run_round(python, model, folder, arguments) for _ in range(arguments.rounds)]
            print(f"{label}: {[round(each.ratio, 3) for each in results[label]]}", file=sys.stderr)
    with arguments.out.open("a") as file:
        file.write("\n" + report(results, arguments))


if __name__ == "__main__":
    main()
