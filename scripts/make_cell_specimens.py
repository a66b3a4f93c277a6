#!/usr/bin/env python3
"""Writes the small HDF5 files under tests/specimens/cells, on which crates/ferrome-cell tests its readers.

Run with the versions of .venv (anndata 0.12, h5py 3.16): `.venv/bin/python scripts/make_cell_specimens.py`.
Every AnnData file holds the same counts of 4 cells x 3 genes: [[1,0,2],[0,0,0],[0,3,0],[4,5,6]]. What each file is
expected to say is in crates/ferrome-cell/tests/read/specimens.rs.
"""

import pathlib
import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/specimens/cells"
COUNTS = np.array([[1, 0, 2], [0, 0, 0], [0, 3, 0], [4, 5, 6]])
SPARSE = sp.csr_matrix(COUNTS)


def nullable() -> None:
    """Every column of a dataframe that anndata writes, with strings that may be missing as the index."""
    obs = pd.DataFrame(
        {
            "integer": pd.array([1, None, 3, 4], dtype="Int16"),
            "truth": pd.array([True, False, None, True], dtype="boolean"),
            "string": pd.array(["x", None, "", "é"], dtype="string"),
            "grade": pd.Categorical(["low", None, "high", "low"], ["low", "middle", "high"], ordered=True),
            "number": pd.Categorical([10, 20, 10, 10], [20, 10, 30]),
            "missing": np.array([0.5, np.nan, 1.5, -2], dtype="float32"),
        },
        index=pd.array(["c0", "c1", "c2", "c3"], dtype="string"),
    )
    var = pd.DataFrame({"feature_name": ["A", "B", "C"]}, index=["ENSG1", "ENSG2", "ENSG3"])
    with anndata.settings.override(allow_write_nullable_strings=True):
        anndata.AnnData(SPARSE.astype("int32"), obs=obs, var=var).write_h5ad(FOLDER / "nullable.h5ad")
        with h5py.File(FOLDER / "nullable.h5ad", "a") as file:  # write_h5ad made categories of it
            anndata.io.write_elem(file["obs"], "string", obs["string"].array)


def frame(file, name, index, **columns) -> None:
    group = file.create_group(name)
    group.attrs["encoding-type"], group.attrs["encoding-version"] = "dataframe", "0.2.0"
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(columns), dtype=object) if columns else np.zeros(0)
    group.create_dataset("_index", data=np.array(index, dtype=object), dtype=h5py.string_dtype())
    for column, values in columns.items():
        group.create_dataset(column, data=values)


def bare(path, x=None, **options):
    """An AnnData file without X; `x` writes it."""
    with h5py.File(path, "w", **options) as file:
        file.attrs["encoding-type"], file.attrs["encoding-version"] = "anndata", "0.1.0"
        frame(file, "obs", ["c0", "c1", "c2", "c3"])
        frame(file, "var", ["g0", "g1", "g2"])
        if x:
            x(file)


def sparse(file, matrix, kind="csr_matrix", value="f4", index="i4", **storage):
    group = file.create_group("X")
    group.attrs["encoding-type"], group.attrs["encoding-version"] = kind, "0.1.0"
    group.attrs["shape"] = np.array(COUNTS.shape)
    group.create_dataset("data", data=matrix.data.astype(value), **storage)
    group.create_dataset("indices", data=matrix.indices.astype(index), **storage)
    group.create_dataset("indptr", data=matrix.indptr.astype(index))


def types_of_numbers() -> None:
    for value in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", ">i4", ">f4", ">f8", ">u2"]:
        name = value.replace(">", "big_")
        index = ">i8" if ">" in value else "u4"
        bare(FOLDER / f"values_{name}.h5ad", lambda file, v=value, i=index: sparse(file, SPARSE, value=v, index=i))


def storages() -> None:
    ways = {
        "shuffle_gzip": {"chunks": (2,), "compression": "gzip", "shuffle": True},
        "lzf": {"chunks": (4,), "compression": "lzf", "shuffle": True},
        "fletcher32": {"chunks": (4,), "fletcher32": True},
        "one_chunk": {"chunks": (6,)},
        "resizable": {"chunks": (4,), "maxshape": (None,), "compression": "gzip"},
    }
    for name, storage in ways.items():
        bare(FOLDER / f"{name}.h5ad", lambda file, storage=storage: sparse(file, SPARSE, **storage))
    bare(FOLDER / "csc.h5ad", lambda file: sparse(file, sp.csc_matrix(COUNTS), "csc_matrix", chunks=(4,)))
    bare(FOLDER / "latest.h5ad", lambda file: sparse(file, SPARSE, chunks=(4,)), libver="latest")
    bare(FOLDER / "user_block.h5ad", lambda file: sparse(file, SPARSE, chunks=(4,)), userblock_size=512)
    bare(FOLDER / "dense.h5ad", lambda file: file.create_dataset("X", data=COUNTS.astype("f4")))
    bare(FOLDER / "dense_tiles.h5ad", lambda file: file.create_dataset("X", data=COUNTS, chunks=(3, 2)))
    bare(FOLDER / "dense_big_endian.h5ad", lambda file: file.create_dataset("X", data=COUNTS.astype(">i2")))
    unsorted = sp.csr_matrix((4, 3))
    # Row 0: 2 and 0 backwards; row 2: gene 1 as 1 + 2; row 3: a zero is stored.
    unsorted.data = np.array([2, 1, 1, 2, 4, 5, 6, 0.0])
    unsorted.indices = np.array([2, 0, 1, 1, 0, 1, 2, 2])
    unsorted.indptr = np.array([0, 2, 2, 4, 8])
    bare(FOLDER / "unsorted_twice_zero.h5ad", lambda file: sparse(file, unsorted))

    def holes(file):
        data = file.create_dataset("X", COUNTS.shape, "f4", chunks=(1, 3))
        for row in (0, 2, 3):
            data[row] = COUNTS[row]

    bare(FOLDER / "dense_missing_chunk.h5ad", holes)


def wrong() -> None:
    def changed(part, values, **arrays):
        def write(file):
            sparse(file, SPARSE)
            del file["X"][part]
            file["X"].create_dataset(part, data=values)
        return write

    data = SPARSE.data.astype("f4")
    bad = {"nan": (1, np.nan), "negative": (2, -1), "infinite": (3, np.inf), "too_many": (4, 3e9), "near": (0, 1.0004)}
    for name, (place, value) in bad.items():
        values = data.copy()
        values[place] = value
        bare(FOLDER / f"value_{name}.h5ad", changed("data", values))
    bare(FOLDER / "fraction.h5ad", changed("data", data + 0.25))
    bare(FOLDER / "index_beyond.h5ad", changed("indices", np.array([0, 2, 1, 0, 1, 3])))
    bare(FOLDER / "index_negative.h5ad", changed("indices", np.array([0, 2, 1, 0, -1, 2])))
    bare(FOLDER / "indptr_short.h5ad", changed("indptr", np.array([0, 2, 2, 3])))
    bare(FOLDER / "indptr_falls.h5ad", changed("indptr", np.array([0, 3, 2, 3, 6])))
    bare(FOLDER / "indptr_beyond.h5ad", changed("indptr", np.array([0, 2, 2, 3, 7])))
    bare(FOLDER / "indices_short.h5ad", changed("indices", np.array([0, 2, 1])))
    bare(FOLDER / "data_of_strings.h5ad", changed("data", np.array([b"a"] * 6)))

    def shape(file):
        sparse(file, SPARSE)
        file["X"].attrs["shape"] = np.array([5, 3])
        del file["X/indptr"]
        file["X"].create_dataset("indptr", data=np.array([0, 2, 2, 3, 6, 6]))

    bare(FOLDER / "shape_of_others.h5ad", shape)
    bare(FOLDER / "no_x.h5ad")

    def codes(file):
        sparse(file, SPARSE)
        group = file["obs"].create_group("type")
        group.create_dataset("codes", data=np.array([0, 1, 2, -1], dtype="i1"))
        group.create_dataset("categories", data=np.array(["a", "b"], dtype=object), dtype=h5py.string_dtype())
        file["obs"].attrs["column-order"] = np.array(["type"], dtype=object)

    bare(FOLDER / "code_beyond.h5ad", codes)

    def long(file):
        sparse(file, SPARSE)
        file["obs"].create_dataset("n", data=np.arange(5))
        file["obs"].attrs["column-order"] = np.array(["n"], dtype=object)

    bare(FOLDER / "column_too_long.h5ad", long)


def others() -> None:
    with h5py.File(FOLDER / "model.h5", "w") as file:
        file.create_group("model_weights/dense").create_dataset("kernel", data=np.zeros((2, 2)))
        file.create_group("optimizer_weights")
    with h5py.File(FOLDER / "cells.loom", "w") as file:
        file.create_dataset("matrix", data=COUNTS.T.astype("f4"), chunks=(2, 3), compression="gzip")
        file.create_dataset("layers/spliced", data=COUNTS.T - (COUNTS.T > 3))
        file["row_attrs/Gene"] = np.array([b"A", b"B", b"C"])
        file["row_attrs/Accession"] = np.array(["ENSG1", "ENSG2", "ENSG3"], dtype=object)
        file["col_attrs/CellID"] = np.array(["c0", "c1", "c2", "c3"], dtype=object)
        file["col_attrs/cluster"] = np.array([0, 1, 1, 0])
        file["col_attrs/umap"] = np.zeros((4, 2))


def main() -> None:
    warnings.simplefilter("ignore")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in (nullable, types_of_numbers, storages, wrong, others):
        make()


if __name__ == "__main__":
    main()
