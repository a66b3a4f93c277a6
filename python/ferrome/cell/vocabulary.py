"""The genes that a model knows, from a corpus or from published dictionaries: ``ferrome cell vocabulary``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.cell._given import Cells, each_given

__all__ = ["build", "import_"]


def build(
    datasets: Cells | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    style: str = "geneformer-v2",
    min_cells: int = 1,
    genes: str = "auto",
    n_counts: str | None = None,
    layer: str | None = None,
    allow_normalized: bool = False,
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """Make a vocabulary with the medians of a corpus, for another organism.

    ``datasets`` is a path, a list of paths, or an ``AnnData``. The median of a gene is taken over the cells that have it, of counts /
    total * 10,000: exact up to 256 cells, beyond them estimated by a t-digest.

    Returns:
        The path of the vocabulary, which :func:`ferrome.cell.tokenize` and :func:`ferrome.cell.train` take.

    Raises:
        ValueError: the cells hold no counts, or their genes have no names of the kind ``genes``.
        FileNotFoundError: a file is not there.
        FileExistsError: ``output`` is there; ``overwrite=True`` replaces it.
        KeyboardInterrupt: after Ctrl-C; nothing was written.

    Example::

        ferrome.cell.vocabulary.build(["a.h5ad", "b.h5ad"], "zebrafish.json", min_cells=50)
    """
    options = flags(
        output=output,
        style=style,
        min_cells=min_cells,
        genes=genes,
        n_counts=n_counts,
        layer=layer,
        allow_normalized=allow_normalized,
        threads=threads,
        overwrite=overwrite,
    )
    with each_given(datasets, layer) as (names, data), progress_of(progress, "cell vocabulary build") as callback:
        _core.cell_call(["cell", "vocabulary", "build", *options, "--quiet", "--", *names], data, None, callback)
    return Path(output)


def import_(
    tokens: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    medians: str | os.PathLike[str] | None = None,
    symbols: str | os.PathLike[str] | None = None,
    mapping: str | os.PathLike[str] | None = None,
    style: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Turn published dictionaries of Geneformer or scGPT into one vocabulary; of pickles only numbers and text are read.

    ``tokens`` is a pickle, vocab.json, or vocab.txt with one name per line; ``medians`` and ``mapping`` (former ids with the
    current ones) are for Geneformer; ``symbols`` has symbols with their ids, so that matrices with symbols can be read. The
    vocabulary keeps under ``sources`` which published files they are, by their sha256.

    Returns:
        The path of the vocabulary.

    Raises:
        ValueError: a file is no such dictionary, or they do not fit together.
        FileNotFoundError: a file is not there.
        FileExistsError: ``output`` is there; ``overwrite=True`` replaces it.

    Example::

        ferrome.cell.vocabulary.import_(
            "token_dictionary.pkl", "v1.json", medians="gene_median_dictionary.pkl", symbols="gene_name_id_dict.pkl"
        )
    """
    options = flags(
        tokens=tokens,
        output=output,
        medians=medians,
        symbols=symbols,
        mapping=mapping,
        style=style,
        overwrite=overwrite,
    )
    _core.call(["cell", "vocabulary", "import", *options, "--quiet"])
    return Path(output)
