"""`tui-ft watch` without a run and without a screen: our runs, and what else trains on this box."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft.cli.printing import print_json, print_lines, print_table

if TYPE_CHECKING:
    from tui_ft.watch.processes.box import Box, Group

_MOST_SHOWN = 20


def print_box(root: Path, as_json: bool) -> int:
    """Print our runs, newest first, after the training processes of this box that are not ours."""
    from tui_ft.runs import listing
    from tui_ft.watch.log import clean_line
    from tui_ft.watch.processes.box import scan

    runs = listing.list_runs(root)
    box = scan()
    foreign = [group for group in box.groups if group.our_run is None]
    if as_json:
        for note in box.notes:
            print(f"tui-ft: {clean_line(note)}", file=sys.stderr)
        print_json([*(_as_json(group) for group in foreign), *(_our_json(run) for run in runs)])
        return 0
    _print_text(root, foreign, runs, box)
    return 0


def _our_json(run: Any) -> dict[str, Any]:
    return {"schema": 1, "source": "tui_ft", **msgspec.to_builtins(run)}


def _as_json(group: Group) -> dict[str, Any]:
    return {
        "schema": 1,
        "source": None,
        "title": group.title,
        "path": str(group.paths[0]) if group.paths else None,
        "paths": [str(path) for path in group.paths],
        "status": "running",
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


def _print_text(root: Path, foreign: list[Group], runs: list[Any], box: Box) -> None:
    if foreign:
        print("Training processes on this box that tui-ft did not start:")
        print_table(("PID", "USER", "GPU", "COMMAND"), [_row(group) for group in foreign])
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
    gpu = "–" if group.gpu_bytes is None else f"{group.gpu_bytes / 2**30:.1f} GiB"
    return str(group.pid), group.user, gpu, group.title or group.command
