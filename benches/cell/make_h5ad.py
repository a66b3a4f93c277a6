"""Make a big h5ad by drawing cells, with replacement, from a small one that holds real counts.

    .venv/bin/python benches/cell/make_h5ad.py OUT.h5ad --cells 100000 [--compression gzip|lzf|none] [--layout csr|csc|dense]

The same seed and number of cells give the same matrix in every layout and compression. Memory stays small for CSR and
dense; CSC is made from a memory map beside OUT (12 bytes for each entry, removed at the end). Chunks are those that
h5py chooses, as in files that anndata writes; `--chunk` sets another number of entries.
"""

import argparse
import tempfile
from pathlib import Path

import h5py
import numpy as np

SOURCE = Path(__file__).resolve().parents[3] / "shared/data/cells/derived_celltypist_ensembl/human559_ensembl_csr.h5ad"
BLOCK = 2048
LABELS = np.array(["B cell", "Monocyte", "NK cell", "Plasma cell", "T cell"])


class Cells:
    """The cells to draw from: CSR arrays, and the number of genes."""

    def __init__(self, path: Path):
        with h5py.File(path) as file:
            self.data = file["X/data"][:].astype("float32")
            self.indices = file["X/indices"][:].astype("int32")
            self.starts = file["X/indptr"][:].astype("int64")
            self.ids = file["var/_index"][:].astype(str)
            self.symbols = file["var/gene_symbol"][:].astype(str)
        self.lengths = np.diff(self.starts)

    def block(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lengths, columns and values of these rows, one after another."""
        lengths = self.lengths[rows]
        first = np.repeat(self.starts[rows] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        where = first + np.arange(lengths.sum())
        return lengths, self.indices[where], self.data[where]


def filters(options: argparse.Namespace) -> dict:
    chosen = {} if options.compression == "none" else {"compression": options.compression}
    if options.compression == "gzip":
        chosen["compression_opts"] = options.level
    return chosen


def encoded(node, kind: str, version: str = "0.2.0"):
    node.attrs["encoding-type"] = kind
    node.attrs["encoding-version"] = version
    return node


def strings(group, name: str, values) -> None:
    encoded(group.create_dataset(name, data=np.asarray(values, dtype=object), dtype=h5py.string_dtype()), "string-array")


def frame(file, name: str, index, columns: list[str]):
    group = encoded(file.create_group(name), "dataframe")
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(columns, dtype=object) if columns else np.zeros(0)
    strings(group, "_index", index)
    return group


def write_frames(file, cells: Cells, drawn: np.ndarray) -> None:
    var = frame(file, "var", cells.ids, ["gene_symbol"])
    strings(var, "gene_symbol", cells.symbols)
    obs = frame(file, "obs", [f"cell{i}" for i in range(len(drawn))], ["source", "cell_type", "n_counts"])
    encoded(obs.create_dataset("source", data=drawn.astype("int32")), "array")
    labels = encoded(obs.create_group("cell_type"), "categorical")
    labels.attrs["ordered"] = False
    strings(labels, "categories", LABELS)
    encoded(labels.create_dataset("codes", data=(drawn % len(LABELS)).astype("int8")), "array")
    sums = np.add.reduceat(cells.data.astype("float64"), cells.starts[:-1])
    encoded(obs.create_dataset("n_counts", data=sums[drawn]), "array")


def sparse(file, kind: str, shape: tuple[int, int], entries: int, options: argparse.Namespace):
    group = encoded(file.create_group("X"), kind, "0.1.0")
    group.attrs["shape"] = np.array(shape, dtype="int64")
    chunk = {"chunks": (min(options.chunk, entries),)} if options.chunk else {}
    if options.compression == "none" and not options.chunk:
        chunk = {}
    data = group.create_dataset("data", (entries,), "float32", **chunk, **filters(options))
    indices = group.create_dataset("indices", (entries,), "int32", **chunk, **filters(options))
    return group, data, indices


def write_csr(file, cells: Cells, drawn: np.ndarray, options: argparse.Namespace) -> None:
    starts = np.concatenate(([0], np.cumsum(cells.lengths[drawn])))
    group, data, indices = sparse(file, "csr_matrix", (len(drawn), len(cells.ids)), int(starts[-1]), options)
    group.create_dataset("indptr", data=starts)
    step = max(BLOCK, 8 * data.chunks[0] // max(int(cells.lengths.mean()), 1) if data.chunks else BLOCK)
    for begin in range(0, len(drawn), step):
        rows = drawn[begin : begin + step]
        _, columns, values = cells.block(rows)
        low, high = starts[begin], starts[begin + len(rows)]
        indices[low:high], data[low:high] = columns, values


def write_csc(file, cells: Cells, drawn: np.ndarray, options: argparse.Namespace) -> None:
    entries = int(cells.lengths[drawn].sum())
    genes = len(cells.ids)
    totals = np.zeros(genes + 1, dtype="int64")
    times = np.bincount(drawn, minlength=len(cells.lengths))
    np.add.at(totals[1:], cells.indices, np.repeat(times, cells.lengths))
    starts = np.cumsum(totals)
    group, data, indices = sparse(file, "csc_matrix", (len(drawn), genes), entries, options)
    group.create_dataset("indptr", data=starts)
    next_free = starts[:-1].copy()
    with tempfile.TemporaryDirectory(dir=options.out.parent) as folder:
        rows_map = np.memmap(Path(folder) / "rows", "int32", "w+", shape=(entries,))
        values_map = np.memmap(Path(folder) / "values", "float32", "w+", shape=(entries,))
        for begin in range(0, len(drawn), BLOCK):
            rows = drawn[begin : begin + BLOCK]
            lengths, columns, values = cells.block(rows)
            order = np.argsort(columns, kind="stable")
            sorted_columns = columns[order]
            runs, first, counts = np.unique(sorted_columns, return_index=True, return_counts=True)
            where = np.repeat(next_free[runs] - first, counts) + np.arange(len(order))
            rows_map[where] = np.repeat(np.arange(begin, begin + len(rows), dtype="int32"), lengths)[order]
            values_map[where] = values[order]
            next_free[runs] += counts
        for low in range(0, entries, 1 << 22):
            indices[low : low + (1 << 22)] = rows_map[low : low + (1 << 22)]
            data[low : low + (1 << 22)] = values_map[low : low + (1 << 22)]


def write_dense(file, cells: Cells, drawn: np.ndarray, options: argparse.Namespace) -> None:
    shape = (len(drawn), len(cells.ids))
    data = encoded(file.create_dataset("X", shape, "float32", **filters(options)), "array")
    step = data.chunks[0] if data.chunks else 256
    for begin in range(0, len(drawn), step):
        rows = drawn[begin : begin + step]
        lengths, columns, values = cells.block(rows)
        block = np.zeros((len(rows), shape[1]), dtype="float32")
        block[np.repeat(np.arange(len(rows)), lengths), columns] = values
        data[begin : begin + len(rows)] = block


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cells", type=int, required=True)
    parser.add_argument("--layout", choices=["csr", "csc", "dense"], default="csr")
    parser.add_argument("--compression", choices=["gzip", "lzf", "none"], default="gzip")
    parser.add_argument("--level", type=int, default=4, help="of gzip")
    parser.add_argument("--chunk", type=int, default=0, help="entries of a chunk; 0: as h5py chooses")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--source", type=Path, default=SOURCE)
    options = parser.parse_args()

    cells = Cells(options.source)
    drawn = np.random.default_rng(options.seed).integers(0, len(cells.lengths), options.cells)
    with h5py.File(options.out, "w") as file:
        encoded(file, "anndata", "0.1.0")
        {"csr": write_csr, "csc": write_csc, "dense": write_dense}[options.layout](file, cells, drawn, options)
        write_frames(file, cells, drawn)
    entries = int(cells.lengths[drawn].sum())
    print(f"{options.out}: {options.cells} cells, {len(cells.ids)} genes, {entries} entries, {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
