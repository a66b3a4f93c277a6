"""What a run wrote, as it is handed back."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from ferrome import _core
from ferrome._call import Progress, flags

if TYPE_CHECKING:
    import pyarrow as pa


def table_of(line: list[str], name: str, data: _core.Cells | None, callback: Progress | None) -> pa.Table:
    """The table that ``line`` would write of the cells called ``name``; its file is gone afterwards."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="ferrome-") as folder:
        path = os.path.join(folder, "table.parquet")
        _core.cell_call([*line, *flags(output=path), "--", name], data, None, callback)
        return pq.read_table(path, memory_map=False)
