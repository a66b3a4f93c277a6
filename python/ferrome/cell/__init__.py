"""Cells: counts, tokens, vectors, annotation, integration, networks and perturbation, by Geneformer and scGPT.

Every option has the name, the default and the meaning that it has in ``ferrome cell … --help``. What takes cells takes the path
of a file or an ``AnnData``, whose arrays are read where they are.
"""

from ferrome.cell import predict_perturbation, vocabulary
from ferrome.cell._counts import convert, count, qc, tokenize
from ferrome.cell._integrate import integrate
from ferrome.cell._model import Model, annotate, embed, load
from ferrome.cell._network import Network, network
from ferrome.cell._study import Perturbation, map, perturb, train

__all__ = [
    "Model",
    "Network",
    "Perturbation",
    "annotate",
    "convert",
    "count",
    "embed",
    "integrate",
    "load",
    "map",
    "network",
    "perturb",
    "predict_perturbation",
    "qc",
    "tokenize",
    "train",
    "vocabulary",
]
