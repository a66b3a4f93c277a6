#!/usr/bin/env python3
"""Measure `ferrome protein embed` beside transformers, fair-esm and the bare matrix products.

Each contender is its own process with the same number of threads; they alternate, round by round. Medians, ratios
(computed within a round, then the median), agreement of the vectors, machine and versions are appended to a Markdown file.

    python benches/protein.py                 # all shapes, three rounds
    python benches/protein.py --quick --out /dev/stdout --shapes tiny
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benches" / "peers"
sys.path.insert(0, str(PEERS))
from workload import SHAPES, write_checkpoints, write_sample  # noqa: E402

PROTEOME = ROOT.parent / "shared/data/proteins/ecoli_k12_UP000000625/UP000000625_83333.fasta"
BF16_FLAGS = {"avx512_bf16", "amx_bf16"}
FLAGS_SHOWN = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8"]
PRODUCTS = ("floor", "torch.mm")  # bare matrix products: by oneDNN, and in f32 by MKL as well
REFERENCE = ("transformers sorted", "f32")  # whose vectors the others must equal
AGREEMENT = {"f32": 1e-4, "bf16": 0.999}  # largest difference allowed, smallest cosine allowed
TARGETS = {"f32": {"transformers sorted": 1.25, "transformers naive": 2.3}, "bf16": {"transformers sorted": 1.35}}
GAIN = {"650m6": 1.8}  # Ferrome's bf16 over its own f32


@dataclass(frozen=True)
class Contender:
    """One program with one dtype."""

    name: str
    dtype: str
    command: list[str]

    @property
    def key(self) -> tuple[str, str]:
        """How the results are addressed."""
        return self.name, self.dtype


@dataclass(frozen=True)
class Measurement:
    """One run of one contender."""

    load_seconds: float
    run_seconds: float
    residues: int
    peak_rss_bytes: int

    @property
    def speed(self) -> float:
        """Real residues per second, load time apart."""
        return self.residues / self.run_seconds


@dataclass(frozen=True)
class Agreement:
    """How far a contender's vectors are from transformers' f32 ones."""

    largest_difference: float
    smallest_cosine: float

    def holds(self, dtype: str) -> bool:
        """Whether the vectors are right for their dtype."""
        if dtype == "f32":
            return self.largest_difference <= AGREEMENT["f32"]
        return self.smallest_cosine >= AGREEMENT["bf16"]


Rounds = dict[tuple[str, str], list[Measurement]]


# ------------------------------------------------------------------------------------------------------------- running


def contenders(folder: Path, hugging: Path, pickle: Path, arguments: argparse.Namespace) -> list[Contender]:
    """Every contender of one shape; each command lacks only its outputs."""
    fasta, threads = str(folder / "proteins.fasta"), ["--threads", str(arguments.threads)]
    peer = lambda script, model, *rest: [sys.executable, str(PEERS / script), fasta, "-m", str(model), *rest, *threads]  # noqa: E731
    chosen = []
    for dtype in arguments.dtypes:
        kind = ["--dtype", dtype]
        for batching in ("naive", "sorted") if dtype == "f32" else ("sorted",):
            command = peer("transformers_embed.py", hugging, "--batching", batching, *kind)
            chosen.append(Contender(f"transformers {batching}", dtype, command))
        if dtype == "f32":
            chosen.append(Contender("fair-esm extract", dtype, peer("fair_esm_extract.py", pickle)))
        chosen.append(Contender("floor", dtype, peer("matmul_floor.py", hugging, *kind)))
        if dtype == "f32":
            chosen.append(Contender("torch.mm", dtype, peer("matmul_floor.py", hugging, "--products", "torch", *kind)))
        ferrome = [str(arguments.ferrome), "protein", "embed", fasta, "-m", str(hugging), "--device", "cpu"]
        chosen.append(Contender("ferrome", dtype, [*ferrome, *kind, "--overwrite", "--quiet", *threads]))
    return chosen


def run_once(contender: Contender, folder: Path, threads: int) -> Measurement:
    """Run one contender as a process of its own, which tells its times and its peak memory (`VmHWM`).

    `ru_maxrss` would not do: it never falls below what this driver itself held when it forked.
    """
    stem = folder / f"{contender.name.replace(' ', '-')}-{contender.dtype}"
    outputs = ["--stats", f"{stem}.json"]
    if contender.name == "ferrome":
        outputs += ["-o", f"{stem}.parquet"]
    elif contender.name not in PRODUCTS:
        outputs += ["--embeddings", f"{stem}.npy"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"}
    with open(f"{stem}.log", "w") as log:
        process = subprocess.Popen([*contender.command, *outputs], env=environment, stdout=log, stderr=log)
        process.wait()
    if process.returncode != 0:
        raise SystemExit(f"{contender.name} {contender.dtype} failed:\n{Path(f'{stem}.log').read_text()[-3000:]}")
    stats = json.loads(Path(f"{stem}.json").read_text())
    return Measurement(stats["load_seconds"], stats["run_seconds"], stats["residues"], stats["peak_rss_bytes"])


def run_rounds(chosen: list[Contender], folder: Path, arguments: argparse.Namespace) -> Rounds:
    """All contenders, one after the other, round by round; every round starts one place further on."""
    results: Rounds = {contender.key: [] for contender in chosen}
    for number in range(arguments.rounds):
        for contender in [*chosen[number:], *chosen[:number]]:
            measurement = run_once(contender, folder, arguments.threads)
            results[contender.key].append(measurement)
            print(
                f"  round {number + 1}: {contender.name} {contender.dtype} {measurement.speed:,.0f} residues/s",
                file=sys.stderr,
            )
    return results


# ----------------------------------------------------------------------------------------------------------- agreement


def vectors(contender: Contender, folder: Path) -> np.ndarray | None:
    """The mean vectors `[rows, d]` that a contender wrote in the last round; none for the floor."""
    stem = folder / f"{contender.name.replace(' ', '-')}-{contender.dtype}"
    if contender.name in PRODUCTS:
        return None
    if contender.name != "ferrome":
        return np.load(f"{stem}.npy")
    column = pyarrow.parquet.read_table(f"{stem}.parquet", columns=["embedding"])["embedding"].combine_chunks()
    if column.null_count:
        raise SystemExit(f"{stem}.parquet: {column.null_count} proteins have no embedding")
    return column.flatten().to_numpy().reshape(len(column), -1)


def agreements(chosen: list[Contender], folder: Path, lengths: list[int]) -> dict[tuple[str, str], Agreement]:
    """Every contender against transformers f32; fair-esm truncates, so only its proteins within 1,022 residues count."""
    by_key = {contender.key: vectors(contender, folder) for contender in chosen}
    reference = by_key.get(REFERENCE)
    if reference is None:
        return {}
    found = {}
    for key, got in by_key.items():
        if got is None:
            continue
        rows = [i for i, n in enumerate(lengths) if key[0] != "fair-esm extract" or n <= 1022]
        found[key] = agreement(got[rows], reference[rows])
    return found


def agreement(got: np.ndarray, expected: np.ndarray) -> Agreement:
    """Largest difference and smallest cosine over the rows."""
    products = (got * expected).sum(1) / (np.linalg.norm(got, axis=1) * np.linalg.norm(expected, axis=1))
    return Agreement(float(np.abs(got - expected).max()), float(products.min()))


# ------------------------------------------------------------------------------------------------------------- reports


def ratio(results: Rounds, upper: tuple[str, str], lower: tuple[str, str]) -> float | None:
    """How many times faster `upper` is than `lower`: per round, then the median."""
    if upper not in results or lower not in results:
        return None
    return median(a.speed / b.speed for a, b in zip(results[upper], results[lower], strict=True))


def cell(value: float | None, pattern: str) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, pattern)


def table(results: Rounds, found: dict[tuple[str, str], Agreement]) -> list[str]:
    """One row per contender."""
    lines = [
        "| contender | dtype | residues/s | Ferrome is times faster | share of the floor | load, s | peak, MB "
        "| largest difference | smallest cosine |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for key, runs in results.items():
        name, dtype = key
        faster = ratio(results, ("ferrome", dtype), key) if name not in ("ferrome", *PRODUCTS) else None
        right = found.get(key)
        lines.append(
            f"| {name} | {dtype} | {median(m.speed for m in runs):,.0f} | {cell(faster, '.2f')} "
            f"| {cell(ratio(results, key, ('floor', dtype)), '.0%')} | {median(m.load_seconds for m in runs):.2f} "
            f"| {median(m.peak_rss_bytes for m in runs) / 1e6:,.0f} "
            f"| {cell(right and right.largest_difference, '.1e')} | {cell(right and right.smallest_cosine, '.6f')} |"
        )
    return lines


def verdicts(results: Rounds, found: dict[tuple[str, str], Agreement], weights: int) -> list[str]:
    """Ferrome's targets at this shape: reached, or missed and by how much."""
    lines = []
    for dtype, wanted in TARGETS.items():
        key = ("ferrome", dtype)
        for peer, target in wanted.items():
            reached = ratio(results, key, (peer, dtype))
            if reached is not None:
                word = "reached" if reached >= target else f"missed by {1 - reached / target:.0%}"
                lines.append(f"- {dtype} against {peer}: {reached:.2f} times (target {target}): {word}")
        if key in results:
            above = max(m.peak_rss_bytes for m in results[key]) - weights
            lines.append(f"- {dtype} peak memory: weights ({weights / 1e6:,.0f} MB as f32) and {above / 1e6:,.0f} MB")
        if key in results and key not in found:
            lines.append(f"- {dtype}: vectors not compared (that needs transformers sorted f32 in the same run)")
        if key in found and not found[key].holds(dtype):
            lines.append(f"- **{dtype}: the vectors are wrong, the speed does not count**")
    gain = ratio(results, ("ferrome", "bf16"), ("ferrome", "f32"))
    return lines + ([f"- Ferrome bf16 is {gain:.2f} times as fast as Ferrome f32"] if gain else [])


def cpu() -> tuple[str, set[str]]:
    """Model name and flags of the first CPU."""
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    return fields.get("model name", platform.processor()), set(fields.get("flags", "").split())


def heading(arguments: argparse.Namespace) -> list[str]:
    """Date, command, machine, versions."""
    model, flags = cpu()
    shown = " ".join(flag for flag in FLAGS_SHOWN if flag in flags)
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "fair-esm"))
    ours = subprocess.run([arguments.ferrome, "--version"], capture_output=True, text=True).stdout.strip() or "ferrome"
    return [
        f"## Protein embedding, {datetime.date.today()}",
        "",
        f"`python {shlex.join(['benches/protein.py', *sys.argv[1:]])}`",
        "",
        f"{model}, {os.cpu_count()} CPUs ({shown}), {arguments.threads} threads, load average at the start "
        f"{os.getloadavg()[0]:.1f}; {ours}, {versions}, Python {platform.python_version()}; "
        f"{arguments.rounds} rounds, mean pooling, load time apart.",
    ]


def measure_shape(name: str, count: int, arguments: argparse.Namespace) -> list[str]:
    """Make the inputs of one shape, run all contenders, and write its section."""
    print(f"{name}: {SHAPES[name]}, {count} proteins", file=sys.stderr)
    folder = Path(tempfile.mkdtemp(prefix=f"ferrome-bench-{name}-"))
    try:
        lengths = write_sample(arguments.proteome, folder / "proteins.fasta", count, arguments.seed)
        hugging, pickle = write_checkpoints(SHAPES[name], folder, arguments.seed, fair="f32" in arguments.dtypes)
        weights = (hugging / "model.safetensors").stat().st_size
        chosen = contenders(folder, hugging, pickle, arguments)
        results = run_rounds(chosen, folder, arguments)
        found = agreements(chosen, folder, lengths)
    finally:
        shutil.rmtree(folder)
    title = f"### {name}: {SHAPES[name]}; {len(lengths)} proteins, {sum(lengths):,} residues, {weights / 1e6:,.0f} MB"
    return ["", title, "", *table(results, found), "", *verdicts(results, found, weights)]


# -------------------------------------------------------------------------------------------------------- command line


def counts(text: str) -> dict[str, int]:
    """`35m=300,150m=100` as a dictionary."""
    return {name: int(number) for name, _, number in (part.partition("=") for part in text.split(","))}


def parse() -> argparse.Namespace:
    """The command line, with what the CPU cannot do left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--shapes", type=lambda text: text.split(","), default=["35m", "150m", "650m6"])
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=["f32", "bf16"])
    parser.add_argument("--proteins", type=counts, default=counts("35m=300,150m=100,650m6=48"))
    parser.add_argument("--quick", action="store_true", help="one round of a few proteins, to see that all of it runs")
    parser.add_argument("--force", action="store_true", help="bf16 even on a CPU without avx512_bf16 or amx_bf16")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--proteome", type=Path, default=PROTEOME)
    parser.add_argument("--ferrome", type=Path, default=os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome"))
    parser.add_argument("--out", type=Path, default=ROOT / "benches" / "RESULTS.md")
    arguments = parser.parse_args()
    if "bf16" in arguments.dtypes and not (arguments.force or BF16_FLAGS & cpu()[1]):
        print("this CPU has neither avx512_bf16 nor amx_bf16: bf16 is left out (--force to run it)", file=sys.stderr)
        arguments.dtypes.remove("bf16")
    if arguments.quick:
        arguments.rounds = 1
        arguments.proteins = dict.fromkeys(SHAPES, 8)
    return arguments


def main() -> int:
    """Measure all shapes and append the section."""
    arguments = parse()
    for path in (arguments.ferrome, arguments.proteome):
        if not Path(path).exists():
            raise SystemExit(f"{path} is missing")
    lines = heading(arguments)
    for name in arguments.shapes:
        lines += measure_shape(name, arguments.proteins.get(name, 48), arguments)
        # Written as soon as it is there: a later shape that fails costs only itself.
        with open(arguments.out, "a") as results:
            results.write("\n".join([*lines, ""]))
        lines = []
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
