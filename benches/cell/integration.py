"""Integration of generated batches beside PCA and Harmony (harmonypy), scored by `ferrome cell integrate --compare`.

    FERROME_BIN=target/release/ferrome python benches/cell/integration.py [CELLS] [EFFECT …]

The cells are those of tests/python/test_cell_integrate.py: three types in three batches, where every batch scales every gene by
exp(normal(0, EFFECT)). The scGPT begins at random, so that what it reaches it has learnt from these cells alone. Prints one Markdown table
for each EFFECT.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import harmonypy
import numpy as np
import pandas

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/python"))
from test_cell_integrate import CELLS, EFFECT, SETTINGS, command, ferrome, scores, study, vectors, write_model  # noqa: E402

SHOWN = ["overall", "avg_bio", "avg_batch", "nmi", "ari", "cell_type_asw", "graph_connectivity", "batch_asw", "batch_entropy"]


def harmony(place: Path, cells: int, effect: float) -> float:
    """Writes harmony.csv from the components that ferrome has written; the seconds that Harmony took."""
    of_cells = study(cells, effect)
    began = time.perf_counter()
    fit = harmonypy.run_harmony(vectors(place / "out/pca.parquet"), of_cells.obs, "lab", verbose=False, random_state=1, ncores=1)
    seconds = time.perf_counter() - began
    pandas.DataFrame(np.asarray(fit.Z_corr), index=of_cells.obs_names).rename_axis("cell_id").to_csv(place / "harmony.csv")
    return seconds


def main(cells: int = CELLS, *effects: float) -> None:
    """Print the tables."""
    for effect in effects or (EFFECT,):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            study(cells, effect).write_h5ad(place / "study.h5ad")
            write_model(place / "scgpt")
            (place / "settings.json").write_text(json.dumps(SETTINGS))
            began = time.perf_counter()
            ferrome(*command("out"), cwd=place)
            ours = time.perf_counter() - began
            theirs = harmony(place, cells, effect)
            ferrome(*command("out", "--compare", "Harmony=harmony.csv"), cwd=place)
            print(f"\n{cells} cells, effect {effect}: ferrome {ours:.1f} s (training, scores and maps), Harmony alone {theirs:.1f} s\n")
            print(f"| method | {' | '.join(SHOWN)} |\n|---{'|---' * len(SHOWN)}|")
            for method, values in scores(place).items():
                print(f"| {method} | {' | '.join(f'{values[name]:.3f}' for name in SHOWN)} |")


if __name__ == "__main__":
    main(*[int(cells) for cells in sys.argv[1:2]], *map(float, sys.argv[2:]))
