"""The floor: the bare matrix products of a model for the unpadded tokens of a FASTA file, in blocks of 2,048 tokens.

Query, key, value and output projections and both products of the MLP, of each layer; no attention, no norms, no bias.
`--products onednn` multiplies by oneDNN's operator, `torch` by `torch.mm`, which goes to MKL in f32 and to oneDNN in bf16:
on processors that are not Intel's, MKL reaches half of oneDNN's rate or less.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import torch

from workload import DTYPES, Shape, Timing, peer_arguments, read_fasta

BLOCK = 2048


def random_weights(shape: Shape, dtype: torch.dtype) -> list[torch.Tensor]:
    """`[in, out]` views of row-major `[out, in]` matrices, as a linear layer multiplies by, for all layers."""
    d = shape.width
    sizes = [(d, d)] * 4 + [(4 * d, d), (d, 4 * d)]
    return [(torch.randn(size) * 0.02).to(dtype).t() for _ in range(shape.layers) for size in sizes]


def product(library: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """`[rows, in]` and `[in, out]` to `[rows, out]`, by one library or the other."""
    if library == "torch":
        return torch.mm
    return lambda x, weight: torch.ops.mkldnn._linear_pointwise(x, weight.t(), None, "none", [], "")


@torch.inference_mode()
def multiply(weights: list[torch.Tensor], inputs: dict[int, torch.Tensor], tokens: int, library: str) -> None:
    """All products for all tokens."""
    apply = product(library)
    for start in range(0, tokens, BLOCK):
        rows = min(BLOCK, tokens - start)
        for weight in weights:
            apply(inputs[weight.shape[0]][:rows], weight)


def run(arguments: argparse.Namespace) -> None:
    """Make the matrices, multiply, report."""
    torch.set_num_threads(arguments.threads)
    config = json.loads((arguments.model / "config.json").read_text())
    shape = Shape(config["num_hidden_layers"], config["hidden_size"], config["num_attention_heads"])
    dtype, timing = DTYPES[arguments.dtype], Timing()
    timing.count([len(sequence) for _, sequence in read_fasta(arguments.fasta)])
    with timing.measure("load_seconds"):
        weights = random_weights(shape, dtype)
        inputs = {size: torch.randn(BLOCK, size).to(dtype) for size in (shape.width, 4 * shape.width)}
        multiply(weights[:6], inputs, min(BLOCK, timing.tokens), arguments.products)  # the first call of a kernel sets it up
    with timing.measure("run_seconds"):
        multiply(weights, inputs, timing.tokens, arguments.products)
    timing.write(arguments.stats)


if __name__ == "__main__":
    parser = peer_arguments(__doc__)
    parser.add_argument("--products", choices=["torch", "onednn"], default="onednn")
    run(parser.parse_args())
