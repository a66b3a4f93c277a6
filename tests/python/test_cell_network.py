"""`ferrome cell network` against PyTorch and networkx: ranks of attention, and how good modules are.

The model is that of `scripts/make_scgpt_goldens.py`; ranks are SciPy's.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import networkx
import numpy as np
import polars
import pytest
import torch
from scipy.stats import rankdata

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import make_scgpt_goldens as goldens  # noqa: E402

CASE = next(case for case in goldens.CASES if case.name == "scgpt_torch")
FOLDER = goldens.GOLDEN_DIR / CASE.name
TOLERANCE = 1e-5


def ferrome(*arguments: str | Path) -> str:
    """Runs the binary; what it said on stderr."""
    command = [os.environ["FERROME_BIN"], "cell", "network", *map(str, arguments), "--format", "csv", "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cells() -> list[dict]:
    """Cells of two conditions with random genes."""
    random = np.random.default_rng(4)
    made = []
    for i in range(12):
        genes = np.flatnonzero(random.random(goldens.GENES) < 0.6)
        tokens = [goldens.SPECIALS["<cls>"], *genes.tolist()]
        values = [-2.0, *random.integers(1, 51, len(genes)).astype(float).tolist()]
        made.append({"input_ids": tokens, "values": values, "cell_id": f"c{i}", "state": ["rest", "stim"][i % 2]})
    return made


def ranks(x: np.ndarray) -> np.ndarray:
    """Ranks within rows, from 0 to less than 1."""
    return (rankdata(x, axis=-1, method="average") - 1) / x.shape[-1]


@torch.no_grad()
def attention(model: goldens.Model, cell: dict) -> np.ndarray:
    """Mean ranks between the genes of a cell in the last block, `<cls>` left out."""
    tokens = torch.tensor([cell["input_ids"]])
    x = model.embed(tokens, torch.tensor([cell["values"]]), torch.zeros_like(tokens), 0)
    *before, last = model.transformer_encoder.layers
    for layer in before:
        x = layer(x)
    query, key, _ = torch.nn.functional.linear(x[0], last.self_attn.in_proj_weight, last.self_attn.in_proj_bias).chunk(3, 1)
    heads = [part.reshape(len(query), CASE.heads, -1)[1:].double() for part in (query, key)]
    scores = torch.einsum("ihk,jhk->hij", *heads).numpy()
    by_row = ranks(scores)
    return ranks(by_row.swapaxes(1, 2)).swapaxes(1, 2).mean(axis=0)


def test_ranks_of_attention_are_those_of_pytorch(tmp_path: Path, cells: list[dict]) -> None:
    polars.DataFrame(cells).write_parquet(tmp_path / "t.parquet")
    options = ["--condition", "state", "--control", "rest", "--edges", 2000, "--min-cells", 1]
    ferrome(tmp_path / "t.parquet", "-m", FOLDER, "-o", tmp_path / "out", *options)
    model = goldens.seeded(CASE)
    sums = {state: np.zeros((goldens.GENES, goldens.GENES)) for state in ("rest", "stim")}
    counts = {state: np.zeros((goldens.GENES, goldens.GENES)) for state in sums}
    for cell in cells:
        places = np.ix_(cell["input_ids"][1:], cell["input_ids"][1:])
        sums[cell["state"]][places] += attention(model, cell)
        counts[cell["state"]][places] += 1
    edges = table(tmp_path / "out/edges.csv")
    both = (counts["rest"] > 0) & (counts["stim"] > 0)
    np.fill_diagonal(both, False)
    assert len(edges) == both.sum() > 500
    for edge in edges:
        pair = int(edge["source"][4:]), int(edge["target"][4:])
        expected = {state: sums[state][pair] / counts[state][pair] for state in sums}
        # Scores that are equal but for rounding may change places: at most one rank in one head and cell.
        assert abs(float(edge["rank"]) - expected["stim"]) < TOLERANCE, edge
        assert abs(float(edge["control_rank"]) - expected["rest"]) < TOLERANCE, edge
        assert int(edge["cells"]) == counts["stim"][pair]
    weights = [float(edge["weight"]) for edge in edges]
    assert weights == sorted(weights, reverse=True)


def test_modules_are_as_good_as_those_of_louvain(tmp_path: Path) -> None:
    ferrome("-m", FOLDER, "-o", tmp_path / "out", "--neighbours", 4)
    edges = table(tmp_path / "out/edges.csv")
    graph = networkx.Graph()
    graph.add_weighted_edges_from((edge["source"], edge["target"], float(edge["weight"])) for edge in edges)
    modules: dict[str, set[str]] = {}
    for row in table(tmp_path / "out/modules.csv"):
        modules.setdefault(row["module"], set()).add(row["gene"])
    found = networkx.community.modularity(graph, modules.values())
    louvain = [networkx.community.louvain_communities(graph, seed=seed) for seed in range(10)]
    best = max(networkx.community.modularity(graph, communities) for communities in louvain)
    print(f"modularity {found:.4f}, the best of ten runs of Louvain {best:.4f}")
    assert found > best - 1e-3
