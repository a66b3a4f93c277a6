"""What a run gives."""

from __future__ import annotations

from dataclasses import dataclass, field


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
