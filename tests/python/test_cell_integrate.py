"""`ferrome cell integrate` on cells with a known answer, beside PCA and Harmony, and its measures against scikit-learn and SciPy."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import anndata
import harmonypy
import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
import torch
from scipy.sparse.csgraph import connected_components
from sklearn import metrics
from sklearn.neighbors import NearestNeighbors

GENES, WIDTH, LAYERS = 40, 32, 2
TYPES, BATCHES = ["B cell", "T cell", "monocyte"], ["lab 1", "lab 2", "lab 3"]
CELLS = 360
EFFECT = 0.9
SETTINGS = {
    "epochs": 30, "learning_rate": 4e-3, "decay": 0.97, "batch_cells": 16, "one_batch_per_step": False, "checkpoint_every": 100,
}  # fmt: skip


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [os.environ["FERROME_BIN"], "cell", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def ferrome(*arguments: str | Path, cwd: Path) -> str:
    """Runs the binary; what it said on stderr."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stderr


def refused(*arguments: str | Path, cwd: Path) -> str:
    """The one line that a run ends with which cannot be."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "panicked" not in done.stderr
    return done.stderr.splitlines()[-1]


def study(cells: int = CELLS, effect: float = EFFECT) -> anndata.AnnData:
    """Three types in three batches: every type has genes of its own, and every batch scales every gene by a factor of its own."""
    chance = np.random.default_rng(7)
    kind, batch = chance.integers(0, len(TYPES), cells), chance.integers(0, len(BATCHES), cells)
    rates = np.tile(chance.gamma(2.0, 1.0, GENES), (len(TYPES), 1))
    for place, of_type in enumerate(rates):
        of_type[place * 12 : (place + 1) * 12] *= 6
    factors = np.exp(chance.normal(0, effect, (len(BATCHES), GENES)))
    depths = chance.lognormal(0.7, 0.3, (cells, 1))
    counts = chance.poisson(depths * rates[kind] * factors[batch])
    obs = pandas.DataFrame({"lab": np.array(BATCHES)[batch], "cell_type": np.array(TYPES)[kind]})
    obs.index = [f"cell{i}" for i in range(cells)]
    var = pandas.DataFrame(index=[f"GENE{i}" for i in range(GENES)])
    return anndata.AnnData(scipy.sparse.csr_matrix(counts.astype(np.float32)), obs=obs, var=var)


def write_model(folder: Path) -> None:
    """A small scGPT of random weights, in a folder as users have it."""
    torch.manual_seed(5)
    d = WIDTH
    layer = torch.nn.TransformerEncoderLayer(d, 4, d, batch_first=True)
    blocks = torch.nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
    tensors = {f"transformer_encoder.{name}": tensor for name, tensor in blocks.state_dict().items()}
    for index in range(LAYERS):
        for name in [name for name in tensors if f"layers.{index}." in name]:
            if tensors[name].dim() == 2:
                torch.nn.init.xavier_uniform_(tensors[name])
    linear = {"value_encoder.linear1": (1, d), "value_encoder.linear2": (d, d)}
    linear |= {"decoder.fc.0": (d, d), "decoder.fc.2": (d, d), "decoder.fc.4": (d, 1)}
    for name, (inputs, outputs) in linear.items():
        made = torch.nn.Linear(inputs, outputs)
        tensors |= {f"{name}.weight": made.weight.detach(), f"{name}.bias": made.bias.detach()}
    for name in ["encoder.enc_norm", "value_encoder.norm"]:
        tensors |= {f"{name}.weight": torch.ones(d), f"{name}.bias": torch.zeros(d)}
    tensors["encoder.embedding.weight"] = torch.empty(GENES + 3, d).uniform_(-0.1, 0.1)
    folder.mkdir()
    torch.save(tensors, folder / "best_model.pt")
    arguments = {"embsize": d, "nheads": 4, "d_hid": d, "nlayers": LAYERS, "n_bins": 51, "dropout": 0}
    (folder / "args.json").write_text(json.dumps(arguments))
    names = [*(f"GENE{i}" for i in range(GENES)), "<pad>", "<cls>", "<eoc>"]
    (folder / "vocab.json").write_text(json.dumps({name: token for token, name in enumerate(names)}))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cells, the model that is begun with, and a finished run into `out`."""
    place = tmp_path_factory.mktemp("integrate")
    study().write_h5ad(place / "study.h5ad")
    write_model(place / "scgpt")
    (place / "settings.json").write_text(json.dumps(SETTINGS))
    ferrome(*command("out"), "--h5ad", "integrated.h5ad", cwd=place)
    return place


def command(output: str, *more: str) -> list[str]:
    return [
        "integrate", "study.h5ad", "-m", "./scgpt", "--batch", "lab", "--label", "cell_type", "--config", "settings.json",
        "-o", output, "--device", "cpu", "--threads", "1", *more,
    ]  # fmt: skip


def scores(place: Path, output: str = "out") -> dict[str, dict[str, float]]:
    with open(place / output / "integration.csv") as file:
        rows = list(csv.DictReader(file))
    number = lambda text: float(text) if text else None  # noqa: E731
    return {row["method"]: {key: number(value) for key, value in row.items() if key != "method"} for row in rows}


def vectors(path: Path) -> np.ndarray:
    return np.stack(polars.read_parquet(path)["embedding"].to_list()).astype(np.float64)


def test_integration_mixes_batches_and_keeps_types(place: Path) -> None:
    """Beside PCA and Harmony from its package, on PCA's own coordinates."""
    cells = study()
    harmony = harmonypy.run_harmony(vectors(place / "out/pca.parquet"), cells.obs, "lab", verbose=False, random_state=1, ncores=1)
    corrected = np.asarray(harmony.Z_corr)
    pandas.DataFrame(corrected, index=cells.obs_names).add_prefix("H").rename_axis("cell_id").to_csv(place / "harmony.csv")
    before = (place / "out/model.safetensors").read_bytes()
    ferrome(*command("out", "--compare", "Harmony=harmony.csv"), cwd=place)
    assert (place / "out/model.safetensors").read_bytes() == before, "nothing is trained anew"
    found = scores(place)
    assert list(found) == ["log-PCA", "scGPT as given", "scGPT integrated", "Harmony"]
    print(*found.items(), sep="\n")
    pca, ours, peer = found["log-PCA"], found["scGPT integrated"], found["Harmony"]
    assert pca["batch_entropy"] < 0.75, "the batches lie apart"
    assert peer["batch_entropy"] > pca["batch_entropy"]
    assert ours["batch_entropy"] > pca["batch_entropy"] + 0.1
    assert ours["nmi"] > 0.85 and ours["graph_connectivity"] > 0.85
    assert ours["overall"] > pca["overall"] and ours["overall"] > found["scGPT as given"]["overall"]


def expected(rows: np.ndarray, batch: np.ndarray, kind: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """The measures as scib defines them, from scikit-learn and SciPy."""
    widths = []
    for one in np.unique(kind):
        within = kind == one
        widths.append(np.mean(1 - np.abs(metrics.silhouette_samples(rows[within], batch[within]))))
    around = NearestNeighbors(n_neighbors=50).fit(rows).kneighbors()[1]
    shares = np.stack([(batch[around] == one).mean(axis=1) for one in np.unique(batch)], axis=1)
    logs = np.where(shares > 0, np.log(np.where(shares > 0, shares, 1)), 0)
    graph = NearestNeighbors(n_neighbors=15).fit(rows).kneighbors_graph()
    pieces = []
    for one in np.unique(kind):
        labels = connected_components(graph[kind == one][:, kind == one], directed=False)[1]
        pieces.append(np.bincount(labels).max() / len(labels))
    found = {
        "cell_type_asw": (metrics.silhouette_score(rows, kind) + 1) / 2,
        "batch_asw": np.mean(widths),
        "batch_entropy": np.mean(-(shares * logs).sum(axis=1)) / np.log(len(np.unique(batch))),
        "graph_connectivity": np.mean(pieces),
        "nmi": metrics.normalized_mutual_info_score(kind, clusters),
        "ari": metrics.adjusted_rand_score(kind, clusters),
    }
    found["avg_bio"] = (found["nmi"] + found["ari"] + found["cell_type_asw"]) / 3
    found["avg_batch"] = (found["graph_connectivity"] + found["batch_asw"]) / 2
    return found | {"overall": 0.6 * found["avg_bio"] + 0.4 * found["avg_batch"]}


def test_measures_equal_those_of_scikit_learn(place: Path) -> None:
    found, cells = scores(place), study()
    clusters = pandas.read_csv(place / "out/clusters.csv")
    assert clusters["cell_id"].tolist() == cells.obs_names.tolist()
    files = {"log-PCA": "pca", "scGPT as given": "before", "scGPT integrated": "embeddings"}
    for method, file in files.items():
        rows = vectors(place / f"out/{file}.parquet")
        labels = [cells.obs["lab"].to_numpy().astype(str), cells.obs["cell_type"].to_numpy().astype(str)]
        for name, value in expected(rows, *labels, clusters[method].to_numpy()).items():
            assert found[method][name] == pytest.approx(value, abs=1e-6), (method, name)


def test_without_types_only_batches_are_scored(place: Path) -> None:
    arguments = [part for part in command("untyped", "--epochs", "1") if part not in ("--label", "cell_type")]
    ferrome(*arguments, cwd=place)
    for values in scores(place, "untyped").values():
        assert values["batch_entropy"] is not None and values["batch_asw"] is not None
        assert values["nmi"] is values["cell_type_asw"] is values["overall"] is None
    assert "type" not in polars.read_parquet(place / "untyped/embeddings.parquet").columns


def test_folder_is_a_model_that_embeds(place: Path) -> None:
    embed = ["embed", "study.h5ad", "-m", "./out", "--device", "cpu", "--overwrite"]
    ferrome(*embed, "--batch", "lab", "-o", "again.parquet", cwd=place)
    np.testing.assert_allclose(vectors(place / "again.parquet"), vectors(place / "out/embeddings.parquet"), atol=1e-5)
    line = refused(*embed, "-o", "no.parquet", cwd=place)
    assert line == (
        "error: ./out: normalises each batch apart (`lab 1`, `lab 2`, `lab 3`): name the obs column of each cell's batch with --batch"
    )
    line = refused(*embed, "--batch", "cell_type", "-o", "no.parquet", cwd=place)
    assert " is none of the model's: `lab 1`, `lab 2`, `lab 3`" in line and "study.h5ad: row 1: cell `cell0`: batch `" in line
    line = refused(*embed, "--batch", "labs", "-o", "no.parquet", cwd=place)
    assert line == "error: there is no obs column `labs`; nearest: `lab`, `cell_type`"
    line = refused("embed", "study.h5ad", "-m", "./scgpt", "--batch", "lab", "-o", "no.parquet", cwd=place)
    assert line == "error: ./scgpt: does not normalise batches apart: --batch means nothing to it"


def test_copy_of_the_h5ad_has_the_vectors(place: Path) -> None:
    cells = anndata.read_h5ad(place / "integrated.h5ad")
    np.testing.assert_array_equal(cells.obsm["X_scgpt"], vectors(place / "out/embeddings.parquet").astype(np.float32))
    np.testing.assert_array_equal(cells.X.toarray(), study().X.toarray())


def test_killed_run_goes_on_to_the_same_model(place: Path) -> None:
    started = subprocess.Popen(  # killed after the first of thirty epochs
        [os.environ["FERROME_BIN"], "cell", *command("killed")], cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not (place / "killed/metrics.csv").exists() and time.monotonic() < until:
        time.sleep(0.02)
    started.send_signal(signal.SIGKILL)
    started.wait()
    assert not (place / "killed/model.safetensors").exists()
    ferrome(*command("killed"), cwd=place)
    for name in ["model.safetensors", "metrics.csv", "embeddings.parquet"]:
        assert (place / "killed" / name).read_bytes() == (place / "out" / name).read_bytes(), name


def test_report_is_whole(place: Path) -> None:
    page = (place / "out/report.html").read_text()
    assert page.count("<svg ") == page.count("</svg>") >= 7 and "http" not in page.replace("http://www.w3.org", "")
    text = (place / "out/README.md").read_text()
    assert "| scGPT integrated |" in text
    for name in ["umap-log-pca-batch.svg", "umap-scgpt-integrated-type.svg", "loss.svg"]:
        assert name in text and (place / "out" / name).read_text().startswith("<svg ")
    report = json.loads((place / "out/report.json").read_text())
    assert report["cells"] == CELLS and report["batches"] == BATCHES


def test_cells_that_cannot_be_used_keep_their_rows(place: Path) -> None:
    cells = study(120)
    counts = cells.X.toarray()
    counts[3, 5] = np.nan
    labs = cells.obs["lab"].astype(object)
    labs.iloc[7] = None
    cells.obs["lab"] = pandas.Categorical(labs)
    anndata.AnnData(counts, obs=cells.obs, var=cells.var).write_h5ad(place / "damaged.h5ad")
    arguments = [part.replace("study.h5ad", "damaged.h5ad") for part in command("damaged", "--epochs", "1")]
    said = ferrome(*arguments, cwd=place)
    assert "118 cells of 3 batches" in said and "cells were left out, `cell7` first: has no value in the obs column `lab`" in said
    table = polars.read_parquet(place / "damaged/embeddings.parquet")
    assert table.height == 120
    assert [i for i, vector in enumerate(table["embedding"]) if vector is None] == [3, 7]
    assert "NaN" in table["error"][3] and table["error"][7] == "has no value in the obs column `lab`"


def test_bad_input_gets_one_line(place: Path) -> None:
    def changed(**flags: str) -> str:
        arguments = command("no", "--epochs", "1")
        for flag, value in flags.items():
            arguments[arguments.index("-m" if flag == "m" else f"--{flag}") + 1] = value
        return refused(*arguments, cwd=place)

    assert changed(batch="labb") == "error: there is no obs column `labb`; nearest: `lab`, `cell_type`"
    assert changed(label="celltype") == "error: there is no obs column `celltype`; nearest: `cell_type`, `lab`"
    cells = study(60)
    cells.obs["lab"] = "lab 1"
    cells.write_h5ad(place / "one.h5ad")
    arguments = [part.replace("study.h5ad", "one.h5ad") for part in command("no")]
    line = "error: obs column `lab`: expected two batches or more to integrate, found `lab 1` alone"
    assert refused(*arguments, cwd=place) == line
    golden = Path(__file__).resolve().parents[1] / "golden/cell"
    line = changed(m=str(golden / "geneformer_v2"))
    assert line.endswith("geneformer_v2: is a checkpoint of Geneformer, expected scGPT")
    line = changed(m=str(golden / "scgpt_generator"))
    assert line.endswith("is a perturbation generator; integration begins with the model that embeds cells")
    (place / "short.csv").write_text("cell_id,x,y\ncell0,1,2\n")
    line = refused(*command("never", "--compare", "Mine=short.csv"), cwd=place)
    assert line == "error: short.csv: has no row for the cell `cell1`"
    assert not (place / "never").exists(), "refused before the training"
    (place / "nan.csv").write_text("cell_id,x\n" + "".join(f"cell{i},{'nan' if i == 9 else i}\n" for i in range(CELLS)))
    line = refused(*command("out", "--compare", "Mine=nan.csv"), cwd=place)
    assert line == "error: nan.csv: cell `cell9`: its vector holds what is no number"
    line = refused(*command("out", "--compare", "Mine=obsm/X_umap"), cwd=place)
    assert line == "error: study.h5ad: there is no obsm matrix `X_umap`; there are none"
    line = refused(*command("out", "--compare", "Mine"), cwd=place)
    assert line == "error: --compare Mine: expected NAME=TABLE or NAME=obsm/KEY"
    line = refused(*command("out", "--dab-weight", "0.3"), cwd=place)
    assert "dab_weight was `1.0`, now `0.3`" in run(*command("out", "--dab-weight", "0.3"), cwd=place).stderr, line


def test_obsm_of_the_input_is_scored(place: Path) -> None:
    cells = study()
    cells.obsm["X_mine"] = vectors(place / "out/pca.parquet")
    cells.write_h5ad(place / "study.h5ad")
    try:
        ferrome(*command("out", "--compare", "Mine=obsm/X_mine"), cwd=place)
        found = scores(place)
        assert found["Mine"] == pytest.approx(found["log-PCA"], abs=1e-6)
    finally:
        study().write_h5ad(place / "study.h5ad")
