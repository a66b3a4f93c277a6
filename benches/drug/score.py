#!/usr/bin/env python3
"""Measure `ferrome drug` beside RDKit, beside a DeepPurpose-style perceptron and beside chemprop's own `predict`.

Each contender is its own process; they alternate, round by round (chemprop runs in the first round only, for it takes as long
as all others). Medians, ratios (computed within a round, then the median), machine and versions are appended to a Markdown
file. Weights are random: they do not change what scoring costs.

    python benches/drug/score.py                            # all sections, three rounds
    python benches/drug/score.py --quick --out /dev/stdout  # a fiftieth of the molecules, one round: to see that all of it runs
    python benches/drug/score.py --sections peers --molecules 20000 --out /dev/stdout
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import os
import platform
import random
import shlex
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches"))
from cell import Run, rounds, run, table, verdict  # noqa: E402

PEERS = ROOT / "benches/peers"
DATA = ROOT.parent / "shared/data"
CHEMPROP = ROOT / ".venv/chemprop"
TARGET = "MLEICLKLVGCKSKKGLSSSSSCYLEEALQRPVASDFEPQGLSEAARWNSKENLLAGPSENDPNLFVALYDFVASGDNTLSITKGEKLRVLGYNHNGEWCEAQ" * 6
FAST, GRAPH = "ferrome, fast tier", "ferrome, graph tier"
FEATURIZE_TIMES, CHEMPROP_TIMES = 4.0, 10.0
MILLION_SECONDS, FURTHER_SECONDS, MEMORY = 60.0, 0.2, 1e9
TRAINED = 2068


def mark(reached: bool) -> str:
    return "reached" if reached else "MISSED"


# --------------------------------------------------------------------------------------------------------------- inputs


def dude(data: Path) -> list[str]:
    """All SMILES of DUD-E, in an order that mixes targets; the same every time."""
    smiles = []
    for path in sorted((data / "dti/dude/DUDe").glob("*_*s.tsv.gz")):
        with gzip.open(path, "rt") as lines:
            smiles += [line.rstrip("\n").split("\t")[1] for line in lines]
    if not smiles:
        raise SystemExit(f"{data}: no molecules of DUD-E: expected dti/dude/DUDe/*_*s.tsv.gz")
    random.Random(7).shuffle(smiles)
    return smiles


def prepare(folder: Path, options: argparse.Namespace) -> None:
    """Writes all inputs. A process of its own does it, since what a driver holds counts as its children's memory."""
    smiles, peers = dude(options.data)[:: options.every], options.molecules
    for name, some in {"peers": smiles[:peers], "large": smiles[: options.large], "dude": smiles, "trained": smiles[-TRAINED:]}.items():
        (folder / f"{name}.smi").write_text("".join(f"{text} m{number}\n" for number, text in enumerate(some)))
    (folder / "peers.csv").write_text("smiles\n" + "\n".join(smiles[:peers]) + "\n")
    for count in (1, 11):
        lines = (f">t{number}\n{TARGET[number % 50 :]}\n" for number in range(count))
        (folder / f"{count}.fasta").write_text("".join(lines))


def lines_of(path: Path) -> int:
    with open(path, "rb") as file:
        return sum(1 for _ in file)


def score(options: argparse.Namespace, folder: Path, name: str, library: str, targets: int, *more: str) -> list[str]:
    """A command that scores a library into `NAME.out…`."""
    out = folder / (f"{name}.out/" if "--folder" in more else f"{name}.out.parquet")
    command = [options.ferrome, "drug", "score", folder / f"{library}.smi", "--targets", folder / f"{targets}.fasta", "-m", options.model]
    command += ["-o", f"{out}/" if "--folder" in more else out, "--threads", options.threads, "--device", "cpu", "--overwrite", "--quiet"]
    command += ["--stats", folder / f"{name}.json", *(word for word in more if word != "--folder")]
    return [str(word) for word in command]


def own_peak(done: Run) -> float:
    """What Ferrome says of its memory: the operating system's number contains the driver's own."""
    return done.stats.get("peak_rss_bytes") or done.peak


# ------------------------------------------------------------------------------------------------------------- sections


def featurize(folder: Path, options: argparse.Namespace) -> list[str]:
    """SMILES to ECFP4 in a Parquet file, per core, beside RDKit in Python: `benches/drug/featurize.py`."""
    library = folder / "featurize.smi"
    with open(folder / "peers.smi") as lines:
        library.write_text("".join(line for _, line in zip(range(max(options.molecules // 2, 1)), lines)))
    found = folder / "featurize.json"
    script = [sys.executable, ROOT / "benches/drug/featurize.py", library, "--rounds", options.rounds, "--json", found]
    os.environ["FERROME_BIN"] = str(options.ferrome)
    run("featurize-driver", [str(word) for word in script], folder, options.threads)
    result = json.loads(found.read_text())
    return [
        f"### featurize: {result['rows']:,} molecules of DUD-E, SMILES to the on-bits of ECFP4 in a Parquet file, one core, start not counted",
        "",
        "| contender | molecules/s of one core |",
        "|---|--:|",
        f"| RDKit in Python | {result['rdkit_per_second']:,} |",
        f"| ferrome drug featurize | {result['ferrome_per_second']:,} |",
        "",
        f"- {result['ratio']:.1f} times (target {FEATURIZE_TIMES:g}): {mark(result['ratio'] >= FEATURIZE_TIMES)}; {result['differing']} fingerprints differ",
    ]


def peers(folder: Path, options: argparse.Namespace) -> list[str]:
    """The same molecules against one target, by both tiers and by the peers."""
    made = folder / "chemprop.pt"
    chemprop = f"import sys; sys.path.append({str(CHEMPROP)!r}); "
    make = f"{chemprop}sys.argv = ['x', {str(made)!r}]; exec(open({str(PEERS / 'chemprop_model.py')!r}).read())"
    run("make-chemprop", [sys.executable, "-c", make], folder, options.threads)
    predict = [sys.executable, "-c", f"{chemprop}from chemprop.cli.main import main; main()", "predict", "-i", folder / "peers.csv"]
    predict += ["-o", folder / "chemprop predict.out.csv", "--model-paths", made, "--accelerator", "cpu", "--num-workers", "0", "-s", "smiles"]
    commands = {
        "rdkit + perceptron": [sys.executable, PEERS / "rdkit_mlp_score.py", folder / "peers.smi", "--threads", options.threads],
        FAST: score(options, folder, FAST, "peers", 1, "--tier", "fast"),
        GRAPH: score(options, folder, GRAPH, "peers", 1),
    }
    slow = {"chemprop predict": [str(word) for word in predict]}
    first = rounds(slow, folder, argparse.Namespace(rounds=1, threads=options.threads))
    results = first | rounds({name: [str(word) for word in command] for name, command in commands.items()}, folder, options)
    count = lines_of(folder / "peers.smi")
    title = f"### score: {count:,} molecules of DUD-E, one target, start and load included"
    lines = [*table(results, FAST, count, "molecules"), "", *table(results, GRAPH, count, "molecules"), ""]
    inside = [median(one.stats["run_seconds"] for one in results[name]) for name in (FAST, GRAPH)]
    inside = ", ".join(f"{name} {count / seconds:,.0f}" for name, seconds in zip((FAST, GRAPH), inside))
    return [title, "", *lines, verdict(results, "chemprop predict", GRAPH, CHEMPROP_TIMES), f"- molecules/s without start and load: {inside}"]


def million(folder: Path, options: argparse.Namespace) -> list[str]:
    """Seconds for the large library, and for each further target."""
    count = lines_of(folder / "large.smi")
    done = {}
    ways = {"whole": [], "folder": ["--folder"], "best": ["--top-k", "1000"]}
    for targets in (1, 11):
        for way, words in ways.items():
            if way != "whole" or targets == 1:
                name = f"large-{way}-{targets}"
                done[way, targets] = run(name, score(options, folder, name, "large", targets, "--tier", "fast", *words), folder, options.threads)
                print(f"  {name} {done[way, targets].seconds:.1f} s", file=sys.stderr)
    whole = done["whole", 1]
    further = {way: (done[way, 11].seconds - done[way, 1].seconds) / 10 for way in ("best", "folder")}
    return [
        f"### score: {count:,} molecules, fast tier, {options.threads} threads",
        "",
        f"- one target, every row written to one file: {whole.seconds:.1f} s, peak {own_peak(whole) / 1e6:,.0f} MB (target {MILLION_SECONDS:g} s): "
        f"{mark(whole.seconds <= MILLION_SECONDS)}; to a folder of parts {done['folder', 1].seconds:.1f} s",
        f"- the best 1,000 of each target: one target {done['best', 1].seconds:.1f} s, eleven {done['best', 11].seconds:.1f} s; "
        f"each further target {further['best']:.2f} s (target {FURTHER_SECONDS:g}): {mark(further['best'] <= FURTHER_SECONDS)}",
        f"- every row written to a folder of parts: eleven targets {done['folder', 11].seconds:.1f} s, each further one {further['folder']:.2f} s",
    ]


def memory(folder: Path, options: argparse.Namespace) -> list[str]:
    """The highest memory over all of DUD-E."""
    count = lines_of(folder / "dude.smi")
    lines = [f"### score: all of DUD-E, {count:,} molecules, one target, every row written", ""]
    done = run("dude", score(options, folder, "dude", "dude", 1, "--tier", "fast"), folder, options.threads)
    peak = own_peak(done)
    return [*lines, f"- fast tier: {done.seconds:.1f} s, peak {peak / 1e6:,.0f} MB (target {MEMORY / 1e6:,.0f}): {mark(peak <= MEMORY)}"]


SECTIONS = {"featurize": featurize, "peers": peers, "million": million, "memory": memory}


# --------------------------------------------------------------------------------------------------------- command line


def heading(options: argparse.Namespace) -> list[str]:
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    versions = ", ".join(f"{name} {version(name)}" for name in ("rdkit", "torch"))
    sys.path.append(str(CHEMPROP))
    ours = subprocess.run([options.ferrome, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return [
        "",
        f"## Drugs, {datetime.date.today()}",
        "",
        f"`{shlex.join(['python', 'benches/drug/score.py', *sys.argv[1:]])}`",
        "",
        f"{model}, {os.cpu_count()} CPUs, {options.threads} threads, load average at the start {os.getloadavg()[0]:.1f}; {ours}, {versions}, "
        f"chemprop {version('chemprop')}, Python {platform.python_version()}; {options.rounds} rounds; model {options.model.name}; whole processes, start "
        "and load included.",
    ]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ferrome", type=Path, default=Path(os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome")))
    parser.add_argument("--random-model", type=Path, default=ROOT / "target/release/examples/random_model")
    parser.add_argument("--model", type=Path, help="a model's folder with a fast one in it [default: one with random weights]")
    parser.add_argument("--sections", type=lambda text: text.split(","), default=list(SECTIONS))
    parser.add_argument("--molecules", type=int, default=100_000, help="of the sections peers and (half of it) featurize")
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="2,000, 20,000 and a fiftieth of the molecules, one round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the shared data")
    parser.add_argument("--folder", help="where inputs and outputs go [default: the temporary folder]")
    parser.add_argument("--out", type=Path, default=ROOT / "benches/RESULTS.md")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.every = 50 if options.quick else 1
    if options.quick:
        options.molecules, options.large, options.rounds = 2_000, 20_000, 1
    return options


def main() -> None:
    """Runs the sections; each is written when it is done."""
    options = parse()
    if options.prepare:
        prepare(options.prepare, options)
        return
    with tempfile.TemporaryDirectory(prefix="ferrome-bench-drug-", dir=options.folder) as name:
        folder = Path(name)
        run("prepare", [sys.executable, __file__, *sys.argv[1:], "--prepare", str(folder)], folder, options.threads)
        if options.model is None:
            options.model = folder / "random"
            run("random-model", [options.random_model, folder / "trained.smi", options.model], folder, options.threads)
        lines = heading(options)
        for section in options.sections:
            print(section, file=sys.stderr)
            lines += ["", *SECTIONS[section](folder, options)]
            with open(options.out, "a") as out:
                out.write("\n".join([*lines, ""]))
            lines = []


if __name__ == "__main__":
    main()
