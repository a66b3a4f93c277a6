"""What the package calls: see crates/ferrome-py."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, final

import numpy as np
import pyarrow as pa

__all__ = [
    "CellModel",
    "Cells",
    "DeviceError",
    "DrugModel",
    "InternalError",
    "ProteinModel",
    "WeightsError",
    "__version__",
    "call",
    "cell_call",
    "cell_layers",
    "cell_table",
    "cell_vectors",
    "definition",
    "drug_call",
    "drug_table",
    "finish",
    "main",
    "protein_embed",
    "protein_pretrain",
    "protein_vectors",
    "table",
]

_Argument: TypeAlias = str | PathLike[str]
_Progress: TypeAlias = Callable[[int, int | None, str], object]

__version__: str

class WeightsError(ValueError):
    """A file of weights is damaged, or not what the model needs."""

class DeviceError(RuntimeError):
    """A device is not there, or does not do what is asked."""

class InternalError(RuntimeError):
    """A defect of ferrome."""

@final
class ProteinModel:
    """A protein model that stays loaded."""

    def __new__(cls, arguments: Sequence[_Argument]) -> ProteinModel: ...
    @property
    def shape(self) -> tuple[int, int]: ...

@final
class CellModel:
    """A Geneformer or scGPT that stays loaded."""

    def __new__(cls, arguments: Sequence[_Argument]) -> CellModel: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def family(self) -> str: ...

@final
class Cells:
    """An AnnData whose arrays are read where they are."""

    def __new__(
        cls,
        obs: Any,
        layers: Sequence[tuple[str, Any, tuple[Any, Any] | None, Any, int]],
        file: _Argument | None,
    ) -> Cells: ...

@final
class DrugModel:
    """A model of affinities that stays loaded."""

    def __new__(cls, arguments: Sequence[_Argument]) -> DrugModel: ...
    @property
    def path(self) -> Path: ...

def main(arguments: Sequence[_Argument]) -> NoReturn: ...
def call(arguments: Sequence[_Argument], progress: _Progress | None = None) -> None: ...
def table(arguments: Sequence[_Argument], progress: _Progress | None = None) -> pa.Table: ...
def definition(path: Sequence[str]) -> dict[str, str | bool | None]: ...
def finish() -> None: ...
def protein_embed(
    arguments: Sequence[_Argument],
    sequences: Any,
    columns: tuple[str, str],
    model: ProteinModel | None,
    progress: _Progress | None,
    output: bool,
) -> pa.Table | None: ...
def protein_vectors(
    arguments: Sequence[_Argument],
    sequences: Any,
    columns: tuple[str, str],
    model: ProteinModel | None,
    progress: _Progress | None,
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], list[tuple[int, str]]]: ...
def protein_pretrain(
    arguments: Sequence[_Argument],
    sequences: Any,
    column: str,
    config: str | None,
    progress: _Progress | None,
) -> None: ...
def cell_layers(there: Sequence[str], layer: str | None = None) -> list[str]: ...
def cell_call(
    arguments: Sequence[_Argument],
    cells: Cells | None = None,
    model: CellModel | None = None,
    progress: _Progress | None = None,
) -> None: ...
def cell_table(
    arguments: Sequence[_Argument],
    cells: Cells | None = None,
    model: CellModel | None = None,
    progress: _Progress | None = None,
) -> pa.Table: ...
def cell_vectors(
    arguments: Sequence[_Argument],
    cells: Cells | None = None,
    model: CellModel | None = None,
    progress: _Progress | None = None,
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], list[tuple[int, str]]]: ...
def drug_call(
    arguments: Sequence[_Argument],
    molecules: Any = None,
    targets: Any = None,
    model: DrugModel | None = None,
    config: str | None = None,
    progress: _Progress | None = None,
) -> None: ...
def drug_table(
    arguments: Sequence[_Argument],
    molecules: Any = None,
    targets: Any = None,
    model: DrugModel | None = None,
    progress: _Progress | None = None,
) -> pa.Table: ...
