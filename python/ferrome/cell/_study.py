"""Perturbation, maps and training."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.cell._given import Cells, Config, configured, each_given, given, listed

if TYPE_CHECKING:
    import pyarrow as pa

#: ``"all"``, names of genes, or ``"@FILE"`` with one name per line.
Genes = str | Sequence[str]


class Perturbation(NamedTuple):
    """What a screen found."""

    #: One row per cell and perturbation.
    rows: pa.Table
    #: One row per gene, with statistics.
    genes: pa.Table
    #: The volcano plot, SVG; None where there is nothing to draw.
    plot: str | None


def perturb(
    cells: Cells,
    model: str | os.PathLike[str],
    *,
    vocabulary: str | os.PathLike[str] | None = None,
    delete: Genes | None = None,
    overexpress: Genes | None = None,
    inhibit: Genes | None = None,
    activate: Genes | None = None,
    share: float = 0.25,
    together: bool = False,
    anchor: str | None = None,
    random: int | None = None,
    seed: int = 0,
    measure: str | None = None,
    layer: str | int = "second-to-last",
    per_gene: bool = False,
    states: str | None = None,
    start: str | None = None,
    goal: str | None = None,
    alternative: Sequence[str] | str | None = None,
    genes_table: str | os.PathLike[str] | None = None,
    plot: str | os.PathLike[str] | None = None,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int | None = None,
    threads: int | None = None,
    strict: bool = False,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Perturbation | Path:
    """What deleting, over-expressing, inhibiting or activating genes does to cells, as a Geneformer sees it.

    ``cells`` is the path of tokens, a table of tokens, or an ``AnnData``, whose cells are tokenized first; of a whole atlas take
    the cells that matter: ``perturb(adata[adata.obs["cell_type"] == "T cell"], …)``.

    Returns:
        A :class:`Perturbation`; with ``output`` (.parquet or a folder) its path, and OUT.genes.csv and OUT.svg beside it.
    """
    options = flags(
        model=model,
        vocabulary=vocabulary,
        delete=listed(delete),
        overexpress=listed(overexpress),
        inhibit=listed(inhibit),
        activate=listed(activate),
        share=share,
        together=together,
        anchor=anchor,
        random=random,
        seed=seed,
        measure=measure,
        layer=layer,
        per_gene=per_gene,
        states=states,
        start=start,
        goal=goal,
        alternative=listed(alternative),
        device=device,
        dtype=dtype,
        batch_tokens=batch_tokens,
        threads=threads,
        strict=strict,
        overwrite=overwrite,
    )
    line = ["cell", "perturb", *options, "--quiet"]
    with given(cells) as (name, data), progress_of(progress, "cell perturb") as callback:
        if output is not None:
            line += flags(output=output, genes_table=genes_table, plot=plot)
            _core.cell_call([*line, "--", name], data, None, callback)
            return Path(output)
        with tempfile.TemporaryDirectory(prefix="ferrome-") as folder:
            rows = Path(folder) / "screen.parquet"
            genes, picture = Path(genes_table or rows.with_suffix(".genes.csv")), Path(plot or rows.with_suffix(".svg"))
            line += flags(output=rows, genes_table=genes, plot=picture)
            _core.cell_call([*line, "--", name], data, None, callback)
            return _found(rows, genes, picture)


def _found(rows: Path, genes: Path, picture: Path) -> Perturbation:
    import pyarrow.csv
    import pyarrow.parquet as pq

    table = pq.read_table(genes) if genes.suffix == ".parquet" else pyarrow.csv.read_csv(genes)
    return Perturbation(pq.read_table(rows), table, picture.read_text() if picture.exists() else None)


def map(
    embeddings: Cells,
    output: str | os.PathLike[str],
    *,
    method: str = "umap",
    color: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    table: str | os.PathLike[str] | None = None,
    neighbours: int = 15,
    seed: int = 1,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """Draw embedded cells as points in a plane: ``embeddings`` is what :func:`embed` gave or wrote. Returns the SVG's path."""
    options = flags(
        output=output,
        method=method,
        color=color,
        labels=labels,
        table=table,
        neighbours=neighbours,
        seed=seed,
        overwrite=overwrite,
    )
    with given(embeddings) as (name, _), progress_of(progress, "cell map") as callback:
        _core.call(["cell", "map", *options, "--quiet", "--", name], callback)
    return Path(output)


def train(
    tokens: Cells | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    from_: str | os.PathLike[str] | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    config: Config | None = None,
    objective: str | None = None,
    label: str | None = None,
    genes: str | os.PathLike[str] | None = None,
    group: str | None = None,
    balanced: bool = False,
    freeze: int | None = None,
    lora: int | None = None,
    lora_alpha: float | None = None,
    lora_targets: Sequence[str] | str | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    lr: float | None = None,
    max_length: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    dtype: str = "f32",
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """Train a Geneformer or scGPT: hidden genes, classes of cells (``label``), classes of genes (``genes``).

    ``tokens`` are paths of tokens with their columns, or a table of them, such as ``tokenize(adata, …, obs=["cell_type"])``
    gives; ``config`` has the keys that docs/cell.md explains, or is the path of such a JSON file.

    Returns:
        The folder, which :func:`embed` and :func:`annotate` take, and transformers that of a Geneformer.
    """
    options = flags(
        from_=from_,
        output=output,
        vocabulary=vocabulary,
        objective=objective,
        label=label,
        genes=genes,
        group=group,
        balanced=balanced,
        freeze=freeze,
        lora=lora,
        lora_alpha=lora_alpha,
        lora_targets=listed(lora_targets),
        epochs=epochs,
        patience=patience,
        lr=lr,
        max_length=max_length,
        seed=seed,
        device=device,
        dtype=dtype,
        threads=threads,
        overwrite=overwrite,
    )
    with (
        configured(config) as settings,
        each_given(tokens) as (names, _),
        progress_of(progress, "cell train") as callback,
    ):
        _core.call(["cell", "train", *options, *flags(config=settings), "--quiet", "--", *names], callback)
    return Path(output)
