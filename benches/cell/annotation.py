"""What logistic regression and nearest neighbours reach on log-normalised counts, on the split of a `ferrome cell train` folder.

    python benches/cell/annotation.py cells.h5ad LABEL FOLDER [FOLDER …]

Totals are `n_counts` of obs, scaled to 10,000; logarithm; 50 principal components of the training cells. k and C are chosen on
the validation cells, as ferrome chooses them. Prints one Markdown row for each classifier and folder.
"""

import json
import sys
from pathlib import Path

import anndata
import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler


def best(candidates, rows, labels):
    """The candidate with the highest accuracy on the validation cells."""
    for candidate in candidates:
        candidate.fit(rows["train"], labels["train"])
    return max(candidates, key=lambda c: accuracy_score(labels["validation"], c.predict(rows["validation"])))


def main(cells, label, *folders):
    """Print the rows."""
    cells = anndata.read_h5ad(cells)
    counts = np.asarray(cells.X.todense(), dtype=np.float64)
    logs = np.log1p(counts / cells.obs["n_counts"].to_numpy()[:, None] * 1e4)
    place = {name: row for row, name in enumerate(cells.obs_names)}
    for folder in folders:
        split = json.loads((Path(folder) / "split.json").read_text())
        at = {part: [place[name] for name in names] for part, names in split.items()}
        labels = {part: cells.obs[label].to_numpy()[rows] for part, rows in at.items()}
        pca = PCA(50, random_state=0).fit(logs[at["train"]])
        scale = StandardScaler().fit(pca.transform(logs[at["train"]]))
        rows = {part: scale.transform(pca.transform(logs[places])) for part, places in at.items()}
        near = best([KNeighborsClassifier(k, metric="cosine") for k in (1, 5, 15, 50)], rows, labels)
        linear = best([LogisticRegression(C=c, max_iter=5000) for c in (0.01, 0.1, 1, 10)], rows, labels)
        for name, model in ((f"{near.n_neighbors} nearest neighbours", near), (f"logistic regression (C {linear.C})", linear)):
            found = model.predict(rows["test"])
            accuracy, f1 = accuracy_score(labels["test"], found), f1_score(labels["test"], found, average="macro")
            print(f"| {folder} | {name} on 50 components of logarithms | {accuracy:.4f} | {f1:.4f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
