"""Vectors and classes of cells, by a model that is loaded once or for one call."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.cell._anndata import is_anndata
from ferrome.cell._given import Cells, given, listed

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def load(
    model: str | os.PathLike[str],
    *,
    device: str = "auto",
    dtype: str = "auto",
    threads: int | None = None,
) -> Model:
    """Load a Geneformer or scGPT that is used more than once, on each device that ``device`` means."""
    return Model(model, device=device, dtype=dtype, threads=threads)


def embed(
    cells: Cells,
    model: str | os.PathLike[str],
    *,
    pool: str | None = None,
    layer: str | int | None = None,
    compat: str | None = None,
    long: str = "error",
    batch: str | None = None,
    obs: Sequence[str] | str | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    matrix: str | None = None,
    n_counts: str | None = None,
    genes: str = "auto",
    gene_column: str | None = None,
    gene_map: str | os.PathLike[str] | None = None,
    min_matched: float = 50,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int | None = None,
    threads: int | None = None,
    strict: bool = False,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> np.ndarray[Any, np.dtype[np.float32]] | pa.Table | Path:
    """One vector per cell (or per gene, ``pool="gene"``), in the order of the cells.

    ``cells`` is the path of tokens or of cells, a table of tokens, or an ``AnnData``. ``batch`` names the column of ``obs`` that
    an scGPT with a batch normalization for each batch needs.

    Returns:
        For an ``AnnData`` a float32 array ``[cells, width]``, which is put into ``obsm["X_geneformer"]`` (or ``["X_scgpt"]``) too;
        a cell that cannot be computed has NaN and is warned of. Otherwise a ``pyarrow.Table`` with ``cell_id``, ``length``,
        ``embedding``, the columns of ``obs`` and ``error``. With ``output`` its path; with .h5ad that is a copy of the h5ad with
        the vectors in ``obsm``.

    Raises:
        ValueError: an option is refused; the cells hold no counts, or too few genes that the model knows.
        FileNotFoundError: a file or a model is not there.
        ferrome.WeightsError: the model's weights are damaged or do not fit.
    """
    return Model(model, device=device, dtype=dtype, threads=threads).embed(
        cells,
        pool=pool,
        layer=layer,
        compat=compat,
        long=long,
        batch=batch,
        obs=obs,
        vocabulary=vocabulary,
        matrix=matrix,
        n_counts=n_counts,
        genes=genes,
        gene_column=gene_column,
        gene_map=gene_map,
        min_matched=min_matched,
        batch_tokens=batch_tokens,
        strict=strict,
        output=output,
        overwrite=overwrite,
        progress=progress,
    )


def annotate(
    cells: Cells,
    model: str | os.PathLike[str],
    *,
    threshold: float = 0.0,
    long: str = "truncate",
    obs: Sequence[str] | str | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    matrix: str | None = None,
    n_counts: str | None = None,
    genes: str = "auto",
    gene_column: str | None = None,
    gene_map: str | os.PathLike[str] | None = None,
    min_matched: float = 50,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int | None = None,
    threads: int | None = None,
    strict: bool = False,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> pa.Table | Path:
    """The class of each cell, by a model that :func:`train` or transformers trained to tell it.

    Returns:
        A ``pyarrow.Table`` with ``cell_id``, ``length``, the columns of ``obs``, ``label``, ``probability``, ``entropy`` (nats) and
        ``error``, in the order of the cells: ``adata.obs["label"] = table["label"].to_numpy()``. With ``output`` its path.
    """
    return Model(model, device=device, dtype=dtype, threads=threads).annotate(
        cells,
        threshold=threshold,
        long=long,
        obs=obs,
        vocabulary=vocabulary,
        matrix=matrix,
        n_counts=n_counts,
        genes=genes,
        gene_column=gene_column,
        gene_map=gene_map,
        min_matched=min_matched,
        batch_tokens=batch_tokens,
        strict=strict,
        output=output,
        overwrite=overwrite,
        progress=progress,
    )


class Model:
    """A Geneformer or scGPT that stays loaded; several threads may use it at once."""

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        device: str = "auto",
        dtype: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.name = os.fspath(model)
        self.device = device
        self.dtype = dtype
        self.threads = threads
        self._model = _core.CellModel(flags(model=model, device=device, dtype=dtype, threads=threads))

    def __repr__(self) -> str:
        return f"ferrome.cell.Model({self.name!r}, device={self.device!r}, dtype={self.dtype!r})"

    @property
    def family(self) -> str:
        """``Geneformer`` or ``scGPT``."""
        return self._model.family

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self._model.shape[1]

    @property
    def layers(self) -> int:
        """Number of blocks: the layers are 0 (the embedding) to this."""
        return self._model.shape[0]

    def embed(
        self,
        cells: Cells,
        *,
        pool: str | None = None,
        layer: str | int | None = None,
        compat: str | None = None,
        long: str = "error",
        batch: str | None = None,
        obs: Sequence[str] | str | None = None,
        vocabulary: str | os.PathLike[str] | None = None,
        matrix: str | None = None,
        n_counts: str | None = None,
        genes: str = "auto",
        gene_column: str | None = None,
        gene_map: str | os.PathLike[str] | None = None,
        min_matched: float = 50,
        batch_tokens: int | None = None,
        strict: bool = False,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: bool | Progress | None = None,
    ) -> np.ndarray[Any, np.dtype[np.float32]] | pa.Table | Path:
        """As :func:`embed`, with the weights that are loaded."""
        options = flags(
            pool=pool,
            layer=layer,
            compat=compat,
            long=long,
            batch=batch,
            obs=listed(obs),
            vocabulary=vocabulary,
            matrix=matrix,
            n_counts=n_counts,
            genes=genes,
            gene_column=gene_column,
            gene_map=gene_map,
            min_matched=min_matched,
            batch_tokens=batch_tokens,
            strict=strict,
            overwrite=overwrite,
        )
        line = self._line("embed", options)
        with given(cells, matrix) as (name, data), progress_of(progress, "cell embed") as callback:
            if output is not None:
                _core.cell_call([*line, *flags(output=output), "--", name], data, self._model, callback)
                return Path(output)
            line += ["--", name]
            if pool == "gene" or not is_anndata(cells):
                return _core.cell_table(line, data, self._model, callback)
            vectors, rejected = _core.cell_vectors(line, data, self._model, callback)
        if rejected:
            row, reason = rejected[0]
            first = f"the first is cell {row}: {reason}"
            warnings.warn(f"{len(rejected)} of {len(vectors)} cells have no vector (NaN), {first}", stacklevel=2)
        if is_anndata(cells):
            cells.obsm["X_scgpt" if self.family == "scGPT" else "X_geneformer"] = vectors
        return vectors

    def annotate(
        self,
        cells: Cells,
        *,
        threshold: float = 0.0,
        long: str = "truncate",
        obs: Sequence[str] | str | None = None,
        vocabulary: str | os.PathLike[str] | None = None,
        matrix: str | None = None,
        n_counts: str | None = None,
        genes: str = "auto",
        gene_column: str | None = None,
        gene_map: str | os.PathLike[str] | None = None,
        min_matched: float = 50,
        batch_tokens: int | None = None,
        strict: bool = False,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: bool | Progress | None = None,
    ) -> pa.Table | Path:
        """As :func:`annotate`, with the weights that are loaded."""
        options = flags(
            threshold=threshold,
            long=long,
            obs=listed(obs),
            vocabulary=vocabulary,
            matrix=matrix,
            n_counts=n_counts,
            genes=genes,
            gene_column=gene_column,
            gene_map=gene_map,
            min_matched=min_matched,
            batch_tokens=batch_tokens,
            strict=strict,
            overwrite=overwrite,
        )
        line = self._line("annotate", options)
        with given(cells, matrix) as (name, data), progress_of(progress, "cell annotate") as callback:
            if output is not None:
                _core.cell_call([*line, *flags(output=output), "--", name], data, self._model, callback)
                return Path(output)
            return _core.cell_table([*line, "--", name], data, self._model, callback)

    def _line(self, command: str, options: list[str]) -> list[str]:
        own = flags(model=self.name, device=self.device, dtype=self.dtype, threads=self.threads)
        return ["cell", command, *own, *options, "--quiet"]
