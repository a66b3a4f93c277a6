"""One process of ``ferrome``, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

LOCKED = "another run of ferrome is writing this output"


@dataclass(frozen=True)
class Ended:
    """How a process ended: ``done``, ``busy``, ``refused`` or ``crashed``, and its last line."""

    how: str
    line: str


def how_it_ended(code: int, told: str) -> Ended:
    lines = [line for line in told.splitlines() if line.strip()]
    line = (lines[-1] if lines else "").removeprefix("error: ")
    if code == 0:
        return Ended("done", line)
    if LOCKED in line:
        return Ended("busy", line)
    if code in (1, 2):
        return Ended("refused", line if code == 1 else " ".join(part.strip() for part in lines).removeprefix("error: "))
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return Ended("crashed", f"{how}{': ' if line else ''}{line}")
