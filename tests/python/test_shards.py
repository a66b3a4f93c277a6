"""Shards of ``ferrome cell tokenize``, ``cell embed`` and ``drug score`` beside one process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import anndata
import datasets
import numpy
import pandas
import pyarrow.parquet
import pytest
import scipy.sparse

ROOT = Path(__file__).resolve().parents[2]
FERROME = os.environ["FERROME_BIN"]
DEMO = ROOT / "data/demo"
GENEFORMER = ROOT / "weights/ferrome-geneformer-mini"
CELLS = 57


def ferrome(folder: Path, *words: str) -> str:
    """Runs the command; what it said."""
    done = subprocess.run([FERROME, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def same(one: Path, all_: Path) -> None:
    """Tables are equal in columns, metadata and rows; vectors and scores but for rounding."""
    one, all_ = pyarrow.parquet.read_table(one), pyarrow.parquet.read_table(all_)
    assert all_.schema.equals(one.schema, check_metadata=True)
    for name, kind in zip(one.column_names, one.schema.types):
        columns = [table[name].combine_chunks() for table in (one, all_)]
        if name == "embedding" or str(kind) == "float":
            assert columns[0].is_null().equals(columns[1].is_null())
            numbers = [numpy.stack(each.drop_null().to_numpy(zero_copy_only=False)) for each in columns]
            numpy.testing.assert_allclose(numbers[1], numbers[0], rtol=1e-5, atol=1e-5)
        else:
            assert columns[0].equals(columns[1]), name


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> Path:
    """The same counts in every layout, with a column by which cells are left out, and a row of NaN."""
    folder = tmp_path_factory.mktemp("cells")
    random = numpy.random.default_rng(5)
    counts = random.poisson(1.2, (CELLS, 300)).astype("float32")
    counts[20, 3] = numpy.nan
    tokens = json.loads((GENEFORMER / "vocabulary.json").read_text())["tokens"]
    genes = [name for name in tokens if name.startswith("ENSG")][:300]
    obs = pandas.DataFrame({"filter_pass": random.integers(0, 2, CELLS)}, index=[f"cell-{n}" for n in range(CELLS)])
    for name, matrix in [("csr", scipy.sparse.csr_matrix), ("csc", scipy.sparse.csc_matrix), ("dense", numpy.asarray)]:
        table = anndata.AnnData(matrix(counts), obs=obs, var=pandas.DataFrame(index=genes))
        table.write_h5ad(folder / f"{name}.h5ad")
    return folder


@pytest.mark.parametrize("layout", ["csr", "csc", "dense"])
def test_tokens_of_shards_are_those_of_one_process(cells, layout, tmp_path):
    words = ["cell", "tokenize", str(cells / f"{layout}.h5ad"), "--style", "geneformer-v1", "--vocabulary",
             str(GENEFORMER / "vocabulary.json"), *(["--all-cells"] if layout == "csr" else []), "-q"]
    ferrome(tmp_path, *words, "-o", "one.parquet")
    ferrome(tmp_path, *words, "-o", "one")
    for index in (3, 1, 4, 2):
        ferrome(tmp_path, *words, "-o", "parts", "--shard", f"{index}/4")
    ferrome(tmp_path, "gather", "parts", "-o", "all.parquet")
    ferrome(tmp_path, "gather", "parts", "-o", "all")
    same(tmp_path / "one.parquet", tmp_path / "all.parquet")
    one, all_ = (datasets.load_from_disk(str(tmp_path / name)) for name in ("one", "all"))
    assert all_.features == one.features
    assert all_[:] == one[:]


def test_vectors_of_shards_are_those_of_one_process(cells, tmp_path):
    h5ad, vocabulary = str(cells / "csr.h5ad"), str(GENEFORMER / "vocabulary.json")
    tokenize = ["cell", "tokenize", h5ad, "--style", "geneformer-v1", "--vocabulary", vocabulary, "--all-cells", "-q"]
    ferrome(tmp_path, *tokenize, "-o", "tokens")
    for name in (h5ad, "tokens"):
        words = ["cell", "embed", name, "-m", str(GENEFORMER), "-q"]
        short = Path(name).stem
        ferrome(tmp_path, *words, "-o", f"{short}.one.parquet")
        for index in (1, 2, 3):
            ferrome(tmp_path, *words, "-o", f"{short}-parts", "--shard", f"{index}/3")
        ferrome(tmp_path, "gather", f"{short}-parts", "-o", f"{short}.all.parquet")
        same(tmp_path / f"{short}.one.parquet", tmp_path / f"{short}.all.parquet")
    ferrome(tmp_path, "gather", "csr-parts", "-o", "all.h5ad")
    vectors = pyarrow.parquet.read_table(tmp_path / "csr.all.parquet")["embedding"].to_pylist()
    found = anndata.read_h5ad(tmp_path / "all.h5ad").obsm["X_geneformer"]
    assert numpy.isnan(found[20]).all() and vectors[20] is None
    kept = [row for row in range(CELLS) if row != 20]
    assert numpy.array_equal(found[kept], numpy.array([vectors[row] for row in kept], dtype="float32"))


def test_quarantined_cells_and_molecules_keep_their_place(cells, tmp_path):
    words = ["cell", "tokenize", str(cells / "csr.h5ad"), "--style", "geneformer-v1", "--vocabulary",
             str(GENEFORMER / "vocabulary.json"), "--all-cells", "-q", "-o", "parts", "--shard", "2/3"]
    ferrome(tmp_path, *words, "--quarantine", "5,20,22-23")
    found = pyarrow.parquet.read_table(tmp_path / "parts/part-00002-of-00003.parquet")
    assert found["cell_id"].to_pylist() == [f"cell-{n}" for n in range(19, 38)]
    reasons = found["error"].to_pylist()
    assert reasons[0] == "quarantined row 20: not computed"
    assert reasons[1].startswith("NaN for gene")
    assert reasons[2:4] == ["quarantined rows 22-23: not computed"] * 2
    assert set(reasons[4:]) == {None}
    assert [row is None for row in found["input_ids"].to_pylist()] == [reason is not None for reason in reasons]


def test_scores_of_shards_are_those_of_one_process(tmp_path):
    words = ["drug", "score", str(DEMO / "drugs.smi"), "--targets", str(DEMO / "kinases.fasta"), "-q",
             "-m", str(ROOT / "weights/ferrome-dta-davis"), "--tier", "fast"]
    ferrome(tmp_path, *words, "-o", "one.parquet")
    for index in (1, 2, 3):
        ferrome(tmp_path, *words, "-o", "parts", "--shard", f"{index}/3")
    ferrome(tmp_path, "gather", "parts", "-o", "all.parquet")
    same(tmp_path / "one.parquet", tmp_path / "all.parquet")
