"""What the functions of this room are given: a path, an AnnData, or a table of tokens."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ferrome import _core
from ferrome.cell._anndata import cells_of, is_anndata

#: A path: h5ad, 10x, loom, Parquet, a dataset, or a table of tokens; an AnnData; or a table of tokens in memory.
Cells: TypeAlias = "str | os.PathLike[str] | Any"


@contextmanager
def given(cells: Cells, layer: str | None = None) -> Iterator[tuple[str, _core.Cells | None]]:
    """What the command line names, and the cells that stand for it.

    A table of tokens (such as :func:`ferrome.cell.tokenize` gives) becomes a file while it is used.
    """
    if isinstance(cells, (str, os.PathLike)):
        yield os.fspath(cells), None
    elif is_anndata(cells):
        yield "AnnData", cells_of(cells, layer)
    elif hasattr(cells, "__arrow_c_stream__"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        with tempfile.TemporaryDirectory(prefix="ferrome-") as folder:
            path = Path(folder) / "tokens.parquet"
            pq.write_table(pa.table(cells), path)
            try:
                yield os.fspath(path), None
            except ValueError as error:
                # The file is not the caller's.
                error.args = (str(error).replace(os.fspath(path), "cells"),)
                raise
    else:
        found = type(cells).__name__
        raise TypeError(f"cells: expected a path, an AnnData or a table of tokens, found {found}")


def listed(names: str | os.PathLike[str] | Any) -> Any:
    """Several names joined with commas, as the command line has them."""
    if names is None or isinstance(names, (str, os.PathLike)):
        return names
    return ",".join(map(str, names))
