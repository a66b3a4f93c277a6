"""What `ferrome cell train` writes, in transformers and scikit-learn: the same logits, the same metrics."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score
from transformers import BertForMaskedLM, BertForSequenceClassification, BertForTokenClassification

ROOT = Path(__file__).resolve().parents[2]
GENES = 40


def ferrome(*args: object) -> None:
    command = [ROOT / "target/release/ferrome", "cell", *args]
    done = subprocess.run([str(word) for word in [*command, "--threads", 1]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tokens of 150 cells of four types that overlap, a vocabulary, a model of hidden genes, classifiers on it."""
    folder = tmp_path_factory.mktemp("train")
    rng = np.random.default_rng(3)
    kinds = rng.choice(4, 150, p=[0.4, 0.3, 0.2, 0.1])
    cells = []
    for kind in kinds:
        weight = rng.gamma(1.0, 1.0, GENES) * np.where(np.arange(GENES) % 4 == kind, 2.0, 1.0)
        cells.append((2 + np.argsort(-weight)[: rng.integers(5, 25)]).tolist())
    table = pa.table({
        "input_ids": cells,
        "cell_id": [f"c{i}" for i in range(len(cells))],
        "type": [f"type {kind}" for kind in kinds],
    })  # fmt: skip
    pyarrow.parquet.write_table(table, folder / "tokens.parquet")
    ids = {f"G{gene:02}": gene + 2 for gene in range(GENES)}
    vocabulary = {
        "format": "ferrome vocabulary 1", "style": "geneformer-v1", "special_tokens": ["<pad>", "<mask>"],
        "tokens": {"<pad>": 0, "<mask>": 1, **ids}, "medians": dict.fromkeys(ids, 1.0),
    }  # fmt: skip
    (folder / "genes.json").write_text(json.dumps(vocabulary))
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 32}
    (folder / "mlm.json").write_text(json.dumps({"model": shape, "epochs": 3, "learning_rate": 2e-3}))
    tokens, vocabulary = folder / "tokens.parquet", folder / "genes.json"
    ferrome("train", tokens, "--objective", "mlm", "--config", folder / "mlm.json", "--vocabulary", vocabulary,
            "-o", folder / "mlm", "-q")  # fmt: skip
    classify = ["train", tokens, "--objective", "classify", "--from", folder / "mlm", "--epochs", 8, "--lr", 3e-3, "-q"]
    ferrome(*classify, "--label", "type", "-o", folder / "full")
    ferrome(*classify, "--label", "type", "--lora", 2, "--lora-targets", "query,key,intermediate", "-o", folder / "lora")
    (folder / "classes.tsv").write_text("gene\tclass\n" + "".join(f"G{g:02}\t{'ab'[g % 2]}\n" for g in range(GENES)))
    ferrome(*classify, "--genes", folder / "classes.tsv", "-o", folder / "genes")
    return folder


def cells(folder: Path) -> list[list[int]]:
    return pyarrow.parquet.read_table(folder / "tokens.parquet")["input_ids"].to_pylist()


def complete(model_class: type, folder: Path) -> torch.nn.Module:
    """The model, with every weight from the file."""
    model, info = model_class.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    return model.eval()


@pytest.mark.parametrize("name", ["full", "lora"])
def test_annotation_is_that_of_transformers(folder: Path, name: str) -> None:
    model = complete(BertForSequenceClassification, folder / name)
    assert model.config.id2label == {i: f"type {i}" for i in range(4)}
    out = folder / f"{name}.parquet"
    ferrome("annotate", folder / "tokens.parquet", "-m", folder / name, "-o", out, "-q")
    rows = pyarrow.parquet.read_table(out).to_pylist()
    for row, tokens in zip(rows, cells(folder), strict=True):
        with torch.no_grad():
            p = model(torch.tensor([tokens])).logits[0].softmax(0).double()
        assert row["label"] == model.config.id2label[int(p.argmax())]
        assert row["probability"] == pytest.approx(float(p.max()), abs=1e-5)
        assert row["entropy"] == pytest.approx(float(-(p * p.log()).sum()), abs=1e-5)


def test_hidden_gene_and_token_models_load_whole(folder: Path) -> None:
    complete(BertForMaskedLM, folder / "mlm")
    model = complete(BertForTokenClassification, folder / "genes")
    assert model.config.id2label == {0: "a", 1: "b"}


def test_predictions_of_gene_classes_are_those_of_transformers(folder: Path) -> None:
    """The mean over the cells of the log-probabilities of a gene."""
    model = complete(BertForTokenClassification, folder / "genes")
    sums, counts = np.zeros((GENES, 2)), np.zeros(GENES)
    for tokens in cells(folder):
        with torch.no_grad():
            log_p = model(torch.tensor([tokens])).logits[0].log_softmax(-1).double().numpy()
        for token, row in zip(tokens, log_p, strict=True):
            sums[token - 2] += row
            counts[token - 2] += 1
    with open(folder / "genes/predictions.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for row in rows:
        mean = sums[int(row["gene"][1:])] / counts[int(row["gene"][1:])]
        assert row["label"] == "ab"[int(mean.argmax())]
        assert float(row["probability"]) == pytest.approx(float(np.exp(mean.max())), abs=1e-5)


@pytest.mark.parametrize("name", ["full", "lora", "genes"])
def test_metrics_are_those_of_scikit_learn(folder: Path, name: str) -> None:
    with open(folder / name / "predictions.csv") as file:
        rows = list(csv.DictReader(file))
    truth, label = [row["truth"] for row in rows], [row["label"] for row in rows]
    report = json.loads((folder / name / "report.json").read_text())
    assert report["quality"]["accuracy"] == pytest.approx(accuracy_score(truth, label))
    assert report["quality"]["macro_f1"] == pytest.approx(f1_score(truth, label, average="macro"))
    assert report["quality"]["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, label))
    confusion = report["confusion"]
    assert np.array_equal(confusion["matrix"], confusion_matrix(truth, label, labels=confusion["classes"]))


def test_split_has_every_cell_once_and_every_type_in_every_part(folder: Path) -> None:
    split = json.loads((folder / "full/split.json").read_text())
    table = pyarrow.parquet.read_table(folder / "tokens.parquet")
    kinds = dict(zip(table["cell_id"].to_pylist(), table["type"].to_pylist(), strict=True))
    assert sorted(sum(split.values(), [])) == sorted(kinds)
    assert all({kinds[cell] for cell in part} == set(kinds.values()) for part in split.values())
