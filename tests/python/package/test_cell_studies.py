"""Integration, networks, predicted perturbations and vocabularies: cells in memory give what the command gives for a file."""

from __future__ import annotations

import json
import pickle
import signal
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import anndata
import ferrome
import numpy as np
import pandas as pd
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from ferrome.cell import predict_perturbation, vocabulary

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "tests/golden/cell/scgpt_torch"
GENEFORMER = ROOT / "weights/ferrome-geneformer-mini"
GENES = [f"GENE{i}" for i in range(30)]
CPU = {"device": "cpu", "threads": 1}
#: Of a training that is over in a moment.
SHORT = {"epochs": 2, "batch_cells": 16, "one_batch_per_step": False, "validation_share": 0.2, "checkpoint_every": 1}
STEPS = {"steps": 6, "embsize": 16, "batch_cells": 4, "checkpoint_every": 2}


def cells_of(counts: np.ndarray, **obs: object) -> anndata.AnnData:
    frame = pd.DataFrame(obs, index=[f"cell{i}" for i in range(len(counts))])
    return anndata.AnnData(sp.csr_matrix(counts.astype(np.float32)), obs=frame, var=pd.DataFrame(index=GENES[: counts.shape[1]]))


@pytest.fixture
def study() -> anndata.AnnData:
    """Three types in two batches, of which every type has genes of its own and every batch scales every gene; a cell has no batch."""
    dice = np.random.default_rng(7)
    kind, lab = dice.integers(0, 3, 90), dice.integers(0, 2, 90)
    rates = np.tile(dice.gamma(2.0, 1.0, len(GENES)), (3, 1))
    for place, of_type in enumerate(rates):
        of_type[place * 10 : (place + 1) * 10] *= 6
    counts = dice.poisson(rates[kind] * np.exp(dice.normal(0, 0.9, (2, len(GENES))))[lab])
    labs = np.array(["lab 1", "lab 2"], object)[lab]
    labs[7] = None
    adata = cells_of(counts, lab=pd.Categorical(labs), cell_type=np.array(["B", "T", "M"])[kind])
    adata.obsm["X_mine"] = dice.normal(size=(90, 5)).astype(np.float32)
    return adata


@pytest.fixture
def screen() -> anndata.AnnData:
    """Controls, five regulators alone and in pairs: each halves itself and doubles two other genes."""
    dice = np.random.default_rng(21)
    perturbed = [(), *((gene,) for gene in range(5)), *combinations(range(5), 2)]
    rows, names = [], []
    for genes in perturbed:
        factors = np.ones(24)
        for gene in genes:
            factors[[gene, 6 + 3 * gene, 7 + 3 * gene]] *= [0.5, 2, 2]
        for _ in range(12):
            rows.append(np.round(factors * (20 + np.arange(24)) * dice.uniform(0.8, 1.2, 24)))
            names.append("+".join(GENES[gene] for gene in genes) + "+ctrl" * (len(genes) == 1) or "ctrl")
    return cells_of(np.array(rows), condition=names)


def file_of(adata: anndata.AnnData, folder: Path) -> Path:
    adata.write_h5ad(folder / "cells.h5ad")
    return folder / "cells.h5ad"


def vectors_of(path: Path) -> np.ndarray:
    return np.array([row if row else [np.nan] * 24 for row in pq.read_table(path)["embedding"].to_pylist()], np.float32)


def done(ran: tuple[int, str]) -> None:
    assert ran[0] == 0, ran[1]


def press_ctrl_c_at(first: int) -> Callable[[int, int | None, str], None]:
    """A progress callback during which someone presses Ctrl-C, once."""
    pressed: list[int] = []

    def show(step: int, total: int | None, message: str) -> None:
        if step >= first and not pressed:
            pressed.append(step)
            signal.raise_signal(signal.SIGINT)

    return show


# --------------------------------------------------------------------------------------------------------- integration


def test_integration_is_that_of_the_command(study, cli, tmp_path):
    h5ad = file_of(study, tmp_path)
    (tmp_path / "settings.json").write_text(json.dumps(SHORT))
    line = ["cell", "integrate", h5ad, "-m", MODEL, "--batch", "lab", "--label", "cell_type", "-o", tmp_path / "command"]
    line += ["--compare", "Mine=obsm/X_mine", "--config", tmp_path / "settings.json", "--device", "cpu", "--threads", "1"]
    done(cli(*line))
    told = []
    options = {"label": "cell_type", "compare": {"Mine": "obsm/X_mine"}, "config": SHORT, **CPU}
    with pytest.warns(UserWarning, match="^1 cells were left out, `cell7` first: has no value in the obs column `lab`$"):
        scores = ferrome.cell.integrate(study, MODEL, "lab", tmp_path / "ours", progress=lambda *how: told.append(how), **options)
    for name in ("model.safetensors", "embeddings.parquet", "integration.csv", "clusters.csv"):
        assert (tmp_path / "ours" / name).read_bytes() == (tmp_path / "command" / name).read_bytes(), name

    vectors = study.obsm["X_scgpt"]
    assert (vectors.shape, vectors.dtype) == ((90, 24), np.float32)
    np.testing.assert_array_equal(vectors, vectors_of(tmp_path / "command/embeddings.parquet"))
    assert np.isnan(vectors).all(axis=1).nonzero()[0].tolist() == [7]
    np.testing.assert_allclose(np.linalg.norm(np.delete(vectors, 7, 0), axis=1), 1, atol=1e-5)
    assert scores["method"].to_pylist() == ["log-PCA", "scGPT as given", "scGPT integrated", "Mine"]
    written = pd.read_csv(tmp_path / "command/integration.csv")
    pd.testing.assert_frame_equal(scores.to_pandas(), written, check_dtype=False)
    # What was made at random has no types in it; the types are in the counts.
    assert scores["nmi"][0].as_py() > 0.8 > 0.2 > scores["nmi"][3].as_py()
    assert told and all(total == 2000 and 0 < count <= 2000 and text.startswith("loss ") for count, total, text in told)


def test_integration_of_a_file_writes_a_copy_and_its_model_embeds(study, tmp_path):
    h5ad = file_of(study[8:].copy(), tmp_path)
    scores = ferrome.cell.integrate(h5ad, MODEL, "lab", tmp_path / "out", h5ad=tmp_path / "with.h5ad", config=SHORT, epochs=1, **CPU)
    assert scores["overall"].to_pylist() == [None] * 3 and scores["batch_entropy"].null_count == 0
    vectors = anndata.read_h5ad(tmp_path / "with.h5ad").obsm["X_scgpt"]
    again = ferrome.cell.embed(study[8:].copy(), tmp_path / "out", batch="lab", device="cpu")
    np.testing.assert_allclose(vectors, again, atol=1e-5)


def test_ctrl_c_leaves_an_integration_that_goes_on(study, tmp_path):
    study = study[8:].copy()
    options = {"config": SHORT, "epochs": 8, **CPU}
    with pytest.raises(KeyboardInterrupt, match="^interrupted: .* again( to go on)?$"):
        ferrome.cell.integrate(study, MODEL, "lab", tmp_path / "out", progress=press_ctrl_c_at(1), **options)
    assert "X_scgpt" not in study.obsm and not (tmp_path / "out/model.safetensors").exists()
    ferrome.cell.integrate(study, MODEL, "lab", tmp_path / "out", **options)
    stopped = study.obsm["X_scgpt"].copy()
    ferrome.cell.integrate(study, MODEL, "lab", tmp_path / "whole", **options)
    np.testing.assert_array_equal(study.obsm["X_scgpt"], stopped)


def test_integration_refuses_what_the_command_refuses(study, cli, tmp_path):
    study = study[8:].copy()

    def refused(error: type[Exception] = ValueError, given: object = study, **options: object) -> str:
        told = {"batch": "lab", "config": SHORT, **CPU, **options}
        with pytest.raises(error) as caught:
            ferrome.cell.integrate(given, MODEL, output=tmp_path / "no", **told)
        assert "X_scgpt" not in study.obsm
        return str(caught.value)

    assert refused(batch="labb") == "there is no obs column `labb`; nearest: `lab`, `cell_type`"
    line = ["cell", "integrate", file_of(study, tmp_path), "-m", MODEL, "--batch", "labb", "-o", tmp_path / "no", "-q"]
    assert cli(*line)[1].splitlines()[-1] == "error: there is no obs column `labb`; nearest: `lab`, `cell_type`"
    assert refused(config={"epoch": 3}).startswith("config: unknown field `epoch`")
    assert refused(compare="Mine=obsm/X_umap") == "AnnData: there is no obsm matrix `X_umap`; there are `X_mine`"
    assert refused(compare=["Mine"]) == "--compare Mine: expected NAME=TABLE or NAME=obsm/KEY"
    assert refused(h5ad=tmp_path / "with.h5ad").endswith("--h5ad is a copy of the input, and both must be .h5ad")
    assert str(tmp_path / "no.h5ad") in refused(FileNotFoundError, tmp_path / "no.h5ad")
    tokens = pyarrow.table({"input_ids": [[1, 2]], "values": [[1.0, 2.0]], "lab": ["a"]})
    assert refused(given=tokens) == "cells: holds tokens; integration takes cells, whose genes it chooses"
    study.obsm["X_mine"][3, 0] = np.nan
    message = refused(compare={"Mine": "obsm/X_mine"}, epochs=1)
    assert message == "AnnData: obsm/X_mine: cell `cell11`: its vector holds what is no number"


# ------------------------------------------------------------------------------------------------------------ networks


def same(one: pyarrow.Table, other: pyarrow.Table) -> None:
    assert one.schema.names == other.schema.names and one.num_rows == other.num_rows > 0
    for name in one.schema.names:
        assert one[name].to_pylist() == other[name].to_pylist(), name


def test_network_of_embeddings_is_that_of_the_command(cli, tmp_path):
    done(cli("cell", "network", "-m", MODEL, "-o", tmp_path / "command", "--neighbours", "3", "--device", "cpu"))
    found = ferrome.cell.network(None, MODEL, neighbours=3, device="cpu")
    assert isinstance(found, ferrome.cell.Network)
    same(found.edges, pq.read_table(tmp_path / "command/edges.parquet"))
    same(found.modules, pq.read_table(tmp_path / "command/modules.parquet"))
    assert sorted(found.modules["gene"].to_pylist()) == sorted(GENES)
    names = [*GENES[:12], "TP53"]
    (tmp_path / "names.txt").write_text("\n".join(names))
    line = ["cell", "network", "-m", MODEL, "-o", tmp_path / "few", "--gene-list", tmp_path / "names.txt", "--device", "cpu"]
    done(cli(*line))
    with pytest.warns(UserWarning, match=r"^gene list: 1 of 13 names are no genes of the model, such as `TP53`$"):
        few = ferrome.cell.network(None, MODEL, gene_list=names, device="cpu")
    same(few.edges, pq.read_table(tmp_path / "few/edges.parquet"))
    assert set(few.modules["gene"].to_pylist()) <= set(GENES[:12])


def test_network_of_cells_is_that_of_their_tokens(study, cli, tmp_path):
    names = vocabulary.import_(MODEL / "vocab.json", tmp_path / "scgpt.json")
    tokens = ferrome.cell.tokenize(study, "scgpt", names, tmp_path / "tokens.parquet", obs=["cell_type"])
    asked = ["--condition", "cell_type", "--control", "B", "--min-cells", "3", "--edges", "40", "--batch-tokens", "64"]
    done(cli("cell", "network", tokens, "-m", MODEL, "-o", tmp_path / "command", *asked, "--device", "cpu", "--threads", "1"))
    told = []
    options = {"condition": "cell_type", "control": "B", "min_cells": 3, "edges": 40, "batch_tokens": 64, **CPU}
    found = ferrome.cell.network(study, MODEL, progress=lambda *how: told.append(how), **options)
    same(found.edges, pq.read_table(tmp_path / "command/edges.parquet"))
    same(found.modules, pq.read_table(tmp_path / "command/modules.parquet"))
    assert set(found.edges["condition"].to_pylist()) == {"M", "T"}
    assert told[-1][:2] == (90, 90)
    same(ferrome.cell.network(pq.read_table(tokens), MODEL, **options).edges, found.edges)


def test_ctrl_c_stops_a_network_before_it_is_written(study, tmp_path):
    many = anndata.concat([study] * 20, index_unique="-")
    with pytest.raises(KeyboardInterrupt, match="^(stopped|interrupted): .* again"):
        ferrome.cell.network(many, MODEL, tmp_path / "out", batch_tokens=1, progress=press_ctrl_c_at(1), **CPU)
    ferrome.cell.vocabulary.import_(MODEL / "vocab.json", tmp_path / "waits.json")  # until the threads that are left have ended
    assert not (tmp_path / "out").exists()


def test_network_into_a_folder(study, tmp_path):
    folder = ferrome.cell.network(None, MODEL, tmp_path / "out", format="csv", device="cpu")
    assert folder == tmp_path / "out" and pyarrow.csv.read_csv(folder / "edges.csv").num_rows > 40
    with pytest.raises(FileExistsError, match="out: exists already; pass --overwrite to replace it, or choose another name$"):
        ferrome.cell.network(None, MODEL, folder, device="cpu")
    assert ferrome.cell.network(None, MODEL, folder, device="cpu", overwrite=True) == folder
    with pytest.raises(ValueError, match=r"^format='csv' is a file: it needs output=$"):
        ferrome.cell.network(None, MODEL, format="csv")
    with pytest.raises(ValueError, match="^--from attention needs TOKENS$"):
        ferrome.cell.network(None, MODEL, from_="attention", device="cpu")
    with pytest.raises(ValueError, match="^AnnData: no cell of the condition `C`; there are `B`, `M`, `T`$"):
        ferrome.cell.network(study, MODEL, condition="cell_type", control="C", device="cpu")
    with pytest.raises(ValueError, match="^there is no obs column `type`; nearest: "):
        ferrome.cell.network(study, MODEL, condition="type", device="cpu")


# ----------------------------------------------------------------------------------------------- predicted perturbations


def test_trained_generator_predicts_as_that_of_the_command(screen, cli, tmp_path):
    h5ad = file_of(screen, tmp_path)
    (tmp_path / "steps.json").write_text(json.dumps(STEPS))
    line = ["cell", "predict-perturbation", "train", h5ad, "-o", tmp_path / "command", "--config", tmp_path / "steps.json"]
    done(cli(*line, "--test", "GENE1+GENE2,GENE3+GENE4", "--device", "cpu", "--threads", "1"))
    told = []
    options = {"config": STEPS, "test": ["GENE1+GENE2", "GENE3+GENE4"], **CPU}
    folder = predict_perturbation.train(screen, tmp_path / "ours", progress=lambda *how: told.append(how), **options)
    for name in ("model.safetensors", "report.csv", "perturbation.json"):
        assert (folder / name).read_bytes() == (tmp_path / "command" / name).read_bytes(), name
    report = pd.read_csv(folder / "report.csv").set_index("method")
    # Changes were made gene by gene.
    assert (report.loc["sum of single changes", "pearson_change"] > 0.9).all()
    assert told and told[-1][:2] == (6, 6) and told[-1][2].startswith("loss ")

    asked = ["--perturb", "GENE1+GENE2,GENE0", "-o", tmp_path / "predicted.parquet", "--device", "cpu", "--threads", "1"]
    done(cli("cell", "predict-perturbation", "predict", h5ad, "-m", folder, *asked))
    found = predict_perturbation.predict(screen, folder, ["GENE1+GENE2", "GENE0"], **CPU)
    same(found, pq.read_table(tmp_path / "predicted.parquet"))
    assert found.schema.names == ["condition", "gene", "control", "predicted", "change"] and found.num_rows == 48
    counts = screen.X.toarray()[:12]
    expected = np.log1p(counts / counts.sum(1, keepdims=True) * 10_000).mean(0)
    frame = found.to_pandas()
    np.testing.assert_allclose(frame[:24].set_index("gene").loc[GENES[:24], "control"], expected, rtol=1e-5)
    np.testing.assert_allclose(frame["change"], frame["predicted"] - frame["control"], atol=1e-12)


def test_predictions_into_a_file(screen, tmp_path):
    folder = predict_perturbation.train(screen, tmp_path / "model", from_=MODEL, config=STEPS, **CPU)
    out = predict_perturbation.predict(screen, folder, "GENE2", tmp_path / "out.csv", device="cpu")
    assert pyarrow.csv.read_csv(out)["condition"].unique().to_pylist() == ["GENE2"]
    with pytest.raises(FileExistsError, match="out.csv: exists already; pass --overwrite to replace it"):
        predict_perturbation.predict(screen, folder, "GENE2", out, device="cpu")
    with pytest.raises(ValueError, match="^`GENE99` is none of the 24 genes of the model$"):
        predict_perturbation.predict(screen, folder, ["GENE2", "GENE99"], device="cpu")
    with pytest.raises(ValueError, match=r"^no control cells: no condition is `ctrl` or `control`$"):
        predict_perturbation.predict(screen[12:], folder, "GENE2", device="cpu")
    with pytest.raises(ValueError, match="is no generator; see `ferrome cell predict-perturbation train`$"):
        predict_perturbation.predict(screen, MODEL, "GENE2", device="cpu")


def test_ctrl_c_leaves_a_generator_that_goes_on(screen, tmp_path):
    options = {"config": {**STEPS, "steps": 120}, **CPU}
    with pytest.raises(KeyboardInterrupt, match="^interrupted: .* again( to go on)?$"):
        predict_perturbation.train(screen, tmp_path / "out", progress=press_ctrl_c_at(1), **options)
    assert not (tmp_path / "out/model.safetensors").exists()
    folder = predict_perturbation.train(screen, tmp_path / "out", **options)
    whole = predict_perturbation.train(screen, tmp_path / "whole", **options)
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_screens_that_cannot_be_learnt_from(screen, tmp_path):
    def refused(given: object = screen, **options: object) -> str:
        with pytest.raises(ValueError) as caught:
            predict_perturbation.train(given, tmp_path / "no", **CPU, **options)
        return str(caught.value)

    assert refused(test=["GENE9"]) == "there is no condition `GENE9`"
    assert refused(condition="guide") == "there is no obs column `guide`; nearest: `condition`"
    assert refused(config={"stepz": 5}).startswith("config: unknown field `stepz`")
    screen.obs["condition"] = ["ctrl"] * 96 + ["TP53+ctrl"] * 96
    with pytest.warns(UserWarning, match=r"^1 conditions with genes that are not known were left out, such as `TP53\+ctrl`"):
        assert refused().startswith("expected 2 perturbed conditions or more, found 0; ")


# ------------------------------------------------------------------------------------------------------- vocabularies


@pytest.fixture
def corpus() -> anndata.AnnData:
    dice = np.random.default_rng(3)
    adata = cells_of(dice.poisson(0.8, (60, 30)), donor=["a", "b"] * 30)
    adata.var_names = sorted(json.loads((GENEFORMER / "vocabulary.json").read_text())["medians"])[:30]
    return adata


def test_vocabulary_of_a_corpus_has_its_medians(corpus, cli, tmp_path):
    told = []
    path = vocabulary.build(corpus, tmp_path / "own.json", style="geneformer-v1", progress=lambda *how: told.append(how))
    made = json.loads(path.read_text())
    counts = corpus.X.toarray().astype(np.float64)
    counts = counts / counts.sum(1, keepdims=True) * 10_000
    for gene, column in zip(corpus.var_names, counts.T, strict=True):
        assert made["medians"][gene] == pytest.approx(np.median(column[column > 0]), rel=1e-12), gene
    assert told and told[-1] == (60, 60, "AnnData")

    h5ad = file_of(corpus, tmp_path)
    done(cli("cell", "vocabulary", "build", h5ad, h5ad, "-o", tmp_path / "command.json", "--min-cells", "20"))
    twice = vocabulary.build([h5ad, h5ad], tmp_path / "ours.json", min_cells=20)
    assert twice.read_bytes() == (tmp_path / "command.json").read_bytes()
    assert json.loads(twice.read_text())["style"] == "geneformer-v2"
    tokens = ferrome.cell.tokenize(corpus, "geneformer-v2", twice)
    assert tokens.num_rows == 60 and tokens["error"].null_count == 60


def test_vocabulary_of_dictionaries(cli, tmp_path):
    genes = {"<pad>": 0, "<mask>": 1, "ENSG00000000419": 2, "ENSG00000000938": 3}
    medians = {name: 1.5 + token for name, token in genes.items() if token > 1}
    for name, content in {"tokens": genes, "medians": medians, "symbols": {"FGR": "ENSG00000000938"}}.items():
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(content))
    files = {name: tmp_path / f"{name}.pkl" for name in ("medians", "symbols")}
    path = vocabulary.import_(tmp_path / "tokens.pkl", tmp_path / "ours.json", **files)
    line = ["cell", "vocabulary", "import", "--tokens", tmp_path / "tokens.pkl", "-o", tmp_path / "command.json"]
    done(cli(*line, "--medians", files["medians"], "--symbols", files["symbols"]))
    assert path.read_bytes() == (tmp_path / "command.json").read_bytes()
    assert json.loads(path.read_text())["medians"] == medians


def test_vocabularies_that_cannot_be_made(corpus, tmp_path):
    (tmp_path / "there.json").write_text("{}")
    for call in (
        lambda out: vocabulary.build(corpus, out),
        lambda out: vocabulary.import_(MODEL / "vocab.json", out),
    ):
        with pytest.raises(FileExistsError, match="there.json: exists already; pass --overwrite to replace it, or choose another name$"):
            call(tmp_path / "there.json")
        with pytest.raises(ValueError, match="there is no folder"):
            call(tmp_path / "no/folder.json")
    with pytest.raises(FileNotFoundError, match="nowhere.pkl"):
        vocabulary.import_("nowhere.pkl", tmp_path / "no.json")
    with pytest.raises(FileNotFoundError, match="nowhere.h5ad"):
        vocabulary.build(["nowhere.h5ad"], tmp_path / "no.json")
    corpus.X = corpus.X * 1.5
    with pytest.raises(ValueError, match="^AnnData: X holds .*, not counts"):
        vocabulary.build(corpus, tmp_path / "no.json")
    with pytest.warns(UserWarning, match="^AnnData: medians of values that are no counts$"):
        vocabulary.build(corpus, tmp_path / "floats.json", allow_normalized=True)
