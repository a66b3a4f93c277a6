"""What runs where the call is made: who computes which shard, and what becomes of those that are lost."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter, deque
from typing import Any

from ._job import Job
from ._process import Ended
from ._result import ProcessEnded, Result, Row
from ._runner import Runner

#: The line of the command where nothing but the rows left out differs.
QUARANTINE_DIFFERS = re.compile(r"differs: quarantine was (not set|`[^`]*`), now (not set|`[^`]*`); pass --overwrite")


class Driver:
    def __init__(
        self, ray: Any, job: Job, attempts: int, actors: int, resources: tuple[int, float], quiet: bool
    ) -> None:
        self.ray, self.job, self.attempts, self.actors, self.quiet = ray, job, attempts, actors, quiet
        cpus, gpus = resources
        # One actor is never restarted by Ray: the driver decides what happens to its shard.
        self.actor = ray.remote(Runner).options(num_cpus=cpus, num_gpus=gpus, max_restarts=0, max_task_retries=0)
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

    def _computed(self, shard: int, ended: Ended) -> None:
        if ended.how == "done":
            self.left -= 1
            self._say(f"shard {shard}/{self.job.shards} is finished, {self.left} left")
        elif ended.how == "busy":
            # The process of a lost actor is ending.
            time.sleep(0.2)
            self.waiting.append(("compute", shard))
        elif ended.how == "refused" and shard not in self.anew and QUARANTINE_DIFFERS.search(ended.line):
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
