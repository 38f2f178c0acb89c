"""`tui-ft report RUN`: the report on a run, as Markdown with its charts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines
from tui_ft.user_paths import user_path


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "report", parents=[common], help="write a report on any run: Markdown, with its charts as SVG"
    )
    parser.add_argument("run", metavar="PATH|ID|PID", help="a run of ours, or a file or folder of another's")
    parser.add_argument(
        "--out", metavar="FILE.md", help="where to write it; without it report-….md in the current folder"
    )
    parser.add_argument(
        "--hash-model", action="store_true", help="hash every byte of the base model, too (about 1 s a GB)"
    )
    parser.add_argument("--json", action="store_true", help="print where it was written as JSON")
    parser.set_defaults(command=report)


def report(arguments: argparse.Namespace) -> int:
    """Write the report and say where it is."""
    from tui_ft.watch.finding import resolve
    from tui_ft.watch.found import found_by_id
    from tui_ft.watch.run_report import write_report

    root = settings.runs_root(arguments.runs_root)
    found = found_by_id(root, arguments.run) or resolve(root, arguments.run)
    out: Path | None = user_path(arguments.out) if arguments.out else None
    written = write_report(found, out, with_model=arguments.hash_model)
    if arguments.json:
        paths = [str(path) for path in written.charts]
        print_json({"schema": 1, "run": str(found.path), "path": str(written.path), "charts": paths})
    else:
        print_lines([f"{written.path}, with {len(written.charts)} charts beside it."])
    return 0
