"""What cells express after genes are perturbed, by scGPT's generator: ``ferrome cell predict-perturbation``.

A screen has a column of ``obs`` that says of each cell ``ctrl``, ``GENE+ctrl`` or ``GENE1+GENE2``, as GEARS has it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.cell._given import Cells, Config, configured, given, listed
from ferrome.cell._written import table_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["predict", "train"]


def train(
    cells: Cells,
    output: str | os.PathLike[str],
    *,
    condition: str = "condition",
    from_: str | os.PathLike[str] | None = None,
    config: Config | None = None,
    test: Sequence[str] | str | None = None,
    device: str = "auto",
    layer: str | None = None,
    allow_normalized: bool = False,
    threads: int | None = None,
    genes: str = "auto",
    gene_column: str | None = None,
    gene_map: str | os.PathLike[str] | None = None,
    min_matched: float = 50,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """Learn from a screen what perturbed genes do to expression.

    ``from_`` is an scGPT whose genes, values and blocks are taken instead of random weights. ``test`` names the conditions to hold
    out; without it a share of them is, by seed. ``config`` has the keys that docs/cell.md explains, or is the path of such a JSON
    file. Stopped at any moment, the same call goes on from the last checkpoint.

    Returns:
        The folder, which :func:`predict` takes, with report.csv: each held-out condition by each method, beside simple predictions.

    Raises:
        ValueError: there is no such column or condition, no control cell, or fewer than two conditions whose genes are known; the
            folder holds a run with other data or options.
        FileNotFoundError: a file or a model is not there.
        KeyboardInterrupt: after Ctrl-C; the same call goes on from there.

    Example::

        train, predict = ferrome.cell.predict_perturbation.train, ferrome.cell.predict_perturbation.predict
        folder = train(screen, "generator", from_="scGPT_human", test=["CEBPA+KLF1"])
        predict(screen, folder, ["CEBPA+KLF1", "GATA1"]).to_pandas()
    """
    options = flags(
        output=output,
        condition=condition,
        from_=from_,
        test=listed(test),
        device=device,
        layer=layer,
        allow_normalized=allow_normalized,
        threads=threads,
        genes=genes,
        gene_column=gene_column,
        gene_map=gene_map,
        min_matched=min_matched,
        overwrite=overwrite,
    )
    with (
        configured(config) as settings,
        given(cells, layer) as (name, data),
        progress_of(progress, "cell predict-perturbation train") as callback,
    ):
        line = ["cell", "predict-perturbation", "train", *options, *flags(config=settings), "--quiet", "--", name]
        _core.cell_call(line, data, None, callback)
    return Path(output)


def predict(
    cells: Cells,
    model: str | os.PathLike[str],
    perturb: Sequence[str] | str,
    output: str | os.PathLike[str] | None = None,
    *,
    condition: str = "condition",
    device: str = "auto",
    layer: str | None = None,
    allow_normalized: bool = False,
    threads: int | None = None,
    genes: str = "auto",
    gene_column: str | None = None,
    gene_map: str | os.PathLike[str] | None = None,
    min_matched: float = 50,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> pa.Table | Path:
    """Mean expression of the control cells among ``cells`` after genes are perturbed: ``["GENE1+GENE2", "GENE3"]``.

    Returns:
        A ``pyarrow.Table`` with ``condition``, ``gene``, ``control``, ``predicted``, ``change``, one row per condition and gene of the
        model; values are means of log(1 + counts per ten thousand). With ``output`` (.csv, .parquet or .arrow) its path.

    Raises:
        ValueError: a gene is none of the model's; the cells have no control, or lack a gene that the model takes.
        FileNotFoundError: a file or a model is not there.
        FileExistsError: ``output`` is there; ``overwrite=True`` replaces it.
        KeyboardInterrupt: after Ctrl-C; nothing was written.
    """
    options = flags(
        model=model,
        perturb=listed(perturb),
        condition=condition,
        device=device,
        layer=layer,
        allow_normalized=allow_normalized,
        threads=threads,
        genes=genes,
        gene_column=gene_column,
        gene_map=gene_map,
        min_matched=min_matched,
        overwrite=overwrite,
    )
    line = ["cell", "predict-perturbation", "predict", *options, "--quiet"]
    what = "cell predict-perturbation predict"
    with given(cells, layer) as (name, data), progress_of(progress, what) as callback:
        if output is not None:
            _core.cell_call([*line, *flags(output=output), "--", name], data, None, callback)
            return Path(output)
        return table_of(line, name, data, callback)
