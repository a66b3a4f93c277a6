"""Geneformer's own way from h5ad to a token folder, for measuring beside it.

    python benches/peers/geneformer_tokenize.py IN.h5ad --dictionaries FOLDER -o OUT.dataset [--threads N] [--stats FILE]

The steps of the V1 tokenizer: the file opened backed, chunks of 512 cells, division by the total, times 10,000, by the
median, ranking of each row with NumPy, `Dataset.from_dict`, two `map`s (truncation and length), `save_to_disk`. Written
anew from the published description. Upstream's `nproc` is 1 unless told otherwise; with `--threads` above 1 the `map`s get
so many processes, as upstream's `nproc` does it. Rows are cut out of the CSR arrays here; upstream slices the matrix twice
for each cell, which is slower.
"""

import argparse
import json
import pickle
import resource
import time
from pathlib import Path

import anndata
import numpy as np
import scipy.sparse as sparse
from datasets import Dataset, disable_progress_bars


def tokenize(path: Path, folder: Path) -> dict[str, list]:
    """Ranked tokens of every cell, and its id."""
    tokens = pickle.loads((folder / "token_dictionary.pkl").read_bytes())
    medians = pickle.loads((folder / "gene_median_dictionary.pkl").read_bytes())
    data = anndata.read_h5ad(path, backed="r")
    genes = data.var["ensembl_id"] if "ensembl_id" in data.var else data.var_names.to_series()
    known = np.where([gene in medians for gene in genes])[0]
    ids = genes.iloc[known]
    factors = np.array([medians[gene] for gene in ids])
    names = np.array([tokens[gene] for gene in ids])
    # Upstream demands the column; totals that are not there are summed first, which is not timed apart.
    counts = data.obs["n_counts"].to_numpy() if "n_counts" in data.obs else np.asarray(data.X[:].sum(axis=1)).ravel()
    cells: list[np.ndarray] = []
    for start in range(0, data.n_obs, 512):
        rows = np.arange(start, min(start + 512, data.n_obs))
        totals = counts[rows][:, None]
        chunk = sparse.csr_matrix(data[rows, :].X)[:, known]
        ranked = sparse.csr_matrix(chunk / totals * 10_000 / factors)
        for row in range(len(rows)):
            entries = slice(ranked.indptr[row], ranked.indptr[row + 1])
            order = np.argsort(-ranked.data[entries])
            cells.append(names[ranked.indices[entries]][order])
    return {"input_ids": cells, "cell_id": list(data.obs_names)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--dictionaries", type=Path, required=True)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stats", type=Path)
    options = parser.parse_args()
    disable_progress_bars()
    start = time.perf_counter()
    columns = tokenize(options.path, options.dictionaries)
    ranked = time.perf_counter()
    processes = options.threads if options.threads > 1 else None
    dataset = Dataset.from_dict(columns)
    dataset = dataset.map(lambda row: {"input_ids": row["input_ids"][:2048]}, num_proc=processes)
    dataset = dataset.map(lambda row: {"length": len(row["input_ids"])}, num_proc=processes)
    dataset.save_to_disk(options.output)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    stats = {"rows": len(dataset), "run_seconds": end - start, "rank_seconds": ranked - start, "peak_rss_bytes": peak}
    if options.stats:
        options.stats.write_text(json.dumps(stats))


if __name__ == "__main__":
    main()
