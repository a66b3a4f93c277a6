"""One table of all parts."""

from __future__ import annotations

import os
import subprocess

import pyarrow.fs

from ._job import PLAN, Job
from ._process import how_it_ended
from ._result import ProcessEnded
from ._store import bring, publish, store_of


def gather_parts(job: Job, target: str, filesystem: pyarrow.fs.FileSystem | None, overwrite: bool) -> str:
    """Joins the parts, here, and gives the table its name."""
    store, folder = job.output_store(), job.output
    goal = store_of(target, filesystem)
    if store is not None:
        folder = os.path.join(job.scratch, "gather")
        for shard in range(1, job.shards + 1):
            for file in job.files_of(shard):
                bring(store, file, folder)
        bring(store, f"{PLAN}/plan.json", folder)
    local = target if goal is None else os.path.join(job.scratch, "gathered", os.path.basename(goal[1]))
    if goal is not None:
        os.makedirs(os.path.dirname(local), exist_ok=True)
    line = [job.binary, "gather", folder, "--output", local, "--quiet", *(["--overwrite"] if overwrite else [])]
    ended = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    how = how_it_ended(ended.returncode, ended.stderr)
    if how.how != "done":
        raise (ValueError if how.how in ("refused", "busy") else ProcessEnded)(how.line)
    if goal is not None:
        files = [os.path.join(at, name) for at, _, names in os.walk(local) for name in names] or [local]
        # What says that a folder is whole comes last.
        for file in sorted(files, key=lambda file: (file.endswith("state.json"), file)):
            end = goal[1] if file == local else f"{goal[1]}/{os.path.relpath(file, local)}"
            publish(file, goal[0], end)
    return target
