"""``ferrome.distributed`` on a Ray cluster of three nodes, beside one process over the same input."""

from __future__ import annotations

import importlib
import importlib.util
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy
import psutil
import pyarrow.compute
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest
import ray
from ray.cluster_utils import Cluster

ROOT = Path(__file__).resolve().parents[2]
FERROME = os.environ["FERROME_BIN"]
MODEL = str(ROOT / "tests/golden/esm2_hf")
ROWS = 61

# By itself: it needs nothing else of the package.
_SPEC = importlib.util.spec_from_file_location("ferrome_distributed", ROOT / "python/ferrome/distributed/__init__.py")
distributed = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = distributed
_SPEC.loader.exec_module(distributed)
search = importlib.import_module("ferrome_distributed._halves").search
fetch = importlib.import_module("ferrome_distributed._store").fetch
QUARANTINE_DIFFERS = importlib.import_module("ferrome_distributed._driver").QUARANTINE_DIFFERS

# Runs ferrome, but first does what a poisonous input would: the process aborts when one of these rows (from 1) would be
# computed. SLOW is how long each process takes, so that there is a middle to kill it in; each adds a line to RUNS.
WRAPPER = """#!{python} -SE
import os, re, signal, sys, time
words = sys.argv[1:]
if "--shard" in words:
    with open({runs!r}, "a") as file:
        file.write(words[words.index("--shard") + 1] + "\\n")
    index, of = map(int, words[words.index("--shard") + 1].split("/"))
    first, last = {rows} * (index - 1) // of + 1, {rows} * index // of
    away = words[words.index("--quarantine") + 1] if "--quarantine" in words else ""
    away = [tuple(map(int, (each.split("-") * 2)[:2])) for each in away.split(",") if each]
    computed = [row for row in {poison} if first <= row <= last and not any(low <= row <= high for low, high in away)]
    time.sleep({slow})
    if computed:
        os.kill(os.getpid(), signal.SIGABRT)
os.execv({ferrome!r}, [{ferrome!r}, *words])
"""


def wrapper(folder: Path, poison: tuple[int, ...] = (), slow: float = 0) -> str:
    """A command that is ferrome with these troubles."""
    path = folder / "ferrome"
    path.write_text(WRAPPER.format(
        python=sys.executable, runs=str(folder / "runs"), rows=ROWS, poison=poison, slow=slow, ferrome=FERROME))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture(scope="module")
def cluster():
    """A head without CPUs for actors, and three nodes of one CPU; its processes are ended by their ids."""
    # Ray's workers step back for everything else on a machine, which makes a test wait for others.
    os.environ["RAY_worker_niceness"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.three = [cluster.add_node(num_cpus=1) for _ in range(3)]
    ray.init(address=cluster.address, log_to_driver=False)
    cluster.ours = set(psutil.Process().children(recursive=True))
    yield cluster
    cluster.ours |= set(psutil.Process().children(recursive=True))
    ray.shutdown()
    cluster.shutdown()
    for process in psutil.wait_procs(cluster.ours, timeout=5)[1]:
        process.kill()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The input, and what one process makes of it."""
    folder = tmp_path_factory.mktemp("whole")
    letters = "ACDEFGHIKLMNPQRSTVWY"
    records = [(f"sp|P{n:05}", "".join(letters[(n * 31 + k * k + k * n) % 20] for k in range(5 + n * 7 % 40))) for n in range(ROWS)]
    records[13] = ("sp|P00013", "MKJ")
    (folder / "in.fasta").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in records))
    line = [FERROME, "protein", "embed", "in.fasta", "-m", MODEL, "-o", "one.parquet", "-q"]
    subprocess.run(line, cwd=folder, check=True)
    return folder


def same(path: str | Path, whole: Path, without: list[int] = []) -> None:
    """A table has the rows of the single process's, in order; those that are left out have a reason instead."""
    found, expected = pyarrow.parquet.read_table(path), pyarrow.parquet.read_table(whole / "one.parquet")
    assert found.schema.equals(expected.schema)
    assert found["id"].equals(expected["id"])
    kept = pyarrow.array([row + 1 not in without for row in range(ROWS)])
    assert found.filter(kept).drop_columns("embedding").equals(expected.filter(kept).drop_columns("embedding"))
    vectors = [table.filter(kept)["embedding"].combine_chunks() for table in (found, expected)]
    assert vectors[0].is_null().equals(vectors[1].is_null())
    # Other proteins share the batches, so that matrix products are rounded otherwise.
    numbers = [numpy.stack(each.drop_null().to_numpy(zero_copy_only=False)) for each in vectors]
    assert numpy.abs(numbers[0] - numbers[1]).max() < 1e-5
    reasons = [f"quarantined row {row}: not computed" for row in without]
    assert found.filter(pyarrow.compute.invert(kept))["error"].to_pylist() == reasons


def _working(cluster) -> tuple:
    """A node, and its actor that has a process of the command."""
    for _ in range(3000):
        for node in cluster.three:
            raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
            for worker in raylet.children():
                try:
                    if "ray::Runner" in " ".join(worker.cmdline()) and worker.children():
                        return node, worker
                except psutil.NoSuchProcess:
                    pass
        time.sleep(0.02)
    raise TimeoutError("no actor of the cluster has a process of the command")


def test_lost_actor_and_removed_node_cost_nothing_of_the_result(cluster, whole, tmp_path):
    binary = wrapper(tmp_path, slow=1.0)
    parts = tmp_path / "parts"
    killed = []

    def harm() -> None:
        """Ends an actor once two shards are finished, and takes a node away once three are."""
        while len(list(parts.glob("part-*.parquet"))) < 2:
            time.sleep(0.05)
        cluster.ours |= set(psutil.Process().children(recursive=True))
        _, actor = _working(cluster)
        actor.kill()
        while len(list(parts.glob("part-*.parquet"))) < 3:
            time.sleep(0.05)
        node, _ = _working(cluster)
        cluster.three.remove(node)
        cluster.remove_node(node, allow_graceful=False)
        killed.append(len(list(parts.glob("part-*.parquet"))))

    thread = threading.Thread(target=harm)
    thread.start()
    try:
        result = distributed.run(
            "protein embed", input=str(whole / "in.fasta"), output=str(parts), shards=12, model=MODEL, cpus=1,
            binary=binary, gather=str(tmp_path / "all.parquet"), quiet=True)
    finally:
        thread.join()
        cluster.three.append(cluster.add_node(num_cpus=1))
    assert killed and killed[0] < 12, "it was over before the node was removed"
    assert result.lost, "neither was midway in a shard"
    assert (result.quarantined, result.resumed) == ([], 0)
    same(tmp_path / "all.parquet", whole)
    # Again: one shard goes to the command, which finds the plan the same; nothing is computed.
    (tmp_path / "runs").unlink()
    again = distributed.run(
        "protein embed", input=str(whole / "in.fasta"), output=str(parts), shards=12, model=MODEL, cpus=1, binary=binary,
        quiet=True)
    assert (again.resumed, (tmp_path / "runs").read_text()) == (12, "1/12\n")


def test_poisonous_rows_are_left_out_and_named(cluster, whole, tmp_path):
    result = distributed.run(
        "protein embed", input=str(whole / "in.fasta"), output=str(tmp_path / "parts"), shards=6, model=MODEL, cpus=1,
        binary=wrapper(tmp_path, poison=(23, 30)), gather=str(tmp_path / "all.parquet"), attempts=2, quiet=True)
    assert result.quarantined == [distributed.Row(23, "sp|P00022", 3), distributed.Row(30, "sp|P00029", 3)]
    assert result.lost == {3: 2}
    same(tmp_path / "all.parquet", whole, [23, 30])
    # Again, what was left out stays out: everything is finished, and with a shard less nothing is searched for.
    (tmp_path / "parts/part-00001-of-00006.parquet").unlink()
    (tmp_path / "parts/_plan/part-00001-of-00006.json").unlink()
    for resumed, ran in [(5, "1/6\n"), (6, "1/6\n")]:
        (tmp_path / "runs").unlink()
        again = distributed.run(
            "protein embed", input=str(whole / "in.fasta"), output=str(tmp_path / "parts"), shards=6, model=MODEL, cpus=1,
            binary=str(tmp_path / "ferrome"), attempts=2, quiet=True)
        assert (again.quarantined, again.resumed) == (result.quarantined, resumed)
        assert (tmp_path / "runs").read_text() == ran


def test_first_shard_with_rows_left_out_is_not_computed_again(cluster, whole, tmp_path):
    options = {"input": str(whole / "in.fasta"), "output": str(tmp_path / "parts"), "shards": 2, "model": MODEL, "cpus": 1,
               "attempts": 1, "quiet": True, "binary": wrapper(tmp_path, poison=(5,))}
    first = distributed.run("protein embed", **options)
    part = tmp_path / "parts/part-00001-of-00002.parquet"
    written = part.stat().st_mtime_ns
    again = distributed.run("protein embed", **options)
    assert again.quarantined == first.quarantined == [distributed.Row(5, "sp|P00004", 1)]
    assert (again.resumed, part.stat().st_mtime_ns) == (2, written)


def test_changed_folder_of_a_store_is_fetched_again(tmp_path):
    store = pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem())
    (tmp_path / "model").mkdir()
    config = tmp_path / "model/config.json"
    found = []
    for content in ("{}", "{ }"):
        config.write_text(content)
        # The time of the folder stays the same, as in an object store.
        os.utime(tmp_path / "model", ns=(0, 0))
        found.append(fetch(store, "model", str(tmp_path / "copies")))
    assert [Path(each, "config.json").read_text() for each in found] == ["{}", "{ }"]
    assert fetch(store, "model", str(tmp_path / "copies")) == found[1]


def test_quarantine_alone_is_told_from_other_differences():
    line = "out.parquet: an earlier run into this output differs: {}; pass --overwrite to start anew, or choose another -o"
    alone = QUARANTINE_DIFFERS
    assert alone.search(line.format("quarantine was `23,30`, now not set"))
    assert not alone.search(line.format("pool was `mean`, now `max`, quarantine was `23,30`, now not set"))


def test_object_store_gets_whole_parts_and_the_gathered_table(cluster, whole, tmp_path):
    store = pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem())
    pyarrow.fs.copy_files(f"{whole}/in.fasta", f"{tmp_path}/in.fasta")
    options = {"shards": 2, "cpus": 1, "binary": FERROME, "quiet": True, "scratch": str(tmp_path / "scratch")}
    there = {"input": "in.fasta", "output": "far/parts", "model": f"file://{MODEL}", "filesystem": store}
    distributed.run("protein embed", gather="far/all.parquet", **there, **options)
    same(tmp_path / "far/all.parquet", whole)
    assert distributed.run("protein embed", **there, **options).resumed == 2
    # The shards are those that plain processes compute, to the last bit.
    for index in (1, 2):
        line = [FERROME, "protein", "embed", f"{whole}/in.fasta", "-m", MODEL, "--shard", f"{index}/2", "-o", f"{tmp_path}/near"]
        subprocess.run([*line, "--threads", "1", "-q"], check=True)
        part = f"part-0000{index}-of-00002.parquet"
        near, far = (pyarrow.parquet.read_table(tmp_path / folder / part) for folder in ("near", "far/parts"))
        assert near.equals(far)
    names = sorted(path.name for path in (tmp_path / "far").rglob("*") if path.is_file())
    parts = [f"part-0000{i}-of-00002" for i in (1, 2)]
    assert names == sorted(["all.parquet", "plan.json", *(f"{part}.{suffix}" for part in parts for suffix in ("json", "parquet"))])
    # Another plan is refused with the line of the command, also where the plan lies in the store.
    with pytest.raises(ValueError, match="belongs to another plan of shards: .*pool was `mean`, now `max`"):
        distributed.run(
            "protein embed", input=f"file://{tmp_path}/in.fasta", output=f"file://{tmp_path}/far/parts",
            model=f"file://{MODEL}", pool="max", **options)


def test_trouble_of_the_command_is_told_with_its_line(cluster, whole, tmp_path):
    def refused(**changes) -> str:
        options = {"input": str(whole / "in.fasta"), "output": str(tmp_path / "parts"), "shards": 2, "model": MODEL,
                   "cpus": 1, "binary": FERROME, "quiet": True}
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            distributed.run(changes.pop("command", "protein embed"), **{**options, **changes})
        return str(caught.value)

    assert refused(input="nowhere.fasta") == f"{os.getcwd()}/nowhere.fasta: no such file"
    assert refused(pool="sideways").startswith("invalid value 'sideways' for '--pool <POOL>'")
    assert refused(input=f"file://{tmp_path}/no.fasta") == f"{tmp_path}/no.fasta: no such file or folder in the object store"
    assert refused(command="protein fold").startswith("unknown command `protein fold`: expected one of protein embed, ")
    assert refused(cpus=64) == "no node of the cluster has 64 CPUs for an actor"
    assert refused(binary="/no/ferrome") == "/no/ferrome: no such command; pass binary=PATH"


def test_search_finds_poison_by_halves():
    poison = {7, 8, 90}
    runs = []

    def crashes(quarantine: str) -> bool:
        away = [tuple(map(int, (each.split("-") * 2)[:2])) for each in quarantine.split(",") if each]
        runs.append(quarantine)
        return any(not any(low <= row <= high for low, high in away) for row in poison)

    assert search(1, 100, crashes, limit=5) == [7, 8, 90]
    assert len(runs) < 40
    with pytest.raises(distributed.ProcessEnded, match="more than 2 rows end the process, the first is row 7"):
        search(1, 100, crashes, limit=2)
