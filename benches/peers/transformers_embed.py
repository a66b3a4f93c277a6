"""Contender: transformers' `EsmModel` with SDPA, in naive batches of 8 or in length-sorted batches of 4,096 tokens."""

from __future__ import annotations

import argparse

import numpy as np
import torch
import transformers
from transformers import EsmModel

from workload import DTYPES, Timing, encode, mean_of_residues, naive_batches, pad, peer_arguments, read_fasta
from workload import sorted_batches


@torch.inference_mode()
def embed(model: EsmModel, rows: list[list[int]], batches: list[list[int]]) -> np.ndarray:
    """Mean vectors in input order, `[rows, d]`."""
    means: list[np.ndarray] = [np.empty(0)] * len(rows)
    for batch in batches:
        tokens, mask = pad([rows[i] for i in batch])
        hidden = model(input_ids=tokens, attention_mask=mask).last_hidden_state
        for place, i in enumerate(batch):
            means[i] = mean_of_residues(hidden, place, len(rows[i]))
    return np.stack(means)


def run(arguments: argparse.Namespace) -> None:
    """Load, embed, report."""
    torch.set_num_threads(arguments.threads)
    timing = Timing(versions={"torch": torch.__version__, "transformers": transformers.__version__})
    with timing.measure("load_seconds"):
        model = EsmModel.from_pretrained(
            arguments.model, attn_implementation="sdpa", add_pooling_layer=False, dtype=DTYPES[arguments.dtype]
        ).eval()
    with timing.measure("run_seconds"):
        sequences = [sequence for _, sequence in read_fasta(arguments.fasta)]
        rows = [encode(sequence) for sequence in sequences]
        plan = {"naive": naive_batches, "sorted": sorted_batches}[arguments.batching]
        means = embed(model, rows, plan([len(row) for row in rows]))
    timing.count([len(sequence) for sequence in sequences])
    timing.write(arguments.stats)
    if arguments.embeddings:
        np.save(arguments.embeddings, means)


if __name__ == "__main__":
    parser = peer_arguments(__doc__)
    parser.add_argument("--batching", choices=["naive", "sorted"], required=True)
    run(parser.parse_args())
