"""`tui-ft demo --tour`: the guided tour as text, step by step, or its result as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.cli.printing import print_json

if TYPE_CHECKING:
    from tui_ft.tour.guided import Guided
    from tui_ft.tour.steps import Line

WIDTH = 80


def tour(root: Path, changes: Sequence[str], *, as_json: bool, no_ui: bool) -> int:
    """Open the tour in a terminal; else walk through it. Exit code 0: its run finished."""
    from tui_ft.tour.run import tour_spec

    if not (as_json or no_ui) and sys.stdin.isatty() and sys.stdout.isatty():
        from tui_ft.tui.main import run_app

        tour_spec(changes)  # a change that cannot be is a sentence here, not on a screen
        run_app(root, tour=changes)
        return 0
    from tui_ft.tour.guided import Guided

    guided = Guided(root, changes)
    return _as_json(guided) if as_json else _as_text(guided)


def _as_text(guided: Guided) -> int:
    from tui_ft.cli.waiting import wait
    from tui_ft.tour.guided import RUN
    from tui_ft.tour.steps import TITLES

    for number in range(RUN + 1):
        _print(number, guided.page(number))
    code = wait(guided.start(), as_json=False)
    if code not in (0, 1):
        return code  # interrupted: the run goes on, and so there are no answers yet
    guided.poll()
    print()
    for number in range(RUN + 1, len(TITLES)):
        _print(number, guided.page(number))
    return code


def _print(number: int, lines: Sequence[Line]) -> None:
    from tui_ft.tour.steps import TITLES, text

    title = f"{number + 1} of {len(TITLES)}: {TITLES[number]}"
    print(f"{title}\n{'=' * len(title)}\n")
    for line in text(lines, WIDTH):
        print(line)
    print("", flush=True)


def _as_json(guided: Guided) -> int:
    from tui_ft.cli.waiting import EXIT_CODES, follow, summary
    from tui_ft.watch.sources.tui_ft import TuiFtSource

    run = guided.start()
    source = TuiFtSource(run)
    truth = follow(run, source, show=False)
    guided.poll()
    score, report = guided.score, guided.write_report()
    facts = {
        "questions": score.asked,
        "right_before": score.before,
        "right_after": score.after,
        "rule_before": score.rule_before,
        "rule_after": score.rule_after,
        "report": str(report) if report else None,
    }
    print_json(summary(run, truth, source) | facts)
    return EXIT_CODES.get(truth.status, 1)
