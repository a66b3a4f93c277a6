"""Features of molecules."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.drug._given import Molecules, molecules_of

if TYPE_CHECKING:
    import pyarrow as pa


def featurize(
    molecules: Molecules,
    output: str | os.PathLike[str] | None = None,
    *,
    what: str | Sequence[str] = "ecfp4,scaffold,descriptors,atoms",
    standardize: str | Sequence[str] | None = None,
    smiles_column: str | None = None,
    id_column: str | None = None,
    id_field: str | None = None,
    threads: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> pa.Table | Path:
    """Fingerprints, scaffolds, descriptors and atoms of molecules, as RDKit has them.

    Returns:
        A ``pyarrow.Table`` with ``id``, ``smiles``, the columns asked for and ``error``, one row per molecule, in their order; what
        is no molecule keeps its row, with nulls and the reason. With ``output`` its path.

    Raises:
        ValueError: an option or a column is refused; with ``strict`` the first molecule that is none.
        FileNotFoundError: a file is not there.
    """
    options = flags(
        what=what,
        standardize=standardize,
        smiles_column=smiles_column,
        id_column=id_column,
        id_field=id_field,
        threads=threads,
        strict=strict,
        overwrite=overwrite,
    )
    name, table = molecules_of(molecules)
    line = ["drug", "featurize", *options, "--quiet"]
    with progress_of(progress, "drug featurize") as callback:
        if output is not None:
            _core.drug_call([*line, *flags(output=output), "--", name], table, progress=callback)
            return Path(output)
        return _core.drug_table([*line, "--", name], table, progress=callback)
