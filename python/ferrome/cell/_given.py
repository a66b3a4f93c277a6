"""What the functions of this room are given: a path, an AnnData, or a table of tokens; settings."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ferrome import _core
from ferrome.cell._anndata import cells_of, is_anndata

#: A path: h5ad, 10x, loom, Parquet, a dataset, or a table of tokens; an AnnData; or a table of tokens in memory.
Cells: TypeAlias = "str | os.PathLike[str] | Any"
#: The path of a JSON file, or its keys.
Config: TypeAlias = "Mapping[str, Any] | str | os.PathLike[str]"


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

        with stand_in("tokens.parquet", "cells") as path:
            pq.write_table(pa.table(cells), path)
            yield os.fspath(path), None
    else:
        found = type(cells).__name__
        raise TypeError(f"cells: expected a path, an AnnData or a table of tokens, found {found}")


@contextmanager
def each_given(
    cells: Cells | Sequence[str | os.PathLike[str]], layer: str | None = None
) -> Iterator[tuple[list[str], _core.Cells | None]]:
    """As :func:`given`, or the names of several files."""
    if isinstance(cells, (list, tuple)):
        yield [os.fspath(path) for path in cells], None
    else:
        with given(cells, layer) as (name, data):
            yield [name], data


@contextmanager
def configured(config: Config | None) -> Iterator[str | os.PathLike[str] | None]:
    """The path of settings; keys become a file while they are used."""
    if not isinstance(config, Mapping):
        yield config
        return
    with stand_in("config.json", "config") as path:
        path.write_text(json.dumps(dict(config)))
        yield path


@contextmanager
def stand_in(name: str, what: str) -> Iterator[Path]:
    """Where a file lies while it stands for ``what`` the caller has in memory, as messages call it."""
    with tempfile.TemporaryDirectory(prefix="ferrome-") as folder:
        path = Path(folder) / name
        try:
            yield path
        except ValueError as error:
            # The file is not the caller's.
            error.args = (str(error).replace(os.fspath(path), what),)
            raise


def listed(names: str | os.PathLike[str] | Any) -> Any:
    """Several names joined with commas, as the command line has them."""
    if names is None or isinstance(names, (str, os.PathLike)):
        return names
    return ",".join(map(str, names))
