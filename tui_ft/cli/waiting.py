"""Staying with a run to its end: a progress bar for people, one JSON object for scripts."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from tui_ft.cli.printing import print_json
from tui_ft.runs.handles import handle
from tui_ft.runs.records import ENDED
from tui_ft.runs.truth import read_truth
from tui_ft.watch.sources.tui_ft import TuiFtSource

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.truth import Truth

POLL_S = 0.3
OVER = ENDED | {"lost"}
EXIT_CODES = {"finished": 0}


def wait(run: RunDirectory, *, as_json: bool) -> int:
    """Wait until the run is over; exit code 0 finished, 1 stopped, failed or lost.

    Ctrl-C leaves the run going.
    """
    source = TuiFtSource(run)
    try:
        truth = follow(run, source, show=not as_json)
    except KeyboardInterrupt:
        print(f"{run.id} goes on; `tui-ft watch {handle(run)}` shows it.", file=sys.stderr)
        return 130
    if as_json:
        print_json(summary(run, truth, source))
    else:
        _tell(run, truth)
    return EXIT_CODES.get(truth.status, 1)


def summary(run: RunDirectory, truth: Truth, source: TuiFtSource) -> dict[str, Any]:
    """What `--json` says of a run that was waited for."""
    loss = source.reading.series.get("loss")
    first = loss.first if loss is not None else None
    last = loss.last if loss is not None else None
    end = truth.state.exit if truth.state else None
    return {
        "schema": 1,
        "run": str(run.path),
        "id": run.id,
        "status": truth.status,
        "steps": int(last[0]) if last else 0,
        "first_loss": first[1] if first else None,
        "last_loss": last[1] if last else None,
        "message": end.message if end else truth.reason,
    }


def follow(run: RunDirectory, source: TuiFtSource, *, show: bool) -> Truth:
    """Read the run until it is over, with a progress bar on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.fields[steps]} steps"),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not (show and console.is_terminal)) as progress:
        task = progress.add_task("starting", total=None, steps="?", loss="")
        while True:
            truth = read_truth(run)
            source.poll()
            while not source.reading.is_complete:
                source.poll()
            reading = source.reading
            loss = reading.series.get("loss")
            last = loss.last if loss is not None else None
            progress.update(
                task,
                description=reading.activity.phase if reading.activity else truth.status,
                completed=reading.step or 0,
                total=reading.total_steps,
                steps=reading.total_steps or "?",
                loss=f"loss {last[1]:.4g}" if last else "",
            )
            if truth.status in OVER:
                return truth
            time.sleep(POLL_S)


def _tell(run: RunDirectory, truth: Truth) -> None:
    end = truth.state.exit if truth.state else None
    message = end.message if end else truth.reason or ""
    print(f"{run.id} {truth.status}. {message}".strip())
    if truth.status == "finished":
        print(f"  result: {run.result}")
    else:
        print(f"  log: {run.output}")
