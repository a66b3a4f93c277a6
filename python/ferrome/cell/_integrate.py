"""Batches brought together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.cell._anndata import is_anndata
from ferrome.cell._given import Cells, Config, configured, given, stand_in

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

#: ``"NAME=WHAT"``, several of them, or a dictionary of WHAT by NAME: the path of a table, or ``"obsm/KEY"``.
Compared: TypeAlias = "str | Sequence[str] | Mapping[str, str | os.PathLike[str]]"


def integrate(
    cells: Cells,
    model: str | os.PathLike[str],
    batch: str,
    output: str | os.PathLike[str],
    *,
    label: str | None = None,
    h5ad: str | os.PathLike[str] | None = None,
    compare: Compared | None = None,
    score_cells: int = 10_000,
    config: Config | None = None,
    epochs: int | None = None,
    variable_genes: int | None = None,
    batch_cells: int | None = None,
    lr: float | None = None,
    dab_weight: float | None = None,
    seed: int | None = None,
    genes: str = "auto",
    gene_column: str | None = None,
    gene_map: str | os.PathLike[str] | None = None,
    min_matched: float = 50,
    layer: str | None = None,
    allow_normalized: bool = False,
    device: str = "auto",
    dtype: str = "f32",
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> pa.Table:
    """Bring batches together: an scGPT fine-tuned on the cells, scored beside PCA and the model as given.

    ``batch`` names the column of ``obs`` with each cell's batch, ``label`` that with its type, which only scores and pictures look
    at. ``output`` is the folder of the new model, which ``embed(…, batch=…)`` takes, with embeddings.parquet, scores, maps and
    report.html. ``compare`` scores other vectors too: ``{"Harmony": "obsm/X_harmony", "scVI": "scvi.parquet"}``; obsm is that of
    the ``AnnData``. ``config`` has the keys that docs/cell.md explains, or is the path of such a JSON file. Stopped at any moment,
    the same call goes on where it was; after the end it scores again and trains nothing.

    Returns:
        The scores, a ``pyarrow.Table`` with one row per ``method``: ``dimensions``, the measures of scIB (``overall``, ``avg_bio``,
        ``avg_batch``, ``nmi``, ``ari``, ``cell_type_asw``, ``graph_connectivity``, ``batch_asw``, ``batch_entropy``; 0 to 1, the
        higher the better, null where ``label`` is needed), ``resolution`` and ``clusters``. An ``AnnData`` gets the vectors, float32
        ``[cells, width]`` of length 1, in ``obsm["X_scgpt"]``; a cell that cannot be used has NaN there and is warned of. ``h5ad``
        is for the path of an h5ad: a copy of it with the vectors.

    Raises:
        ValueError: there is no such column, one batch alone, too few genes that the model knows, or the folder holds a run with other
            data or options.
        FileNotFoundError: a file or a model is not there.
        FileExistsError: the folder holds another model, or ``h5ad`` is there.
        ferrome.WeightsError: the model's weights are damaged or do not fit.
        KeyboardInterrupt: after Ctrl-C; the same call goes on from there.

    Example::

        scores = ferrome.cell.integrate(adata, "scGPT_human", "batch", "integrated", label="cell_type", epochs=2)
        scores.select(["method", "overall", "avg_bio", "avg_batch"]).to_pandas()
        sc.pp.neighbors(adata, use_rep="X_scgpt")
    """
    options = flags(
        model=model,
        batch=batch,
        output=output,
        label=label,
        h5ad=h5ad,
        score_cells=score_cells,
        epochs=epochs,
        variable_genes=variable_genes,
        batch_cells=batch_cells,
        lr=lr,
        dab_weight=dab_weight,
        seed=seed,
        genes=genes,
        gene_column=gene_column,
        gene_map=gene_map,
        min_matched=min_matched,
        layer=layer,
        allow_normalized=allow_normalized,
        device=device,
        dtype=dtype,
        threads=threads,
        overwrite=overwrite,
    )
    with (
        configured(config) as settings,
        _compared(cells, compare) as rivals,
        given(cells, layer) as (name, data),
        progress_of(progress, "cell integrate") as callback,
    ):
        line = ["cell", "integrate", *options, *flags(config=settings), *rivals, "--quiet", "--", name]
        _core.cell_call(line, data, None, callback)
    if is_anndata(cells):
        cells.obsm["X_scgpt"] = _vectors(Path(output) / "embeddings.parquet")
    return _scores(Path(output) / "integration.csv")


@contextmanager
def _compared(cells: Cells, compare: Compared | None) -> Iterator[list[str]]:
    """The flags; obsm of an AnnData becomes a table while it is used."""
    if isinstance(compare, Mapping):
        compare = [f"{name}={os.fspath(what)}" for name, what in compare.items()]
    asked = [compare] if isinstance(compare, str) else list(compare or [])
    with ExitStack() as stack:
        for place, one in enumerate(asked if is_anndata(cells) else []):
            name, _, what = one.partition("=")
            if not what.startswith("obsm/"):
                continue
            path = stack.enter_context(stand_in("vectors.parquet", f"AnnData: {what}"))
            _write(cells, what.removeprefix("obsm/"), path)
            asked[place] = f"{name}={path}"
        yield [f"--compare={one}" for one in asked]


def _write(adata: Any, key: str, path: Path) -> None:
    """A matrix of obsm as a table of vectors."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    if key not in adata.obsm:
        known = ", ".join(f"`{name}`" for name in adata.obsm) or "none"
        raise ValueError(f"AnnData: there is no obsm matrix `{key}`; there are {known}")
    matrix = adata.obsm[key]
    rows = np.ascontiguousarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"AnnData: obsm/{key}: expected the shape [cells, numbers], found {list(rows.shape)}")
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
    ids = pa.array(adata.obs_names.astype(str), type=pa.string())
    pq.write_table(pa.table({"cell_id": ids, "embedding": vectors}), path)


def _vectors(path: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The vectors as one array, NaN where there is none."""
    import numpy as np
    import pyarrow.parquet as pq

    column = pq.read_table(path, columns=["embedding"], memory_map=False)["embedding"].combine_chunks()
    vectors: np.ndarray[Any, np.dtype[np.float32]] = column.values.to_numpy(zero_copy_only=False)
    vectors = vectors.reshape(len(column), column.type.list_size).copy()
    vectors[column.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return vectors


def _scores(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv

    names = path.read_text().partition("\n")[0].split(",")
    types = {name: pa.float64() for name in names} | {
        "method": pa.string(),
        "dimensions": pa.int64(),
        "clusters": pa.int64(),
    }
    return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=types))
