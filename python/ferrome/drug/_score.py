"""Scores, by a model that is loaded once or for one call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.drug._given import Molecules, Targets, molecules_of, targets_of

if TYPE_CHECKING:
    import pyarrow as pa


def load(
    model: str | os.PathLike[str] = "ferrome-dta-davis",
    *,
    tier: str = "full",
    embeddings: str | os.PathLike[str] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Model:
    """Load a model of affinities that is used more than once."""
    return Model(model, tier=tier, embeddings=embeddings, device=device, threads=threads)


def score(
    molecules: Molecules | None = None,
    targets: Targets | None = None,
    *,
    pairs: Molecules | None = None,
    model: str | os.PathLike[str] = "ferrome-dta-davis",
    tier: str = "full",
    cascade: float | None = None,
    embeddings: str | os.PathLike[str] | None = None,
    confidence: float = 0.9,
    top_k: int | None = None,
    sort: bool = False,
    smiles_column: str | None = None,
    id_column: str | None = None,
    id_field: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    strict: bool = False,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> pa.Table | Path:
    """Score every molecule against every target, or row by row of a table of ``pairs``, with standard deviation and interval.

    ``molecules`` is a path, a list of SMILES, or a table with ``smiles`` and ``id``; ``targets`` is a path (FASTA or a table),
    a dictionary of sequences by id, a list of sequences, or a table with ``target_id`` and ``sequence``. ``pairs`` has both in one
    table: ``smiles``, ``sequence``, ``drug_id``, ``target_id``, and columns that pass through.

    Returns:
        A ``pyarrow.Table`` with ``drug_id``, ``smiles``, ``target_id``, ``score``, ``std``, ``lower``, ``upper``,
        ``nearest_train_tanimoto``, ``in_domain`` and ``error``, all targets of the first molecule first; what cannot be scored
        keeps its row, with nulls and the reason. With ``output`` its path.

    Raises:
        ValueError: an option, a column or a target is refused; with ``strict`` the first row that cannot be scored.
        FileNotFoundError: a file or a model is not there.
    """
    options = flags(
        model=model,
        # What a cascade excludes cannot be said beside it.
        tier=tier if cascade is None or tier != "full" else None,
        cascade=cascade,
        embeddings=embeddings,
        confidence=confidence,
        top_k=top_k,
        sort=sort,
        smiles_column=smiles_column,
        id_column=id_column,
        id_field=id_field,
        device=device,
        threads=threads,
        strict=strict,
        overwrite=overwrite,
    )
    return _score(molecules, targets, pairs, options, None, output, progress)


class Model:
    """A model of affinities that stays loaded; several threads may use it at once."""

    def __init__(
        self,
        model: str | os.PathLike[str] = "ferrome-dta-davis",
        *,
        tier: str = "full",
        embeddings: str | os.PathLike[str] | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.name = os.fspath(model)
        self._options = flags(model=model, tier=tier, embeddings=embeddings, device=device, threads=threads)
        self._model = _core.DrugModel(self._options)

    def __repr__(self) -> str:
        return f"ferrome.drug.Model({self.name!r})"

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self._model.path)

    def score(
        self,
        molecules: Molecules | None = None,
        targets: Targets | None = None,
        *,
        pairs: Molecules | None = None,
        confidence: float = 0.9,
        top_k: int | None = None,
        sort: bool = False,
        smiles_column: str | None = None,
        id_column: str | None = None,
        id_field: str | None = None,
        strict: bool = False,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: bool | Progress | None = None,
    ) -> pa.Table | Path:
        """As :func:`score`, with the weights that are loaded."""
        options = flags(
            confidence=confidence,
            top_k=top_k,
            sort=sort,
            smiles_column=smiles_column,
            id_column=id_column,
            id_field=id_field,
            strict=strict,
            overwrite=overwrite,
        )
        return _score(molecules, targets, pairs, [*self._options, *options], self._model, output, progress)


def _score(
    molecules: Molecules | None,
    targets: Targets | None,
    pairs: Molecules | None,
    options: list[str],
    model: _core.DrugModel | None,
    output: str | os.PathLike[str] | None,
    progress: bool | Progress | None,
) -> pa.Table | Path:
    if (molecules is None) == (pairs is None) or (molecules is None) != (targets is None):
        raise ValueError("expected molecules and targets, or pairs")
    line, proteins = ["drug", "score", *options, "--quiet"], None
    if pairs is not None:
        name, table = molecules_of(pairs)
        line += flags(pairs=name)
        files: list[str] = []
    else:
        name, table = molecules_of(molecules)
        place, proteins = targets_of(targets)
        line += flags(targets=place)
        files = ["--", name]
    with progress_of(progress, "drug score") as callback:
        if output is not None:
            _core.drug_call([*line, *flags(output=output), *files], table, proteins, model, progress=callback)
            return Path(output)
        return _core.drug_table([*line, *files], table, proteins, model, progress=callback)
