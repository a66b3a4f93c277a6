"""Training and measuring models of affinity or interaction."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ferrome import _core
from ferrome._call import Progress, flags, progress_of

#: The path of a JSON file, or its keys; a table under ``data`` may be given instead of its path.
Config: TypeAlias = "Mapping[str, Any] | str | os.PathLike[str]"


def train(
    config: Config,
    output: str | os.PathLike[str],
    *,
    split: str | None = None,
    ensemble: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """Train a model of affinity or interaction on tables of pairs, into the folder ``output``.

    ``config`` has the keys that docs/drug.md explains, or is the path of such a JSON file. A table (of pyarrow, polars, pandas)
    in place of a path, such as ``{"data": {"pairs": frame, …}, …}``, is written to ``output/data`` first.

    Returns:
        The folder, which :func:`score`, :func:`evaluate` and :func:`load` take.

    Raises:
        KeyboardInterrupt: after Ctrl-C; the same call goes on from there.
    """
    options = flags(
        output=output,
        split=split,
        ensemble=ensemble,
        seed=seed,
        device=device,
        threads=threads,
        strict=strict,
        overwrite=overwrite,
    )
    return _run(["drug", "train", *options], config, output, progress)


def evaluate(
    config: Config,
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    on: str = "test",
    baselines: str | os.PathLike[str] | None = None,
    resamples: int = 1000,
    device: str = "auto",
    threads: int | None = None,
    strict: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """Measure a model on pairs with known values, beside simpler ones; ``config`` as for :func:`train`.

    Returns:
        The folder with report.html, report.md, metrics.json and predictions.csv.
    """
    options = flags(
        model=model,
        output=output,
        on=on,
        baselines=baselines,
        resamples=resamples,
        device=device,
        threads=threads,
        strict=strict,
    )
    return _run(["drug", "evaluate", *options], config, output, progress)


def _run(line: list[str], config: Config, output: str | os.PathLike[str], progress: bool | Progress | None) -> Path:
    name, text = "config", None
    if isinstance(config, Mapping):
        text = json.dumps(_written(config, Path(output)))
    else:
        name = os.fspath(config)
    with progress_of(progress, " ".join(line[:2])) as callback:
        _core.drug_call([*line, "--quiet", "--", name], config=text, progress=callback)
    return Path(output)


def _written(config: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """The configuration with the paths of its tables."""
    made = dict(config)
    data = made.get("data")
    if not isinstance(data, Mapping):
        return made
    made["data"] = dict(data)
    for key, value in data.items():
        if hasattr(value, "__arrow_c_stream__"):
            import pyarrow as pa
            import pyarrow.parquet as pq

            path = output / "data" / f"{key}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(value), path)
            made["data"][key] = os.fspath(path.absolute())
        elif isinstance(value, os.PathLike):
            made["data"][key] = os.fspath(value)
    return made
