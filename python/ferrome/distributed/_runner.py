"""What runs on a node."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid

import pyarrow.fs

from ._halves import search
from ._job import PLAN, Job
from ._process import Ended, how_it_ended
from ._result import ProcessEnded
from ._store import Store, bring, fetch, publish, put, store_of


class Runner:
    """One actor: computes the shards that it is given, each by a process of ``ferrome``."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def ready(self) -> None:
        """Nothing: it is there."""

    def compute(self, shard: int, quarantine: str, anew: bool) -> Ended:
        """Computes a shard, where it is not finished; ``anew`` also then."""
        store = self.job.output_store()
        folder = self.job.output if store is None else os.path.join(self.job.scratch, "parts")
        if store is not None:
            self._fetch_plan(store, folder)
        there = store is not None and not anew and self._fetch_finished(store, folder, shard)
        ended = self._ferrome(shard, folder, quarantine, anew=anew)
        if ended.how == "done" and store is not None and not there:
            part, manifest = self.job.files_of(shard)
            plan = f"{PLAN}/plan.json"
            for file in (part, plan, manifest):
                if file != plan or store[0].get_file_info(f"{store[1]}/{file}").type == pyarrow.fs.FileType.NotFound:
                    publish(os.path.join(folder, file), store[0], f"{store[1]}/{file}")
        return ended

    def search(self, shard: int) -> list[int]:
        """The rows of a shard, counted from 1, that end the process when they are computed alone."""
        folder = os.path.join(self.job.scratch, f"search-{shard}-{uuid.uuid4().hex[:8]}")
        try:
            first, last = self._rows(shard, folder)
            return search(first, last, lambda quarantine: self._crashes(shard, folder, quarantine), self.job.limit)
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
        with open(os.path.join(folder, PLAN, "plan.json"), encoding="utf-8") as file:
            total = int(dict(json.load(file))["rows"])
        return total * (shard - 1) // self.job.shards + 1, total * shard // self.job.shards

    def _crashes(self, shard: int, folder: str, quarantine: str) -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        ended = self._ferrome(shard, folder, quarantine)
        if ended.how == "refused":
            raise ValueError(ended.line)
        return ended.how == "crashed"

    def _fetch_plan(self, store: Store, folder: str) -> None:
        local = os.path.join(folder, PLAN, "plan.json")
        remote = f"{store[1]}/{PLAN}/plan.json"
        if not os.path.exists(local) and store[0].get_file_info(remote).type == pyarrow.fs.FileType.File:
            os.makedirs(os.path.dirname(local), exist_ok=True)
            put(fetch(store[0], remote, self.job.scratch), local)

    def _fetch_finished(self, store: Store, folder: str, shard: int) -> bool:
        """Copies a part and its manifest from the store, where they are there, for the command to find."""
        if any(option == "--overwrite" for option, _ in self.job.options):
            return False
        files = self.job.files_of(shard)
        if any(info.type != pyarrow.fs.FileType.File for info in store[0].get_file_info([f"{store[1]}/{file}" for file in files])):
            return False
        for file in files:
            bring(store, file, folder)
        return True

    def _local(self, path: str, filesystem: pyarrow.fs.FileSystem | None) -> str:
        store = store_of(path, filesystem)
        return path if store is None else fetch(*store, self.job.copies)

    def _ferrome(self, shard: int, folder: str, quarantine: str, of: int | None = None, anew: bool = False) -> Ended:
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
        return how_it_ended(child.returncode, told)
