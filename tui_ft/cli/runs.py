"""`tui-ft ls`: the runs under the runs root."""

from __future__ import annotations

import argparse
import time
from typing import Any

import msgspec

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_table


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("ls", parents=[common], help="list the runs, newest first")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=list_runs)


def list_runs(arguments: argparse.Namespace) -> int:
    """Print the runs, then adopt those whose supervisor has died."""
    from tui_ft.runs import launch, listing

    root = settings.runs_root(arguments.runs_root)
    found = listing.list_runs(root)
    if arguments.json:
        print_json([{"schema": 1, **msgspec.to_builtins(run)} for run in found])
    elif not found:
        print(f"No runs under {root}. `tui-ft demo` makes one.")
    else:
        print_table(
            ("RUN", "STATUS", "STEP", "LOSS", "METHOD", "STARTED", "MODEL"),
            [_row(run) for run in found],
        )
    launch.adopt_orphans(root)
    return 0


def _row(run: Any) -> tuple[str, ...]:
    status = f"{run.status} ({run.reason})" if run.reason and run.status in ("running",) else run.status
    step = "–" if run.step is None else str(run.step)
    if run.total_steps:
        step += f"/{run.total_steps}"
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started_at)) if run.started_at else "–"
    loss = "–" if run.loss is None else f"{run.loss:.4g}"
    return run.id, status, step, loss, run.method or "–", started, run.model or "–"
