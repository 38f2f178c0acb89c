"""Going on with what was cut off: `tui-ft start` of the same spec, `tui-ft resume --lost`, moved runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines
from tui_ft.errors import TuiFtError
from tui_ft.runs.handles import handle

if TYPE_CHECKING:
    from tui_ft.runs.auto_resume import Found
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.spec.run_spec import RunSpec


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `resume` beside those of every launch."""
    parser.add_argument("run", metavar="RUN", nargs="?", help="an id, or the path of a copied run directory")
    parser.add_argument("--lost", action="store_true", help="all runs here that were cut off")
    parser.add_argument(
        "--from-step", type=_step, metavar="N", help="an older checkpoint; newer ones are put aside"
    )
    parser.add_argument(
        "--take-over", action="store_true", help="the run's other machine is known to be dead"
    )


def _step(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise argparse.ArgumentTypeError("a step is a whole number")
    return int(text)


def instead_of_starting(spec: RunSpec, root: Path) -> Found | None:
    """Go on with the newest run of `spec` if that was cut off; None: a new one is wanted."""
    from tui_ft.runs import auto_resume, launch

    found = auto_resume.choose(spec, root)
    if found is not None and found.what == "resume":
        print(f"tui-ft: {found.run.id} {found.why}: it goes on.", file=sys.stderr)
        launch.resume(found.run, take_over=found.surely_over)
    if found is not None and found.what == "anew":
        print(f"tui-ft: {found.run.id} {found.why}: a new run begins.", file=sys.stderr)
        return None
    return found


def tell(found: Found, root: Path, arguments: argparse.Namespace) -> int:
    """Say what there was instead of a new run, and stay with it as was asked; the exit code."""
    from tui_ft.cli.start import after_launch

    if found.what == "resume":
        return after_launch(found.run, root, arguments)
    if found.what == "runs":
        if not arguments.json:
            print_lines([f"{found.run.id} {found.why}."])
        return after_launch(found.run, root, arguments) if arguments.wait else _say(found.run, arguments)
    hint = {
        "finished": f"For another run of it: tui-ft restart {handle(found.run)}",
        "waits": "tui-ft queue shows for what.",
    }[found.what]
    if not arguments.json:
        print_lines([f"{found.run.id} {found.why}.", f"  {hint}"])
    return _say(found.run, arguments)


def _say(run: RunDirectory, arguments: argparse.Namespace) -> int:
    from tui_ft.runs.truth import read_truth

    if arguments.json:
        print_json({"schema": 1, "run": str(run.path), "id": run.id, "status": read_truth(run).status})
    return 0


def resume_lost(arguments: argparse.Namespace) -> int:
    """Go on with every run that was cut off; exit code 1 when one of them could not."""
    from tui_ft.runs import auto_resume, launch
    from tui_ft.runs.truth import read_truth

    if arguments.run is not None or arguments.from_step is not None:
        raise TuiFtError("--lost goes on with all runs that were cut off.", "Name a run, or say --lost.")
    if arguments.wait:
        raise TuiFtError("--lost does not wait.", "tui-ft ls shows how they do.")
    rows: list[dict[str, Any]] = []
    for found in auto_resume.interrupted(settings.runs_root(arguments.runs_root)):
        row: dict[str, Any] = {"schema": 1, "id": found.run.id, "run": str(found.run.path)}
        try:
            if found.against:
                raise found.refusal
            launch.resume(found.run, arguments.overrides, take_over=found.surely_over)
        except TuiFtError as error:
            row |= {"status": read_truth(found.run).status, "error": error.message, "hint": error.hint}
        else:
            row |= {"status": read_truth(found.run).status, "error": None, "hint": None}
        rows.append(row | {"why": found.why})
    if arguments.json:
        print_json(rows)
    else:
        print_lines(_lines(rows))
    return 1 if any(row["error"] for row in rows) else 0


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["No run here was cut off."]
    lines = []
    for row in rows:
        if row["error"]:
            lines += [f"{row['id']} cannot go on: {row['error']}", f"  {row['hint']}"]
        else:
            lines.append(f"{row['id']} {row['why']}: it goes on.")
    return lines


def tell_what_moved(run: RunDirectory) -> None:
    """Say on stderr which places of a copied run were found again, and where."""
    from tui_ft.runs import moving
    from tui_ft.runs.state import read_state
    from tui_ft.spec import toml

    attempt = read_state(run).attempt
    if attempt > 1:
        before = toml.load(run.attempt(attempt - 1).spec)
        for line in moving.describe(before, toml.load(run.attempt(attempt).spec)):
            print(f"tui-ft: found again: {line}", file=sys.stderr)
