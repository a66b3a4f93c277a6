"""Write cells of public sets as h5ad with counts and Ensembl ids, for benches/cell_models.md and weights/ferrome-geneformer-mini.

    python scripts/make_labelled_cells.py SHARED_DATA OUT_FOLDER

- celltypist.h5ad: 559 human cells with Ensembl ids, as they are.
- pbmc10k.h5ad: 200 PBMC, symbols to Ensembl ids by Geneformer's V1 dictionary.
- pbmc68k.h5ad: scanpy's 700 PBMC of Zheng et al. 2017 x 765 genes with `bulk_labels`. The file has logarithms, no counts; these
  are multiples of one number for each cell, which is found again: a count is exp(x) - 1 over the smallest such value of the
  cell, and all are within 0.12 of a whole number, half of all cells within 0.02. `n_counts` is the total over all genes, as the file says.
- neurons.h5ad: the 10,000 mouse neurons x 1,000 genes, as they are.
"""

import pickle
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp


def with_ensembl(cells, ids):
    """The genes whose symbol has an id, the first of each id."""
    known = pd.Series([ids.get(name) for name in cells.var_names], index=cells.var_names)
    keep = (known.notna() & ~known.duplicated()).to_numpy()
    kept = cells[:, keep].copy()
    kept.var["gene_symbol"] = list(kept.var_names)
    kept.var_names = list(known[keep])
    return kept


def counts_of_logarithms(values):
    """Counts from log(1 + count * factor of the cell)."""
    linear = np.expm1(np.asarray(values, dtype=np.float64))
    smallest = np.where(linear > 0, linear, np.inf).min(axis=1, keepdims=True)
    best, error = None, np.full(len(linear), np.inf)
    for unit in (1, 2, 3):  # the smallest value of a cell may be two or three molecules
        counts = linear / smallest * unit
        off = np.abs(counts - counts.round()).max(axis=1)
        best = counts.round() if best is None else np.where(((off < error - 0.05))[:, None], counts.round(), best)
        error = np.where(off < error - 0.05, off, error)
    print(f"largest distance from a whole number {error.max():.4f}, median over cells {np.median(error):.4f}")
    return best.astype(np.int32)


def plain(counts, obs, var):
    """Nothing but counts and names."""
    return anndata.AnnData(sp.csr_matrix(counts, dtype=np.float32), obs=obs, var=var)


def main(shared, out):
    """Write the files."""
    shared, out = Path(shared) / "cells", Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with open(shared / "geneformer_dicts/geneformer/gene_name_id_dict.pkl", "rb") as file:
        ids = {str(name): str(gene) for name, gene in pickle.load(file).items()}
    one = anndata.read_h5ad(shared / "derived_celltypist_ensembl/human559_ensembl_csr.h5ad")
    plain(one.X, one.obs[["n_counts"]], one.var).write_h5ad(out / "celltypist.h5ad")
    two = with_ensembl(anndata.read_h5ad(shared / "pbmc_10k/pbmc_10k_protein_v3.h5ad"), ids)
    plain(two.X, two.obs[["n_counts"]], two.var[["gene_symbol"]]).write_h5ad(out / "pbmc10k.h5ad")
    three = anndata.read_h5ad(shared / "scanpy_wheel/10x_pbmc68k_reduced.h5ad")
    logs = three.raw.X.toarray() if sp.issparse(three.raw.X) else three.raw.X
    obs = three.obs[["bulk_labels", "louvain", "n_counts"]].astype({"bulk_labels": str, "louvain": str})
    labelled = anndata.AnnData(counts_of_logarithms(logs), obs=obs, var=three.raw.var[[]])
    labelled = with_ensembl(labelled, ids)
    plain(labelled.X, labelled.obs, labelled.var).write_h5ad(out / "pbmc68k.h5ad")
    four = anndata.read_h5ad(shared / "derived_10x10k_subset/csr_gzip.h5ad")
    plain(four.X, four.obs, four.var).write_h5ad(out / "neurons.h5ad")
    for name in ("celltypist", "pbmc10k", "pbmc68k", "neurons"):
        cells = anndata.read_h5ad(out / f"{name}.h5ad")
        print(name, cells.shape, f"mean molecules {cells.X.sum(axis=1).mean():.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
