"""`ferrome cell embed` against transformers, with a fresh random Geneformer each time, and its h5ad in scanpy.

The seed is printed (and shown by pytest when a test fails); set FERROME_TEST_SEED to use it again.
"""

from __future__ import annotations

import os
import pickle
import secrets
import subprocess
from pathlib import Path

import anndata
import datasets
import numpy as np
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest
import scanpy
import torch
from transformers import BertConfig, BertForMaskedLM, BertModel

ROOT = Path(__file__).resolve().parents[2]
FERROME = os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome")
CELLS = ROOT.parent / "shared/data/cells"
DICTIONARIES = CELLS / "geneformer_dicts/geneformer"
SYMBOLS = CELLS / "pbmc_10k/pbmc_10k_protein_v3.h5ad"
LAYERS, WIDTH, HEADS, INNER, POSITIONS, GENES = 3, 128, 2, 256, 256, 20_275  # the token table of V2
TOLERANCE, COSINE_BF16 = 1e-5, 0.999


def ferrome(*args: object) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in (FERROME, "cell", *args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def seed() -> int:
    value = int(os.environ.get("FERROME_TEST_SEED", secrets.randbelow(2**31)))
    print(f"FERROME_TEST_SEED={value}")
    return value


def random_model(genes: int, positions: int, seed: int) -> BertForMaskedLM:
    """Weights at which nothing is left at 0 or 1."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=genes, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INNER,
        max_position_embeddings=positions, hidden_act="relu", layer_norm_eps=1e-12, pad_token_id=0,
    )  # fmt: skip
    model = BertForMaskedLM(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter)
            if "LayerNorm" in name:
                parameter.copy_((1.0 if name.endswith("weight") else 0.0) + 0.1 * noise)
            else:
                parameter.copy_(noise * (0.1 if parameter.dim() == 1 or "embeddings" in name else 0.7 * parameter.shape[1] ** -0.5))
    return model


@pytest.fixture(scope="session")
def model(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    random_model(GENES, POSITIONS, seed).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def cells(seed: int) -> list[list[int]]:
    """Distinct genes between <cls> (2) and <eos> (3), of every length that the model takes."""
    generator = np.random.default_rng(seed)
    lengths = [1, 2, POSITIONS - 2, *generator.integers(1, POSITIONS - 2, 37)]
    return [[2, *(generator.permutation(GENES - 4)[:n] + 4).tolist(), 3] for n in lengths]


@pytest.fixture(scope="session")
def tokens(cells: list[list[int]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As Geneformer's own tokenizer leaves them: a folder of `datasets`."""
    folder = tmp_path_factory.mktemp("tokens") / "cells.dataset"
    columns = {"input_ids": cells, "length": list(map(len, cells)), "cell_type": ["T" if len(c) % 2 else "B" for c in cells]}
    datasets.Dataset.from_dict(columns).save_to_disk(folder, num_shards=3)
    return folder


@torch.inference_mode()
def hidden(folder: Path, cells: list[list[int]]) -> list[list[np.ndarray]]:
    """Hidden states of each cell alone, by layer."""
    reference = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    run = lambda cell: reference(torch.tensor([cell]), output_hidden_states=True).hidden_states  # noqa: E731
    return [[layer[0].numpy() for layer in run(cell)] for cell in cells]


def vectors(path: Path) -> np.ndarray:
    """The column `embedding`, `[rows, d]`; NaN where it is null."""
    column = pyarrow.parquet.read_table(path, columns=["embedding"])["embedding"].to_pylist()
    width = len(next(row for row in column if row is not None))
    return np.array([[np.nan] * width if row is None else row for row in column], dtype=np.float32)


@pytest.mark.parametrize(("layer", "number"), [("last", LAYERS), ("second-to-last", LAYERS - 1), (0, 0), (1, 1)])
def test_folder_of_datasets_against_transformers(model, tokens, cells, tmp_path, layer, number) -> None:
    expected = [states[number] for states in hidden(model, cells)]
    for pool, rows in {"cls": [h[0] for h in expected], "mean": [h[1:-1].mean(0) for h in expected]}.items():
        out = tmp_path / f"{pool}.parquet"
        ferrome("embed", tokens, "-m", model, "--layer", layer, "--pool", pool, "-o", out, "--device", "cpu")
        assert np.abs(vectors(out) - np.stack(rows)).max() <= TOLERANCE, pool
    table = pyarrow.parquet.read_table(out)
    assert table.column_names == ["cell_id", "length", "embedding", "error"]
    assert table.schema.field("embedding").type == pyarrow.list_(pyarrow.float32(), WIDTH)
    assert table["length"].to_pylist() == list(map(len, cells))
    assert table["cell_id"].to_pylist() == [str(row) for row in range(len(cells))]


def test_genes_and_columns_of_obs(model, tokens, cells, tmp_path) -> None:
    out = tmp_path / "genes.parquet"
    ferrome("embed", tokens, "-m", model, "--layer", "last", "--pool", "gene", "--obs", "cell_type=kind", "-o", out)
    table = pyarrow.parquet.read_table(out)
    assert table["tokens"].to_pylist() == [cell[1:-1] for cell in cells]
    assert table["kind"].to_pylist() == ["T" if len(cell) % 2 else "B" for cell in cells]
    for row, states in zip(table["embedding"].to_pylist(), hidden(model, cells)):
        assert np.abs(np.array(row) - states[LAYERS][1:-1]).max() <= TOLERANCE


def test_bf16_keeps_the_direction(model, tokens, cells, tmp_path) -> None:
    out = tmp_path / "bf16.parquet"
    ferrome("embed", tokens, "-m", model, "--layer", "last", "--pool", "mean", "--dtype", "bf16", "-o", out, "--device", "cpu")
    found, expected = vectors(out), np.stack([states[LAYERS][1:-1].mean(0) for states in hidden(model, cells)])
    cosine = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() >= COSINE_BF16


def test_tokens_in_every_file_give_the_same_vectors(model, tokens, tmp_path) -> None:
    table = datasets.load_from_disk(str(tokens)).data.table.combine_chunks()
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    with pyarrow.OSFile(str(tmp_path / "t.arrow"), "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    short = table.set_column(0, "input_ids", table["input_ids"].cast(pyarrow.list_(pyarrow.int16())))
    pyarrow.parquet.write_table(short, tmp_path / "short.parquet")
    outputs = []
    for source in (tokens, tmp_path / "t.parquet", tmp_path / "t.arrow", tmp_path / "short.parquet"):
        out = tmp_path / "out.parquet"
        ferrome("embed", source, "-m", model, "-o", out, "--device", "cpu", "--overwrite")
        outputs.append(vectors(out))
    assert all(np.array_equal(outputs[0], other) for other in outputs[1:])


# ------------------------------------------------------------------------------------------------------- real cells


@pytest.fixture(scope="session")
def real(seed: int, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """V1's published vocabulary, and a random model of its size."""
    if not CELLS.is_dir():
        assert os.environ.get("CI") != "true", f"{CELLS} is missing"
        pytest.skip(f"{CELLS} is missing")
    folder = tmp_path_factory.mktemp("real")
    names = {"--tokens": "token_dictionary.pkl", "--medians": "gene_median_dictionary.pkl", "--symbols": "gene_name_id_dict.pkl"}
    files = [word for flag, name in names.items() for word in (flag, DICTIONARIES / name)]
    ferrome("vocabulary", "import", *files, "-o", folder / "v1.json")
    genes = len(pickle.loads((DICTIONARIES / "token_dictionary.pkl").read_bytes()))
    random_model(genes, 2048, seed).save_pretrained(folder / "model")
    return folder / "v1.json", folder / "model"


def test_h5ad_with_vectors_in_obsm(real, tmp_path) -> None:
    vocabulary, model = real
    source = anndata.read_h5ad(SYMBOLS)[:24].copy()
    source.X[5] = 0  # a cell without tokens
    source.write_h5ad(tmp_path / "in.h5ad")
    out = tmp_path / "out.h5ad"
    ferrome("embed", tmp_path / "in.h5ad", "-m", model, "--vocabulary", vocabulary, "-o", out, "--device", "cpu")
    found = scanpy.read_h5ad(out)
    assert found.obs_names.equals(source.obs_names) and found.obs.equals(source.obs) and found.var.equals(source.var)
    assert np.array_equal(np.asarray(found.X), np.asarray(source.X))
    matrix = found.obsm["X_geneformer"]
    assert matrix.shape == (24, WIDTH) and matrix.dtype == np.float32
    assert np.isnan(matrix[5]).all() and np.isfinite(np.delete(matrix, 5, 0)).all()

    ferrome("tokenize", tmp_path / "in.h5ad", "--style", "geneformer-v1", "--vocabulary", vocabulary, "-o", tmp_path / "tokens")
    cells = datasets.load_from_disk(str(tmp_path / "tokens"))["input_ids"][:]
    kept = [row for row, cell in enumerate(cells) if cell]
    # EmbExtractor's defaults where there is no <cls>: the mean of the second-to-last layer.
    expected = np.stack([states[LAYERS - 1].mean(0) for states in hidden(model, [cells[row] for row in kept])])
    assert np.abs(matrix[kept] - expected).max() <= TOLERANCE
    found = found[kept].copy()
    scanpy.pp.neighbors(found, use_rep="X_geneformer", n_neighbors=5)
    assert found.obsp["connectivities"].nnz > 0


def test_matrix_in_obsm_is_replaced(real, tmp_path) -> None:
    vocabulary, model = real
    source = anndata.read_h5ad(SYMBOLS)[:6].copy()
    source.obsm["X_geneformer"], source.obsm["X_pca"] = np.ones((6, 3)), np.ones((6, 2))
    source.write_h5ad(tmp_path / "in.h5ad")
    ferrome("embed", tmp_path / "in.h5ad", "-m", model, "--vocabulary", vocabulary, "-o", tmp_path / "out.h5ad", "--device", "cpu")
    found = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert found.obsm["X_geneformer"].shape == (6, WIDTH) and found.obsm["X_pca"].shape == (6, 2)
