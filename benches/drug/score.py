#!/usr/bin/env python3
"""Measure `ferrome drug score` beside RDKit with a DeepPurpose-style perceptron and beside chemprop's own `predict`.

Each contender is its own process; they alternate, round by round. Medians, ratios (computed within a round, then the
median), machine and versions are appended to a Markdown file. Weights are random: they do not change what scoring costs.

    python benches/drug/score.py                            # all sections, three rounds
    python benches/drug/score.py --sections peers --molecules 20000 --out /dev/stdout
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches"))
from cell import rounds, run, table, verdict  # noqa: E402

PEERS = ROOT / "benches/peers"
DUDE = ROOT.parent / "shared/data/dti/dude/DUDe"
CHEMPROP = ROOT / ".venv/chemprop"
TARGET = "MLEICLKLVGCKSKKGLSSSSSCYLEEALQRPVASDFEPQGLSEAARWNSKENLLAGPSENDPNLFVALYDFVASGDNTLSITKGEKLRVLGYNHNGEWCEAQ" * 6
TIMES = {"chemprop predict": 10.0}
MILLION_SECONDS = 60.0
FURTHER_SECONDS = 0.2
MEMORY = 1e9


def dude() -> list[str]:
    """All SMILES of DUD-E, in an order that mixes targets; the same every time."""
    smiles = []
    for path in sorted(DUDE.glob("*_*s.tsv.gz")):
        with gzip.open(path, "rt") as lines:
            smiles += [line.rstrip("\n").split("\t")[1] for line in lines]
    random.Random(7).shuffle(smiles)
    return smiles


def library(path: Path, smiles: list[str]) -> Path:
    path.write_text("".join(f"{text} m{number}\n" for number, text in enumerate(smiles)))
    return path


def targets(path: Path, count: int) -> Path:
    path.write_text("".join(f">t{number}\n{TARGET[number % 50:]}\n" for number in range(count)))
    return path


def score(options: argparse.Namespace, source: Path, against: Path, out: Path, *more: str) -> list[str]:
    command = [options.ferrome, "drug", "score", source, "--targets", against, "-m", options.model, "-o", out]
    return [str(word) for word in [*command, "--threads", options.threads, "--device", "cpu", "--overwrite", *more]]


def peers(folder: Path, options: argparse.Namespace) -> list[str]:
    """The same molecules against one target, by both tiers and by the peers."""
    smiles = options.dude[: options.molecules]
    source, against = library(folder / "peers.smi", smiles), targets(folder / "one.fasta", 1)
    sheet = folder / "peers.csv"
    sheet.write_text("smiles\n" + "\n".join(smiles) + "\n")
    made = folder / "chemprop.pt"
    chemprop = f"import sys; sys.path.append({str(CHEMPROP)!r}); "
    run("make-chemprop", [sys.executable, "-c", f"{chemprop}sys.argv = ['x', {str(made)!r}]; exec(open({str(PEERS / 'chemprop_model.py')!r}).read())"], folder, options.threads)
    main = f"{chemprop}from chemprop.cli.main import main; main()"
    predict = [sys.executable, "-c", main, "predict", "-i", sheet, "-o", folder / "chemprop.out.csv", "--model-paths", made]
    predict += ["--accelerator", "cpu", "--num-workers", "0", "-s", "smiles"]
    commands = {
        "rdkit + perceptron": [sys.executable, PEERS / "rdkit_mlp_score.py", source, "--threads", options.threads],
        "chemprop predict": predict,
        "ferrome, fast tier": score(options, source, against, folder / "fast.out.parquet", "--tier", "fast"),
        "ferrome, graph tier": score(options, source, against, folder / "graph.out.parquet"),
    }
    results = rounds({name: [str(word) for word in command] for name, command in commands.items()}, folder, options)
    count = len(smiles)
    title = f"### score: {count:,} molecules of DUD-E, one target, start and load included"
    lines = table(results, "ferrome, fast tier", count, "molecules")
    lines += ["", *table(results, "ferrome, graph tier", count, "molecules"), ""]
    return [title, "", *lines, *(verdict(results, peer, "ferrome, graph tier", times) for peer, times in TIMES.items())]


def million(folder: Path, options: argparse.Namespace) -> list[str]:
    """Seconds for the large library, and for each further target."""
    smiles = options.dude[: options.large]
    source = library(folder / "large.smi", smiles)
    seconds = {}
    for count in (1, 11):
        against = targets(folder / f"{count}.fasta", count)
        # A folder of parts: rows of eleven targets are not written twice.
        command = score(options, source, against, folder / f"large-{count}.out", "--tier", "fast", "--top-k", "1000")
        seconds[count] = run(f"large-{count}", command, folder, options.threads).seconds
    whole = run("large", score(options, source, folder / "1.fasta", folder / "large.out.parquet", "--tier", "fast"), folder, options.threads)
    further = (seconds[11] - seconds[1]) / 10
    mark = lambda reached: "reached" if reached else "MISSED"  # noqa: E731
    return [
        f"### score: {len(smiles):,} molecules, fast tier, {options.threads} threads",
        "",
        f"- one target, every row written: {whole.seconds:.1f} s (target {MILLION_SECONDS:g}): {mark(whole.seconds <= MILLION_SECONDS)}",
        f"- one target, the best 1,000: {seconds[1]:.1f} s; eleven targets: {seconds[11]:.1f} s; "
        f"each further one {further:.2f} s (target {FURTHER_SECONDS:g}): {mark(further <= FURTHER_SECONDS)}",
    ]


def memory(folder: Path, options: argparse.Namespace) -> list[str]:
    """The highest memory over all of DUD-E."""
    source, against = library(folder / "dude.smi", options.dude), targets(folder / "one.fasta", 1)
    done = run("dude", score(options, source, against, folder / "dude.out.parquet", "--tier", "fast"), folder, options.threads)
    mark = "reached" if done.peak <= MEMORY else "MISSED"
    count = len(options.dude)
    return [f"### score: all of DUD-E, {count:,} molecules, fast tier", "", f"- {done.seconds:.1f} s, peak {done.peak / 1e6:,.0f} MB (target {MEMORY / 1e6:,.0f}): {mark}"]


SECTIONS = {"peers": peers, "million": million, "memory": memory}


def heading(options: argparse.Namespace) -> list[str]:
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    versions = ", ".join(f"{name} {version(name)}" for name in ("rdkit", "torch"))
    sys.path.append(str(CHEMPROP))
    ours = subprocess.run([options.ferrome, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return [
        "",
        f"## ferrome drug score, {datetime.date.today()}",
        "",
        f"{model}, {options.threads} threads, {options.rounds} rounds; {ours}, {versions}, chemprop {version('chemprop')}; model {options.model.name}",
    ]


def main() -> None:
    """Runs the sections; each is written when it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ferrome", type=Path, default=ROOT / "target/release/ferrome")
    parser.add_argument("--random-model", type=Path, default=ROOT / "target/release/examples/random_model")
    parser.add_argument("--model", type=Path, help="a model's folder with a fast one in it [default: one with random weights]")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--molecules", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "benches/RESULTS.md")
    options = parser.parse_args()
    options.dude = dude()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.model is None:
            options.model = folder / "random"
            trained = library(folder / "trained.smi", [smiles for smiles in options.dude[-4000:]][:2068])
            run("random-model", [options.random_model, trained, options.model], folder, options.threads)
        lines = heading(options)
        for section in options.sections:
            lines += ["", *SECTIONS[section](folder, options), ""]
            with open(options.out, "a") as out:
                out.write("\n".join(lines))
            lines = []


if __name__ == "__main__":
    main()
