"""An empty virtual environment with the wheel in it, in which the tests of the Python package run.

The wheel is what pip installs. What it depends on (torch alone is 0.5 GB) is not downloaded again: the environment gets links
to the packages of the one that runs the tests, each in its place, so that the module finds libtorch as it would after a
whole installation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What a virtual environment has of its own, or must not have.
OWN = ("pip", "setuptools", "_distutils_hack", "distutils-precedence", "ferrome", "__pycache__")


def wheel() -> Path:
    """The wheel of FERROME_WHEEL, or one that is built now."""
    named = os.environ.get("FERROME_WHEEL")
    if named is None:
        built = subprocess.run([ROOT / "scripts/build_wheel.sh"], check=True, stdout=subprocess.PIPE, text=True)
        named = built.stdout.splitlines()[-1]
    path = Path(named)
    return path if path.is_absolute() else ROOT / path


def make(folder: Path) -> Path:
    """Makes the environment in `folder`, installs the wheel, and returns its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin/python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "--quiet"]
        + ["--no-deps", "--no-index", wheel()],
        check=True,
    )
    shared, own = Path(sysconfig.get_path("purelib")), next((folder / "lib").glob("python*")) / "site-packages"
    for package in shared.iterdir():
        if not package.name.startswith(OWN) and not (own / package.name).exists():
            (own / package.name).symlink_to(package)
    return python
