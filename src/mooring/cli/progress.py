"""What a person sees of a wait: on standard error, and only where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SILENT_S = 0.5
"""A wait that is over sooner is none."""


@contextmanager
def counting(noun: str) -> Iterator[Callable[[int], None]]:
    """Gives what to call with how many there are so far; the line goes away at the end."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.completed:,}"), TextColumn(noun), BarColumn(20))
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task = progress.add_task(noun, total=None)
    started_s = time.monotonic()

    def told(number: int) -> None:
        progress.update(task, completed=number)
        if not progress.live.is_started and time.monotonic() - started_s >= _SILENT_S:
            progress.start()

    try:
        yield told
    finally:
        progress.stop()
