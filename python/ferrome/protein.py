"""Proteins: vectors from ESM-2, ESM-1b and ESM-1v.

Every option has the name, the default and the meaning that it has in ``ferrome protein embed --help``.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ferrome import _core
from ferrome._call import Progress, flags, progress_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import pyarrow as pa

__all__ = ["Model", "embed", "load", "pretrain"]

#: FASTA paths (one, or several in a list of ``pathlib.Path``), sequences, or a table.
Sequences: TypeAlias = "str | os.PathLike[str] | Sequence[os.PathLike[str]] | Iterable[str] | Any"


def embed(
    sequences: Sequences,
    model: str | os.PathLike[str],
    *,
    pool: str = "mean",
    layers: int | Sequence[int] = -1,
    logits: bool = False,
    long: str | None = None,
    window: int = 1022,
    overlap: int = 128,
    translate: int | None = None,
    orfs: bool = False,
    min_orf: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int | None = None,
    threads: int | None = None,
    strict: bool = False,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    sequence_column: str = "sequence",
    id_column: str = "id",
    progress: bool | Progress | None = None,
) -> np.ndarray[Any, np.dtype[np.float32]] | pa.Table | Path:
    """One vector per protein (or per residue), in the order of the input.

    ``sequences`` is one of:

    - a list (or another iterable, or an Arrow array) of sequences;
    - the path of a FASTA file (plain, gzip or BGZF), or a list of paths;
    - a table of pyarrow, polars, pandas, duckdb or anything else with ``__arrow_c_stream__``, with the columns
      ``sequence_column`` and, where there is one, ``id_column``.

    Returns:
        For a list of sequences one float32 array ``[sequences, width]``; a sequence that cannot be computed has NaN and is
        warned of. For files and tables, and where a row is more than one vector (``pool="residue"``, several ``layers``,
        ``logits``), a ``pyarrow.Table`` with ``id``, ``length``, ``embedding`` and ``error``, which polars and pandas take
        without a copy. With ``output`` (.parquet, .npy, .arrow, .csv or a folder) its path: such a run goes on where it
        was when the same call is made again after Ctrl-C or a kill.

    Raises:
        ValueError: an option or a sequence is refused.
        FileNotFoundError: a file or a model is not there.
        ferrome.WeightsError: the model's weights are damaged or do not fit.
    """
    options = flags(
        pool=pool,
        layers=layers,
        logits=logits,
        long=long,
        window=window,
        overlap=overlap,
        translate=translate,
        orfs=orfs,
        min_orf=min_orf,
        device=device,
        dtype=dtype,
        batch_tokens=batch_tokens,
        threads=threads,
        strict=strict,
        overwrite=overwrite,
    )
    several = pool == "residue" or logits or not isinstance(layers, int)
    return _embed(sequences, model, None, options, several, output, (sequence_column, id_column), progress)


def load(
    model: str | os.PathLike[str],
    *,
    device: str = "auto",
    dtype: str = "auto",
    threads: int | None = None,
) -> Model:
    """Load a model that is used more than once, on each device that ``device`` means."""
    return Model(model, device=device, dtype=dtype, threads=threads)


class Model:
    """A protein model that stays loaded; several threads may use it at once."""

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
        self._model = _core.ProteinModel(flags(model=model, device=device, dtype=dtype, threads=threads))

    def __repr__(self) -> str:
        return f"ferrome.protein.Model({self.name!r}, device={self.device!r}, dtype={self.dtype!r})"

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
        sequences: Sequences,
        *,
        pool: str = "mean",
        layers: int | Sequence[int] = -1,
        logits: bool = False,
        long: str | None = None,
        window: int = 1022,
        overlap: int = 128,
        translate: int | None = None,
        orfs: bool = False,
        min_orf: int | None = None,
        batch_tokens: int | None = None,
        strict: bool = False,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        sequence_column: str = "sequence",
        id_column: str = "id",
        progress: bool | Progress | None = None,
    ) -> np.ndarray[Any, np.dtype[np.float32]] | pa.Table | Path:
        """As :func:`embed`, with the weights that are loaded."""
        options = flags(
            pool=pool,
            layers=layers,
            logits=logits,
            long=long,
            window=window,
            overlap=overlap,
            translate=translate,
            orfs=orfs,
            min_orf=min_orf,
            device=self.device,
            dtype=self.dtype,
            batch_tokens=batch_tokens,
            threads=self.threads,
            strict=strict,
            overwrite=overwrite,
        )
        several = pool == "residue" or logits or not isinstance(layers, int)
        columns = (sequence_column, id_column)
        return _embed(sequences, self.name, self._model, options, several, output, columns, progress)


def pretrain(
    sequences: Sequences,
    config: Mapping[str, Any] | str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    from_: str | os.PathLike[str] | None = None,
    device: str = "auto",
    dtype: str = "auto",
    threads: int | None = None,
    overwrite: bool = False,
    sequence_column: str = "sequence",
    progress: bool | Progress | None = None,
) -> Path:
    """Train an ESM-2 by masked language modelling, from scratch or from a checkpoint (``from_``), into the folder ``output``.

    ``sequences`` is as for :func:`embed`; ``config`` has the keys of ``ferrome protein pretrain --help``, or is the path of a
    JSON file with them.

    Returns:
        The folder, which ``EsmForMaskedLM.from_pretrained`` and :func:`embed` take; ``metrics.csv`` in it has the losses.

    Raises:
        KeyboardInterrupt: after Ctrl-C; the same call goes on from the last step.
        FileExistsError: the folder holds a model already.
    """
    given = config if isinstance(config, (str, os.PathLike)) else None
    line = flags(
        config="config" if given is None else given,
        from_=from_,
        output=output,
        device=device,
        dtype=dtype,
        threads=threads,
        overwrite=overwrite,
        quiet=True,
    )
    files = _files(sequences)
    line += ["--", *(["sequences"] if files is None else files)]
    text = json.dumps(dict(config)) if not isinstance(config, (str, os.PathLike)) else None
    with progress_of(progress, "protein pretrain") as callback:
        _core.protein_pretrain(line, sequences if files is None else None, sequence_column, text, callback)
    return Path(output)


def _embed(
    sequences: Sequences,
    name: str | os.PathLike[str],
    model: _core.ProteinModel | None,
    options: list[str],
    several: bool,
    output: str | os.PathLike[str] | None,
    columns: tuple[str, str],
    progress: bool | Progress | None,
) -> Any:
    line = [*flags(model=name), *options, "--quiet"]
    files = _files(sequences)
    line += ["--", *files] if files is not None else ["--", "sequences"]
    given = sequences if files is None else None
    with progress_of(progress, "protein embed") as callback:
        if output is not None:
            line = [*flags(output=output), *line]
            _core.protein_embed(line, given, columns, model, callback, True)
            return Path(output)
        if given is None or several or hasattr(given, "column_names") or hasattr(given, "columns"):
            return _core.protein_embed(line, given, columns, model, callback, False)
        vectors, rejected = _core.protein_vectors(line, given, columns, model, callback)
    if rejected:
        row, reason = rejected[0]
        warnings.warn(
            f"{len(rejected)} of {len(vectors)} sequences have no vector (NaN), the first is item {row}: {reason}",
            stacklevel=3,
        )
    return vectors


#: How the names of FASTA files end. Letters and a full stop are what sequences are made of, too.
_SUFFIXES = (".fasta", ".fa", ".faa", ".fna", ".ffn", ".fas", ".gz", ".bgz")


def _files(sequences: Sequences) -> list[str] | None:
    """The paths, if paths are given."""
    if isinstance(sequences, (str, os.PathLike)):
        return [os.fspath(sequences)]
    if not isinstance(sequences, (list, tuple)) or not sequences:
        return None
    first = sequences[0]
    if isinstance(first, os.PathLike):
        return [os.fspath(path) for path in sequences]
    if isinstance(first, str) and first.lower().endswith(_SUFFIXES):
        raise ValueError(f"sequences: item 0 is called `{first}`: expected a sequence; give several files as pathlib.Path")
    return None
