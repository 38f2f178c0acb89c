"""`tui-ft doctor`: is the box sound, and what to do where it is not."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.cli.printing import print_json, print_lines

if TYPE_CHECKING:
    from tui_ft.doctor.box import Box
    from tui_ft.doctor.examine import Told
    from tui_ft.doctor.finding import Finding

_MARKS = {"ok": "✓", "note": "·", "warning": "!", "error": "✗"}
_WIDEST = 100


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "doctor",
        parents=[common],
        help="check the box: disks, memory, GPUs, libraries, each with its fix",
        description="Check the box. Exit code 0: nothing stands against a run; 1: an error was found.",
    )
    parser.add_argument("--all", action="store_true", help="show what is fine, too")
    parser.add_argument(
        "--no-torch", action="store_true", help="leave out what only the trainer's interpreter can say"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=doctor)


def doctor(arguments: argparse.Namespace) -> int:
    """Make the checks and print what they find. Exit code 1 where one is an error."""
    from tui_ft.doctor.box import Box
    from tui_ft.doctor.examine import as_json, examine
    from tui_ft.doctor.finding import worst_level

    box = Box(given_runs_root=Path(arguments.runs_root) if arguments.runs_root else None)
    if not arguments.no_torch:
        _ask(box, is_quiet=arguments.json)
    told = list(examine(box))
    if arguments.json:
        print_json(as_json(told, has_trainer=box.trainer is not None))
    else:
        print_lines(lines(told, with_all=arguments.all, width=_width()))
    return 1 if worst_level(finding for _, finding in told) == "error" else 0


def _ask(box: Box, *, is_quiet: bool) -> None:
    """Ask the trainer's interpreter; people are told that it takes a moment."""
    from tui_ft.doctor.trainer_report import ask_trainer, known_report

    box.trainer = known_report(box.gpus.driver)
    if box.trainer is None:
        with contextlib.nullcontext() if is_quiet else _waiting("Asking the trainer's Python …"):
            box.trainer = ask_trainer(box.gpus.driver)


@contextlib.contextmanager
def _waiting(text: str) -> Iterator[None]:
    """A line on a terminal's stderr that is taken back."""
    if not sys.stderr.isatty():
        yield
        return
    if not (sys.stderr.encoding or "").lower().startswith("utf"):
        text = text.encode("ascii", "replace").decode()
    print(text, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r" + " " * len(text) + "\r", end="", file=sys.stderr, flush=True)


def _width() -> int:
    return min(max(shutil.get_terminal_size((80, 24)).columns, 40), _WIDEST)


def lines(told: Sequence[Told], *, with_all: bool, width: int) -> Iterator[str]:
    """The findings for people, the worst first; those that are fine in one line unless `with_all`."""
    from tui_ft.doctor.finding import worst_first

    findings = worst_first(finding for _, finding in told)
    for finding in findings:
        if finding.level != "ok" or with_all:
            yield from _of(finding, width)
    fine = sum(finding.level == "ok" for finding in findings)
    bad = len(findings) - fine
    if with_all or not fine:
        return
    if bad:
        yield ""
    more = "more is" if fine == 1 else "more are"
    yield f"{fine} {more} fine (--all shows them)." if bad else f"All {fine} are fine (--all shows them)."


def _of(finding: Finding, width: int) -> Iterator[str]:
    head = f"{_MARKS[finding.level]} {finding.level.ljust(7)} "
    blank = " " * len(head)
    yield from textwrap.wrap(
        finding.what, width, initial_indent=head, subsequent_indent=blank, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip
    if not finding.fix:
        return
    if finding.is_command:  # in one piece: it is copied
        yield f"{blank}$ {finding.fix}"
        return
    yield from textwrap.wrap(
        finding.fix, width, initial_indent=f"{blank}→ ", subsequent_indent=f"{blank}  ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
