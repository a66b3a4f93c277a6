"""What the tests inside the wheel's environment share."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "weights/ferrome-esm2-mini"


@pytest.fixture
def cli():
    """Runs the binary; returns its exit code and what it wrote to stderr."""

    def run(*arguments: object) -> tuple[int, str]:
        line = [os.environ["FERROME_BIN"], *map(str, arguments)]
        done = subprocess.run(line, stderr=subprocess.PIPE, text=True, timeout=300)
        return done.returncode, done.stderr

    return run


@pytest.fixture
def sequences() -> list[str]:
    """Thirty random proteins, two of them alike."""
    dice = random.Random(1)
    made = ["".join(dice.choices("LAGVSERTIDPKQNFYMHWC", k=dice.randint(5, 90))) for _ in range(29)]
    return [*made, made[3]]


@pytest.fixture
def fasta(tmp_path, sequences) -> Path:
    """The same proteins, called p0 to p29."""
    path = tmp_path / "proteins.fasta"
    path.write_text("".join(f">p{i} a protein\n{sequence}\n" for i, sequence in enumerate(sequences)))
    return path


@pytest.fixture(scope="session", autouse=True)
def installed():
    """The package under test is the wheel's, not the one in python/."""
    import ferrome

    assert Path(ferrome.__file__).is_relative_to(Path(sys.prefix)), ferrome.__file__
