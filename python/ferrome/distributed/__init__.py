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

import importlib
import os
import shutil
import sys
import tempfile
import uuid
from typing import Any

import pyarrow.fs

from ._driver import Driver
from ._gather import gather_parts
from ._job import Job, flags, resources_of
from ._result import ProcessEnded, Result, Row

__all__ = ["COMMANDS", "ProcessEnded", "Result", "Row", "run"]

COMMANDS = ("protein embed", "cell tokenize", "cell embed", "drug score")


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
    cpus, most = resources_of(ray.nodes(), gpus, cpus)
    scratch = scratch or os.path.join(tempfile.gettempdir(), f"ferrome-{os.getuid()}")
    job = Job(
        command=command,
        input=input if input is None or filesystem or "://" in input or input == "-" else os.path.abspath(input),
        output=output if filesystem or "://" in output else os.path.abspath(output),
        shards=shards,
        options=flags(options, gpus, cpus, command),
        binary=os.path.abspath(found),
        filesystem=filesystem,
        copies=os.path.join(scratch, "input"),
        scratch=os.path.join(scratch, uuid.uuid4().hex[:12]),
        cwd=os.getcwd(),
        timeout=timeout,
        limit=most_quarantined,
    )
    try:
        driver = Driver(ray, job, attempts, min(actors or most, most), (cpus, gpus), quiet)
        result = driver.run(anew=bool(options.get("overwrite")))
        if gather is not None:
            result.gathered = gather_parts(job, gather, filesystem, bool(options.get("overwrite")))
    finally:
        shutil.rmtree(job.scratch, ignore_errors=True)
    return result
