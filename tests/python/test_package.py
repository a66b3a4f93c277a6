"""The wheel in an empty environment: what its own tests say, how it is imported, its command, Ctrl-C, forks, its types."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import environment  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "weights/ferrome-esm2-mini"
BINARY = Path(os.environ.get("FERROME_BIN", ROOT / "target/release/ferrome"))
#: Proteins that take some seconds and make three parts.
LONG_RUN = 1500
#: The environment finds libtorch by itself or not at all.
CLEAN = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "PYTHONPATH")}


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """The Python of an environment with the wheel."""
    return environment.make(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture
def run(python, tmp_path):
    """Runs Python code in the environment, and returns what it printed."""

    def run(code: str, *arguments: object, fails: bool = False, **variables: str) -> str:
        done = subprocess.run(
            [python, "-c", code, *map(str, arguments)],
            cwd=tmp_path,
            env={**CLEAN, **variables},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    return run


def proteins(count: int) -> list[str]:
    dice = random.Random(3)
    return ["".join(dice.choices("LAGVSERTIDPKQNFYMHWC", k=dice.randint(100, 400))) for _ in range(count)]


def write(path: Path, sequences: list[str]) -> Path:
    path.write_text("".join(f">p{i}\n{sequence}\n" for i, sequence in enumerate(sequences)))
    return path


# ------------------------------------------------------------------------------------------------------------ inside


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "tests/python/package").glob("test_*.py")))
def test_inside_the_environment(file, python, tmp_path):
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROOT / "tests/python/package" / file],
        cwd=tmp_path,
        env={**CLEAN, "FERROME_BIN": str(BINARY)},
        capture_output=True,
        text=True,
    )
    print(done.stdout.splitlines()[-1] if done.stdout else done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------------------------------------------------- importing

EMBED = "import sys; print(ferrome.protein.embed(['MKT'], sys.argv[1], device='cpu').shape)"


@pytest.mark.parametrize("before", ["", "import torch; torch.ones(2) @ torch.ones(2); ", "import numpy, pandas, pyarrow; "])
def test_import_with_and_without_torch_before(before, run):
    assert run(f"{before}import ferrome; {EMBED}", MODEL) == "(1, 192)\n"


def test_module_finds_libtorch_beside_itself(run):
    code = """
import importlib.util, sys
from importlib.machinery import ExtensionFileLoader
package = importlib.util.find_spec("ferrome").submodule_search_locations[0]
loader = ExtensionFileLoader("ferrome._core", package + "/_core.abi3.so")
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ferrome._core", loader))
loader.exec_module(module)
assert "torch" not in sys.modules
print(module.__version__)
"""
    assert run(code).count(".") == 2


def test_wheel_says_what_it_needs(run):
    code = "import importlib.metadata as m; print(m.metadata('ferrome')['Requires-Python'], *m.requires('ferrome'))"
    said = run(code)
    assert said.split()[:2] == [">=3.11", "torch==2.11.*"]
    assert all(name in said for name in ("numpy", "pyarrow", "tqdm"))


def test_torch_of_another_version_is_refused(run, tmp_path):
    (tmp_path / "other/torch").mkdir(parents=True)
    (tmp_path / "other/torch/__init__.py").write_text("__version__ = '2.14.0+cu130'\n")
    said = run("import ferrome", fails=True, PYTHONPATH=str(tmp_path / "other"))
    expected = "ferrome needs torch 2.11, found torch 2.14.0+cu130; install it with: pip install 'torch==2.11.*'"
    assert said.splitlines()[-1] == f"ImportError: {expected}"


def test_torch_that_is_not_there_is_asked_for(run):
    said = run("import sys; sys.modules['torch'] = None; import ferrome", fails=True)
    assert said.splitlines()[-1].startswith("ImportError: ferrome needs torch 2.11, which is not installed; install it")


# --------------------------------------------------------------------------------------------------------- the command


def test_command_is_the_binary(python, tmp_path):
    fasta = write(tmp_path / "p.fasta", proteins(5))
    command = python.parent / "ferrome"

    def both(*arguments: object) -> list[tuple[int, str, str]]:
        done = []
        for program in (BINARY, command):
            line = [program, *map(str, arguments)]
            ran = subprocess.run(line, cwd=tmp_path, env=CLEAN, capture_output=True, text=True, timeout=300)
            done.append((ran.returncode, ran.stdout, ran.stderr))
        return done

    for arguments in (["--version"], ["protein", "embed", "--help"], ["protein", "weave"], []):
        binary, wheel = both(*arguments)
        assert binary == wheel, arguments
    embed = ["protein", "embed", fasta, "-m", MODEL, "--device", "cpu", "--quiet", "-o"]
    first, second = both(*embed, "out.npy")
    assert first == (0, "", "")
    assert second[0] == 1 and "exists already" in second[2]
    binary, wheel = both(*embed, "out.npy")
    assert binary == wheel == second
    ran = subprocess.run([command, *map(str, embed), tmp_path / "wheel.npy"], env=CLEAN, timeout=300)
    assert ran.returncode == 0
    assert (tmp_path / "wheel.npy").read_bytes() == (tmp_path / "out.npy").read_bytes()


def test_command_catches_ctrl_c(python, tmp_path):
    fasta = write(tmp_path / "p.fasta", proteins(LONG_RUN))
    line = [python.parent / "ferrome", "protein", "embed", fasta, "-m", MODEL, "--device", "cpu", "-o", "parts/"]
    program = subprocess.Popen(line, cwd=tmp_path, env=CLEAN, stderr=subprocess.PIPE, text=True)
    wait_for_part(tmp_path / "parts", program)
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=60)
    assert program.returncode == 130, said
    assert "interrupted: " in said and "run the same command again to go on" in said


# -------------------------------------------------------------------------------------------------------------- Ctrl-C


def wait_for_part(folder: Path, program: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not list(folder.glob("part-*.parquet")):
        assert program.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


LONG = """
import sys, time
import ferrome
try:
    ferrome.protein.embed(sys.argv[2], sys.argv[1], device="cpu", output="parts/", progress=False)
except KeyboardInterrupt as stopped:
    print(time.monotonic(), stopped)
"""


def test_ctrl_c_stops_within_half_a_second_and_the_same_call_goes_on(python, run, tmp_path):
    fasta = write(tmp_path / "p.fasta", proteins(LONG_RUN))
    line = [python, "-c", LONG, MODEL, fasta]
    program = subprocess.Popen(line, cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE, text=True)
    wait_for_part(tmp_path / "parts", program)
    pressed = time.monotonic()
    program.send_signal(signal.SIGINT)
    said, _ = program.communicate(timeout=60)
    stopped, message = said.split(" ", 1)
    assert program.returncode == 0 and float(stopped) - pressed < 0.5, said
    assert message.startswith("interrupted: ") and message.rstrip().endswith(("same command again to go on", "same call again"))

    code = "import sys, ferrome; ferrome.protein.embed(sys.argv[2], sys.argv[1], device='cpu', output=sys.argv[3])"
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("part-*")}
    run(code, MODEL, fasta, "parts/")
    run(code, MODEL, fasta, "whole/")
    parts, whole = sorted((tmp_path / "parts").glob("part-*")), sorted((tmp_path / "whole").glob("part-*"))
    assert [path.read_bytes() for path in parts] == [path.read_bytes() for path in whole]
    assert all((tmp_path / "parts" / name).stat().st_mtime_ns == written for name, written in before.items())


# --------------------------------------------------------------------------------------------------------------- forks


def test_use_after_fork_is_refused_and_spawn_works(run):
    code = """
import multiprocessing, sys
import ferrome
def work(_):
    try:
        return ferrome.protein.embed(["MKT"], sys.argv[1], device="cpu").shape
    except RuntimeError as error:
        return str(error)
if __name__ == "__main__":
    work(0)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.map(work, [0])[0])
"""
    said = run(code, MODEL)
    assert said.startswith("ferrome was imported by process ") and "spawn" in said
    assert "Traceback" not in said


# --------------------------------------------------------------------------------------------------------------- types


def test_types_hold(python, tmp_path):
    check = ["mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path / "cache"]
    stubs = ["mypy.stubtest", "--mypy-config-file", ROOT / "pyproject.toml", "ferrome._core"]
    for line in (check, stubs):
        done = subprocess.run([python, "-m", *line], cwd=tmp_path, env=CLEAN, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_result_of_a_list_is_what_a_new_user_expects(run, tmp_path):
    code = """
import sys, numpy as np, ferrome
vectors = ferrome.protein.embed(["MKTAYIAKQR", "GSHMLEDPVE"], model=sys.argv[1], pool="mean", device="cpu", dtype="f32")
np.save("vectors.npy", vectors)
"""
    run(code, MODEL)
    vectors = np.load(tmp_path / "vectors.npy")
    assert vectors.shape == (2, 192) and vectors.dtype == np.float32 and np.isfinite(vectors).all()
