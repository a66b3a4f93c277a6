"""`ferrome cell perturb` against transformers, one forward pass per perturbation, and its statistics against scipy.

The perturbations and their measures are written here anew from the definitions; nothing is shared with ferrome. The seed is
printed (and shown by pytest when a test fails); set FERROME_TEST_SEED to use it again.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars
import pyarrow
import pyarrow.parquet
import pytest
import scipy.stats
import torch
from transformers import BertConfig, BertForMaskedLM

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-5
GENES, POSITIONS, LAYERS = 60, 40, 3
SPECIALS = {"geneformer-v1": ["<pad>", "<mask>"], "geneformer-v2": ["<pad>", "<mask>", "<cls>", "<eos>"]}
TYPES = ["healthy", "ill", "worse"]
torch.set_num_threads(1)


@dataclass(frozen=True)
class Bench:
    """A random checkpoint, its vocabulary, and cells with states."""

    folder: Path
    style: str
    model: BertForMaskedLM
    cells: list[list[int]]
    states: list[str]

    @property
    def framed(self) -> bool:
        return self.style == "geneformer-v2"

    def genes(self, cell: list[int]) -> list[int]:
        """A cell without its special tokens."""
        return cell[1:-1] if self.framed else cell

    def frame(self, genes: list[int]) -> list[int]:
        return [2, *genes, 3] if self.framed else genes

    def vectors(self, cell: list[int], layer: int) -> torch.Tensor:
        """One layer's output for one cell alone: `[t, d]`."""
        with torch.no_grad():
            return self.model(input_ids=torch.tensor([cell]), output_hidden_states=True).hidden_states[layer][0].double()

    def name(self, token: int) -> str:
        return f"ENSG{token:011}"

    def token(self, name: str) -> int:
        return int(name.removeprefix("ENSG"))

    def run(self, *args: object) -> subprocess.CompletedProcess[str]:
        command = [ROOT / "target/release/ferrome", "cell", "perturb", "tokens.parquet", "-m", "model"]
        command += ["--vocabulary", "vocabulary.json", *args]
        return subprocess.run([str(word) for word in command], cwd=self.folder, capture_output=True, text=True, check=False)

    def rows(self, *args: object) -> list[dict]:
        """The rows of a screen."""
        done = self.run(*args, "-o", "rows.parquet", "--overwrite")
        assert done.returncode == 0, done.stderr
        return pyarrow.parquet.read_table(self.folder / "rows.parquet").to_pylist()


def make(folder: Path, style: str, seed: int) -> Bench:
    torch.manual_seed(seed)
    specials = SPECIALS[style]
    config = BertConfig(
        vocab_size=GENES + len(specials), hidden_size=48, num_hidden_layers=LAYERS, num_attention_heads=4,
        intermediate_size=96, max_position_embeddings=POSITIONS, hidden_act="relu", layer_norm_eps=1e-12, pad_token_id=0,
        initializer_range=0.3,
    )  # fmt: skip
    model = BertForMaskedLM(config).eval()
    model.save_pretrained(folder / "model")
    tokens = list(range(len(specials), GENES + len(specials)))
    vocabulary = {
        "format": "ferrome vocabulary 1", "style": style, "special_tokens": specials,
        "tokens": {name: i for i, name in enumerate(specials)} | {f"ENSG{t:011}": t for t in tokens},
        "medians": {f"ENSG{t:011}": 1.0 for t in tokens},
        "symbols": {f"SYM{t}": f"ENSG{t:011}" for t in tokens if t % 2}, "sources": [],
    }  # fmt: skip
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary))
    random = np.random.default_rng(seed)
    most = POSITIONS - (2 if style == "geneformer-v2" else 0)
    lengths = [most, most, *random.integers(4, most, 4).tolist()]
    genes = [random.permutation(tokens)[:length].tolist() for length in lengths]
    cells = [[2, *cell, 3] for cell in genes] if style == "geneformer-v2" else genes
    states = [TYPES[i % 3] for i in range(len(cells))]
    table = pyarrow.table({
        "input_ids": pyarrow.array(cells, pyarrow.list_(pyarrow.int16())),
        "length": [len(cell) for cell in cells],
        "cell_id": [f"cell{i}" for i in range(len(cells))],
        "state": pyarrow.array(states).dictionary_encode(),
    })  # fmt: skip
    pyarrow.parquet.write_table(table, folder / "tokens.parquet")
    return Bench(folder, style, model, cells, states)


@pytest.fixture(scope="session", params=list(SPECIALS))
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    seed = int(os.environ.get("FERROME_TEST_SEED", secrets.randbelow(1 << 31)))
    print(f"FERROME_TEST_SEED={seed}")
    return make(tmp_path_factory.mktemp(request.param), request.param, seed)


# -------------------------------------------------------------------------------------------------------- definitions


def perturbed(bench: Bench, cell: list[int], kind: str, genes: list[int], share: float = 0.25) -> tuple[list[int], list[int]]:
    """The cell after and before, both truncated alike where an over-expressed gene has no room."""
    before = bench.genes(cell)
    rest = [gene for gene in before if gene not in genes]
    if kind == "delete":
        return bench.frame(rest), cell
    if kind == "overexpress":
        room = POSITIONS - (2 if bench.framed else 0) - len(genes)
        dropped = rest[room:]
        return bench.frame(genes + rest[:room]), bench.frame([gene for gene in before if gene not in dropped])
    (gene,) = genes
    step = math.floor(share * len(before) + 0.5) * (1 if kind == "inhibit" else -1)
    rest.insert(max(0, min(before.index(gene) + step, len(rest))), gene)
    return bench.frame(rest), cell


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return torch.cosine_similarity(a, b, dim=-1).item()


def cell_vector(bench: Bench, x: torch.Tensor) -> torch.Tensor:
    return x[0] if bench.framed else x.mean(0)


def gene_cosines(bench: Bench, after: list[int], before: list[int], genes: list[int], layer: int) -> dict[int, float]:
    x, y = bench.vectors(after, layer), bench.vectors(before, layer)
    left = [gene for gene in bench.genes(after) if gene not in genes]
    return {gene: cosine(x[after.index(gene)], y[before.index(gene)]) for gene in left}


def expected_cosine(bench: Bench, after: list[int], before: list[int], genes: list[int], layer: int) -> float:
    if bench.framed:
        return cosine(bench.vectors(after, layer)[0], bench.vectors(before, layer)[0])
    return float(np.mean(list(gene_cosines(bench, after, before, genes, layer).values())))


def close(found: float, expected: float) -> None:
    assert abs(found - expected) < TOLERANCE, (found, expected)


# -------------------------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize("kind", ["delete", "overexpress", "inhibit", "activate"])
def test_all_genes_agree_with_one_forward_pass_per_gene(bench: Bench, kind: str) -> None:
    rows = bench.rows(f"--{kind}", "all")
    at = 0
    for i, cell in enumerate(bench.cells):
        genes = bench.genes(cell)
        skipped = {"overexpress": genes[0], "activate": genes[0], "inhibit": genes[-1]}.get(kind)
        for gene in (gene for gene in genes if gene != skipped):
            row, at = rows[at], at + 1
            assert (row["cell_id"], row["gene"], row["rank"]) == (f"cell{i}", bench.name(gene), genes.index(gene) + 1)
            assert (row["random"], row["error"]) == (False, None)
            assert row["symbol"] == (f"SYM{gene}" if gene % 2 else None)
            if at % 5 and kind != "delete":
                continue
            after, before = perturbed(bench, cell, kind, [gene])
            close(row["cosine"], expected_cosine(bench, after, before, [gene], LAYERS - 1))
    assert at == len(rows)


def test_listed_genes_are_compared_with_random_ones(bench: Bench) -> None:
    listed = bench.genes(bench.cells[0])[2:4]
    names = [bench.name(listed[0]), bench.name(listed[1])]
    rows = bench.rows("--delete", ",".join(names), "--random", "5", "--layer", "last")
    for i, cell in enumerate(bench.cells):
        here = [gene for gene in listed if gene in cell]
        mine = [row for row in rows if row["cell_id"] == f"cell{i}"]
        assert [bench.token(row["gene"]) for row in mine if not row["random"]] == here
        drawn = [bench.token(row["gene"]) for row in mine if row["random"]]
        others = [gene for gene in bench.genes(cell) if gene not in listed]
        assert len(set(drawn)) == len(drawn) == (min(5, len(others)) if here else 0)
        assert set(drawn) <= set(others)
        for row in mine:
            gene = bench.token(row["gene"])
            after, before = perturbed(bench, cell, "delete", [gene])
            close(row["cosine"], expected_cosine(bench, after, before, [gene], LAYERS))
    table = polars.read_csv(bench.folder / "rows.genes.csv")
    reference = [1 - np.float32(row["cosine"]) for row in rows if row["random"]]
    for row in table.iter_rows(named=True):
        shifts = [1 - np.float32(r["cosine"]) for r in rows if r["gene"] == row["gene"] and not r["random"]]
        assert row["cells"] == len(shifts)
        test = scipy.stats.ranksums(shifts, reference)
        assert np.isclose(row["z"], test.statistic, rtol=1e-12, atol=1e-12) and np.isclose(row["p"], test.pvalue, rtol=1e-9)
        assert np.isclose(row["shift"], np.mean(shifts, dtype=np.float64), rtol=1e-6)


def test_genes_together_and_pairs(bench: Bench) -> None:
    cell = bench.cells[0]
    a, b, c = bench.genes(cell)[3], bench.genes(cell)[1], bench.genes(cell)[-1]
    absent = next(gene for gene in range(4, GENES) if gene not in cell)
    together = ",".join(map(bench.name, [a, absent, b]))
    rows = bench.rows("--overexpress", together, "--together", "--random", "0")
    assert len(rows) == len(bench.cells)
    after, before = perturbed(bench, cell, "overexpress", [a, absent, b])
    assert len(before) == POSITIONS - 1
    close(rows[0]["cosine"], expected_cosine(bench, after, before, [a, absent, b], LAYERS - 1))
    assert (rows[0]["gene"], rows[0]["rank"]) == (together.replace(",", "+"), None)
    pairs = bench.rows("--delete", "all", "--anchor", bench.name(c))
    pairs = [row for row in pairs if row["cell_id"] == "cell0"]
    assert len(pairs) == len(bench.genes(cell)) - 1
    row = next(row for row in pairs if row["gene"] == f"{bench.name(a)}+{bench.name(c)}")
    after, before = perturbed(bench, cell, "delete", [a, c])
    close(row["cosine"], expected_cosine(bench, after, before, [a, c], LAYERS - 1))


def test_shifts_towards_states(bench: Bench) -> None:
    flags = ["--states", "state", "--start", "ill", "--goal", "healthy", "--alternative", "worse"]
    rows = bench.rows("--delete", "all", *flags)
    assert {row["cell_id"] for row in rows} == {f"cell{i}" for i, state in enumerate(bench.states) if state == "ill"}
    vectors = [cell_vector(bench, bench.vectors(cell, LAYERS - 1)) for cell in bench.cells]
    means = {
        state: torch.stack([vector for vector, of in zip(vectors, bench.states) if of == state]).mean(0) for state in TYPES
    }
    for row in rows[::9]:
        cell, gene = bench.cells[int(row["cell_id"].removeprefix("cell"))], bench.token(row["gene"])
        after, before = (
            cell_vector(bench, bench.vectors(tokens, LAYERS - 1)) for tokens in perturbed(bench, cell, "delete", [gene])
        )
        for state, mean in means.items():
            close(row[f"shift_{state}"], cosine(after, mean) - cosine(before, mean))
    table = polars.read_csv(bench.folder / "rows.genes.csv")
    for state in TYPES:
        pooled = [np.float32(row[f"shift_{state}"]) for row in rows]
        for row in table.iter_rows(named=True):
            shifts = [np.float32(r[f"shift_{state}"]) for r in rows if r["gene"] == row["gene"]]
            assert np.isclose(row[f"p_{state}"], scipy.stats.ranksums(shifts, pooled).pvalue, rtol=1e-9)
        adjusted = scipy.stats.false_discovery_control(table[f"p_{state}"].to_numpy())
        assert np.allclose(table[f"fdr_{state}"].to_numpy(), adjusted, rtol=1e-9)
    assert table["shift_healthy"].is_sorted(descending=True)
    svg = (bench.folder / "rows.svg").read_text()
    assert svg.startswith("<svg") and "mean shift towards healthy" in svg


def test_cosines_of_each_gene(bench: Bench) -> None:
    gene = bench.genes(bench.cells[1])[5]
    rows = bench.rows("--delete", bench.name(gene), "--random", "0", "--per-gene")
    row = next(row for row in rows if row["cell_id"] == "cell1")
    after, before = perturbed(bench, bench.cells[1], "delete", [gene])
    expected = gene_cosines(bench, after, before, [gene], LAYERS - 1)
    assert row["gene_tokens"] == list(expected)
    assert np.allclose(row["gene_cosines"], list(expected.values()), atol=TOLERANCE)


def test_bf16_stays_near(bench: Bench) -> None:
    gene = bench.genes(bench.cells[0])[0]
    exact = bench.rows("--delete", bench.name(gene), "--random", "0")
    near = bench.rows("--delete", bench.name(gene), "--random", "0", "--dtype", "bf16")
    assert np.allclose([row["cosine"] for row in exact], [row["cosine"] for row in near], atol=0.02)


def test_genes_as_parquet(bench: Bench) -> None:
    bench.rows("--inhibit", bench.name(bench.genes(bench.cells[0])[0]), "--genes-table", "genes.parquet", "--share", "0.5")
    table = pyarrow.parquet.read_table(bench.folder / "genes.parquet")
    assert table.column_names == ["gene", "symbol", "cells", "cosine", "shift", "z", "p", "fdr"]
