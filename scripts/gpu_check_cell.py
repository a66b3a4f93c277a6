"""Parity and throughput of `ferrome cell embed` on a GPU, against PyTorch; a part of `gpu_check.py`.

Random weights in the shapes of Geneformer V1-10M, V2-104M and V2-316M; random cells that fill most of the model's positions, as
cells of whole transcriptomes do. Cells come as a Matrix Market folder and are tokenized by Ferrome, so that nothing but torch
and numpy is needed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
F32_TOLERANCE, BF16_COSINE = 1e-4, 0.999
PUBLISHED = {"V1-10M": 3743, "V2-104M": 666, "V2-316M": 261}  # cells/s on an A100, nano-Geneformer's README

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Shape:
    """A model, and how many genes its cells have."""

    name: str
    layers: int
    width: int
    heads: int
    inner: int
    positions: int
    vocabulary: int
    cells: int

    @property
    def style(self) -> str:
        """Cells of V2 stand between `<cls>` and `<eos>`."""
        return "geneformer-v1" if self.name.startswith("V1") else "geneformer-v2"

    @property
    def specials(self) -> list[str]:
        """The tokens before the genes."""
        return ["<pad>", "<mask>"] if self.style == "geneformer-v1" else ["<pad>", "<mask>", "<cls>", "<eos>"]

    @property
    def genes(self) -> int:
        """Genes of the vocabulary."""
        return self.vocabulary - len(self.specials)


FULL = [
    Shape("V1-10M", 6, 256, 4, 512, 2048, 25426, 4000),
    Shape("V2-104M", 12, 768, 12, 3072, 4096, 20275, 1000),
    Shape("V2-316M", 18, 1152, 18, 4608, 4096, 20275, 400),
]
TINY = [Shape("V1-tiny", 2, 64, 1, 128, 64, 300, 24), Shape("V2-tiny", 2, 64, 2, 256, 64, 300, 24)]


def random_weights(shape: Shape, seed: int) -> Tensors:
    """The weights of `BertForMaskedLM` without the head, at the sizes that trained models have."""
    generator = torch.Generator().manual_seed(seed)
    weights: Tensors = {}

    def linear(name: str, outputs: int, inputs: int) -> None:
        weights[f"{name}.weight"] = torch.randn(outputs, inputs, generator=generator) * inputs**-0.5
        weights[f"{name}.bias"] = torch.randn(outputs, generator=generator) * 0.1

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = 1 + torch.randn(shape.width, generator=generator) * 0.1
        weights[f"{name}.bias"] = torch.randn(shape.width, generator=generator) * 0.1

    for table, rows in (("word", shape.vocabulary), ("position", shape.positions), ("token_type", 2)):
        weights[f"bert.embeddings.{table}_embeddings.weight"] = torch.randn(rows, shape.width, generator=generator) * 0.1
    norm("bert.embeddings.LayerNorm")
    for layer in (f"bert.encoder.layer.{i}" for i in range(shape.layers)):
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", shape.width, shape.width)
        linear(f"{layer}.attention.output.dense", shape.width, shape.width)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", shape.inner, shape.width)
        linear(f"{layer}.output.dense", shape.width, shape.inner)
        norm(f"{layer}.output.LayerNorm")
    return weights


def write_checkpoint(folder: Path, shape: Shape, weights: Tensors) -> None:
    """`config.json` and `model.safetensors`, written without the safetensors package."""
    config = {
        "model_type": "bert", "hidden_act": "relu", "vocab_size": shape.vocabulary, "hidden_size": shape.width,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "intermediate_size": shape.inner,
        "max_position_embeddings": shape.positions, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0,
    }  # fmt: skip
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    header, end = {}, 0
    for name, tensor in weights.items():
        begin, end = end, end + 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in weights.values():
            file.write(tensor.numpy().tobytes())


def write_cells(folder: Path, shape: Shape, count: int, seed: int) -> list[list[int]]:
    """A Matrix Market folder and its vocabulary; the tokens that the cells must get. Counts of a cell are all different."""
    generator = np.random.default_rng(seed)
    folder.mkdir()
    (folder / "features.tsv").write_text("".join(f"ENSG{i:011d}\tG{i}\tGene Expression\n" for i in range(shape.genes)))
    (folder / "barcodes.tsv").write_text("".join(f"cell{i}\n" for i in range(count)))
    tokens = {name: i for i, name in enumerate(shape.specials)}
    tokens |= {f"ENSG{i:011d}": i + len(shape.specials) for i in range(shape.genes)}
    vocabulary = {
        "format": "ferrome vocabulary 1", "style": shape.style, "special_tokens": shape.specials, "tokens": tokens,
        "medians": {f"ENSG{i:011d}": 1.0 for i in range(shape.genes)}, "symbols": {}, "former_ids": {}, "sources": [],
    }  # fmt: skip
    (folder.parent / f"{folder.name}.json").write_text(json.dumps(vocabulary))
    most = min(shape.positions - (0 if len(shape.specials) == 2 else 2), shape.genes)
    cells, lines = [], []
    for cell in range(1, count + 1):
        genes = generator.permutation(shape.genes)[: generator.integers(most // 2, most + 1)]
        lines += [f"{gene + 1} {cell} {len(genes) - rank}\n" for rank, gene in enumerate(genes)]
        ids = (genes + len(shape.specials)).tolist()
        cells.append(ids if len(shape.specials) == 2 else [2, *ids, 3])
    head = f"%%MatrixMarket matrix coordinate integer general\n{shape.genes} {count} {len(lines)}\n"
    (folder / "matrix.mtx").write_text(head + "".join(lines))
    return cells


# ------------------------------------------------------------------------------------------------------------ contenders


def plain_bert(shape: Shape, weights: Tensors, tokens: torch.Tensor) -> torch.Tensor:
    """Last hidden states `[b, t, d]` of padded tokens `[b, t]` by `scaled_dot_product_attention`."""
    linear = lambda name, x: F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])  # noqa: E731
    norm = lambda name, x: F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)  # noqa: E731
    (b, t), table = tokens.shape, lambda name: weights[f"bert.embeddings.{name}_embeddings.weight"]
    mask = None if bool((tokens != 0).all()) else (tokens != 0)[:, None, None, :]
    x = norm("bert.embeddings.LayerNorm", F.embedding(tokens, table("word")) + table("position")[:t] + table("token_type")[0])
    for layer in (f"bert.encoder.layer.{i}" for i in range(shape.layers)):
        heads = [linear(f"{layer}.attention.self.{part}", x).view(b, t, shape.heads, -1).transpose(1, 2) for part in ("query", "key", "value")]
        mixed = F.scaled_dot_product_attention(*heads, attn_mask=mask).transpose(1, 2).reshape(b, t, -1)
        x = norm(f"{layer}.attention.output.LayerNorm", x + linear(f"{layer}.attention.output.dense", mixed))
        inner = F.relu(linear(f"{layer}.intermediate.dense", x))
        x = norm(f"{layer}.output.LayerNorm", x + linear(f"{layer}.output.dense", inner))
    return x


@torch.inference_mode()
def embed(shape: Shape, weights: Tensors, cells: list[list[int]], device: str, budget: int) -> np.ndarray:
    """Means of the last layer over the genes in input order, `[cells, d]` f32, in length-sorted batches of padded tokens."""
    frame = 0 if len(shape.specials) == 2 else 1
    order = sorted(range(len(cells)), key=lambda i: -len(cells[i]))
    means, first = [], 0
    while first < len(order):
        batch = order[first : first + max(1, budget // len(cells[order[first]]))]
        tokens = torch.zeros(len(batch), len(cells[batch[0]]), dtype=torch.long)
        for row, i in enumerate(batch):
            tokens[row, : len(cells[i])] = torch.tensor(cells[i])
        hidden = plain_bert(shape, weights, tokens.to(device))
        means += [hidden[row, frame : len(cells[i]) - frame].float().mean(0) for row, i in enumerate(batch)]
        first += len(batch)
    return torch.stack(means).cpu().numpy()[np.argsort(order)]


def ferrome(*words: object) -> None:
    """Run `ferrome cell WORDS`."""
    done = subprocess.run([str(word) for word in (os.environ["FERROME_BIN"], "cell", *words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"gpu_check: ferrome ended with {done.returncode}\n{done.stderr}")


def ferrome_embed(tokens: Path, model: Path, out: Path, device: str, dtype: str) -> tuple[np.ndarray, dict]:
    """Vectors and `--stats` of `ferrome cell embed`."""
    stats = out.with_suffix(".json")
    flags = ["--layer", "last", "--pool", "mean", "--device", device, "--dtype", dtype, "--overwrite", "--quiet"]
    ferrome("embed", tokens, "-m", model, "-o", out, "--stats", stats, *flags)
    return np.load(out), json.loads(stats.read_text())


def check(shape: Shape, folder: Path, arguments: argparse.Namespace) -> tuple[list[str], bool]:
    """Markdown lines of one shape, and whether f32 and bf16 are right."""
    device, count = arguments.device, arguments.cells or shape.cells
    weights = random_weights(shape, seed=0)
    cells = write_cells(folder / "cells", shape, count, seed=1)
    write_checkpoint(folder / "model", shape, weights)
    ferrome("tokenize", folder / "cells", "--style", shape.style, "--vocabulary", folder / "cells.json", "-o", folder / "tokens", "--quiet")
    some, lines, right = min(32, count), [], True
    expected = embed(shape, {name: w.to(device) for name, w in weights.items()}, cells[:some], device, 8192)
    for dtype in DTYPES:
        got, _ = ferrome_embed(folder / "tokens", folder / "model", folder / "out.npy", device, dtype)
        cosine = float(((got[:some] * expected).sum(1) / np.linalg.norm(got[:some], axis=1) / np.linalg.norm(expected, axis=1)).min())
        difference = float(np.abs(got[:some] - expected).max())
        holds = difference <= F32_TOLERANCE if dtype == "f32" else cosine >= BF16_COSINE
        right &= holds
        word = "holds" if holds else "**broken**"
        lines.append(f"- {shape.name}: parity {dtype}, {some} cells: largest difference {difference:.1e}, smallest cosine {cosine:.6f}: {word}")
    runs = [ferrome_embed(folder / "tokens", folder / "model", folder / "out.npy", device, "bf16")[1] for _ in range(arguments.rounds)]
    ours = count / sorted(run["run_seconds"] for run in runs)[len(runs) // 2]
    theirs = count / torch_seconds(shape, weights, cells, arguments)
    published = f"; published on an A100: {PUBLISHED[shape.name]:,}" if shape.name in PUBLISHED else ""
    mean = sum(map(len, cells)) / count
    lines.append(
        f"- {shape.name}, bf16, {count} cells of {mean:,.0f} tokens: Ferrome {ours:,.1f} cells/s, torch SDPA in length-sorted batches "
        f"{theirs:,.1f} cells/s ({ours / theirs:.2f} times){published}"
    )
    return lines, right


def torch_seconds(shape: Shape, weights: Tensors, cells: list[list[int]], arguments: argparse.Namespace) -> float:
    """Median seconds of plain torch in bf16, after a warm-up."""
    on_device = {name: w.to(arguments.device, torch.bfloat16) for name, w in weights.items()}
    run = lambda some: embed(shape, on_device, some, arguments.device, arguments.batch_tokens)  # noqa: E731
    run(cells[:16])
    times = []
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        run(cells)  # ends with a copy from the device
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def checks(scratch: Path, arguments: argparse.Namespace) -> tuple[list[str], bool]:
    """Markdown lines of all shapes, and whether all are right."""
    lines, right = [], True
    for shape in TINY if arguments.tiny else FULL:
        folder = scratch / shape.name
        folder.mkdir()
        found, holds = check(shape, folder, arguments)
        lines += found
        right &= holds
    return lines, right
