"""The weights that ship are those that their manifest lists, and small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = json.loads((ROOT / "weights/manifest.json").read_text())


def test_manifest_is_that_of_the_files() -> None:
    run = [sys.executable, str(ROOT / "scripts/weights_manifest.py"), "--check"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("model", [name for name in MANIFEST if "-dta-" in name])
def test_model_of_affinities_is_below_eight_megabytes(model: str) -> None:
    files = MANIFEST[model]["files"]
    assert sum(file["bytes"] for file in files.values()) < 8_000_000
    assert MANIFEST[model]["licence"] not in ("", "TODO")
    assert {"README.md", "config.json", "model.safetensors", "molecules.parquet", "proteins.parquet"} <= files.keys()
