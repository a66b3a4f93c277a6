"""Contender: transformers' `BertModel` with SDPA on a folder of tokens, in length-sorted batches of 4,096 tokens; or, with
`--products`, the bare matrix products of the same model by oneDNN (projections, both products of the MLP, and those of
attention), without norms, biases and softmax: the floor.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import transformers
from datasets import load_from_disk
from transformers import BertConfig, BertModel

from workload import DTYPES, Timing, sorted_batches


@torch.inference_mode()
def embed(model: BertModel, cells: list[list[int]]) -> np.ndarray:
    """Mean vectors of the last layer in input order, `[cells, d]`."""
    means: list[np.ndarray] = [np.empty(0)] * len(cells)
    for batch in sorted_batches([len(cell) for cell in cells]):
        tokens = torch.zeros(len(batch), max(len(cells[i]) for i in batch), dtype=torch.long)
        for place, i in enumerate(batch):
            tokens[place, : len(cells[i])] = torch.tensor(cells[i])
        hidden = model(input_ids=tokens, attention_mask=(tokens != 0).long()).last_hidden_state
        for place, i in enumerate(batch):
            means[i] = hidden[place, : len(cells[i])].float().mean(0).numpy()
    return np.stack(means)


@torch.inference_mode()
def multiply(config: BertConfig, cells: list[list[int]], dtype: torch.dtype) -> None:
    """All products of all layers, cell by cell."""
    d, f, h = config.hidden_size, config.intermediate_size, config.num_attention_heads
    weights = [torch.randn(size).mul(0.02).to(dtype) for size in [(3 * d, d), (d, d), (f, d), (d, f)]]
    inputs = {size: torch.randn(max(map(len, cells)), size).to(dtype) for size in (d, f)}
    for cell in cells:
        t = len(cell)
        heads = torch.randn(h, t, d // h).to(dtype)
        for _ in range(config.num_hidden_layers):
            for weight in weights:
                torch.ops.mkldnn._linear_pointwise(inputs[weight.shape[1]][:t], weight, None, "none", [], "")
            for head in heads:
                scores = torch.ops.mkldnn._linear_pointwise(head, head, None, "none", [], "")
                torch.ops.mkldnn._linear_pointwise(scores, head.t().contiguous(), None, "none", [], "")


def run(arguments: argparse.Namespace) -> None:
    """Load, embed or multiply, report."""
    torch.set_num_threads(arguments.threads)
    timing = Timing(versions={"torch": torch.__version__, "transformers": transformers.__version__})
    dtype = DTYPES[arguments.dtype]
    cells = load_from_disk(str(arguments.tokens))["input_ids"][:]
    timing.rows, timing.tokens = len(cells), sum(map(len, cells))
    if arguments.products:
        config = BertConfig.from_pretrained(arguments.model)
        multiply(config, cells[:2], dtype)  # the first call of a kernel sets it up
        with timing.measure("run_seconds"):
            multiply(config, cells, dtype)
        return timing.write(arguments.stats)
    with timing.measure("load_seconds"):
        model = BertModel.from_pretrained(
            arguments.model, attn_implementation="sdpa", add_pooling_layer=False, dtype=dtype
        ).eval()
    with timing.measure("run_seconds"):
        means = embed(model, cells)
    timing.write(arguments.stats)
    np.save(arguments.embeddings, means)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokens", type=Path, help="a folder of tokens")
    parser.add_argument("-m", "--model", type=Path, required=True)
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--stats", type=Path, required=True, help="JSON with times and counts")
    parser.add_argument("--embeddings", type=Path, help="the vectors in input order as .npy")
    parser.add_argument("--products", action="store_true", help="the bare matrix products")
    run(parser.parse_args())
