"""`ferrome cell train` and `annotate` on an scGPT against PyTorch: the gradient of a step, and the probabilities of what it writes.

The model is that of `scripts/make_scgpt_goldens.py`, on `torch.nn.TransformerEncoder` with padded batches.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
FERROME = os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome")
sys.path.insert(0, str(ROOT / "scripts"))
import make_scgpt_goldens as goldens  # noqa: E402

CASE = next(case for case in goldens.CASES if case.name == "scgpt_torch")
CLS, PAD = goldens.SPECIALS["<cls>"], goldens.SPECIALS["<pad>"]
TYPES = ["B", "Mono", "T"]


def ferrome(*args: object) -> None:
    command = [FERROME, "cell", *args]
    done = subprocess.run([str(word) for word in [*command, "--threads", 1]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cells of three types as tokens with bins, and the golden model without dropout."""
    folder = tmp_path_factory.mktemp("scgpt")
    rng = np.random.default_rng(5)
    genes = [rng.permutation(goldens.GENES)[: rng.integers(5, 25)] for _ in range(90)]
    kinds = [TYPES[i % 3] for i in range(len(genes))]
    high = [np.where(cell // 10 == i % 3, 25, 0) for i, cell in enumerate(genes)]
    table = pa.table({
        "input_ids": [[CLS, *cell.tolist()] for cell in genes],
        "values": pa.array([[0.0, *(rng.integers(1, 25, len(cell)) + more).tolist()] for cell, more in zip(genes, high, strict=True)],
                           pa.list_(pa.float32())),
        "cell_id": [f"c{i}" for i in range(len(genes))],
        "type": kinds,
    })  # fmt: skip
    pyarrow.parquet.write_table(table, folder / "tokens.parquet")
    model = folder / "model"
    goldens.write(CASE, model)
    arguments = json.loads((model / "args.json").read_text())
    (model / "args.json").write_text(json.dumps(arguments | {"dropout": 0.0}))
    return folder


def train(folder: Path, name: str, config: dict, *options: object) -> Path:
    (folder / f"{name}.json").write_text(json.dumps(config))
    ferrome("train", folder / "tokens.parquet", "--label", "type", "--from", folder / "model", "--config", folder / f"{name}.json",
            "-o", folder / name, "-q", *options)  # fmt: skip
    return folder / name


def cells(folder: Path) -> dict[str, tuple[list[int], list[float], str]]:
    rows = pyarrow.parquet.read_table(folder / "tokens.parquet").to_pylist()
    return {row["cell_id"]: (row["input_ids"], row["values"], row["type"]) for row in rows}


def logits(model: goldens.Model, rows: list[tuple[list[int], list[float], str]]) -> Tensor:
    """One padded batch."""
    longest = max(len(tokens) for tokens, _, _ in rows)
    tokens = torch.tensor([ids + [PAD] * (longest - len(ids)) for ids, _, _ in rows])
    values = torch.tensor([numbers + [-2.0] * (longest - len(numbers)) for _, numbers, _ in rows])
    x = model.embed(tokens, values, torch.zeros_like(tokens), 0)
    for layer in model.transformer_encoder.layers:
        x = layer(x, src_key_padding_mask=tokens == PAD)
    return model.cls_decoder(x[:, 0])


def model_of(path: Path) -> goldens.Model:
    """The model, with every weight from the file."""
    model = goldens.Model(goldens.Case("trained", 1, mvc=goldens.INNER, classes=len(TYPES)))
    model.load_state_dict(load_file(path / "model.safetensors"), strict=True)
    return model


def test_gradient_of_a_step_is_that_of_pytorch(folder: Path) -> None:
    """AdamW's first mean is a tenth of the clipped gradient; a rate of nothing leaves the first weights where they were."""
    step = {"learning_rate": 1e-30, "batch_cells": 1000, "epochs": 1, "checkpoint_every": 1, "warmup_share": 0.0, "clip": 0.5,
            "class_weights": "balanced"}  # fmt: skip
    trained = train(folder, "step", step)
    model = model_of(trained).train()
    data = cells(folder)
    rows = [data[cell] for cell in json.loads((trained / "split.json").read_text())["train"]]
    truth = torch.tensor([TYPES.index(kind) for _, _, kind in rows])
    counts = torch.bincount(truth, minlength=len(TYPES))
    weights = len(rows) / (len(TYPES) * counts.float())
    loss = torch.nn.functional.cross_entropy(logits(model, rows), truth, weight=weights)
    loss.backward()
    with open(trained / "metrics.csv") as file:
        assert float(next(csv.DictReader(file))["train_loss"]) == pytest.approx(loss.item(), abs=1e-5)
    learnt = {name: p for name, p in model.named_parameters() if p.grad is not None}
    length = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in learnt.values()]))
    assert length > 0.5, "nothing is clipped"
    state = load_file(trained / "training/checkpoint.safetensors")
    means = {name.removeprefix("now.mean."): mean for name, mean in state.items() if name.startswith("now.mean.")}
    assert means.keys() == learnt.keys()
    assert not any(name.startswith(("decoder.", "mvc_decoder.", "flag_encoder.")) for name in means)
    for name, mean in means.items():
        torch.testing.assert_close(mean * 10, learnt[name].grad * 0.5 / length, rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("lora", [False, True])
def test_annotation_is_that_of_pytorch(folder: Path, lora: bool) -> None:
    config = {"learning_rate": 3e-3, "epochs": 4}
    options = ["--lora", 2, "--lora-targets", "query,key,value,attention-output,intermediate,output"] if lora else []
    trained = train(folder, f"lora-{lora}", config, *options)
    model, out = model_of(trained).eval(), folder / f"lora-{lora}.parquet"
    ferrome("annotate", folder / "tokens.parquet", "-m", trained, "-o", out, "-q")
    first = load_file(folder / "step/model.safetensors") if (folder / "step").exists() else None
    for row, cell in zip(pyarrow.parquet.read_table(out).to_pylist(), cells(folder).values(), strict=True):
        with torch.no_grad():
            p = logits(model, [cell])[0].softmax(0).double()
        assert row["label"] == TYPES[int(p.argmax())]
        assert row["probability"] == pytest.approx(float(p.max()), abs=1e-5)
        assert row["entropy"] == pytest.approx(float(-(p * p.log()).sum()), abs=1e-5)
    if first is not None:
        moved = {name for name, tensor in load_file(trained / "model.safetensors").items() if not torch.equal(tensor, first[name])}
        assert any("self_attn" in name for name in moved)
        assert any(name.startswith("encoder.") for name in moved) != lora


def test_frozen_blocks_stay(folder: Path) -> None:
    before = goldens.seeded(CASE).state_dict()
    after = load_file(train(folder, "frozen", {"learning_rate": 1e-3, "epochs": 1}, "--freeze", 2) / "model.safetensors")
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert moved and all(name.startswith("transformer_encoder.layers.2.") for name in moved), moved
