"""What the functions of this room are given: paths, lists, or tables of any library that speaks Arrow's PyCapsule interface."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

#: A path (.smi, .csv, .tsv, .parquet, .sdf), SMILES (a list, an iterable, an Arrow array), or a table with a column of them.
Molecules: TypeAlias = "str | os.PathLike[str] | Iterable[str | None] | Any"
#: A path (FASTA, .csv, .tsv, .parquet), sequences by id, a list of sequences, or a table with ``target_id`` and ``sequence``.
Targets: TypeAlias = "str | os.PathLike[str] | Mapping[str, str] | Iterable[str] | Any"


def molecules_of(given: Molecules) -> tuple[str, pa.Table | None]:
    """What the command line names, and the table that stands for it."""
    if isinstance(given, (str, os.PathLike)):
        return os.fspath(given), None
    return "molecules", _table(given, "smiles", "molecules")


def targets_of(given: Targets) -> tuple[str, pa.Table | None]:
    """The same for targets."""
    if isinstance(given, (str, os.PathLike)):
        return os.fspath(given), None
    if isinstance(given, Mapping):
        import pyarrow as pa

        ids, sequences = _texts(given.keys(), "targets"), _texts(given.values(), "targets")
        return "targets", pa.table({"target_id": ids, "sequence": sequences})
    return "targets", _table(given, "sequence", "targets")


def _table(given: Any, column: str, what: str) -> pa.Table:
    """A table as it is; a list, an array or a column of a table as the column ``column``."""
    import pyarrow as pa

    if hasattr(given, "column_names") or hasattr(given, "columns"):
        if not hasattr(given, "__arrow_c_stream__"):
            raise TypeError(f"{what}: expected a table with __arrow_c_stream__, found {type(given).__name__}")
        return pa.table(given)
    if isinstance(given, (pa.Array, pa.ChunkedArray)):
        texts: Any = given
    elif hasattr(given, "__arrow_c_stream__"):
        texts = pa.chunked_array(given)
    else:
        return pa.table({column: _texts(given, what)})
    kind = texts.type.value_type if pa.types.is_dictionary(texts.type) else texts.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise TypeError(f"{what}: expected strings, found {texts.type}")
    return pa.table({column: texts})


def _texts(given: Any, what: str) -> pa.Array:
    import pyarrow as pa

    if not isinstance(given, Iterable):
        raise TypeError(f"{what}: expected a path, a list of strings or a table, found {type(given).__name__}")
    items = list(given)
    for i, item in enumerate(items):
        if item is not None and not isinstance(item, str):
            raise TypeError(f"{what}: item {i}: expected a string, found {type(item).__name__}")
    return pa.array(items, type=pa.large_string())
