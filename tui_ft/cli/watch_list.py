"""`tui-ft watch` without a run and without a screen: our runs, and what else trains on this box."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft.cli.printing import print_json, print_lines, print_table
from tui_ft.runs.records import finite_or_word

if TYPE_CHECKING:
    from tui_ft.runs.listing import RunSummary
    from tui_ft.watch.processes.box import Box, Group
    from tui_ft.watch.reading import Reading

LONGEST_READ_S = 0.5
LONGEST_ALL_S = 5.0
"""Each run of another process is read for so long, all of them together for so long."""
_MOST_SHOWN = 20


def print_box(root: Path, as_json: bool) -> int:
    """Print our runs, newest first, after the training processes of this box that are not ours."""
    from tui_ft.runs import listing
    from tui_ft.tui.foreign_poll import is_our_own
    from tui_ft.watch.log import clean_line
    from tui_ft.watch.processes.box import scan

    runs = listing.list_runs(root)
    box = scan()
    foreign = [group for group in box.groups if not is_our_own(group)]
    if as_json:
        for note in box.notes:
            print(f"tui-ft: {clean_line(note)}", file=sys.stderr)
        end = time.monotonic() + LONGEST_ALL_S
        others = [_as_json(group, _reading_of(group, end)) for group in foreign]
        print_json([*others, *(_our_json(run, box) for run in runs)])
        return 0
    _print_text(root, foreign, runs, box)
    return 0


def _our_json(run: RunSummary, box: Box) -> dict[str, Any]:
    pids = [pid for group in box.groups if str(group.our_run) == run.path for pid in group.pids]
    return {
        "schema": 1,
        "source": "tui_ft",
        "title": run.name or run.id,
        "pid": pids[0] if pids else None,
        "pids": pids,
        **msgspec.to_builtins(run),
    }


def _reading_of(group: Group, end: float) -> Reading | None:
    """The run that a process writes, looked at shortly; None when none is known, or the time is up."""
    from tui_ft.watch.finding import find_runs
    from tui_ft.watch.foreign_run import open_run
    from tui_ft.watch.processes.attach import found_run
    from tui_ft.watch.report import read_whole

    if time.monotonic() >= end or (found := found_run(group, find_runs)) is None:
        return None
    return read_whole(open_run(found), max(min(LONGEST_READ_S, end - time.monotonic()), 0.0))


def _as_json(group: Group, reading: Reading | None) -> dict[str, Any]:
    """A process with what its run tells; the keys of our runs, and those of a process."""
    path = reading.path if reading is not None else str(group.paths[0]) if group.paths else None
    return {
        "schema": 1,
        "source": reading.source if reading is not None else None,
        "id": f"pid {group.pid}",
        "title": group.title,
        "name": group.title,
        "path": path,
        "paths": [str(path) for path in group.paths],
        "status": reading.status if reading is not None and reading.status != "unknown" else "running",
        "step": reading.step if reading is not None else None,
        "total_steps": reading.total_steps if reading is not None else None,
        "loss": _loss(reading),
        "model": reading.model if reading is not None else "",
        "method": reading.method if reading is not None else "",
        "updated_at": reading.updated_at if reading is not None else None,
        "pid": group.pid,
        "pids": list(group.pids),
        "user": group.user,
        "command": group.command,
        "cwd": str(group.cwd) if group.cwd is not None else None,
        "started_at": group.started_at,
        "gpus": list(group.gpus),
        "gpu_bytes": group.gpu_bytes,
        "reason": group.why,
    }


def _loss(reading: Reading | None) -> float | str | None:
    loss = reading.last("loss") if reading is not None else None
    return None if loss is None else finite_or_word(loss)


def _print_text(root: Path, foreign: list[Group], runs: list[Any], box: Box) -> None:
    if foreign:
        print("Training processes on this box that tui-ft did not start:")
        print_table(("PID", "USER", "GPU", "NAME", "WHERE"), [_row(group) for group in foreign])
        print("Watch one with `tui-ft watch PID`.\n")
    print_lines(box.notes)
    if not runs:
        print(f"No runs under {root}. `tui-ft demo` makes one.")
        return
    print_table(
        ("RUN", "STATUS", "STEP"),
        [
            (run.id, run.status, "–" if run.step is None else f"{run.step}/{run.total_steps or '–'}")
            for run in runs[:_MOST_SHOWN]
        ],
    )
    if len(runs) > _MOST_SHOWN:
        print(f"and {len(runs) - _MOST_SHOWN} more: `tui-ft ls`")


def _row(group: Group) -> tuple[str, ...]:
    from tui_ft.watch.log import clean_line

    gpu = "–" if group.gpu_bytes is None else f"{group.gpu_bytes / 2**30:.1f} GiB"
    where = group.paths[0] if group.paths else group.cwd
    arguments = group.command.partition(group.title)[2].strip()
    return str(group.pid), group.user, gpu, group.title or group.command, clean_line(str(where or arguments))
