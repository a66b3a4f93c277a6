"""Shards on one and on two actors of Ray, one CPU each; appends to benches/RESULTS.md.

    FERROME_BIN=target/release/ferrome .venv/bin/python benches/scaling.py                   # 1,000 proteins of E. coli
    FERROME_BIN=target/release/ferrome .venv/bin/python benches/scaling.py proteins.fasta
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import ray

ROOT = Path(__file__).resolve().parents[1]
PROTEOME = ROOT.parent / "shared/data/proteins/ecoli_k12_UP000000625/UP000000625_83333.fasta"
PROTEINS = 1000
SHARDS = 8


def distributed():
    """The module by itself, which needs nothing else of the package."""
    spec = importlib.util.spec_from_file_location("ferrome_distributed", ROOT / "python/ferrome/distributed/__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def cpu_seconds(line: list[str]) -> tuple[float, float]:
    """Wall-clock and CPU seconds of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(line, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def some_proteins(folder: Path) -> Path:
    """Every fourth protein of E. coli, as many as are wanted."""
    records = PROTEOME.read_text().split(">")[1:]
    path = folder / "proteins.fasta"
    path.write_text("".join(f">{record}" for record in records[::4][:PROTEINS]))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fasta", type=Path, nargs="?", help=f"by default {PROTEINS} proteins of E. coli")
    parser.add_argument("--model", default="ferrome-esm2-mini")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if options.fasta is None and not PROTEOME.is_file():
        parser.error(f"{PROTEOME} is missing: give a FASTA")
    binary = os.environ["FERROME_BIN"]
    load = os.getloadavg()[0]
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _system_config={"worker_niceness": 0})
    run = distributed().run
    walls = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        fasta = options.fasta or some_proteins(Path(folder))
        proteins = fasta.read_text().count(">")
        embed = [binary, "protein", "embed", str(fasta), "-m", options.model, "--threads", "1", "-q", "-o"]
        whole, whole_cpu = cpu_seconds([*embed, f"{folder}/one.parquet"])
        shards_cpu = sum(cpu_seconds([*embed, f"{folder}/shards", "--shard", f"{i}/{SHARDS}"])[1] for i in range(1, SHARDS + 1))
        for turn in range(options.rounds):
            for actors in walls:
                start = time.monotonic()
                run("protein embed", input=str(fasta), output=f"{folder}/{actors}-{turn}", shards=SHARDS, cpus=1,
                    actors=actors, model=options.model, binary=binary, quiet=True)
                walls[actors].append(time.monotonic() - start)
    one, two = (min(walls[actors]) for actors in walls)
    lines = [
        f"\n## Shards on Ray, {date.today()}\n",
        f"`python benches/scaling.py` with {proteins} proteins, {options.model}, {SHARDS} shards, one CPU an actor\n",
        f"{os.cpu_count()} CPUs, load average at the start {load:.1f}; ray {ray.__version__}; best of {options.rounds} rounds, start of actors included.\n",
        "| | seconds | proteins/s |",
        "|---|--:|--:|",
        f"| one process, one thread | {whole:.1f} | {proteins / whole:.1f} |",
        f"| one actor | {one:.1f} | {proteins / one:.1f} |",
        f"| two actors | {two:.1f} | {proteins / two:.1f} |",
        f"\n- two actors against one: {one / two:.2f} times",
        f"- CPU seconds: {whole_cpu:.1f} of one process, {shards_cpu:.1f} of {SHARDS} shards one after the other",
    ]
    with open(ROOT / "benches/RESULTS.md", "a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
