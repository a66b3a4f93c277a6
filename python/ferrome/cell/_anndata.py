"""How an AnnData is read: its arrays where they are, the same matrix as of an h5ad file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from ferrome import _core

if TYPE_CHECKING:
    import pyarrow as pa

_Numbers = "int8 to int64, uint8 to uint64, float32 or float64"


def is_anndata(given: object) -> TypeGuard[Any]:
    """Whether it is an AnnData, which this module does not import."""
    return all(hasattr(given, name) for name in ("obs", "var", "obs_names", "layers", "isbacked"))


def cells_of(adata: Any, layer: str | None) -> _core.Cells:
    """The cells of an AnnData for a subcommand.

    A view works: its own cells and genes are read. Of a backed one counts and genes are read from its file, ``obs`` is that in
    memory.
    """
    if adata.isbacked and not adata.is_view:
        return _core.Cells(_frame(adata.obs), [], adata.filename)
    if adata.isbacked:
        adata = adata.to_memory()
    there = [name for name, matrix in (("X", adata.X), ("raw/X", adata.raw)) if matrix is not None]
    there += [f"layers/{name}" for name in adata.layers]
    layers = []
    for name in _core.cell_layers(there, layer):
        if name == "X":
            matrix, var = adata.X, adata.var
        elif name == "raw/X":
            matrix, var = adata.raw.X, adata.raw.var
        else:
            matrix, var = adata.layers[name.removeprefix("layers/")], adata.var
        layers.append((name, _frame(var), *_arrays(matrix, name)))
    return _core.Cells(_frame(adata.obs), layers, None)


def _arrays(matrix: Any, name: str) -> tuple[tuple[pa.Array, pa.Array] | None, pa.Array, int]:
    """``indptr`` and ``indices`` of a sparse matrix, the values, and how many genes there are."""
    import numpy as np

    if hasattr(matrix, "tocsr"):
        sparse = matrix if matrix.format == "csr" else matrix.tocsr()
        starts, genes = (_array(part, name) for part in (sparse.indptr, sparse.indices))
        return (starts, genes), _array(sparse.data, name), sparse.shape[1]
    if not isinstance(matrix, np.ndarray):
        kind = type(matrix)
        found = f"{kind.__module__}.{kind.__qualname__}"
        raise TypeError(f"AnnData: {name}: expected a NumPy array or a SciPy sparse matrix, found {found}")
    if matrix.ndim != 2:
        raise ValueError(f"AnnData: {name}: expected the shape [cells, genes], found {list(matrix.shape)}")
    return None, _array(np.ascontiguousarray(matrix).reshape(-1), name), matrix.shape[1]


def _array(numbers: Any, name: str) -> pa.Array:
    """Numbers as Arrow has them: without a copy, if they are of this machine's byte order."""
    import numpy as np
    import pyarrow as pa

    numbers = np.asarray(numbers)
    if numbers.dtype.kind == "b":
        numbers = numbers.view(np.uint8)
    if numbers.dtype.kind not in "iuf" or numbers.dtype.itemsize > 8:
        raise TypeError(f"AnnData: {name}: expected {_Numbers}, found {numbers.dtype}")
    return pa.array(numbers.astype(numbers.dtype.newbyteorder("="), copy=False))


def _frame(frame: Any) -> pa.Table:
    """``obs`` or ``var``: the names of its rows, and its columns."""
    import pyarrow as pa

    names, columns, skipped = [""], [pa.array(frame.index.astype(str), type=pa.string())], []
    for name, column in frame.items():
        try:
            columns.append(_column(column))
            names.append(str(name))
        except (pa.ArrowException, TypeError, ValueError):
            skipped.append(str(name))
    metadata = {"skipped": ", ".join(skipped)} if skipped else {}
    if frame.index.name is not None:
        metadata["index"] = str(frame.index.name)
    fields = [pa.field(name, column.type) for name, column in zip(names, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=metadata))


def _column(column: Any) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    if column.dtype == "category":
        codes = np.asarray(column.cat.codes)
        categories = pa.array(column.cat.categories, from_pandas=True)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), categories, ordered=column.cat.ordered)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        # Not a number stays what it is.
        return pa.array(column.to_numpy())
    made = pa.array(column, from_pandas=True)
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
