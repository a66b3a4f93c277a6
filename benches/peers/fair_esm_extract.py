"""Contender: fair-esm's own extract procedure (`esm-extract MODEL FASTA DIR --include mean --nogpu`).

The 2.0.0 wheel does not carry the script, so its steps are taken here one by one: `FastaBatchedDataset`, batches of 4,096
tokens, a `DataLoader` with two workers, truncation to 1,022 residues, and one `.pt` file per protein.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from esm import FastaBatchedDataset, pretrained
from esm.data import Alphabet

from workload import TOKEN_BUDGET, Timing, peer_arguments

TRUNCATION = 1022


def load(path: Path) -> tuple[torch.nn.Module, Alphabet]:
    """Upstream's loader; torch >= 2.6 needs `argparse.Namespace` to be allowed."""
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, alphabet = pretrained.load_model_and_alphabet(str(path))
    return model.eval(), alphabet


@torch.no_grad()
def extract(model: torch.nn.Module, alphabet: Alphabet, fasta: Path, folder: Path) -> FastaBatchedDataset:
    """The body of `scripts/extract.py` for `--include mean --repr_layers -1`."""
    dataset = FastaBatchedDataset.from_file(fasta)
    loader = torch.utils.data.DataLoader(
        dataset,
        collate_fn=alphabet.get_batch_converter(TRUNCATION),
        batch_sampler=dataset.get_batch_indices(TOKEN_BUDGET, extra_toks_per_seq=1),
        num_workers=2,
    )
    for labels, sequences, tokens in loader:
        out = model(tokens, repr_layers=[model.num_layers], return_contacts=False)
        for i, label in enumerate(labels):
            length = min(TRUNCATION, len(sequences[i]))
            means = {layer: t[i, 1 : length + 1].mean(0).clone() for layer, t in out["representations"].items()}
            torch.save({"label": label, "mean_representations": means}, folder / f"{label}.pt")
    return dataset


def run(arguments: argparse.Namespace) -> None:
    """Load, extract, report."""
    torch.set_num_threads(arguments.threads)
    timing = Timing(versions={"torch": torch.__version__, "fair-esm": "2.0.0"})
    with timing.measure("load_seconds"):
        model, alphabet = load(arguments.model)
    with tempfile.TemporaryDirectory() as scratch:
        with timing.measure("run_seconds"):
            dataset = extract(model, alphabet, arguments.fasta, Path(scratch))
        timing.count([min(TRUNCATION, len(sequence)) for sequence in dataset.sequence_strs])
        timing.write(arguments.stats)
        if arguments.embeddings:
            files = [torch.load(Path(scratch) / f"{label}.pt") for label in dataset.sequence_labels]
            vectors = [file["mean_representations"][model.num_layers].numpy() for file in files]
            np.save(arguments.embeddings, np.stack(vectors))


if __name__ == "__main__":
    run(peer_arguments(__doc__).parse_args())
