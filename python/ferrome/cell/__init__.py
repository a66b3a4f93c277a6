"""Cells: counts, tokens, vectors, annotation and in-silico perturbation, by Geneformer and scGPT.

Every option has the name, the default and the meaning that it has in ``ferrome cell … --help``. What takes cells takes the path
of a file or an ``AnnData``, whose arrays are read where they are.
"""

from ferrome.cell._counts import convert, count, qc, tokenize
from ferrome.cell._model import Model, annotate, embed, load
from ferrome.cell._study import Perturbation, map, perturb, train

__all__ = [
    "Model",
    "Perturbation",
    "annotate",
    "convert",
    "count",
    "embed",
    "load",
    "map",
    "perturb",
    "qc",
    "tokenize",
    "train",
]
