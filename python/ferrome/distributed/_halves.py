"""The rows of a shard that end its process."""

from __future__ import annotations

from collections.abc import Callable

from ._result import ProcessEnded


def search(first: int, last: int, crashes: Callable[[str], bool], limit: int) -> list[int]:
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
