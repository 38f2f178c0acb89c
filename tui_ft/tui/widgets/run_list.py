"""The runs, one line each: status, name, model, method, progress, loss and start; as they are wanted."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.widgets.run_columns import (
    LOSS,
    METHOD,
    START,
    STATUS,
    columns,
    fit_id,
    loss_text,
    progress_text,
    short_id,
    start_text,
)

if TYPE_CHECKING:
    from tui_ft.runs.arranging import Arrangement, Arranger
    from tui_ft.runs.listing import RunSummary

_MARKS = {
    "queued": ("·", "muted"),
    "starting": ("▷", "live"),
    "running": ("▶", "live"),
    "paused": ("‖", "warn"),
    "stopping": ("▽", "warn"),
    "finished": ("✓", "good"),
    "stopped": ("■", "warn"),
    "failed": ("✗", "bad"),
    "lost": ("!", "bad"),
    "quiet": ("~", "warn"),
    "unknown": ("?", "muted"),
}
"""Shape first, colour second: every status reads without colour."""
MARKED, ARCHIVED, NOT_OURS = "●", "a", "›"
_GROUP = "\0"
"""Begins the key of a group's line; no id and no path holds it."""


class GroupLine(NamedTuple):
    """The line above the runs of one group."""

    title: str
    size: int
    is_folded: bool


Line = Any
"""A `RunSummary` or a `GroupLine`; the former is imported by nobody before the first frame."""


class RunList(RowList[Line]):
    """All runs, arranged as `wanted`. `demo_key` is the key that starts the demo, "" where none does.

    `runs` are all of them, `rows` the lines that are shown, `marked` the ids that the user marked.
    """

    demo_key = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.runs: Sequence[RunSummary] = ()
        self.wanted: Arrangement | None = None
        self.marked: dict[str, None] = {}
        self._folded: set[str] = set()
        self._has_models = False
        self._group_lines: list[int] = []
        self._arranger: Arranger | None = None

    # --- which runs, and in what order -----------------------------------------------------------

    def set_rows(self, rows: Sequence[RunSummary]) -> None:
        """Show these runs, arranged as wanted."""
        self.runs = rows
        had_models, self._has_models = self._has_models, any(run.model for run in rows)
        if had_models != self._has_models:
            self.refresh()
        super().set_rows(self._lines())

    def show_as(self, wanted: Arrangement) -> None:
        """Show the runs in another way; the cursor stays on its run where that is still shown."""
        self.wanted = wanted
        if self.loaded:
            super().set_rows(self._lines())
        self.refresh()

    def _lines(self) -> list[Line]:
        from tui_ft.runs.arranging import Arrangement, Arranger

        self.wanted = self.wanted or Arrangement()
        self._arranger = self._arranger or Arranger()
        lines: list[Line] = []
        self._group_lines = []
        for title, runs in self._arranger.arrange(self.runs, self.wanted):
            is_folded = title in self._folded
            if title:
                self._group_lines.append(len(lines))
                lines.append(GroupLine(title, len(runs), is_folded))
            if not is_folded:
                lines.extend(runs)
        return lines

    def fold(self, title: str) -> None:
        """Hide the runs of a group, or show them again."""
        self._folded ^= {title}
        super().set_rows(self._lines())

    @property
    def chosen_run(self) -> RunSummary | None:
        """The run under the cursor; None on the line of a group, or in an empty list."""
        chosen = self.chosen
        return None if chosen is None or isinstance(chosen, GroupLine) else chosen

    def mark(self, run: RunSummary) -> None:
        """Mark a run, or take the mark away."""
        if run.id in self.marked:
            del self.marked[run.id]
        else:
            self.marked[run.id] = None
        self.refresh()

    def unmark_all(self) -> None:
        """Take all marks away."""
        self.marked.clear()
        self.refresh()

    def marked_runs(self) -> list[RunSummary]:
        """The marked runs that are still there, as they were marked."""
        if not self.marked:
            return []
        there = {run.id: run for run in self.runs if run.id in self.marked}
        return [there[run_id] for run_id in self.marked if run_id in there]

    # --- what it says ----------------------------------------------------------------------------

    def show_demo_key(self, key: str) -> None:
        """Name the demo's key to who has no runs; presets of one's own may have taken 1."""
        if key != self.demo_key:
            self.demo_key = key
            if not self.rows:
                self.refresh()

    def key_of(self, row: Line) -> str:
        return _GROUP + row.title if isinstance(row, GroupLine) else row.id

    def empty_lines(self) -> list[str]:
        if self.runs:
            return self._nothing_matches()
        demo = f"  {self.demo_key}  for the demo: a tiny model learns a small skill, here, in about a minute"
        return [
            "No runs yet. Press",
            "  t  for the practice tour: a company's documents, from the data to a report",
            "  n  for a new run: your own data and any model, step by step",
            *([demo] if self.demo_key else []),
            "",
            "A run goes on when this window closes, and stays in this list.",
        ]

    def _nothing_matches(self) -> list[str]:
        if self.wanted and self.wanted.filter.strip():
            return [f"No run has “{self.wanted.filter.strip()}” in it.", "Esc shows all of them again."]
        return ["All runs here are archived.", "A shows them."]

    def heading_cells(self, width: int) -> list[Cell]:
        name, model, progress = columns(width - 1 - self._margin, has_models=self._has_models)
        title = "focused-title" if self.has_focus else "title"
        cells: list[Cell] = [(" Runs ", title)]
        if self.rows:
            place = self._place()
            room = STATUS - 5 + self._margin
            left = place if len(place) > room else fit(place, room + 1) + "name"
            captions = (fit(left, room + name), fit("model", model), fit("method", METHOD),
                        fit("steps", progress, right=True), fit("loss", LOSS, right=True),
                        fit("start", START, right=True))  # fmt: skip
            cells.append((" ".join(captions), ""))
        return cells

    def _place(self) -> str:
        """Which of the runs that are shown the cursor is on, or after, on the line of a group."""
        before = bisect_right(self._group_lines, self.index)
        return f"{self.index + 1 - before}/{self.shown}"

    @property
    def shown(self) -> int:
        """How many runs are shown; one that stands in two groups counts twice."""
        return len(self.rows) - len(self._group_lines)

    @property
    def _margin(self) -> int:
        """The cells that marks take, where there are any."""
        return 2 if self.marked or (self.wanted and self.wanted.with_archived) else 0

    def row_cells(self, row: Line, width: int) -> list[Cell]:
        if isinstance(row, GroupLine):
            return _group_cells(row, width)
        name, model, progress = columns(width - self._margin, has_models=self._has_models)
        mark, look = _MARKS.get(row.status, ("?", "muted"))
        return [
            *self._mark(row),
            (fit(f"{mark} {row.status}", STATUS), look),
            *_name_cells(row, name),
            (fit(row.model.rstrip("/").rpartition("/")[2], model) + " ", ""),
            (fit(row.method, METHOD) + " ", ""),
            (fit(progress_text(row.step, row.total_steps, progress), progress, right=True) + " ", ""),
            (fit(loss_text(row.loss), LOSS, right=True) + " ", ""),
            (fit(start_text(row.started_at, time.time()), START, right=True), "muted"),
        ]

    def _mark(self, row: RunSummary) -> list[Cell]:
        if not self._margin:
            return []
        if row.id in self.marked:
            return [(MARKED + " ", "live")]
        return [((ARCHIVED if row.archived else " ") + " ", "muted")]


def _group_cells(row: GroupLine, width: int) -> list[Cell]:
    sign = "▸" if row.is_folded else "▾"
    hidden = ", hidden: Enter shows them" if row.is_folded else ""
    count = f"  {row.size:,} run{'s' if row.size != 1 else ''}{hidden}"
    title = f"{sign} {plain(row.title)}"
    room = max(6, width - len(count))
    return [
        (fit(title, min(room, cell_len(title))), "title"),
        (fit(count, width - min(room, cell_len(title))), "muted"),
    ]


def shown_name(row: RunSummary) -> str:
    """A run of ours by its id without the date; another's by its title, with a sign before it."""
    return f"{NOT_OURS} {row.name or row.id}" if is_foreign(row) else short_id(row.id)


def is_foreign(row: RunSummary) -> bool:
    """True for a run that tui-ft did not start: it is watched, never steered."""
    return hasattr(row, "found")


def badge_of(row: RunSummary) -> Cell:
    """One cell: whether something is not well with the run, and how bad it is."""
    levels = getattr(row, "findings", {}).values()
    if "error" in levels:
        return ("✗", "bad")
    return ("!", "warn") if "warning" in levels else (" ", "")


def _name_cells(row: RunSummary, width: int) -> list[Cell]:
    """The name, and where there is room behind it the tags."""
    name = shown_name(row)
    badge = badge_of(row)
    room = width - cell_len(plain(name)) - 1
    if not row.tags or room < 3:
        return [badge, (fit_id(name, width) + " ", "")]
    tags = " ".join(f"#{tag}" for tag in row.tags)
    return [badge, (f"{plain(name)} ", ""), (fit(tags, room) + " ", "muted")]
