"""How keyword arguments become a command line, and how the progress of long work is shown."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

Option: TypeAlias = "str | int | float | bool | os.PathLike[str] | Sequence[str | int | float | os.PathLike[str]] | None"
#: Called with what is done, of how much (None where that is not known), and a message.
Progress: TypeAlias = "Callable[[int, int | None, str], object]"


def flags(**options: Option) -> list[str]:
    """The command line of keyword arguments: ``pool="mean"`` is ``--pool=mean``, ``strict=True`` is ``--strict``.

    What is None or False is left out; several values are joined with commas.
    """
    line = []
    for name, value in options.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            line.append(flag)
        elif isinstance(value, (str, os.PathLike)):
            line.append(f"{flag}={os.fspath(value)}")
        elif isinstance(value, (int, float)):
            line.append(f"{flag}={value}")
        else:
            line.append(f"{flag}={','.join(str(each) for each in value)}")
    return line


@contextmanager
def progress_of(wish: bool | Progress | None, what: str) -> Iterator[Progress | None]:
    """The callback for long work: the caller's own, a ``tqdm.auto`` bar for True, none for False.

    None shows a bar where a person is looking: in a notebook, or when stderr is a terminal.
    """
    if callable(wish):
        yield wish
        return
    if wish is False or (wish is None and not _is_watched()):
        yield None
        return
    with warnings.catch_warnings():
        # A notebook without ipywidgets gets a bar of text, and needs no advice.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

    with tqdm(desc=what, unit="", unit_scale=True, leave=False) as bar:

        def show(done: int, total: int | None, message: str) -> None:
            bar.total = total
            bar.set_postfix_str(message, refresh=False)
            bar.update(done - bar.n)

        yield show


def _is_watched() -> bool:
    import sys

    if sys.stderr is not None and sys.stderr.isatty():
        return True
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
