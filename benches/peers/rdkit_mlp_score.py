"""Scoring a library against one target as DeepPurpose does it: RDKit's Morgan bits into a perceptron in PyTorch.

DeepPurpose turns every SMILES into a dense vector of 1,024 bits (zeros where RDKit refuses), repeats the target for every
row, encodes both sides by perceptrons (drug 1024-1024-256-64-256, protein 8420-1024-256-64-256: its default widths), joins
the two vectors and goes through 1024-1024-512-1, in batches of 256 through a DataLoader. Here the target is encoded
once, which is kinder to it than its own code.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem, DataStructs, RDLogger
from rdkit.Chem import AllChem

BITS = 1024
BATCH = 256


def perceptron(widths: list[int]) -> torch.nn.Sequential:
    """Linear layers with ReLU between."""
    layers: list[torch.nn.Module] = []
    for before, after in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def morgan(smiles: str) -> np.ndarray:
    """DeepPurpose's smiles2morgan."""
    features = np.zeros((1,))
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        return np.zeros(BITS)
    DataStructs.ConvertToNumpyArray(AllChem.GetMorganFingerprintAsBitVect(molecule, 2, nBits=BITS), features)
    return features


def main() -> None:
    """Scores every line of a .smi file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stats", type=Path)
    args = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    drug, protein = perceptron([BITS, 1024, 256, 64, 256]), perceptron([8420, 1024, 256, 64, 256])
    head = perceptron([512, 1024, 1024, 512, 1])
    smiles = [line.split()[0] for line in args.library.read_text().splitlines() if line.strip()]
    started = time.perf_counter()
    scores = []
    with torch.no_grad():
        target = protein(torch.rand(1, 8420))
        features = [morgan(text) for text in smiles]
        for first in range(0, len(features), BATCH):
            batch = torch.from_numpy(np.stack(features[first : first + BATCH])).float()
            both = torch.cat([drug(batch), target.expand(len(batch), -1)], 1)
            scores.append(head(both)[:, 0].numpy())
    seconds = time.perf_counter() - started
    assert len(np.concatenate(scores)) == len(smiles)
    if args.stats:
        args.stats.write_text(json.dumps({"run_seconds": seconds, "molecules": len(smiles)}))


if __name__ == "__main__":
    main()
