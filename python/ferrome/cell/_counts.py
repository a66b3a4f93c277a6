"""From reads to counts, from counts to tokens."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.cell._given import Cells, given, listed
from ferrome.cell._written import table_of

if TYPE_CHECKING:
    import pyarrow as pa


def count(
    reads: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    format: str = "dataset",
    preset: str | None = None,
    dedup: str | None = None,
    cell_tag: str | None = None,
    umi_tag: str | None = None,
    gene_tag: str | None = None,
    status_tag: str | None = None,
    umi_from: str | None = None,
    umi_separator: str = "_",
    cell_suffix: str | None = None,
    mapq: int | None = None,
    skip_gene_regex: str = "^(__|Unassigned)",
    whitelist: str | os.PathLike[str] | None = None,
    min_umis_per_cell: int = 0,
    pool_cells: bool = False,
    knee: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path | Any:
    """Molecules per gene and cell from BAM or SAM: distinct UMIs. ``ferrome cell count --help`` explains presets and methods.

    Returns:
        With ``output`` its path, a dataset or a table; without it an ``AnnData`` with the counts in ``X``.
    """
    options = flags(
        format=format,
        preset=preset,
        dedup=dedup,
        cell_tag=cell_tag,
        umi_tag=umi_tag,
        gene_tag=gene_tag,
        status_tag=status_tag,
        umi_from=umi_from,
        umi_separator=umi_separator,
        cell_suffix=cell_suffix,
        mapq=mapq,
        skip_gene_regex=skip_gene_regex,
        whitelist=whitelist,
        min_umis_per_cell=min_umis_per_cell,
        pool_cells=pool_cells,
        knee=knee,
        threads=threads,
        overwrite=overwrite,
    )
    line = ["cell", "count", *options, "--quiet"]
    with progress_of(progress, "cell count") as callback:
        if output is not None:
            _core.call([*line, *flags(output=output), "--", os.fspath(reads)], callback)
            return Path(output)
        if format != "dataset":
            raise ValueError(f"format={format!r} is a file: it needs output=")
        with tempfile.TemporaryDirectory(prefix="ferrome-") as folder:
            counts = os.path.join(folder, "counts")
            _core.call([*line, *flags(output=counts), "--", os.fspath(reads)], callback)
            return convert(counts, progress=False)


def convert(
    cells: Cells,
    output: str | os.PathLike[str] | None = None,
    *,
    to: str | None = None,
    layer: str | None = None,
    allow_normalized: bool = False,
    gene_map: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path | Any:
    """Any file of counts (h5ad, 10x, mtx, loom, Parquet, a dataset) or an AnnData to a dataset of Parquet, h5ad or mtx.

    Returns:
        With ``output`` its path; without it an ``AnnData`` with the matrix in ``X``.
    """
    options = flags(
        to=to,
        layer=layer,
        allow_normalized=allow_normalized,
        gene_map=gene_map,
        threads=threads,
        strict=strict,
        overwrite=overwrite,
    )
    line = ["cell", "convert", *options, "--quiet"]
    with given(cells, layer) as (name, data), progress_of(progress, "cell convert") as callback:
        if output is not None:
            _core.cell_call([*line, *flags(output=output), "--", name], data, None, callback)
            return Path(output)
        if to not in (None, "h5ad"):
            raise ValueError(f"to={to!r} is a folder: it needs output=")
        return _in_memory([*line, "--", name], data, callback)


def _in_memory(line: list[str], data: _core.Cells | None, callback: Progress | None) -> Any:
    try:
        import anndata
    except ModuleNotFoundError:
        raise ImportError("an AnnData is made where no output= is given, which needs: pip install anndata") from None
    with tempfile.TemporaryDirectory(prefix="ferrome-") as folder:
        h5ad = os.path.join(folder, "cells.h5ad")
        _core.cell_call([*line[:2], *flags(output=h5ad), *line[2:]], data, None, callback)
        return anndata.read_h5ad(h5ad)


def qc(
    cells: Cells,
    output: str | os.PathLike[str],
    *,
    json: str | os.PathLike[str] | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    style: str | None = None,
    max_length: int | None = None,
    layer: str | None = None,
    allow_normalized: bool = False,
    threads: int | None = None,
    genes: str = "auto",
    gene_column: str | None = None,
    gene_map: str | os.PathLike[str] | None = None,
    min_matched: float = 50,
    strict: bool = False,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """One HTML page about quality: counts and genes per cell, mitochondrial share, token lengths. Returns its path."""
    options = flags(
        output=output,
        json=json,
        vocabulary=vocabulary,
        style=style,
        max_length=max_length,
        layer=layer,
        allow_normalized=allow_normalized,
        threads=threads,
        genes=genes,
        gene_column=gene_column,
        gene_map=gene_map,
        min_matched=min_matched,
        strict=strict,
        overwrite=overwrite,
    )
    with given(cells, layer) as (name, data), progress_of(progress, "cell qc") as callback:
        _core.cell_call(["cell", "qc", *options, "--quiet", "--", name], data, None, callback)
    return Path(output)


def tokenize(
    cells: Cells,
    style: str,
    vocabulary: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    obs: Sequence[str] | str | None = None,
    all_cells: bool = False,
    layer: str | None = None,
    allow_normalized: bool = False,
    threads: int | None = None,
    n_counts: str | None = None,
    keep_uncropped: bool = False,
    keep_counts: bool = False,
    path: str | None = None,
    binning: str | None = None,
    bins: int | None = None,
    seed: int | None = None,
    max_length: int | None = None,
    zero_genes: bool = False,
    min_counts: int | None = None,
    variable_genes: int | None = None,
    flavor: str | None = None,
    batch: str | None = None,
    genes: str = "auto",
    gene_column: str | None = None,
    gene_map: str | os.PathLike[str] | None = None,
    min_matched: float = 50,
    strict: bool = False,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> pa.Table | Path:
    """Tokens for Geneformer (``style="geneformer-v1"`` or ``"geneformer-v2"``) and scGPT (``"scgpt"``).

    Returns:
        A ``pyarrow.Table`` with ``input_ids``, ``length``, ``cell_id``, the columns of ``obs`` and ``error``, in the order of the
        cells; with ``output`` (a folder for a Hugging Face dataset, .parquet or .arrow) its path.
    """
    options = flags(
        style=style,
        vocabulary=vocabulary,
        obs=listed(obs),
        all_cells=all_cells,
        layer=layer,
        allow_normalized=allow_normalized,
        threads=threads,
        n_counts=n_counts,
        keep_uncropped=keep_uncropped,
        keep_counts=keep_counts,
        path=path,
        binning=binning,
        bins=bins,
        seed=seed,
        max_length=max_length,
        zero_genes=zero_genes,
        min_counts=min_counts,
        variable_genes=variable_genes,
        flavor=flavor,
        batch=batch,
        genes=genes,
        gene_column=gene_column,
        gene_map=gene_map,
        min_matched=min_matched,
        strict=strict,
        overwrite=overwrite,
    )
    line = ["cell", "tokenize", *options, "--quiet"]
    with given(cells, layer) as (name, data), progress_of(progress, "cell tokenize") as callback:
        if output is not None:
            _core.cell_call([*line, *flags(output=output), "--", name], data, None, callback)
            return Path(output)
        return table_of(line, name, data, callback)
