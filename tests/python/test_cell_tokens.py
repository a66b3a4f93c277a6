"""`ferrome cell tokenize` against Geneformer's published formula, written here in NumPy, and its folders in `datasets`.

The reference reads the pickles with Python's own `pickle` and the cells with anndata; it shares no code with ferrome.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import anndata
import datasets
import numpy as np
import pyarrow.parquet
import pytest
import scipy.sparse

ROOT = Path(__file__).resolve().parents[2]
CELLS = ROOT.parent / "shared/data/cells"
DICTIONARIES = CELLS / "geneformer_dicts/geneformer"
ENSEMBL = CELLS / "derived_celltypist_ensembl/human559_ensembl_csr.h5ad"
SYMBOLS = CELLS / "pbmc_10k/pbmc_10k_protein_v3.h5ad"
OLD_DATASETS = ROOT / ".venv/datasets-2.21"
LIMIT_V1, LIMIT_V2 = 2048, 4096


def ferrome(*args: object) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "target/release/ferrome", "cell", *args]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session", autouse=True)
def needs_shared() -> None:
    if not CELLS.is_dir():
        assert os.environ.get("CI") != "true", f"{CELLS} is missing"
        pytest.skip(f"{CELLS} is missing")


@pytest.fixture(scope="session")
def dictionaries() -> tuple[dict, dict, dict]:
    names = ["token_dictionary.pkl", "gene_median_dictionary.pkl", "gene_name_id_dict.pkl"]
    return tuple(pickle.loads((DICTIONARIES / name).read_bytes()) for name in names)


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vocabulary") / "v1.json"
    done = ferrome(
        "vocabulary", "import", "-o", path,
        "--tokens", DICTIONARIES / "token_dictionary.pkl",
        "--medians", DICTIONARIES / "gene_median_dictionary.pkl",
        "--symbols", DICTIONARIES / "gene_name_id_dict.pkl",
    )  # fmt: skip
    assert done.stderr.count("(sha256 verified)") == 3, done.stderr
    return path


@pytest.fixture(scope="session")
def vocabulary_v2(vocabulary: Path, dictionaries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """V1's genes and medians under V2's layout: the published V2 dictionaries are not at hand."""
    tokens, medians, _ = dictionaries
    folder = tmp_path_factory.mktemp("v2")
    framed = {"<pad>": 0, "<mask>": 1, "<cls>": 2, "<eos>": 3}
    framed |= {gene: np.int64(token + 2) for gene, token in tokens.items() if not gene.startswith("<")}
    (folder / "tokens.pkl").write_bytes(pickle.dumps(framed))
    (folder / "medians.pkl").write_bytes(pickle.dumps(medians))
    ferrome("vocabulary", "import", "--tokens", folder / "tokens.pkl", "--medians", folder / "medians.pkl",
            "--symbols", DICTIONARIES / "gene_name_id_dict.pkl", "-o", folder / "v2.json")  # fmt: skip
    return folder / "v2.json"


def ranked(path: Path, dictionaries, to_id=lambda name: name) -> list[np.ndarray]:
    """Each cell's tokens by `counts / n_counts * 10_000 / median`, descending, in float64; ties by column."""
    tokens, medians, _ = dictionaries
    adata = anndata.read_h5ad(path)
    counts = np.asarray(adata.X.todense() if scipy.sparse.issparse(adata.X) else adata.X, dtype=np.float64)
    totals = adata.obs["n_counts"].to_numpy(np.float64) if "n_counts" in adata.obs else counts.sum(axis=1)
    ids = [to_id(name) for name in adata.var_names]
    kept = [column for column, gene in enumerate(ids) if gene in medians]
    assert len({ids[column] for column in kept}) == len(kept), "the reference sums no columns"
    median = np.array([float(medians[ids[column]]) for column in kept])
    token = np.array([int(tokens[ids[column]]) for column in kept])
    expression = counts[:, kept] / totals[:, None] * 10_000 / median
    cells = []
    for row in expression:
        present = np.flatnonzero(row)
        cells.append(token[present[np.argsort(-row[present], kind="stable")]])
    return cells


@pytest.fixture(scope="session")
def expected(dictionaries) -> dict[Path, list[np.ndarray]]:
    symbols = dictionaries[2]
    return {ENSEMBL: ranked(ENSEMBL, dictionaries), SYMBOLS: ranked(SYMBOLS, dictionaries, symbols.get)}


@pytest.mark.parametrize("path, count, genes", [(ENSEMBL, 559, 17_824), (SYMBOLS, 200, 13_013)])
def test_v1_token_for_token(path: Path, count: int, genes: int, vocabulary: Path, expected, tmp_path: Path) -> None:
    done = ferrome("tokenize", path, "--style", "geneformer-v1", "--vocabulary", vocabulary, "-o", tmp_path / "t")
    assert f"genes: {genes} of" in done.stderr
    dataset = datasets.load_from_disk(str(tmp_path / "t"))
    assert len(dataset) == count
    for found, cell in zip(dataset, expected[path], strict=True):
        assert found["input_ids"] == cell[:LIMIT_V1].tolist()
        assert found["length"] == min(len(cell), LIMIT_V1)
    assert dataset["cell_id"][:] == anndata.read_h5ad(path, backed="r").obs_names.tolist()


@pytest.mark.parametrize("path", [ENSEMBL, SYMBOLS])
def test_v2_token_for_token(path: Path, vocabulary_v2: Path, expected, tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    ferrome("tokenize", path, "--style", "geneformer-v2", "--vocabulary", vocabulary_v2, "-o", table,
            "--keep-uncropped", "--keep-counts")  # fmt: skip
    rows = pyarrow.parquet.read_table(table).to_pylist()
    adata = anndata.read_h5ad(path)
    for index, (row, cell) in enumerate(zip(rows, expected[path], strict=True)):
        genes = (cell + 2).tolist()
        assert row["input_ids"] == [2, *genes[: LIMIT_V2 - 2], 3]
        assert row["input_ids_uncropped"] == genes
        assert (row["length"], row["length_uncropped"]) == (len(row["input_ids"]), len(genes))
        assert len(row["counts"]) == row["length"] and row["counts"][0] == row["counts"][-1] == 0.0
        # Divided by 10,000 and multiplied by the total, they are the counts again.
        total = adata.obs["n_counts"].iloc[index]
        counts = np.array(row["counts"]) / 10_000 * total
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-6 * total)


def test_tokens_do_not_depend_on_threads(vocabulary: Path, tmp_path: Path) -> None:
    tables = []
    for threads in (1, 3):
        table = tmp_path / f"{threads}.parquet"
        ferrome("tokenize", ENSEMBL, "--style", "geneformer-v1", "--vocabulary", vocabulary, "-o", table,
                "--threads", threads)  # fmt: skip
        tables.append(table.read_bytes())
    assert tables[0] == tables[1]


USE = """
import json, sys, datasets
dataset = datasets.load_from_disk(sys.argv[1])
long = dataset.filter(lambda row: row["length"] > 1500)
ordered = long.sort("length")
ordered.set_format("numpy", columns=["input_ids", "length"])
print(json.dumps({
    "version": datasets.__version__, "rows": len(dataset), "long": len(long), "columns": dataset.column_names,
    "first": ordered[0]["input_ids"].tolist()[:5], "lengths": [int(ordered[0]["length"]), int(ordered[-1]["length"])],
}))
"""


def use(folder: Path, cache: Path, path: Path | None) -> dict:
    environment = {**os.environ, "HF_DATASETS_CACHE": str(cache), "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", USE, str(folder)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_folder_opens_in_old_and_new_datasets(vocabulary: Path, expected, tmp_path: Path) -> None:
    folder = tmp_path / "tokens.dataset"
    obs = anndata.read_h5ad(ENSEMBL, backed="r").obs
    ferrome("tokenize", ENSEMBL, "--style", "geneformer-v1", "--vocabulary", vocabulary, "-o", folder,
            "--obs", "n_counts=label")  # fmt: skip
    lengths = [min(len(cell), LIMIT_V1) for cell in expected[ENSEMBL]]
    new = use(folder, tmp_path / "new", None)
    assert new["version"].startswith("5.") and new["rows"] == 559
    assert new["columns"] == ["input_ids", "length", "cell_id", "label", "error"]
    assert new["long"] == sum(length > 1500 for length in lengths) > 0
    assert new["lengths"] == [min(x for x in lengths if x > 1500), max(lengths)]
    old = use(folder, tmp_path / "old", OLD_DATASETS)
    assert old.pop("version") == "2.21.0"
    new.pop("version")
    assert old == new
    assert datasets.load_from_disk(str(folder))["label"][:] == obs["n_counts"].tolist()


def test_medians_of_a_built_vocabulary(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    done = ferrome("vocabulary", "build", ENSEMBL, "-o", path, "--style", "geneformer-v1")
    medians = json.loads(path.read_text())["medians"]
    adata = anndata.read_h5ad(ENSEMBL)
    counts = np.asarray(adata.X.todense(), dtype=np.float64)
    totals = adata.obs["n_counts"].to_numpy(np.float64) if "n_counts" in adata.obs else counts.sum(axis=1)
    normalised = counts / totals[:, None] * 10_000
    exact, off = 0, []
    for gene, column in zip(adata.var_names, normalised.T, strict=True):
        present = column[column != 0]
        if len(present) == 0:
            assert gene not in medians
            continue
        truth = np.median(present)
        if len(present) <= 256:
            assert medians[gene] == truth
            exact += 1
        else:
            off.append(abs(medians[gene] - truth) / truth)
    # What a run says is the worst case holds, and most are far better.
    stated = float(re.search(r"the worst within ([\d.]+) %", done.stderr).group(1)) / 100
    assert exact > 8_000 and max(off) <= stated < 0.2
    assert np.median(off) < 0.002
