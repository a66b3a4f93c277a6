"""Drugs: features of molecules as RDKit has them, models of affinity, scores of libraries against targets.

Every option has the name, the default and the meaning that it has in ``ferrome drug … --help``.
"""

from ferrome.drug._features import featurize
from ferrome.drug._score import Model, load, score
from ferrome.drug._training import evaluate, train

__all__ = ["Model", "evaluate", "featurize", "load", "score", "train"]
