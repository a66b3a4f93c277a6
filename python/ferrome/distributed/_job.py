"""What is computed, how the command is told, and what of it is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow.fs

from ._store import Store, store_of

#: The folder of the plan and the manifests, in the output.
PLAN = "_plan"


@dataclass(frozen=True)
class Job:
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

    def output_store(self) -> Store | None:
        return store_of(self.output, self.filesystem)

    def files(self) -> Store:
        return self.output_store() or (pyarrow.fs.LocalFileSystem(), self.output)

    def part(self, shard: int) -> str:
        return f"part-{shard:05}-of-{self.shards:05}"

    def files_of(self, shard: int) -> tuple[str, str]:
        """The names of its table and its manifest in the output."""
        return f"{self.part(shard)}.parquet", f"{PLAN}/{self.part(shard)}.json"

    def finished(self) -> set[int]:
        """The shards whose manifests are there; they are written last."""
        store, folder = self.files()
        selector = pyarrow.fs.FileSelector(f"{folder}/{PLAN}", allow_not_found=True)
        names = {info.base_name for info in store.get_file_info(selector)}
        return {shard for shard in range(1, self.shards + 1) if f"{self.part(shard)}.json" in names}

    def manifest(self, shard: int) -> dict[str, Any]:
        store, folder = self.files()
        with store.open_input_stream(f"{folder}/{PLAN}/{self.part(shard)}.json") as stream:
            return dict(json.loads(stream.read()))


def flags(options: dict[str, Any], gpus: float, cpus: int, command: str) -> tuple[tuple[str, str | None], ...]:
    options = {"threads": cpus, **({"device": "cuda"} if gpus and command != "cell tokenize" else {}), **options}
    flags = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        value = None if value is True else ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        flags.append((f"--{name.replace('_', '-')}", value))
    return tuple(flags)


def resources_of(nodes: list[dict[str, Any]], gpus: float, cpus: int | None) -> tuple[int, int]:
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
