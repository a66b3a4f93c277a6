"""Ferrome on a Ray cluster: the shards of one plan, handed out to actors.

A shard is what ``ferrome COMMAND … --shard I/N`` computes, on a SLURM array and here: a range of the rows that depends on the
input and N alone, written whole as ``OUT/part-00003-of-00016.parquet``. The driver hands out the shards that are missing, one to
each free actor. An actor or a node that is lost costs the shards in hand, which go to others; what is finished stays, also from
earlier calls. A shard that ends its process ``attempts`` times is searched for the rows that do it: they are left out, named in
the result and in the column ``error``, and the rest is computed::

    import ferrome.distributed

    result = ferrome.distributed.run(
        "protein embed", input="s3://bucket/proteome.fasta.gz", output="s3://bucket/embeddings", shards=256,
        model="facebook/esm2_t33_650M_UR50D", gpus=1, gather="proteome.parquet")
    result.quarantined                                # [Row(row=1204, id='sp|P12345', shard=1)]

Options have the names of the command line. Importing this module needs Ray and pyarrow; running it needs the command
``ferrome`` on every node, and nothing else of the Python package there.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow
import pyarrow.fs

__all__ = ["COMMANDS", "ProcessEnded", "Result", "Row", "run"]

COMMANDS = ("protein embed", "cell tokenize", "cell embed", "drug score")

_LOCKED = "another run of ferrome is writing this output"
_PLAN = "_plan"
#: The line of the command where nothing but the rows left out differs.
_QUARANTINE_DIFFERS = re.compile(r"differs: quarantine was (not set|`[^`]*`), now (not set|`[^`]*`); pass --overwrite")


@dataclass(frozen=True)
class Row:
    """A row that was left out, because it ended the process: its number in the input (from 1), its id, and its shard."""

    row: int
    id: str
    shard: int


@dataclass
class Result:
    """What a run did."""

    output: str
    shards: int
    #: Shards that were finished before.
    resumed: int = 0
    #: Rows that are in the output without having been computed.
    quarantined: list[Row] = field(default_factory=list)
    #: Attempts that ended without a finished part, by shard: a process that ended, an actor or a node that was lost.
    lost: dict[int, int] = field(default_factory=dict)
    #: The table that all parts were joined to, where one was asked for.
    gathered: str | None = None


class ProcessEnded(RuntimeError):
    """A shard could not be computed, and no single row of it is to blame."""


def run(
    command: str,
    *,
    output: str,
    shards: int,
    input: str | None = None,
    gather: str | None = None,
    gpus: float = 0,
    cpus: int | None = None,
    actors: int | None = None,
    attempts: int = 3,
    most_quarantined: int = 16,
    timeout: float | None = None,
    filesystem: pyarrow.fs.FileSystem | None = None,
    scratch: str | None = None,
    binary: str | None = None,
    quiet: bool = False,
    **options: Any,
) -> Result:
    """Computes all shards of a job on a Ray cluster (the one that is connected, or that ``ray.init()`` finds or starts).

    ``input`` and ``output`` (and values of options that are URIs, such as ``model="s3://…"``) may be paths that every node
    sees, or URIs of object stores; with ``filesystem``, ``input`` and ``output`` are paths in it. What lies in an object store
    is copied to ``scratch`` (by default ``/tmp/ferrome-UID``) on each node, once for each version of it, and stays there; every
    part goes back whole, its manifest last.

    ``gpus`` and ``cpus`` are those of one actor. Without them an actor has all CPUs of a node, or, with ``gpus=1``, its share of
    them. ``actors`` is how many there are at most.

    Raises ``ValueError`` with the line of the command where it refuses its input or options, :class:`ProcessEnded` where
    a shard cannot be computed, ``FileNotFoundError`` where the input or the command is not there.
    """
    # What Ray has no types for is not to be checked.
    ray: Any = importlib.import_module("ray")
    if command not in COMMANDS:
        raise ValueError(f"unknown command `{command}`: expected one of {', '.join(COMMANDS)}")
    if shards < 1 or attempts < 1:
        raise ValueError("shards and attempts must be at least 1")
    found = shutil.which(binary or os.environ.get("FERROME_BIN", "ferrome"))
    if found is None:
        raise FileNotFoundError(f"{binary or 'ferrome'}: no such command; pass binary=PATH")
    if not ray.is_initialized():
        ray.init()
    # Workers need no Python package of ours.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    cpus, most = _resources(ray.nodes(), gpus, cpus)
    scratch = scratch or os.path.join(tempfile.gettempdir(), f"ferrome-{os.getuid()}")
    job = _Job(
        command=command,
        input=input if input is None or filesystem or "://" in input or input == "-" else os.path.abspath(input),
        output=output if filesystem or "://" in output else os.path.abspath(output),
        shards=shards,
        options=_flags(options, gpus, cpus, command),
        binary=os.path.abspath(found),
        filesystem=filesystem,
        copies=os.path.join(scratch, "input"),
        scratch=os.path.join(scratch, uuid.uuid4().hex[:12]),
        cwd=os.getcwd(),
        timeout=timeout,
        limit=most_quarantined,
    )
    try:
        driver = _Driver(ray, job, attempts, min(actors or most, most), (cpus, gpus), quiet)
        result = driver.run(anew=bool(options.get("overwrite")))
        if gather is not None:
            result.gathered = _gather(job, gather, filesystem, bool(options.get("overwrite")))
    finally:
        shutil.rmtree(job.scratch, ignore_errors=True)
    return result


# What is said to the command.


@dataclass(frozen=True)
class _Job:
    command: str
    input: str | None
    output: str
    shards: int
    options: tuple[tuple[str, str | None], ...]
    binary: str
    filesystem: pyarrow.fs.FileSystem | None
    #: Copies of what lies in object stores, under paths that are the same on every node and in every call: they stand in the plan.
    copies: str
    scratch: str
    cwd: str
    timeout: float | None
    limit: int

    def output_store(self) -> tuple[pyarrow.fs.FileSystem, str] | None:
        return _store(self.output, self.filesystem)

    def files(self) -> tuple[pyarrow.fs.FileSystem, str]:
        return self.output_store() or (pyarrow.fs.LocalFileSystem(), self.output)

    def part(self, shard: int) -> str:
        return f"part-{shard:05}-of-{self.shards:05}"

    def finished(self) -> set[int]:
        """The shards whose manifests are there; they are written last."""
        store, folder = self.files()
        selector = pyarrow.fs.FileSelector(f"{folder}/{_PLAN}", allow_not_found=True)
        names = {info.base_name for info in store.get_file_info(selector)}
        return {shard for shard in range(1, self.shards + 1) if f"{self.part(shard)}.json" in names}

    def manifest(self, shard: int) -> dict[str, Any]:
        store, folder = self.files()
        with store.open_input_stream(f"{folder}/{_PLAN}/{self.part(shard)}.json") as stream:
            return dict(json.loads(stream.read()))


def _flags(options: dict[str, Any], gpus: float, cpus: int, command: str) -> tuple[tuple[str, str | None], ...]:
    options = {"threads": cpus, **({"device": "cuda"} if gpus and command != "cell tokenize" else {}), **options}
    flags = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        value = None if value is True else ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        flags.append((f"--{name.replace('_', '-')}", value))
    return tuple(flags)


def _resources(nodes: list[dict[str, Any]], gpus: float, cpus: int | None) -> tuple[int, int]:
    """CPUs of an actor, and how many actors the cluster has room for."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    able = [each for each in alive if each.get("CPU", 0) >= 1 and each.get("GPU", 0) >= gpus]
    if not able:
        raise ValueError(f"no node of the cluster has a CPU and {gpus:g} GPUs")
    if cpus is None:
        share = [each["CPU"] / (max(1, each["GPU"] // gpus) if gpus else 1) for each in able]
        cpus = max(1, int(min(share)))
    room = [min(each["CPU"] // cpus, each["GPU"] // gpus if gpus else each["CPU"]) for each in able]
    if sum(room) < 1:
        raise ValueError(f"no node of the cluster has {cpus} CPUs for an actor")
    return cpus, int(sum(room))


# Object stores.


def _store(path: str, filesystem: pyarrow.fs.FileSystem | None) -> tuple[pyarrow.fs.FileSystem, str] | None:
    """The file system of a path and the path in it; ``None`` for what every node sees."""
    if filesystem is not None:
        return filesystem, path.rstrip("/")
    if "://" not in path:
        return None
    try:
        store, inner = pyarrow.fs.FileSystem.from_uri(path)
    except pyarrow.ArrowInvalid:
        import fsspec  # type: ignore[import-untyped]

        known, inner = fsspec.core.url_to_fs(path)
        store = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(known))
    return store, inner.rstrip("/")


def _fetch(store: pyarrow.fs.FileSystem, path: str, folder: str) -> str:
    """Copies a file or a folder below ``folder``, where it appears whole, once for each version of it."""
    info = store.get_file_info(path)
    if info.type == pyarrow.fs.FileType.NotFound:
        raise FileNotFoundError(f"{path}: no such file or folder in the object store")
    local = os.path.join(folder, _version(store, info), info.base_name)
    if not os.path.exists(local):
        unfinished = f"{local}.{uuid.uuid4().hex[:8]}.tmp"
        os.makedirs(unfinished if info.type == pyarrow.fs.FileType.Directory else os.path.dirname(local), exist_ok=True)
        pyarrow.fs.copy_files(path, unfinished, store, pyarrow.fs.LocalFileSystem())
        try:
            os.rename(unfinished, local)
        except OSError:
            # Another actor of this node was faster.
            shutil.rmtree(unfinished, ignore_errors=True)
    return local


def _version(store: pyarrow.fs.FileSystem, info: pyarrow.fs.FileInfo) -> str:
    """What changes when a file or anything in a folder does; a folder of an object store has no time of its own."""
    files = [info]
    if info.type == pyarrow.fs.FileType.Directory:
        files += store.get_file_info(pyarrow.fs.FileSelector(info.path, recursive=True))
    told = sorted(f"{file.path} {file.size} {file.mtime_ns}" for file in files)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _publish(local: str, store: pyarrow.fs.FileSystem, path: str) -> None:
    """Copies a file to a store, where it appears whole."""
    # What is put into an object store appears when all of it is there.
    whole = store.type_name in ("s3", "gcs", "abfs") or store.type_name.startswith("py::fsspec")
    target = path if whole else f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    store.create_dir(os.path.dirname(path), recursive=True)
    pyarrow.fs.copy_files(local, target, pyarrow.fs.LocalFileSystem(), store)
    if target != path:
        store.move(target, path)


# What runs on a node.


@dataclass(frozen=True)
class _Ended:
    """How a process ended: ``done``, ``busy``, ``refused`` or ``crashed``, and its last line."""

    how: str
    line: str


class _Runner:
    """One actor: computes the shards that it is given, each by a process of ``ferrome``."""

    def __init__(self, job: _Job) -> None:
        self.job = job
        self.child = None

    def ready(self) -> None:
        """Nothing: it is there."""

    def compute(self, shard: int, quarantine: str, anew: bool) -> _Ended:
        """Computes a shard, where it is not finished; ``anew`` also then."""
        store = self.job.output_store()
        folder = self.job.output if store is None else os.path.join(self.job.scratch, "parts")
        if store is not None:
            self._fetch_plan(store, folder)
        name = self.job.part(shard)
        there = store is not None and not anew and self._fetch_finished(store, folder, name)
        ended = self._ferrome(shard, folder, quarantine, anew=anew)
        if ended.how == "done" and store is not None and not there:
            files = [f"{name}.parquet", f"{_PLAN}/plan.json", f"{_PLAN}/{name}.json"]
            for file in files:
                if file != files[1] or store[0].get_file_info(f"{store[1]}/{file}").type == pyarrow.fs.FileType.NotFound:
                    _publish(os.path.join(folder, file), store[0], f"{store[1]}/{file}")
        return ended

    def search(self, shard: int) -> list[int]:
        """The rows of a shard, counted from 1, that end the process when they are computed alone."""
        folder = os.path.join(self.job.scratch, f"search-{shard}-{uuid.uuid4().hex[:8]}")
        try:
            first, last = self._rows(shard, folder)
            return _search(first, last, lambda quarantine: self._crashes(shard, folder, quarantine), self.job.limit)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Takes what it copied away."""
        shutil.rmtree(self.job.scratch, ignore_errors=True)

    def _rows(self, shard: int, folder: str) -> tuple[int, int]:
        # The plan says how many rows the input has; the first of this many shards has none of them.
        ended = self._ferrome(1, folder, "", of=2**32 - 1)
        if ended.how != "done":
            raise ProcessEnded(f"the process ends also when no row is computed: {ended.line}")
        with open(os.path.join(folder, _PLAN, "plan.json"), encoding="utf-8") as file:
            total = int(dict(json.load(file))["rows"])
        return total * (shard - 1) // self.job.shards + 1, total * shard // self.job.shards

    def _crashes(self, shard: int, folder: str, quarantine: str) -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        ended = self._ferrome(shard, folder, quarantine)
        if ended.how == "refused":
            raise ValueError(ended.line)
        return ended.how == "crashed"

    def _fetch_plan(self, store: tuple[pyarrow.fs.FileSystem, str], folder: str) -> None:
        local = os.path.join(folder, _PLAN, "plan.json")
        remote = f"{store[1]}/{_PLAN}/plan.json"
        if not os.path.exists(local) and store[0].get_file_info(remote).type == pyarrow.fs.FileType.File:
            os.makedirs(os.path.dirname(local), exist_ok=True)
            _publish_local(_fetch(store[0], remote, self.job.scratch), local)

    def _fetch_finished(self, store: tuple[pyarrow.fs.FileSystem, str], folder: str, name: str) -> bool:
        """Copies a part and its manifest from the store, where they are there, for the command to find."""
        if any(option == "--overwrite" for option, _ in self.job.options):
            return False
        files = [f"{name}.parquet", f"{_PLAN}/{name}.json"]
        if any(info.type != pyarrow.fs.FileType.File for info in store[0].get_file_info([f"{store[1]}/{file}" for file in files])):
            return False
        os.makedirs(os.path.join(folder, _PLAN), exist_ok=True)
        for file in files:
            pyarrow.fs.copy_files(f"{store[1]}/{file}", os.path.join(folder, file), store[0], pyarrow.fs.LocalFileSystem())
        return True

    def _local(self, path: str, filesystem: pyarrow.fs.FileSystem | None) -> str:
        store = _store(path, filesystem)
        return path if store is None else _fetch(*store, self.job.copies)

    def _ferrome(self, shard: int, folder: str, quarantine: str, of: int | None = None, anew: bool = False) -> _Ended:
        job, libc = self.job, ctypes.CDLL(None) if sys.platform == "linux" else None

        def end_with_parent() -> None:
            # Without its actor, a process would go on and keep the shard locked. 1 is PR_SET_PDEATHSIG.
            if libc is not None:
                libc.prctl(1, signal.SIGKILL)

        line = [job.binary, *job.command.split()]
        if job.input is not None:
            line.append(self._local(job.input, job.filesystem))
        for name, value in job.options:
            line.append(name)
            if value is not None:
                line.append(self._local(value, None))
        line += ["--output", folder, "--shard", f"{shard}/{of or job.shards}", "--quiet"]
        if quarantine:
            line += ["--quarantine", quarantine]
        if anew and "--overwrite" not in line:
            line.append("--overwrite")
        cwd = job.cwd if os.path.isdir(job.cwd) else None
        child = subprocess.Popen(
            line, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", preexec_fn=end_with_parent,
        )
        try:
            _, told = child.communicate(timeout=job.timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            _, told = child.communicate()
        return _ended(child.returncode, told)


def _publish_local(source: str, target: str) -> None:
    unfinished = f"{target}.{uuid.uuid4().hex[:8]}.tmp"
    shutil.copyfile(source, unfinished)
    os.replace(unfinished, target)


def _ended(code: int, told: str) -> _Ended:
    lines = [line for line in told.splitlines() if line.strip()]
    line = (lines[-1] if lines else "").removeprefix("error: ")
    if code == 0:
        return _Ended("done", line)
    if _LOCKED in line:
        return _Ended("busy", line)
    if code in (1, 2):
        return _Ended("refused", line if code == 1 else " ".join(part.strip() for part in lines).removeprefix("error: "))
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return _Ended("crashed", f"{how}{': ' if line else ''}{line}")


def _search(first: int, last: int, crashes: Callable[[str], bool], limit: int) -> list[int]:
    """The rows among ``first`` to ``last`` for which ``crashes(quarantine of all others)``, by halves.

    A half that does not crash clears its rows, so that one row among n takes about log2 n runs.
    """
    found: list[int] = []

    def others(low: int, high: int) -> str:
        ranges = [(first, low - 1), (high + 1, last)]
        return ",".join(f"{start}-{end}" if start < end else str(start) for start, end in ranges if start <= end)

    def within(low: int, high: int, known: bool) -> bool:
        if low == high or not known:
            if not crashes(others(low, high)):
                return False
        if low == high:
            found.append(low)
            if len(found) > limit:
                raise ProcessEnded(f"more than {limit} rows end the process, the first is row {found[0]}")
            return True
        middle = (low + high) // 2
        left = within(low, middle, False)
        return within(middle + 1, high, not left) or left

    within(first, last, True)
    return found


# What runs in the driver.


class _Driver:
    def __init__(
        self, ray: Any, job: _Job, attempts: int, actors: int, resources: tuple[int, float], quiet: bool
    ) -> None:
        self.ray, self.job, self.attempts, self.actors, self.quiet = ray, job, attempts, actors, quiet
        cpus, gpus = resources
        # One actor is never restarted by Ray: the driver decides what happens to its shard.
        self.actor = ray.remote(_Runner).options(num_cpus=cpus, num_gpus=gpus, max_restarts=0, max_task_retries=0)
        self.waiting: deque[tuple[str, int]] = deque()
        #: Of each task its actor, what it does and its shard.
        self.tasks: dict[Any, tuple[Any, str, int]] = {}
        self.idle: list[Any] = []
        self.failed: Counter[tuple[str, int]] = Counter()
        self.quarantine: dict[int, str] = {}
        #: Shards that begin anew, because what is left out of them changed.
        self.anew: set[int] = set()
        self.result = Result(job.output, job.shards)

    def run(self, anew: bool) -> Result:
        finished = set() if anew else self.job.finished()
        todo = [shard for shard in range(1, self.job.shards + 1) if shard not in finished]
        self.result.resumed = len(finished)
        # What earlier calls left out stays out.
        for shard in finished:
            rows = dict(self.job.manifest(shard)["description"]).get("quarantine")
            if rows is not None:
                self.quarantine[shard] = rows
        # A finished shard goes to the command again where nothing else would compare the plans.
        for shard in todo or [1]:
            self.waiting.append(("compute", shard))
        self.left = len(self.waiting)
        for _ in range(min(self.actors, self.left)):
            self._begin_actor()
        try:
            while self.left:
                self._step()
        finally:
            self._end_actors()
        for shard in range(1, self.job.shards + 1):
            self.result.quarantined += self._named(shard)
        return self.result

    def _begin_actor(self) -> None:
        actor = self.actor.remote(self.job)
        self.tasks[actor.ready.remote()] = (actor, "ready", 0)

    def _step(self) -> None:
        while self.waiting and self.idle:
            self._hand_out(self.idle.pop())
        done, _ = self.ray.wait(list(self.tasks), num_returns=1, timeout=5)
        for reference in done:
            actor, kind, shard = self.tasks.pop(reference)
            try:
                ended = self.ray.get(reference)
            except self.ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except (self.ray.exceptions.RayActorError, self.ray.exceptions.WorkerCrashedError):
                self._lost(kind, shard)
                continue
            self.idle.append(actor)
            if kind == "compute":
                self._computed(shard, ended)
            elif kind == "search":
                self._searched(shard, ended)

    def _hand_out(self, actor: Any) -> None:
        kind, shard = self.waiting.popleft()
        rows = self.quarantine.get(shard, "")
        task = actor.search.remote(shard) if kind == "search" else actor.compute.remote(shard, rows, shard in self.anew)
        self.tasks[task] = (actor, kind, shard)

    def _computed(self, shard: int, ended: _Ended) -> None:
        if ended.how == "done":
            self.left -= 1
            self._say(f"shard {shard}/{self.job.shards} is finished, {self.left} left")
        elif ended.how == "busy":
            # The process of a lost actor is ending.
            time.sleep(0.2)
            self.waiting.append(("compute", shard))
        elif ended.how == "refused" and shard not in self.anew and _QUARANTINE_DIFFERS.search(ended.line):
            # An earlier call was stopped midway in a shard of which it left rows out.
            self.anew.add(shard)
            self.waiting.append(("compute", shard))
        elif ended.how == "refused":
            raise ValueError(ended.line)
        else:
            self._failed("compute", shard, ended.line)

    def _searched(self, shard: int, rows: list[int]) -> None:
        if not rows:
            raise ProcessEnded(f"shard {shard}/{self.job.shards} ended {self.attempts} times, and no row of it ends alone")
        self.quarantine[shard] = ",".join(map(str, rows))
        self.anew.add(shard)
        self._say(f"shard {shard}/{self.job.shards}: rows {self.quarantine[shard]} are left out")
        self.waiting.append(("compute", shard))

    def _lost(self, kind: str, shard: int) -> None:
        """An actor is gone, and perhaps its node."""
        self.failed["actors", 0] += kind == "ready"
        if self.failed["actors", 0] > self.actors * self.attempts:
            raise ProcessEnded("actors are lost before they compute anything")
        self._begin_actor()
        if kind != "ready":
            self._failed(kind, shard, "its actor was lost")

    def _failed(self, kind: str, shard: int, why: str) -> None:
        self.failed[kind, shard] += 1
        self.result.lost[shard] = self.result.lost.get(shard, 0) + 1
        self._say(f"shard {shard}/{self.job.shards}: {why}")
        if self.failed[kind, shard] < self.attempts:
            self.waiting.append((kind, shard))
        elif kind == "compute" and shard not in self.quarantine:
            self.failed[kind, shard] = 0
            self.waiting.append(("search", shard))
        else:
            raise ProcessEnded(f"shard {shard}/{self.job.shards}: {why}, {self.attempts} times")

    def _end_actors(self) -> None:
        actors = [*self.idle, *(actor for actor, _, _ in self.tasks.values())]
        closing = [actor.close.remote() for actor in actors]
        self.ray.wait(closing, num_returns=len(closing), timeout=2)
        for actor in actors:
            self.ray.kill(actor)

    def _named(self, shard: int) -> list[Row]:
        kind = "quarantined row "
        rejected = self.job.manifest(shard)["statistics"]["rejected"]
        named = [each for each in rejected if each["kind"].startswith(kind)]
        return [Row(int(each["kind"].removeprefix(kind)), each["first"], shard) for each in named]

    def _say(self, line: str) -> None:
        if not self.quiet:
            print(line, file=sys.stderr)


def _gather(job: _Job, target: str, filesystem: pyarrow.fs.FileSystem | None, overwrite: bool) -> str:
    """Joins the parts, here, and gives the table its name."""
    store, folder = job.output_store(), job.output
    goal = _store(target, filesystem)
    if store is not None:
        folder = os.path.join(job.scratch, "gather")
        for name in ["", _PLAN]:
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        for shard in range(1, job.shards + 1):
            for file in (f"{job.part(shard)}.parquet", f"{_PLAN}/{job.part(shard)}.json"):
                pyarrow.fs.copy_files(
                    f"{store[1]}/{file}", os.path.join(folder, file), store[0], pyarrow.fs.LocalFileSystem())
        plan = f"{_PLAN}/plan.json"
        pyarrow.fs.copy_files(
            f"{store[1]}/{plan}", os.path.join(folder, plan), store[0], pyarrow.fs.LocalFileSystem())
    local = target if goal is None else os.path.join(job.scratch, "gathered", os.path.basename(goal[1]))
    if goal is not None:
        os.makedirs(os.path.dirname(local), exist_ok=True)
    line = [job.binary, "gather", folder, "--output", local, "--quiet", *(["--overwrite"] if overwrite else [])]
    ended = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    how = _ended(ended.returncode, ended.stderr)
    if how.how != "done":
        raise (ValueError if how.how in ("refused", "busy") else ProcessEnded)(how.line)
    if goal is not None:
        files = [os.path.join(at, name) for at, _, names in os.walk(local) for name in names] or [local]
        # What says that a folder is whole comes last.
        for file in sorted(files, key=lambda file: (file.endswith("state.json"), file)):
            end = goal[1] if file == local else f"{goal[1]}/{os.path.relpath(file, local)}"
            _publish(file, goal[0], end)
    return target
