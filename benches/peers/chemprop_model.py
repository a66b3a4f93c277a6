"""A regression model of chemprop with its default widths and random weights, for `chemprop predict`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from chemprop import models, nn


def main() -> None:
    """Writes the checkpoint: D-MPNN of depth 3 and width 300, mean of atoms, perceptron of width 300."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    torch.manual_seed(1)
    model = models.MPNN(nn.BondMessagePassing(), nn.MeanAggregation(), nn.RegressionFFN(), batch_norm=True)
    models.save_model(args.out, model)


if __name__ == "__main__":
    main()
