"""How far the reading of a data set is: a bar on stderr for people, and Ctrl-C that ends it in order."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from tui_ft.data import gate

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Watch:
    """Moves the bar. After Ctrl-C the next move ends a check, which then tells what it has found."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self.is_stopped = False
        self._bar = bar
        self._task = task

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Wish for the end; a second Ctrl-C ends everything."""
        self.is_stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def rows(self, progress: gate.Progress) -> None:
        """Take note of a check's progress. Raises `gate.Stop` after Ctrl-C."""
        if self.is_stopped:
            raise gate.Stop
        far = progress.so_far
        self._bar.update(
            self._task,
            completed=progress.bytes_read,
            total=progress.total_bytes,
            rows=f"{far.rows:,} rows, {far.usable_rows:,} usable",
        )

    def bytes(self, read: int, size: int | None) -> None:
        """Take note of the bytes read. Raises `KeyboardInterrupt` after Ctrl-C."""
        if self.is_stopped:
            raise KeyboardInterrupt
        self._bar.update(self._task, completed=read, total=size)


@contextlib.contextmanager
def watched(what: str, *, show: bool) -> Iterator[Watch]:
    """Yield what is to be told of the progress; the bar is drawn on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"), TimeRemainingColumn(),
    )  # fmt: skip
    bar = Progress(*columns, console=console, transient=True, disable=not (show and console.is_terminal))
    with bar:
        watch = Watch(bar, bar.add_task(what, total=None, rows=""))
        before = signal.signal(signal.SIGINT, watch.stop)
        try:
            yield watch
        finally:
            signal.signal(signal.SIGINT, before)
