"""The notebooks of docs/notebooks, run from the first cell to the last in an environment with the wheel."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parent))
import environment  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "docs/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> str:
    """A kernel whose Python is that of the environment, and which finds libtorch by itself or not at all."""
    folder = tmp_path_factory.mktemp("kernel")
    python = environment.make(folder / "venv")
    spec = folder / "share/kernels/ferrome"
    spec.mkdir(parents=True)
    line = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": line, "display_name": "Ferrome", "language": "python"}))
    os.environ["JUPYTER_PATH"] = str(folder / "share")
    return "ferrome"


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["kinase-screen", "pbmc-annotation", "proteome-map"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_shows_plots(path, kernel, monkeypatch):
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(book, timeout=300, kernel_name=kernel, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 2, "it shows plots"
    said = [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    warned = [line for output in said for line in output.text.splitlines() if "Warning" in line or "error" in line]
    assert not warned, warned
