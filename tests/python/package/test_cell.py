"""Cells in memory give what the command line gives for the same cells in a file."""

from __future__ import annotations

import json
import shutil
import threading
import warnings
from pathlib import Path

import anndata
import ferrome
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from ferrome.cell._anndata import _array, cells_of

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "weights/ferrome-geneformer-mini"
VOCABULARY = MODEL / "vocabulary.json"
CLASSIFIER = ROOT / "tests/golden/cell/geneformer_classifier"
OBS = ["batch", "donor", "n"]


@pytest.fixture
def adata() -> anndata.AnnData:
    """Forty cells with counts of 300 genes that the model knows, the last without any."""
    dice = np.random.default_rng(5)
    genes = sorted(json.loads(VOCABULARY.read_text())["medians"])[:300]
    counts = dice.poisson(0.6, (40, 300)).astype(np.float32)
    counts[-1] = 0
    obs = pd.DataFrame(
        {
            "batch": pd.Categorical(dice.choice(["b", "a"], 40)),
            "donor": [f"donor {i % 3}" for i in range(40)],
            "n": dice.integers(0, 9, 40),
            "list": [[i] for i in range(40)],
        },
        index=[f"cell{i}" for i in range(40)],
    )
    return anndata.AnnData(sp.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=genes))


@pytest.fixture
def h5ad(adata, tmp_path) -> Path:
    """The same cells, as far as a file holds them."""
    path = tmp_path / "cells.h5ad"
    without = adata.copy()
    del without.obs["list"]
    without.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def model() -> ferrome.cell.Model:
    return ferrome.cell.load(MODEL, device="cpu")


def same(one: pa.Table, other: pa.Table) -> None:
    assert one.schema.names == other.schema.names
    for name in one.schema.names:
        assert one[name].to_pylist() == other[name].to_pylist(), name


# ---------------------------------------------------------------------------------------------------------- tokenizing


def test_tokens_are_those_of_the_file(adata, h5ad, cli, tmp_path, capsys):
    out = tmp_path / "tokens.parquet"
    line = ["cell", "tokenize", h5ad, "--style", "geneformer-v1", "--vocabulary", VOCABULARY, "--obs", ",".join(OBS)]
    code, said = cli(*line, "-o", out)
    assert code == 0, said
    tokens = ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY, obs=OBS)
    (share,) = capsys.readouterr().err.splitlines()
    assert share in said.splitlines() and "genes" in share
    same(tokens, pq.read_table(out))
    same(ferrome.cell.tokenize(h5ad, "geneformer-v1", VOCABULARY, obs=OBS), tokens)


@pytest.mark.parametrize("how", ["csc", "dense", "int64", "big-endian", "fortran", "view", "layer", "raw", "uint8"])
def test_every_way_to_hold_counts_gives_the_same_tokens(adata, how):
    expected = ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY)
    dense = adata.X.toarray()
    if how == "csc":
        adata.X = sp.csc_matrix(dense)
    elif how == "dense":
        adata.X = dense
    elif how in ("int64", "uint8"):
        adata.X = sp.csr_matrix(dense.astype(how))
    elif how == "big-endian":
        adata.X = dense.astype(">f4")
    elif how == "fortran":
        adata.X = np.asfortranarray(dense)
    elif how == "view":
        order = [*range(40, 0, -1), 0]
        whole = anndata.concat([adata[:1], adata[::-1]], index_unique="-")
        adata = whole[order[:40]]
        assert adata.is_view
        expected = expected.drop_columns("cell_id")
    elif how == "layer":
        adata.layers["counts"] = adata.X
        adata.X = np.log1p(dense)
    elif how == "raw":
        adata.raw = adata
        adata = adata[:, 5:20].copy()
        adata.X = np.log1p(adata.X.toarray())
    found = ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY)
    same(found.select(expected.schema.names), expected)


def test_numbers_are_handed_over_without_a_copy(adata):
    for numbers in (adata.X.data, adata.X.indices, adata.X.indptr, adata.X.toarray().reshape(-1)):
        assert _array(numbers, "X").buffers()[1].address == numbers.ctypes.data


def test_backed_anndata_takes_counts_from_its_file_and_obs_from_memory(adata, h5ad):
    backed = anndata.read_h5ad(h5ad, backed="r")
    backed.obs["mine"] = np.arange(40)
    tokens = ferrome.cell.tokenize(backed, "geneformer-v1", VOCABULARY, obs=["mine", "batch"])
    assert tokens["mine"].to_pylist() == list(range(40))
    expected = ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY)
    assert tokens["input_ids"].to_pylist() == expected["input_ids"].to_pylist()
    part = ferrome.cell.tokenize(backed[3:7], "geneformer-v1", VOCABULARY)
    assert part["input_ids"].to_pylist() == expected["input_ids"].to_pylist()[3:7]


def test_duplicate_names_are_kept(adata, tmp_path, cli):
    adata.obs_names = ["cell"] * 40
    del adata.obs["list"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata.var_names = [*adata.var_names[:299], adata.var_names[0]]
        adata.write_h5ad(tmp_path / "twice.h5ad")
    out = tmp_path / "twice.parquet"
    code, said = cli("cell", "tokenize", tmp_path / "twice.h5ad", "--style", "geneformer-v1", "--vocabulary", VOCABULARY, "-o", out)
    assert code == 0, said
    same(ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY), pq.read_table(out))


def test_tokens_into_a_folder_are_replaced_only_on_demand(adata, tmp_path):
    out = ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY, tmp_path / "tokens")
    assert (out / "state.json").exists()
    with pytest.raises(FileExistsError, match="exists already"):
        ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY, out)
    assert ferrome.cell.tokenize(adata[:7], "geneformer-v1", VOCABULARY, out, overwrite=True) == out
    assert sum(pa.ipc.open_stream(part).read_all().num_rows for part in out.glob("*.arrow")) == 7


# ------------------------------------------------------------------------------------------------------------- vectors


def test_vectors_are_those_of_the_command(adata, h5ad, cli, tmp_path, model):
    out = tmp_path / "vectors.parquet"
    code, said = cli("cell", "embed", h5ad, "-m", MODEL, "-o", out, "--device", "cpu", "--obs", "batch")
    assert code == 0, said
    table = pq.read_table(out)
    with pytest.warns(UserWarning, match=r"1 of 40 cells have no vector \(NaN\), the first is cell 39: "):
        vectors = model.embed(adata)
    assert (vectors.shape, vectors.dtype) == ((40, model.width), np.float32)
    assert adata.obsm["X_geneformer"] is not None and np.isnan(vectors[39]).all()
    expected = np.array(table["embedding"].to_pylist()[:39], np.float32)
    np.testing.assert_allclose(vectors[:39], expected, atol=2e-6)
    np.testing.assert_array_equal(adata.obsm["X_geneformer"][:39], vectors[:39])
    found = ferrome.cell.embed(h5ad, MODEL, device="cpu", obs=["batch"])
    assert found.schema.names == table.schema.names
    assert pl.DataFrame(found)["batch"].to_list() == list(adata.obs["batch"])


def test_tokens_in_memory_are_embedded(adata, model):
    tokens = ferrome.cell.tokenize(adata[:5], "geneformer-v1", VOCABULARY)
    table = model.embed(tokens, pool="mean")
    np.testing.assert_allclose(
        np.array(table["embedding"].to_pylist()), model.embed(adata[:5].copy(), pool="mean"), atol=2e-6
    )


def test_h5ad_with_vectors_is_written(h5ad, model, tmp_path):
    out = model.embed(h5ad, output=tmp_path / "with.h5ad")
    assert anndata.read_h5ad(out).obsm["X_geneformer"].shape == (40, model.width)


def test_genes_of_cells_have_vectors(adata, model):
    table = model.embed(adata[:2], pool="gene")
    assert [len(row) for row in table["embedding"].to_pylist()] == table["length"].to_pylist()


def test_threads_use_one_model_at_once(adata, model):
    expected = model.embed(adata[:20].copy())
    found = [None] * 3

    def work(i: int) -> None:
        found[i] = model.embed(adata[:20].copy())

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for vectors in found:
        np.testing.assert_allclose(vectors, expected, atol=2e-6)


def test_properties(model):
    config = json.loads((MODEL / "config.json").read_text())
    assert (model.family, model.layers, model.width) == ("Geneformer", config["num_hidden_layers"], config["hidden_size"])
    assert repr(model) == f"ferrome.cell.Model({str(MODEL)!r}, device='cpu', dtype='auto')"


# ---------------------------------------------------------------------------------------- classes, perturbation, counts


def test_annotation_is_that_of_the_command(adata, h5ad, cli, tmp_path):
    classifier = shutil.copytree(CLASSIFIER, tmp_path / "classifier")
    config = json.loads((classifier / "config.json").read_text())
    config["id2label"] = {"0": "resting", "1": "active"}
    (classifier / "config.json").write_text(json.dumps(config))
    vocabulary = json.loads(VOCABULARY.read_text())
    size = config["vocab_size"]
    kept = {name: token for name, token in vocabulary["tokens"].items() if token < size}
    medians = {name: median for name, median in vocabulary["medians"].items() if name in kept}
    small = tmp_path / "small.json"
    small.write_text(json.dumps({**vocabulary, "tokens": kept, "medians": medians, "symbols": {}}))
    out = tmp_path / "classes.parquet"
    line = ["cell", "annotate", h5ad, "-m", classifier, "--vocabulary", small, "--min-matched", "0", "--device", "cpu"]
    code, said = cli(*line, "-o", out)
    assert code == 0, said
    found = ferrome.cell.annotate(adata, classifier, vocabulary=small, min_matched=0, device="cpu")
    expected = pq.read_table(out)
    assert found["label"].to_pylist() == expected["label"].to_pylist()
    assert found["error"].to_pylist() == expected["error"].to_pylist()


def test_trained_on_a_table_of_tokens(adata, tmp_path):
    tokens = ferrome.cell.tokenize(adata[:39], "geneformer-v1", VOCABULARY, obs=["batch"])
    config = {"batch_tokens": 2048}
    told = {"label": "batch", "epochs": 1, "max_length": 64, "freeze": 2, "device": "cpu"}
    folder = ferrome.cell.train(tokens, tmp_path / "model", from_=MODEL, vocabulary=VOCABULARY, config=config, **told)
    found = ferrome.cell.annotate(adata, folder, device="cpu")
    assert set(found["label"].to_pylist()[:39]) <= {"a", "b"} and found["label"].to_pylist()[39] is None


def test_map_of_a_table_of_vectors(adata, model, tmp_path):
    vectors = model.embed(ferrome.cell.tokenize(adata[:39], "geneformer-v1", VOCABULARY, obs=["batch"]), obs=["batch"])
    picture = ferrome.cell.map(vectors, tmp_path / "map.svg", method="pca", color="batch")
    assert "<svg" in picture.read_text()[:200]


def test_perturbation_is_that_of_the_command(adata, h5ad, cli, tmp_path):
    gene = adata.var_names[int(np.argmax(np.asarray((adata.X > 0).sum(0)).ravel()))]
    tokens = ferrome.cell.tokenize(h5ad, "geneformer-v1", VOCABULARY, tmp_path / "t.parquet", obs=["batch"])
    out = tmp_path / "screen.parquet"
    code, said = cli("cell", "perturb", tokens, "-m", MODEL, "--delete", gene, "--random", 2, "-o", out, "--device", "cpu")
    assert code == 0, said
    found = ferrome.cell.perturb(adata, MODEL, delete=[gene], random=2, device="cpu")
    expected = pq.read_table(out)
    assert found.rows.num_rows == expected.num_rows
    for name in ("cell_id", "gene_ids"):
        if name in expected.schema.names:
            assert found.rows[name].to_pylist() == expected[name].to_pylist()
    assert found.genes.num_rows == len((tmp_path / "screen.genes.csv").read_text().splitlines()) - 1
    assert found.plot is None or found.plot.lstrip().startswith(("<svg", "<?xml"))


def test_counts_of_a_bam(cli, tmp_path):
    bam = ROOT / "data/demo/cells.bam"
    code, said = cli("cell", "count", bam, "-o", tmp_path / "counts")
    assert code == 0, said
    code, said = cli("cell", "convert", tmp_path / "counts", "-o", tmp_path / "counts.h5ad")
    assert code == 0, said
    expected = anndata.read_h5ad(tmp_path / "counts.h5ad")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = ferrome.cell.count(bam)
    assert list(found.obs_names) == list(expected.obs_names) and (found.X != expected.X).nnz == 0
    with pytest.raises(ValueError, match="format='umi-tools' is a file: it needs output="):
        ferrome.cell.count(bam, format="umi-tools")


def test_anndata_goes_to_a_dataset_and_back(adata, tmp_path):
    dataset = ferrome.cell.convert(adata, tmp_path / "dataset")
    back = ferrome.cell.convert(dataset)
    assert (back.X != adata.X).nnz == 0
    assert list(back.obs["batch"]) == list(adata.obs["batch"]) and back.obs["batch"].dtype == "category"
    assert list(back.var_names) == list(adata.var_names)
    h5ad = ferrome.cell.convert(adata, tmp_path / "again.h5ad")
    pd.testing.assert_frame_equal(anndata.read_h5ad(h5ad).obs[OBS], adata.obs[OBS], check_dtype=False)


def test_page_about_quality(adata, tmp_path):
    page = ferrome.cell.qc(adata, tmp_path / "qc.html")
    assert "<html" in page.read_text()[:200].lower()


# --------------------------------------------------------------------------------------------------------------- wrong


def test_what_is_no_count_is_refused_with_the_line_of_the_command(adata, tmp_path, cli):
    adata.X = adata.X * 1.5
    del adata.obs["list"]
    adata.write_h5ad(tmp_path / "normalized.h5ad")
    line = ["cell", "tokenize", tmp_path / "normalized.h5ad", "--style", "geneformer-v1", "--vocabulary", VOCABULARY]
    _, said = cli(*line, "-o", tmp_path / "t", "-q")
    line = said.splitlines()[-1].removeprefix("error: ").replace(str(tmp_path / "normalized.h5ad"), "AnnData")
    assert "AnnData: X holds " in line and ", not counts" in line
    with pytest.raises(ValueError) as refused:
        ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY)
    assert str(refused.value) == line


def test_anndata_without_counts_is_refused(adata, model):
    adata.layers["other"] = adata.X
    adata.X = None
    expected = r"^AnnData: no matrix: X, raw/X and layers/counts are absent; there are layers/other \(choose with --layer\)$"
    with pytest.raises(ValueError, match=expected):
        model.embed(adata)
    with pytest.raises(ValueError, match="^AnnData: there is no layer spliced; there are layers/other"):
        ferrome.cell.convert(adata, layer="spliced")
    vectors = model.embed(adata[:3].copy(), matrix="other")
    assert vectors.shape == (3, model.width)


@pytest.mark.parametrize(
    ("change", "error", "line"),
    [
        (lambda x: x.astype(np.float16), TypeError, "AnnData: X: data: expected int8 to int64, .*found Float16"),
        (lambda x: x.astype(np.complex128), TypeError, "AnnData: X: expected int8 to int64, .*found complex128"),
    ],
)
def test_wrong_dtypes_name_what_was_expected(adata, change, error, line):
    dense = change(adata.X.toarray())
    adata = anndata.AnnData(obs=adata.obs, var=adata.var)
    adata.layers["counts"] = dense
    line = line.replace("AnnData: X: data", "AnnData: layers/counts: values").replace(": X:", ": layers/counts:")
    with pytest.raises(error, match=line):
        cells_of(adata, None)


def test_something_else_than_cells():
    with pytest.raises(TypeError, match="^cells: expected a path, an AnnData or a table of tokens, found int$"):
        ferrome.cell.embed(3, MODEL)
    with pytest.raises(FileNotFoundError, match="nowhere.h5ad"):
        ferrome.cell.embed("nowhere.h5ad", MODEL)
    with pytest.raises(ValueError, match="^cells: holds no cells that ferrome knows: .*found `a`"):
        ferrome.cell.embed(pa.table({"a": [1]}), MODEL)


def test_model_of_another_kind_and_missing_ones(adata):
    with pytest.raises(FileNotFoundError):
        ferrome.cell.load("no-such-model")
    with pytest.raises(ValueError, match="BertForSequenceClassification|classif"):
        ferrome.cell.annotate(adata, MODEL)


def test_obs_column_that_is_not_there(adata):
    with pytest.raises(ValueError, match="there is no obs column `batsch`; nearest: `batch`"):
        ferrome.cell.tokenize(adata, "geneformer-v1", VOCABULARY, obs=["batsch"])
