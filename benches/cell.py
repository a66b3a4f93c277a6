#!/usr/bin/env python3
"""Measure `ferrome cell` beside UMI-tools, Geneformer's own tokenizer and transformers, and its memory on large files.

Each contender is its own process; they alternate, round by round. Medians, ratios (computed within a round, then the
median), agreement of the results, machine and versions are appended to a Markdown file.

    python benches/cell.py                              # all sections, three rounds
    python benches/cell.py --sections tokenize --cells 20000 --out /dev/stdout
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benches" / "peers"
CELLS = ROOT.parent / "shared/data/cells"
TARGETS = {"count": 20.0, "tokenize": 30.0, "embed f32": 1.3, "embed bf16": 2.5, "perturb": 5.0}
# Geneformer V1-10M: blocks, width, heads, width of the feed-forward layer.
GENEFORMER = {"num_hidden_layers": 6, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 512}
# Processes of upstream's `map`s: 1 is its default; none stands for as many as Ferrome has threads.
UPSTREAM = {"upstream": 1, "upstream-parallel": None}


@dataclass(frozen=True)
class Run:
    """One run of one contender."""

    seconds: float
    peak: int
    stats: dict
    cpu: float = 0.0


def run(name: str, command: list[str], folder: Path, threads: int) -> Run:
    """Run a command as a process of its own; its peak memory is what the operating system says of it."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1", "HF_DATASETS_CACHE": str(folder / "cache")}
    log = folder / f"{name}.log"
    stats = folder / f"{name}.json"
    stats.unlink(missing_ok=True)
    started = datetime.datetime.now()
    with open(log, "w") as out:
        process = subprocess.Popen([str(word) for word in command], env=environment, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = (datetime.datetime.now() - started).total_seconds()
    if process.returncode != 0:
        raise SystemExit(f"{name} failed ({process.returncode}): {shlex.join(map(str, command))}\n{log.read_text()[-3000:]}")
    found = json.loads(stats.read_text()) if stats.exists() else {}
    return Run(seconds, usage.ru_maxrss * 1024, found, usage.ru_utime + usage.ru_stime)


def rounds(commands: dict[str, list[str]], folder: Path, options: argparse.Namespace) -> dict[str, list[Run]]:
    """All contenders, one after the other, round by round; every round starts one place further on."""
    results: dict[str, list[Run]] = {name: [] for name in commands}
    names = list(commands)
    for number in range(options.rounds):
        for name in [*names[number % len(names) :], *names[: number % len(names)]]:
            for left in folder.glob(f"{name}.out*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            results[name].append(run(name, commands[name], folder, options.threads))
            print(f"  round {number + 1}: {name} {results[name][-1].seconds:.2f} s", file=sys.stderr)
    return results


def table(results: dict[str, list[Run]], ours: str, rows: int, unit: str) -> list[str]:
    """One line for each contender; ratios are those within a round."""
    lines = [f"| contender | seconds | {unit}/s | {ours} is times faster | peak, MB |", "|---|--:|--:|--:|--:|"]
    for name, runs in results.items():
        seconds = median(run.seconds for run in runs)
        ratio = median(other.seconds / own.seconds for other, own in zip(runs, results[ours]))
        faster = "–" if name == ours else f"{ratio:.1f}"
        lines.append(f"| {name} | {seconds:.2f} | {rows / seconds:,.0f} | {faster} | {max(run.peak for run in runs) / 1e6:,.0f} |")
    return lines


def verdict(results: dict[str, list[Run]], peer: str, ours: str, target: float) -> str:
    ratio = median(other.seconds / own.seconds for other, own in zip(results[peer], results[ours]))
    return f"- {ours} against {peer}: {ratio:.1f} times (target {target:g}): {'reached' if ratio >= target else 'MISSED'}"


# ------------------------------------------------------------------------------------------------------------- sections


def count(folder: Path, options: argparse.Namespace) -> list[str]:
    """`cell count` beside `umi_tools count`, on the same generated BAM, with the same table as result."""
    bam = folder / "reads.bam"
    make = [options.examples / "make_bam", bam, "--reads", options.reads]
    run("make-bam", make, folder, options.threads)
    tags = ["--extract-umi-method=tag", "--umi-tag=UB", "--cell-tag=CB", "--gene-tag=GX", "--per-gene", "--per-cell"]
    umi_tools = [Path(sys.executable).parent / "umi_tools", "count", *tags, "-I", bam, "-S", folder / "umi_tools.out.tsv"]
    ferrome = [options.ferrome, "cell", "count", bam, "--dedup", "directional", "--format", "umi-tools"]
    ferrome += ["-o", folder / "ferrome.out.tsv", "--threads", options.threads, "--overwrite"]
    results = rounds({"umi_tools": umi_tools, "ferrome": ferrome}, folder, options)
    same = (folder / "umi_tools.out.tsv").read_bytes() == (folder / "ferrome.out.tsv").read_bytes()
    title = f"### count: {options.reads:,} reads, BAM of {bam.stat().st_size / 1e6:,.0f} MB, directional"
    agreement = "- the tables are the same, byte for byte" if same else "- the tables DIFFER"
    return [title, "", *table(results, "ferrome", options.reads, "reads"), "", verdict(results, "umi_tools", "ferrome", TARGETS["count"]), agreement]


def make_h5ad(path: Path, cells: int, options: argparse.Namespace, *more: str) -> None:
    script = ROOT / "benches/cell/make_h5ad.py"
    run("make-h5ad", [sys.executable, script, path, "--cells", str(cells), *more], path.parent, options.threads)


def tokenize(folder: Path, options: argparse.Namespace) -> list[str]:
    """h5ad to Geneformer V1 tokens, end to end, beside Geneformer's own way."""
    h5ad, vocabulary = folder / "cells.h5ad", folder / "vocabulary.json"
    make_h5ad(h5ad, options.cells, options, "--compression", options.compression)
    pickles = CELLS / "geneformer_dicts/geneformer"
    files = ["--tokens", pickles / "token_dictionary.pkl", "--medians", pickles / "gene_median_dictionary.pkl"]
    files += ["--symbols", pickles / "gene_name_id_dict.pkl"]
    run("vocabulary", [options.ferrome, "cell", "vocabulary", "import", *files, "-o", vocabulary], folder, options.threads)
    script = PEERS / "geneformer_tokenize.py"
    peers = {}
    for name, processes in UPSTREAM.items():
        peers[name] = [sys.executable, script, h5ad, "--dictionaries", pickles, "-o", folder / f"{name}.out"]
        peers[name] += ["--threads", processes or options.threads, "--stats", folder / f"{name}.json"]
    ferrome = [options.ferrome, "cell", "tokenize", h5ad, "--style", "geneformer-v1", "--vocabulary", vocabulary]
    ferrome += ["-o", folder / "ferrome.out", "--threads", options.threads, "--overwrite"]
    results = rounds({**peers, "ferrome": ferrome}, folder, options)
    same = same_tokens(folder / "upstream.out", folder / "ferrome.out")
    size = h5ad.stat().st_size / 1e6
    title = f"### tokenize: {options.cells:,} cells, h5ad (CSR, {options.compression}) of {size:,.0f} MB, Geneformer V1"
    ranking = median(one.stats["rank_seconds"] for one in results["upstream"])
    notes = [verdict(results, name, "ferrome", TARGETS["tokenize"]) for name in peers]
    notes += [f"- {same}", f"- of upstream's time, {ranking:.1f} s are reading and ranking (one process in either)"]
    notes += parts(h5ad, vocabulary, folder / "ferrome.out", median(one.seconds for one in results["ferrome"]), options)
    return [title, "", *table(results, "ferrome", options.cells, "cells"), "", *notes]


def parts(h5ad: Path, vocabulary: Path, tokens: Path, seconds: float, options: argparse.Namespace) -> list[str]:
    """What the parts of the work cost alone, each a process of its own: the floor is their sum, shared by all threads."""
    folder = h5ad.parent
    run("read", [options.examples / "read_cells", h5ad], folder, options.threads)
    run("rank", [options.examples / "rank_cells", h5ad, vocabulary], folder, options.threads)
    number = lambda name, pattern: float(re.search(pattern, (folder / name).read_text())[1])  # noqa: E731
    reading = number("read.log", r"blocks in ([0-9.]+) s")
    rate, entries = number("rank.log", r"([0-9]+) cells/s on one thread"), number("rank.log", r"a cell of ([0-9]+) entries")
    ranking = options.cells / rate / options.threads
    megabytes = sum(file.stat().st_size for file in tokens.rglob("*.arrow")) / 1e6
    size, floor = h5ad.stat().st_size / 1e6, reading + ranking
    return [
        f"- reading alone (decompression, decoding, checks) on {options.threads} threads: {reading:.2f} s, {size / reading:,.0f} MB/s of the file, "
        f"{8 * entries * options.cells / 1e6 / reading:,.0f} MB/s of indices and values",
        f"- ranking alone: {rate:,.0f} cells/s on one thread ({entries:,.0f} entries each): {ranking:.2f} s on {options.threads} threads",
        f"- the floor, reading and ranking on {options.threads} threads without start, hash and writing ({megabytes:,.0f} MB): {floor:.2f} s; "
        f"Ferrome takes {seconds / floor:.2f} times that",
    ]


def same_tokens(theirs: Path, ours: Path) -> str:
    """Compares two token folders, cell by cell."""
    from datasets import load_from_disk

    left, right = load_from_disk(str(theirs)), load_from_disk(str(ours))
    if left["cell_id"] != right["cell_id"]:
        return "the cells DIFFER"
    differing = sum(a["input_ids"] != b["input_ids"] for a, b in zip(left.select(range(0, len(left), 37)), right.select(range(0, len(right), 37))))
    return f"tokens of every 37th cell: {differing} of {len(range(0, len(left), 37))} cells differ"


def convert(folder: Path, options: argparse.Namespace) -> list[str]:
    """The memory and rate of converting large files."""
    lines = [f"### convert: h5ad to dataset, {options.large:,} cells", "", "| layout | file, GB | seconds | MB/s | peak, MB |", "|---|--:|--:|--:|--:|"]
    for layout in ("csr", "csc"):
        h5ad = folder / f"{layout}.h5ad"
        make_h5ad(h5ad, options.large, options, "--compression", "none", "--layout", layout)
        size = h5ad.stat().st_size
        command = [options.ferrome, "cell", "convert", h5ad, "-o", folder / "convert.out", "--threads", options.threads, "--overwrite"]
        done = run("convert", command, folder, options.threads)
        lines.append(f"| {layout} | {size / 1e9:.1f} | {done.seconds:.1f} | {size / 1e6 / done.seconds:,.0f} | {done.peak / 1e6:,.0f} |")
        h5ad.unlink()
        shutil.rmtree(folder / "convert.out")
    return lines


def write_geneformer(folder: Path) -> None:
    """A Geneformer V1-10M with random weights, as transformers saves it."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(3)
    config = BertConfig(vocab_size=25426, max_position_embeddings=2048, hidden_act="relu", layer_norm_eps=1e-12, **GENEFORMER)
    BertForMaskedLM(config).save_pretrained(folder)


def some_cells(tokens: Path, count: int) -> Path:
    """Every so-manyth cell of a folder of tokens, `count` of them, as a folder of its own."""
    from datasets import load_from_disk

    cells = load_from_disk(str(tokens))
    chosen = tokens.with_name("some")
    cells.select(range(0, len(cells), max(1, len(cells) // count))).select(range(min(count, len(cells)))).save_to_disk(str(chosen))
    return chosen


def embed(folder: Path, options: argparse.Namespace) -> list[str]:
    """Tokens to mean vectors of the last layer of a Geneformer V1-10M, beside transformers on the same tokens."""
    vocabulary, tokens, model = folder / "vocabulary.json", folder / "tokens", folder / "model"
    pickles, h5ad = CELLS / "geneformer_dicts/geneformer", CELLS / "pbmc_10k/pbmc_10k_protein_v3.h5ad"
    files = ["--tokens", pickles / "token_dictionary.pkl", "--medians", pickles / "gene_median_dictionary.pkl"]
    files += ["--symbols", pickles / "gene_name_id_dict.pkl"]
    run("vocabulary", [options.ferrome, "cell", "vocabulary", "import", *files, "-o", vocabulary], folder, options.threads)
    flags = ["--style", "geneformer-v1", "--vocabulary", vocabulary, "-o", tokens]
    run("tokenize", [options.ferrome, "cell", "tokenize", h5ad, *flags], folder, options.threads)
    tokens = some_cells(tokens, options.embedded)
    write_geneformer(model)
    peer = [sys.executable, PEERS / "geneformer_embed.py", tokens, "-m", model, "--threads", options.threads]
    ferrome = [options.ferrome, "cell", "embed", tokens, "-m", model, "--layer", "last", "--pool", "mean", "--device", "cpu"]
    ferrome += ["--quiet", "--overwrite", "--threads", options.threads]
    commands = {}
    for dtype in options.dtypes:
        for name, command in {"transformers": peer, "floor": [*peer, "--products"], "ferrome": ferrome}.items():
            stem = f"{name}-{dtype}"
            vectors = ["-o", folder / f"{stem}.npy"] if name == "ferrome" else ["--embeddings", folder / f"{stem}.npy"]
            commands[stem] = [*command, "--dtype", dtype, "--stats", folder / f"{stem}.json", *vectors]
    results = rounds(commands, folder, options)
    first = next(iter(results.values()))[0].stats
    cells, mean = first["rows"], first["tokens"] / first["rows"]
    title = f"### embed: Geneformer V1-10M (random weights), {cells} cells of {mean:,.0f} tokens, mean of the last layer, load time apart"
    return [title, "", *embed_table(results, options.dtypes), "", *embed_verdicts(results, folder, options.dtypes)]


def embed_table(results: dict[str, list[Run]], dtypes: list[str]) -> list[str]:
    """One line for each contender; ratios are those of the times of computing within a round."""
    lines = ["| contender | dtype | cells/s | tokens/s | ferrome is times faster | share of the floor | peak, MB |", "|---|---|--:|--:|--:|--:|--:|"]
    for dtype in dtypes:
        for name in ("transformers", "floor", "ferrome"):
            runs = results[f"{name}-{dtype}"]
            seconds = median(one.stats["run_seconds"] for one in runs)
            faster = f"{speedup(results, f'{name}-{dtype}', f'ferrome-{dtype}'):.2f}" if name == "transformers" else "–"
            share = 1 / speedup(results, f"{name}-{dtype}", f"floor-{dtype}")
            rate, tokens = runs[0].stats["rows"] / seconds, runs[0].stats["tokens"] / seconds
            lines.append(f"| {name} | {dtype} | {rate:.1f} | {tokens:,.0f} | {faster} | {share:.0%} | {max(one.peak for one in runs) / 1e6:,.0f} |")
    return lines


def speedup(results: dict[str, list[Run]], slow: str, fast: str) -> float:
    """How many times faster one computes than another: per round, then the median."""
    return median(a.stats["run_seconds"] / b.stats["run_seconds"] for a, b in zip(results[slow], results[fast]))


def embed_verdicts(results: dict[str, list[Run]], folder: Path, dtypes: list[str]) -> list[str]:
    """Targets, and whether the vectors are those of transformers in f32."""
    import numpy as np

    lines = []
    for dtype in dtypes:
        ratio, target = speedup(results, f"transformers-{dtype}", f"ferrome-{dtype}"), TARGETS[f"embed {dtype}"]
        lines.append(f"- {dtype} against transformers: {ratio:.2f} times (target {target:g}): {'reached' if ratio >= target else 'MISSED'}")
        expected, found = np.load(folder / f"transformers-{dtypes[0]}.npy"), np.load(folder / f"ferrome-{dtype}.npy")
        cosine = ((expected * found).sum(1) / np.linalg.norm(expected, axis=1) / np.linalg.norm(found, axis=1)).min()
        lines.append(f"- {dtype} against transformers {dtypes[0]}: largest difference {np.abs(expected - found).max():.1e}, smallest cosine {cosine:.6f}")
    return lines


def perturb(folder: Path, options: argparse.Namespace) -> list[str]:
    """Deletions in one cell of 2,000 tokens, beside one forward pass per gene in transformers, with and without its logits."""
    import pyarrow
    import pyarrow.parquet

    vocabulary, tokens, model = folder / "vocabulary.json", folder / "tokens.parquet", folder / "model"
    pickles, h5ad = CELLS / "geneformer_dicts/geneformer", CELLS / "derived_celltypist_ensembl/human559_ensembl_csr.h5ad"
    files = ["--tokens", pickles / "token_dictionary.pkl", "--medians", pickles / "gene_median_dictionary.pkl"]
    run("vocabulary", [options.ferrome, "cell", "vocabulary", "import", *files, "-o", vocabulary], folder, options.threads)
    flags = ["--style", "geneformer-v1", "--vocabulary", vocabulary, "-o", folder / "all.parquet"]
    run("tokenize", [options.ferrome, "cell", "tokenize", h5ad, *flags], folder, options.threads)
    cell = max(pyarrow.parquet.read_table(folder / "all.parquet")["input_ids"].to_pylist(), key=len)[:2000]
    pyarrow.parquet.write_table(pyarrow.table({"input_ids": [cell], "cell_id": ["a"]}), tokens)
    names = {token: name for name, token in json.loads(vocabulary.read_text())["tokens"].items()}
    genes = options.perturbed
    listed = [cell[i * len(cell) // genes] for i in range(genes)]
    (folder / "genes.txt").write_text("\n".join(names[gene] for gene in listed))
    write_geneformer(model)
    naive = [sys.executable, PEERS / "transformers_perturb.py", tokens, "--model", model, "--genes", genes, "--threads", options.threads]
    ours = [options.ferrome, "cell", "perturb", tokens, "-m", model, "--vocabulary", vocabulary, "--device", "cpu", "--random", "0"]
    ours += ["--delete", f"@{folder / 'genes.txt'}", "--threads", options.threads, "--quiet", "--overwrite"]
    commands = {}
    for name, command in {"transformers": [*naive, "--head"], "without logits": naive, "ferrome": ours, "ferrome bf16": [*ours, "--dtype", "bf16"]}.items():
        output = folder / (f"{name}.parquet" if command[0] == options.ferrome else f"{name}.cosines")
        commands[name] = [*command, "--stats", folder / f"{name}.json", "-o", output]
    results = rounds(commands, folder, options)
    found = pyarrow.parquet.read_table(folder / "ferrome.parquet").to_pylist()
    expected = json.loads((folder / "transformers.cosines").read_text())
    worst = max(abs(row["cosine"] - expected[str(gene)]) for row, gene in zip(found, listed, strict=True))
    title = f"### perturb: Geneformer V1-10M (random weights), {genes} deletions in a cell of {len(cell):,} tokens, load time apart"
    lines = ["| contender | s per gene | ferrome is times faster | CPU s per gene | ferrome takes times less | peak, MB |", "|---|--:|--:|--:|--:|--:|"]
    seconds = lambda one: one.stats.get("seconds") or one.stats["run_seconds"]  # noqa: E731
    for name, runs in results.items():
        faster = median(seconds(a) / seconds(b) for a, b in zip(runs, results["ferrome"]))
        cpu, less = median(a.cpu for a in runs) / genes, median(a.cpu / b.cpu for a, b in zip(runs, results["ferrome"]))
        lines.append(f"| {name} | {median(map(seconds, runs)) / genes:.3f} | {faster:.2f} | {cpu:.3f} | {less:.2f} | {max(a.peak for a in runs) / 1e6:,.0f} |")
    ratio = median(seconds(a) / seconds(b) for a, b in zip(results["transformers"], results["ferrome"]))
    verdict = f"- ferrome against one forward pass per gene: {ratio:.2f} times (target 5): {'reached' if ratio >= TARGETS['perturb'] else 'MISSED'}"
    notes = ["- transformers is `BertForMaskedLM` with all hidden states, as upstream runs it; without logits is `BertModel`"]
    notes += ["- CPU seconds are of whole processes, start and load included", f"- cosines differ by at most {worst:.1e} (f32)"]
    return [title, "", *lines, "", verdict, *notes]


SECTIONS = {"count": count, "tokenize": tokenize, "convert": convert, "embed": embed, "perturb": perturb}


# --------------------------------------------------------------------------------------------------------- command line


def heading(options: argparse.Namespace) -> list[str]:
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    versions = ", ".join(f"{name} {version(name)}" for name in ("umi_tools", "anndata", "datasets", "numpy", "torch", "transformers"))
    ours = subprocess.run([options.ferrome, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return [
        "",
        f"## Cells, {datetime.date.today()}",
        "",
        f"`{shlex.join(['python', 'benches/cell.py', *sys.argv[1:]])}`",
        "",
        f"{model}, {os.cpu_count()} CPUs, {options.threads} threads, load average at the start {os.getloadavg()[0]:.1f}; {ours}, {versions}, "
        f"Python {platform.python_version()}; {options.rounds} rounds; whole processes, start and load included.",
    ]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=lambda text: text.split(","), default=list(SECTIONS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--reads", type=int, default=5_000_000)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--embedded", type=int, default=200, help="cells of embed, at most 200")
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=["f32", "bf16"], help="of embed")
    parser.add_argument("--compression", default="gzip")
    parser.add_argument("--perturbed", type=int, default=32, help="genes that are deleted, one at a time")
    parser.add_argument("--large", type=int, default=900_000, help="cells of the large files (about 11 kB each)")
    parser.add_argument("--ferrome", default=os.environ.get("FERROME_BIN", str(ROOT / "target/release/ferrome")))
    parser.add_argument("--examples", type=Path, default=ROOT / "target/release/examples", help="make_bam, read_cells, rank_cells")
    parser.add_argument("--folder", help="where the large files go [default: the temporary folder]")
    parser.add_argument("--out", type=Path, default=ROOT / "benches/RESULTS.md")
    return parser.parse_args()


def main() -> None:
    options = parse()
    lines = heading(options)
    for name in options.sections:
        folder = Path(tempfile.mkdtemp(prefix=f"ferrome-bench-{name}-", dir=options.folder))
        print(name, file=sys.stderr)
        try:
            section = SECTIONS[name](folder, options)
        finally:
            shutil.rmtree(folder)
        # Written as soon as it is there: a later section that fails costs only itself.
        with open(options.out, "a") as out:
            out.write("\n".join([*lines, "", *section, ""]))
        lines = []


if __name__ == "__main__":
    main()
