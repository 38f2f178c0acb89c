"""`tui-ft ls`: the runs under the runs root."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines

if TYPE_CHECKING:
    from tui_ft.runs.labels import LabelBook
    from tui_ft.runs.listing import RunSummary

_ORDERS = ("newest", "live", "name", "loss", "status", "model", "updated")
_COLUMNS = ("RUN", "STATUS", "STEP", "LOSS", "METHOD", "STARTED", "MODEL", "TAGS")
_GIVEN_UP = ("TAGS", "MODEL", "METHOD", "LOSS", "STARTED", "STEP")
"""Where the terminal is too narrow for all columns these are left out, in this order."""
_LEAST = 8
"""A column that is cut off shows so much at least."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("ls", parents=[common], help="list the runs, newest first")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--sort", choices=_ORDERS, default="newest", help="in which order")
    parser.add_argument("--tag", action="append", default=[], help="only runs with this tag; may be repeated")
    parser.add_argument("--archived", action="store_true", help="list the archived runs too")
    parser.add_argument("--all", action="store_true", help="list those of other runs roots too")
    parser.set_defaults(command=list_runs)


def list_runs(arguments: argparse.Namespace) -> int:
    """Print the runs, then adopt those whose supervisor has died."""
    from tui_ft.runs import adopting, listing
    from tui_ft.runs.arranging import sort_runs
    from tui_ft.runs.labels import LabelBook

    root = settings.runs_root(arguments.runs_root)
    roots = [root, *(_other_roots(root) if arguments.all else ())]
    every = [run for each in roots for run in listing.list_runs(each)]
    found = sort_runs((run for run in every if _is_wanted(run, arguments)), arguments.sort)
    if arguments.json:
        print_json([{"schema": 1, **msgspec.to_builtins(run)} for run in found])
    elif found:
        _print_runs(found, root)
    elif every:
        print(f"None of the {len(every)} runs under {root} is one of those (--archived shows the archive).")
    else:
        print(f"No runs under {root}. `tui-ft demo` makes one.")
    for each in roots:
        _say_problem(LabelBook(each))
    for run in adopting.adopt_orphans(root):
        print(f"tui-ft: {run.id}: its supervisor was gone; that was seen to now.", file=sys.stderr)
    return 0


def _other_roots(root: Path) -> list[Path]:
    from tui_ft.runs.known_roots import known_roots

    here = root.resolve()
    others = {known.resolve(): known for known in known_roots()}
    return [known for real, known in others.items() if real != here]


def _print_runs(found: Sequence[RunSummary], root: Path) -> None:
    """A table of the runs under `root`, then one for each of the other roots."""
    from tui_ft.watch.log import clean_line

    by_root: dict[Path, list[RunSummary]] = {root: []}
    for run in found:
        own = Path(run.path).parent
        by_root.setdefault(root if own == root.absolute() else own, []).append(run)
    for each, runs in by_root.items():
        if each != root:
            print_lines(["", f"Under {clean_line(str(each))}:"])
        if runs:
            print_lines(_table([tuple(map(clean_line, _row(run))) for run in runs]))


def _is_wanted(run: RunSummary, arguments: argparse.Namespace) -> bool:
    if run.archived and not arguments.archived:
        return False
    tags = {tag.casefold() for tag in run.tags}
    return all(tag.lstrip("#").casefold() in tags for tag in arguments.tag)


def _say_problem(labels: LabelBook) -> None:
    labels.read()
    if labels.problem:
        print(f"tui-ft: {labels.problem}", file=sys.stderr)


def _row(run: RunSummary) -> tuple[str, ...]:
    status = f"{run.status} ({run.reason})" if run.reason and run.status in ("running",) else run.status
    status += " (archived)" if run.archived else ""
    step = "–" if run.step is None else str(run.step)
    if run.total_steps:
        step += f"/{run.total_steps}"
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started_at)) if run.started_at else "–"
    loss = "–" if run.loss is None else f"{run.loss:.4g}"
    tags = " ".join(f"#{tag}" for tag in run.tags)
    return run.id, status, step, loss, run.method or "–", started, run.model or "–", tags


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned columns in the width of the terminal, or of 80; whole ones go first, an id is never cut."""
    width = shutil.get_terminal_size().columns
    widths = {name: max(len(row[i]) for row in (_COLUMNS, *rows)) for i, name in enumerate(_COLUMNS)}
    if not any(row[-1] for row in rows):
        del widths["TAGS"]
    for name in _GIVEN_UP:
        excess = sum(widths.values()) + 2 * (len(widths) - 1) - width
        if excess <= 0:
            break
        if name in ("MODEL", "TAGS") and widths.get(name, 0) - excess >= _LEAST:
            widths[name] -= excess
        else:
            widths.pop(name, None)
    return [_line(row, widths) for row in (_COLUMNS, *rows)]


def _line(row: Sequence[str], widths: dict[str, int]) -> str:
    cells = []
    for name, text in zip(_COLUMNS, row, strict=True):
        if name in widths:
            room = widths[name]
            cells.append((text if len(text) <= room else text[: room - 1] + "…").ljust(room))
    return "  ".join(cells).rstrip()
