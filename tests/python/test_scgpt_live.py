"""`ferrome cell tokenize --style scgpt` against NumPy and scanpy on real cells.

The binning of scGPT is written here from its formula; normalisation and highly variable genes are scanpy's own.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import polars
import pytest
import scanpy
import scipy.sparse

ROOT = Path(__file__).resolve().parents[2]
CELLS = ROOT.parent / "shared/data/cells"
PBMC = CELLS / "pbmc_10k/pbmc_10k_protein_v3.h5ad"
NEURONS = CELLS / "derived_10x10k_subset/csr_gzip.h5ad"
CENSUS = CELLS / "scgpt_vocab/default_census_vocab.json"
BINS = 51
CLS = "<cls>"
ALL_GENES = ["--max-length", "100000"]


@dataclass(frozen=True)
class Matrix:
    """Cells whose genes are all in the vocabulary, and the files that the binary reads."""

    cells: anndata.AnnData
    path: Path
    vocabulary: Path
    tokens: dict[str, int]


def require(path: Path) -> None:
    """The data lies outside the repository: its absence is an error in CI and a skip elsewhere."""
    if path.exists():
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{path} is missing, and a parity test that cannot run fails in CI")
    pytest.skip(f"{path} is missing")


def ferrome(*arguments: str | Path) -> str:
    """Runs the binary; what it said on stderr."""
    command = [os.environ["FERROME_BIN"], "cell", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def matrix(folder: Path, source: Path, tokens: dict[str, int]) -> Matrix:
    """The cells of `source` with the genes of `tokens`, and a vocabulary file with the special tokens behind."""
    cells = anndata.read_h5ad(source)
    cells = cells[:, [name in tokens for name in cells.var_names]].copy()
    cells.X = scipy.sparse.csr_matrix(cells.X)
    cells.obs["batch"] = np.array(["one", "two", "three"])[np.random.default_rng(0).integers(0, 3, cells.n_obs)]
    cells.obs["batch"] = cells.obs["batch"].astype("category")
    cells.write_h5ad(folder / "cells.h5ad")
    (folder / "vocab.json").write_text(json.dumps(tokens))
    ferrome("vocabulary", "import", "--tokens", folder / "vocab.json", "--style", "scgpt", "-o", folder / "vocabulary.json")
    tokens = tokens | {"<pad>": len(tokens), CLS: len(tokens) + 1, "<eoc>": len(tokens) + 2}
    return Matrix(cells, folder / "cells.h5ad", folder / "vocabulary.json", tokens)


@pytest.fixture(scope="session")
def pbmc(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """200 human blood cells with the genes of scGPT's census vocabulary."""
    require(PBMC)
    require(CENSUS)
    return matrix(tmp_path_factory.mktemp("pbmc"), PBMC, json.loads(CENSUS.read_text()))


@pytest.fixture(scope="session")
def neurons(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """10,000 mouse neurons with a vocabulary of their own."""
    require(NEURONS)
    names = anndata.read_h5ad(NEURONS, backed="r").var_names
    return matrix(tmp_path_factory.mktemp("neurons"), NEURONS, {name: token for token, name in enumerate(names)})


def tokenize(data: Matrix, output: Path, *options: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tokens and values of every cell."""
    arguments = ["tokenize", data.path, "--style", "scgpt", "--vocabulary", data.vocabulary, "-o", output, *options]
    ferrome(*arguments)
    table = polars.read_parquet(output)
    assert table["cell_id"].to_list() == data.cells.obs_names.to_list()
    rows = [(np.array(ids), np.array(values)) for ids, values in zip(table["input_ids"], table["values"], strict=True)]
    assert table["length"].to_list() == [len(ids) for ids, _ in rows]
    return rows


def counted(cells: anndata.AnnData) -> anndata.AnnData:
    """The first step of fine-tuning."""
    cells = cells.copy()
    scanpy.pp.filter_genes(cells, min_counts=3)
    return cells


def log_normalised(cells: anndata.AnnData) -> anndata.AnnData:
    """The next two."""
    cells = cells.copy()
    scanpy.pp.normalize_total(cells, target_sum=1e4)
    scanpy.pp.log1p(cells)
    return cells


def choices(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each non-zero value of a row the number of edges below it, and at or below it."""
    edges = np.quantile(values, np.linspace(0, 1, BINS - 1))
    return np.digitize(values, edges, right=True), np.digitize(values, edges)


def middle(values: np.ndarray) -> np.ndarray:
    """The deterministic rule: the formula of scGPT at u = 1/2."""
    low, high = choices(values)
    return np.ceil(0.5 * (low - high) + high).astype(np.float32)


# --------------------------------------------------------------------------------------------------------- zero-shot


def test_deterministic_tokens_equal_numpy(pbmc: Matrix, tmp_path: Path) -> None:
    tokens = np.array([pbmc.tokens[name] for name in pbmc.cells.var_names])
    rows = tokenize(pbmc, tmp_path / "tokens.parquet", *ALL_GENES)
    for (ids, values), row in zip(rows, pbmc.cells.X, strict=True):
        assert ids.tolist() == [pbmc.tokens[CLS], *tokens[row.indices]]
        assert values.tolist() == [-2, *middle(row.data.astype(np.float32))]


def test_sampled_bins_agree_in_distribution(pbmc: Matrix, tmp_path: Path) -> None:
    """Values with `d` bins to choose from get each with probability 1/d: chi-square over all cells and values."""
    tally: dict[int, np.ndarray] = {}
    rows = tokenize(pbmc, tmp_path / "tokens.parquet", *ALL_GENES, "--binning", "sampled", "--seed", "3")
    for (_, values), row in zip(rows, pbmc.cells.X, strict=True):
        low, high = choices(row.data.astype(np.float32))
        bins = values[1:].astype(int)
        assert ((bins == high) | ((low < bins) & (bins <= high))).all()
        for width in np.unique(high - low):
            of_width = bins[high - low == width] - low[high - low == width] - 1
            if width > 1:
                tally[width] = tally.get(width, 0) + np.bincount(of_width, minlength=width)
    enough = {width: counts for width, counts in tally.items() if counts.sum() >= 5 * width}
    assert sum(counts.sum() for counts in enough.values()) > 200_000
    freedom = sum(width - 1 for width in enough)
    statistic = sum(((counts - counts.mean()) ** 2 / counts.mean()).sum() for counts in enough.values())
    assert abs(statistic - freedom) < 4 * np.sqrt(2 * freedom), (statistic, freedom)


def test_long_cells_are_sampled_and_reproducible(pbmc: Matrix, tmp_path: Path) -> None:
    whole = tokenize(pbmc, tmp_path / "whole.parquet", *ALL_GENES)
    rows = tokenize(pbmc, tmp_path / "one.parquet", "--threads", "1")
    again = tokenize(pbmc, tmp_path / "two.parquet", "--threads", "2")
    other = tokenize(pbmc, tmp_path / "other.parquet", "--seed", "1")
    assert all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(rows, again, strict=True))
    sampled = 0
    for (all_ids, all_values), (ids, values), (others, _) in zip(whole, rows, other, strict=True):
        assert len(ids) == min(1200, len(all_ids))
        assert (ids[0], values[0]) == (pbmc.tokens[CLS], -2)
        bin_of = dict(zip(all_ids.tolist(), all_values.tolist(), strict=True))
        assert len(set(ids.tolist())) == len(ids)
        assert [bin_of[token] for token in ids.tolist()] == values.tolist()
        sampled += len(all_ids) > 1200 and set(ids) != set(others) and not (np.diff(ids[1:]) > 0).all()
    assert sampled == sum(len(ids) > 1200 for ids, _ in whole) > 100


# --------------------------------------------------------------------------------------------------------- fine-tune


def test_values_equal_scanpy(pbmc: Matrix, tmp_path: Path) -> None:
    cells = log_normalised(counted(pbmc.cells))
    tokens = np.array([pbmc.tokens[name] for name in cells.var_names])
    rows = tokenize(pbmc, tmp_path / "tokens.parquet", *ALL_GENES, "--path", "fine-tune", "--binning", "none")
    for (ids, values), row in zip(rows, cells.X, strict=True):
        assert ids.tolist() == [pbmc.tokens[CLS], *tokens[row.indices]]
        assert values[0] == 0
        np.testing.assert_allclose(values[1:], row.data, rtol=3e-7)


@pytest.fixture(scope="session")
def normalised(pbmc: Matrix, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """The same cells with logarithmic values instead of counts, as an input."""
    cells = log_normalised(counted(pbmc.cells))
    path = tmp_path_factory.mktemp("normalised") / "cells.h5ad"
    cells.write_h5ad(path)
    return Matrix(cells, path, pbmc.vocabulary, pbmc.tokens)


def test_values_that_are_no_counts_are_not_normalised_again(normalised: Matrix, tmp_path: Path) -> None:
    options = ["--path", "fine-tune", "--binning", "none", "--min-counts", "0", "--allow-normalized"]
    rows = tokenize(normalised, tmp_path / "tokens.parquet", *ALL_GENES, *options)
    for (_, values), row in zip(rows, normalised.cells.X, strict=True):
        assert values.tolist() == [0, *row.data.astype(np.float32)]


def test_seurat_v3_without_counts(normalised: Matrix, tmp_path: Path) -> None:
    command = [os.environ["FERROME_BIN"], "cell", "tokenize", normalised.path, "--style", "scgpt", "--allow-normalized"]
    command += ["--vocabulary", normalised.vocabulary, "-o", tmp_path / "tokens", "--hvg", "100", "--flavor", "seurat_v3"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    message = "--flavor seurat_v3 needs counts, and the values are none; cell_ranger takes them"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"error: {message}")


def test_bins_of_variable_genes_with_zeros(pbmc: Matrix, tmp_path: Path) -> None:
    cells = counted(pbmc.cells)
    normalised = log_normalised(cells)
    table = scanpy.pp.highly_variable_genes(normalised, n_top_genes=1200, flavor="cell_ranger", inplace=False)
    normalised = normalised[:, table["highly_variable"].to_numpy()]
    options = ["--path", "fine-tune", "--variable-genes", "1200", "--flavor", "cell_ranger", "--zero-genes"]
    rows = tokenize(pbmc, tmp_path / "tokens.parquet", *options, "--max-length", "1201")
    for (ids, values), row in zip(rows, normalised.X.toarray(), strict=True):
        assert ids.tolist() == [pbmc.tokens[CLS], *(pbmc.tokens[name] for name in normalised.var_names)]
        expected = np.zeros(len(row), np.float32)
        expected[row > 0] = middle(row[row > 0])
        assert values.tolist() == [0, *expected]


def variable_genes(data: Matrix, output: Path, count: int, flavor: str, *options: str) -> set[int]:
    """The tokens of the genes that the binary selects."""
    options = ("--path", "fine-tune", "--zero-genes", "--variable-genes", str(count), "--flavor", flavor, *options)
    ids, _ = tokenize(data, output, *ALL_GENES, *options)[0]
    return set(ids[1:].tolist())


def scanpys_genes(data: Matrix, count: int, flavor: str, batch: str | None = None) -> set[int]:
    """Scanpy's selection. Equal genes stay in their order: by default it leaves them to a sort that is not stable."""
    cells = counted(data.cells)
    cells = cells if flavor == "seurat_v3" else log_normalised(cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "argsort", functools.partial(np.argsort, kind="stable"))
        table = scanpy.pp.highly_variable_genes(cells, n_top_genes=count, flavor=flavor, batch_key=batch, inplace=False)
    return {data.tokens[name] for name in cells.var_names[table["highly_variable"].to_numpy()]}


@pytest.mark.parametrize("count", [100, 500, 1200, 2000])
@pytest.mark.parametrize("flavor", ["seurat_v3", "cell_ranger"])
def test_variable_genes_of_blood_cells_equal_scanpy(pbmc: Matrix, tmp_path: Path, flavor: str, count: int) -> None:
    found = variable_genes(pbmc, tmp_path / "tokens.parquet", count, flavor)
    assert found == scanpys_genes(pbmc, count, flavor)
    assert len(found) == count


@pytest.mark.parametrize("batch", [None, "batch"])
@pytest.mark.parametrize("flavor", ["seurat_v3", "cell_ranger"])
def test_variable_genes_of_neurons_equal_scanpy(neurons: Matrix, tmp_path: Path, flavor: str, batch: str | None) -> None:
    options = [] if batch is None else ["--batch", batch]
    found = variable_genes(neurons, tmp_path / "tokens.parquet", 200, flavor, *options)
    assert found == scanpys_genes(neurons, 200, flavor, batch)
    assert len(found) == 200
