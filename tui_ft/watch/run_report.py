"""Writes the report on a run: one Markdown file, with its charts as SVG files beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import slug
from tui_ft.watch import run_report_again as again
from tui_ft.watch import run_report_events as events
from tui_ft.watch import run_report_how as how
from tui_ft.watch import run_report_what as what
from tui_ft.watch.found import FoundRun
from tui_ft.watch.markdown import code, text
from tui_ft.watch.run_report_charts import ReportChart, charts_of
from tui_ft.watch.run_report_facts import ReportFacts, gather

MARK = "<!-- tui-ft report -->"
"""The first line: a report may be written over by a newer one, another file never is."""

_SECTIONS: tuple[tuple[str, Callable[[ReportFacts], Iterator[str]]], ...] = (
    ("Question", what.question),
    ("Data", what.data),
    ("Method and reason", what.method),
    ("Curves", how.series),
    ("Evaluation", how.evaluation),
    ("Cost", how.cost),
    ("What happened", events.happened),
    ("Environment", again.environment),
    ("How to reproduce", again.reproduce),
    ("Limits", again.limits),
)


class Written(NamedTuple):
    """The files that were written, by absolute path."""

    path: Path
    charts: tuple[Path, ...]


def write_report(
    found: FoundRun, out: Path | None = None, now: float | None = None, *, with_model: bool = False
) -> Written:
    """Write the report on a run, ours or another's, live or over; without `out` into the current folder.

    It takes as long as reading the whole run, with `with_model` the whole base model. Raises `TuiFtError`
    where it cannot be written, where another file is in the way, and where that model is not here.
    """
    path = _checked(out if out is not None else Path(f"report-{slug(found.title)}.md"))
    facts = gather(found, now, with_model=with_model)
    stem = slug(path.stem)
    drawn = list(charts_of(facts.reading, f"{facts.reading.title}"))
    charts = [(chart, path.with_name(f"{stem}-{chart.name}.svg")) for chart in drawn]
    for _, place in charts:
        _require_ours(place, _chart_mark(path))
    lines = document(facts, [(chart, place.name) for chart, place in charts])
    try:
        for chart, place in charts:
            svg = f"{_chart_mark(path)}\n{chart.svg}"
            write_atomically(place, svg.encode("utf-8", "backslashreplace"))
        write_atomically(path, ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise TuiFtError(
            f"{path} cannot be written: {reason}.", "Choose another place with --out."
        ) from error
    return Written(path, tuple(place for _, place in charts))


def _chart_mark(report: Path) -> str:
    """The first line of a chart: of this report, so that no other picture is written over."""
    return f"<!-- tui-ft chart of {slug(report.stem)} -->"


def document(facts: ReportFacts, charts: list[tuple[ReportChart, str]]) -> Iterator[str]:
    """The report's lines; `charts` come with the names of their files, relative to the report."""
    reading = facts.reading
    yield MARK
    yield f"# {text(reading.title)}: report of a run"
    yield ""
    kind = " · ".join(text(part) for part in (reading.model, reading.method) if part)
    yield (
        f"{kind + '. ' if kind else ''}Status: {reading.status}. "
        f"Started {events.moment(reading.started_at)}. "
        f"Written by tui-ft, {events.moment(facts.now)}, from {code(reading.path)}."
    )
    for title, section in _SECTIONS:
        yield from ("", f"## {title}", "")
        if section is how.series:
            yield from _pictures(charts)
        yield from section(facts)


def _pictures(charts: list[tuple[ReportChart, str]]) -> Iterator[str]:
    for chart, name in charts:
        yield f"![{text(chart.title)}]({name})"
        yield ""
    if not charts:
        yield "There is nothing to draw: no value was logged."
        yield ""


def _checked(out: Path) -> Path:
    """The absolute path. Raises `TuiFtError` for one that cannot be, or that holds something else."""
    try:
        path = out.absolute()
    except OSError as error:  # the folder that we stand in is gone
        raise TuiFtError("The current folder is gone.", "Say where with --out.") from error
    if path.suffix.lower() not in (".md", ".markdown"):
        raise TuiFtError(
            "The name of a report ends in .md.", f"For example --out {path.stem or 'report'}.md."
        )
    if not path.parent.is_dir():
        raise TuiFtError(f"There is no folder {path.parent}.", "Make it, or choose another with --out.")
    _require_ours(path, MARK)
    return path


def _require_ours(path: Path, mark: str) -> None:
    """Raise `TuiFtError` where a file is in the way that no report wrote; a link is never followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:
        is_ours = False
    else:
        with open(descriptor, "rb") as file:
            is_ours = mark.encode() in file.read(1000)
    if not is_ours:
        raise TuiFtError(f"{path} is there already, and is no report.", "Choose another name with --out.")
