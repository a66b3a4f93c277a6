"""`ferrome cell convert` against anndata: h5ad to a dataset and back changes nothing, and other tools open what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import polars
import pyarrow.dataset
import pyarrow.parquet
import pytest
import scanpy
import scipy.sparse

ROOT = Path(__file__).resolve().parents[2]
CELLS = ROOT.parent / "shared/data/cells"


def ferrome(*args: str | Path) -> str:
    """Runs the command line; gives what it says on stderr."""
    binary = os.environ.get("FERROME_BIN", str(ROOT / "target/release/ferrome"))
    done = subprocess.run([binary, "cell", "convert", *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def shared(name: str) -> Path:
    """A file of the shared data; a machine without them skips, CI does not."""
    path = CELLS / name
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing")
        pytest.skip(f"{path} is missing")
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An h5ad file with columns of every kind."""
    rng = np.random.default_rng(7)
    n, m = 300, 40
    counts = scipy.sparse.csr_matrix(rng.poisson(0.4, (n, m)).astype(np.float32))
    late = pd.Categorical(rng.choice(["late", "early"], n), categories=["late", "never", "early"], ordered=True)
    late[3] = np.nan
    numbers = pd.Categorical(rng.choice([10, 2], n), categories=[10, 2, 7])
    integers = pd.array(rng.integers(0, 9, n), dtype="Int64")
    integers[5] = pd.NA
    flags = pd.array(rng.integers(0, 2, n), dtype="boolean")
    flags[6] = pd.NA
    floats = rng.normal(size=n)
    floats[7] = np.nan
    obs = pd.DataFrame(
        {
            "stage": late,
            "cluster": numbers,
            "n_counts": np.asarray(counts.sum(axis=1)).ravel(),
            "age": integers,
            "whole": pd.array(rng.integers(0, 9, n), dtype="Int32"),
            "doublet": flags,
            "score": floats,
            "narrow": rng.integers(0, 9, n).astype(np.int16),
            "good": rng.integers(0, 2, n).astype(bool),
            "donor": [f"donör {i % 7}" for i in range(n)],
            "many": pd.Categorical([f"c{i}" for i in range(n)]),
        },
        index=pd.Index([f"cell-{i}" for i in range(n)], name="barcode"),
    )
    var = pd.DataFrame(
        {
            "feature_name": [f"GENE{i}" for i in range(m)],
            "gene_id": np.arange(m),
            "biotype": pd.Categorical(rng.choice(["coding", "other"], m)),
        },
        index=[f"ENSG{i:011}.{i % 5}" for i in range(m)],
    )
    path = tmp_path / "made.h5ad"
    anndata.AnnData(X=counts, obs=obs, var=var).write_h5ad(path)
    return path


def read(path: Path) -> anndata.AnnData:
    """Opens a file; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return scanpy.read_h5ad(path)


def assert_same(found: anndata.AnnData, expected: anndata.AnnData) -> None:
    """Counts, obs, var, names and order are the same, to the type of each column."""
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    pd.testing.assert_frame_equal(found.var, expected.var)
    assert found.shape == expected.shape
    matrix = expected.X if scipy.sparse.issparse(expected.X) else scipy.sparse.csr_matrix(expected.X)
    assert (found.X != matrix).nnz == 0
    found.X.check_format(full_check=True)


def test_h5ad_to_dataset_and_back_changes_nothing(made: Path, tmp_path: Path) -> None:
    said = ferrome(made, "-o", tmp_path / "set")
    assert "h5ad (CSR), counts from X: 300 cells x 40 genes" in said
    assert "column `n_counts` is called `n_counts_obs` in the dataset" in said
    ferrome(tmp_path / "set", "-o", tmp_path / "back.h5ad")
    assert_same(read(tmp_path / "back.h5ad"), read(made))


def test_h5ad_to_h5ad_changes_nothing(made: Path, tmp_path: Path) -> None:
    ferrome(made, "-o", tmp_path / "same.h5ad")
    assert_same(read(tmp_path / "same.h5ad"), read(made))


def test_h5ad_has_every_group_and_encoding_of_anndata(made: Path, tmp_path: Path) -> None:
    ferrome(made, "-o", tmp_path / "same.h5ad")
    found = read(tmp_path / "same.h5ad")
    rewritten = tmp_path / "rewritten.h5ad"
    found.write_h5ad(rewritten)
    assert_same(read(rewritten), read(made))


def test_real_cells_survive_dataset_and_back(tmp_path: Path) -> None:
    path = shared("derived_celltypist_ensembl/human559_ensembl_csr.h5ad")
    ferrome(path, "-o", tmp_path / "set")
    ferrome(tmp_path / "set", "-o", tmp_path / "back.h5ad")
    expected = read(path)
    found = read(tmp_path / "back.h5ad")
    assert (found.X != expected.X).nnz == 0
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    pd.testing.assert_frame_equal(found.var, expected.var)


def test_dataset_opens_in_pyarrow_and_polars(made: Path, tmp_path: Path) -> None:
    ferrome(made, "-o", tmp_path / "set")
    expected = read(made)
    table = pyarrow.dataset.dataset(tmp_path / "set/cells").to_table()
    assert table.column_names[:4] == ["cell_id", "gene_idx", "value", "n_counts"]
    assert table.column_names[-1] == "error"
    assert table["cell_id"].to_pylist() == list(expected.obs_names)
    row = table.slice(11, 1).to_pylist()[0]
    assert row["gene_idx"] == sorted(expected.X[11].indices.tolist())
    assert row["n_counts"] == expected.X[11].sum()
    frame = polars.read_parquet(tmp_path / "set/cells/*.parquet")
    assert frame["value"].list.sum().to_list() == expected.X.sum(axis=1).astype(int).ravel().tolist()[0]
    genes = pyarrow.parquet.read_table(tmp_path / "set/genes.parquet")
    assert genes["gene_id"].to_pylist() == [name.split(".")[0] for name in expected.var_names]
    assert genes["gene_id_full"].to_pylist() == list(expected.var_names)
    assert genes["gene_name"].to_pylist() == list(expected.var["feature_name"])
    metadata = json.loads(genes.schema.metadata[b"ferrome.dataset"])
    stage = next(column for column in metadata["obs"]["columns"] if column["name"] == "stage")
    assert stage["categories"] == {"ordered": True, "type": "Utf8", "values": ["late", "never", "early"]}
    assert (metadata["n_obs"], metadata["n_vars"]) == expected.shape


def test_mtx_opens_in_scanpy(made: Path, tmp_path: Path) -> None:
    ferrome(made, "--to", "mtx", "-o", tmp_path / "mtx")
    expected = read(made)
    found = scanpy.read_10x_mtx(tmp_path / "mtx", var_names="gene_ids")
    assert list(found.obs_names) == list(expected.obs_names)
    assert list(found.var_names) == list(expected.var_names)
    assert list(found.var["gene_symbols"]) == list(expected.var["feature_name"])
    assert (found.X != expected.X).nnz == 0


def test_rejected_cells_stay_with_their_reason(made: Path, tmp_path: Path) -> None:
    cells = read(made)
    matrix = cells.X.tolil()
    matrix[4, 2] = -1
    cells.X = matrix.tocsr()
    cells.write_h5ad(tmp_path / "bad.h5ad")
    said = ferrome(tmp_path / "bad.h5ad", "-o", tmp_path / "bad.set")
    assert "1 cells rejected (first `cell-4`; see the column `error`)" in said
    table = pyarrow.dataset.dataset(tmp_path / "bad.set/cells").to_table().to_pylist()
    assert table[4]["gene_idx"] is None
    assert table[4]["error"] == "negative count -1 for gene ENSG00000000002.2"
    ferrome(tmp_path / "bad.set", "-o", tmp_path / "bad-back.h5ad")
    found = read(tmp_path / "bad-back.h5ad")
    assert found.X[4].nnz == 0
    assert found.obs["error"].dropna().to_dict() == {"cell-4": "negative count -1 for gene ENSG00000000002.2"}


@pytest.mark.parametrize("kind", ["wide", "long", "lists"])
def test_parquet_layouts_hold_the_same_cells(made: Path, tmp_path: Path, kind: str) -> None:
    cells = read(made)
    path = tmp_path / f"{kind}.parquet"
    coo = cells.X.tocoo()
    if kind == "wide":
        cells.to_df().to_parquet(path)
    elif kind == "long":
        rows = {"cell": cells.obs_names[coo.row], "gene": cells.var_names[coo.col], "count": coo.data.astype(int)}
        pd.DataFrame(rows).sample(frac=1, random_state=3).to_parquet(path)
    else:
        rows = [cells.X[row] for row in range(cells.n_obs)]
        table = {
            "cell_id": list(cells.obs_names),
            "genes": [[1, *(row.indices + 3)] for row in rows],
            "expressions": [[-2.0, *row.data] for row in rows],
        }
        pd.DataFrame(table).to_parquet(path)
        tokens = {"gene_symbol": cells.var["feature_name"], "ensembl_id": cells.var_names, "token_id": np.arange(cells.n_vars) + 3}
        pd.DataFrame(tokens).to_parquet(tmp_path / "gene_metadata.parquet")
    ferrome(path, "-o", tmp_path / "out.h5ad")
    found = read(tmp_path / "out.h5ad")
    found = found[cells.obs_names, cells.var_names]
    assert (found.X != cells.X).nnz == 0
