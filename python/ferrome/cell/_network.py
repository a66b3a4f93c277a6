"""Networks of genes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ferrome import _core
from ferrome._call import Progress, flags, progress_of
from ferrome.cell._given import Cells, given, stand_in

if TYPE_CHECKING:
    import pyarrow as pa


class Network(NamedTuple):
    """What a model says of genes."""

    #: ``condition``, ``source``, ``target``, ``weight``, ``rank``, ``control_rank``, ``cells``.
    edges: pa.Table
    #: ``condition``, ``gene``, ``module``, and the size of the module, ``genes``.
    modules: pa.Table


def network(
    tokens: Cells | None,
    model: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    from_: str | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    gene_list: Sequence[str] | str | os.PathLike[str] | None = None,
    genes: int = 1000,
    neighbours: int = 15,
    layer: str | int = "last",
    condition: str | None = None,
    control: str | None = None,
    edges: int = 1000,
    min_cells: int = 10,
    resolution: float = 1.0,
    seed: int = 0,
    format: str = "parquet",
    device: str = "auto",
    batch_tokens: int = 4096,
    threads: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Network | Path:
    """Edges between genes, as a Geneformer or an scGPT sees them, and the modules that the Leiden algorithm finds in them.

    Without ``tokens`` (None) genes are neighbours that are alike to the model before it has seen a cell (``from_="embeddings"``);
    with tokens edges are what genes attend to in the cells of each ``condition``, and with ``control`` the pairs whose rank rises
    most against it. ``tokens`` is the path of tokens, a table of tokens, or an ``AnnData``, whose counts are looked for as
    :func:`ferrome.cell.tokenize` does, and tokenized first (``layer`` is a block of the model).
    ``gene_list`` is a list of ids or symbols, or the path of a file with one per line.

    Returns:
        A :class:`Network` of two ``pyarrow.Table``; weights are cosines (embeddings), or mean ranks from 0 to 1 and their
        differences (attention). With ``output`` the path of the folder, with ``edges`` and ``modules`` in ``format``: parquet, csv
        or arrow.

    Raises:
        ValueError: an option is refused; there is no such column, condition or block; the tokens are another model's; no cell can be
            used.
        FileNotFoundError: a file or a model is not there.
        FileExistsError: ``output`` holds files; ``overwrite=True`` replaces them.
        ferrome.WeightsError: the model's weights are damaged or do not fit.
        KeyboardInterrupt: after Ctrl-C; nothing was written.

    Example::

        modules = ferrome.cell.network(None, "scGPT_human", resolution=2).modules
        rewired = ferrome.cell.network(adata, "scGPT_human", condition="disease", control="healthy", min_cells=3)
        rewired.edges.to_pandas().head()
    """
    options = flags(
        model=model,
        from_=from_,
        vocabulary=vocabulary,
        genes=genes,
        neighbours=neighbours,
        layer=layer,
        condition=condition,
        control=control,
        edges=edges,
        min_cells=min_cells,
        resolution=resolution,
        seed=seed,
        format=format,
        device=device,
        batch_tokens=batch_tokens,
        threads=threads,
        strict=strict,
        overwrite=overwrite,
    )
    if output is None and format != "parquet":
        raise ValueError(f"format={format!r} is a file: it needs output=")
    nothing = nullcontext((None, None))
    with (
        _genes(gene_list) as panel,
        nothing if tokens is None else given(tokens) as (name, data),
        progress_of(progress, "cell network") as callback,
        tempfile.TemporaryDirectory(prefix="ferrome-") as passing,
    ):
        folder = Path(output if output is not None else passing)
        line = ["cell", "network", *options, *flags(gene_list=panel, output=folder), "--quiet"]
        _core.cell_call([*line, "--", *([] if name is None else [name])], data, None, callback)
        if output is not None:
            return folder
        return _read(folder)


def _read(folder: Path) -> Network:
    import pyarrow.parquet as pq

    return Network(*(pq.read_table(folder / f"{name}.parquet", memory_map=False) for name in Network._fields))


@contextmanager
def _genes(genes: Sequence[str] | str | os.PathLike[str] | None) -> Iterator[str | os.PathLike[str] | None]:
    """The path of a list; names become a file while they are used."""
    if genes is None or isinstance(genes, (str, os.PathLike)):
        yield genes
        return
    with stand_in("gene_list", "gene_list") as path:
        path.write_text("".join(f"{gene}\n" for gene in genes))
        yield path
