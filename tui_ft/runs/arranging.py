"""The list of runs as somebody wants to see it: filtered, sorted, and in groups."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from tui_ft.runs.listing import RunSummary

Order = Literal["live", "newest", "name", "loss", "status", "model", "updated"]
Grouping = Literal["", "model", "method", "status", "tag", "day"]
ORDERS: Mapping[Order, str] = {
    "live": "what goes on first, then newest", "newest": "newest first", "name": "by name",
    "loss": "lowest loss first", "status": "by status", "model": "by model",
    "updated": "last written first",
}  # fmt: skip
"""Every order with the words for it."""
GROUPINGS: tuple[Grouping, ...] = ("", "model", "method", "status", "tag", "day")

LIVE = frozenset({"queued", "starting", "running", "paused", "stopping", "quiet"})
_STATUSES = (
    "running", "starting", "stopping", "paused", "quiet", "queued", "lost", "failed", "unknown", "stopped",
    "finished",
)  # fmt: skip
"""As they want attention."""
_PLACE = {status: place for place, status in enumerate(_STATUSES)}


class Arrangement(msgspec.Struct, kw_only=True, frozen=True):
    """What of the list is wanted. `filter` is what was typed: every word must be in a run."""

    filter: str = ""
    order: Order = "live"
    grouping: Grouping = ""
    with_archived: bool = False


class Group(NamedTuple):
    """Runs that stand together; `title` is empty when nothing is grouped."""

    title: str
    runs: Sequence[RunSummary]


class Arranger:
    """Arranges one list again and again. A keystroke that narrows a filter looks at what it left only."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[RunSummary, str]] = {}
        self._sorted: tuple[object, Order, list[RunSummary]] | None = None
        self._narrowed: tuple[object, bool, list[str], list[_Searched]] | None = None

    def arrange(self, runs: Sequence[RunSummary], wanted: Arrangement) -> list[Group]:
        """Return the groups in their order, each sorted; no group is empty."""
        found = self._filter(self._sort(runs, wanted.order), wanted)
        if not wanted.grouping:
            return [Group("", found)] if found else []
        return _grouped(found, wanted.grouping)

    def _sort(self, runs: Sequence[RunSummary], order: Order) -> list[RunSummary]:
        known = self._sorted
        if known is None or known[0] is not runs or known[1] != order:
            known = self._sorted = (runs, order, sort_runs(runs, order))
        return known[2]

    def _filter(self, runs: list[RunSummary], wanted: Arrangement) -> list[RunSummary]:
        words = wanted.filter.casefold().split()
        if not words:
            return [run for run in runs if wanted.with_archived or not run.archived]
        left = self._candidates(runs, wanted.with_archived, words)
        for word in words:
            left = [one for one in left if word in one[1]]
        self._narrowed = (runs, wanted.with_archived, words, left)
        return [run for run, _ in left]

    def _candidates(self, runs: list[RunSummary], with_archived: bool, words: list[str]) -> list[_Searched]:
        """What can match: what the filter before left, where the new one only narrows it."""
        known = self._narrowed
        if known is not None and known[0] is runs and known[1] == with_archived:
            pairs = zip(known[2], words, strict=False)
            if len(words) >= len(known[2]) and all(new.startswith(old) for old, new in pairs):
                return known[3]
        if len(self._texts) > 2 * len(runs) + 1000:  # most of those are gone
            self._texts.clear()
        return [self._text(run) for run in runs if with_archived or not run.archived]

    def _text(self, run: RunSummary) -> _Searched:
        known = self._texts.get(run.path)
        if known is None or known[0] is not run:
            known = self._texts[run.path] = (run, searched_text(run))
        return known


_Searched = tuple[RunSummary, str]
"""A run and what a filter looks at."""


def searched_text(run: RunSummary) -> str:
    """All that a filter looks at, in lower case, a line each; a tag begins with `#`."""
    tags = " ".join(f"#{tag}" for tag in run.tags)
    return "\n".join((run.id, run.name, run.model, run.method, run.status, tags, run.note)).casefold()


def sort_runs(runs: Iterable[RunSummary], order: Order) -> list[RunSummary]:
    """Return `runs` in `order`; those that are equal in it newest first, what is not known last."""
    newest = sorted(runs, key=_started, reverse=True)
    key = _KEYS.get(order)
    return sorted(newest, key=key) if key is not None else newest


def _started(run: RunSummary) -> float:
    return run.started_at or 0.0


def _loss(run: RunSummary) -> tuple[int, float]:
    if run.loss is None:
        return 2, 0.0
    return (1, 0.0) if math.isnan(run.loss) else (0, run.loss)


_KEYS: Mapping[Order, Callable[[RunSummary], Any]] = {
    "live": lambda run: run.status not in LIVE,
    "name": lambda run: (run.name or _stem(run.id)).casefold(),
    "loss": _loss,
    "status": lambda run: _PLACE.get(run.status, len(_PLACE)),
    "model": lambda run: (not run.model, run.model.casefold()),
    "updated": lambda run: -(run.updated_at or 0.0),
}


def _stem(run_id: str) -> str:
    """An id without its date."""
    return run_id[9:] if run_id[:8].isdigit() else run_id


def _grouped(runs: Sequence[RunSummary], grouping: Grouping) -> list[Group]:
    groups: dict[tuple[Any, str], list[RunSummary]] = {}
    for run in runs:
        for key in _group_keys(run, grouping):
            groups.setdefault(key, []).append(run)
    return [Group(title, found) for (_, title), found in sorted(groups.items(), key=lambda one: one[0])]


def _group_keys(run: RunSummary, grouping: Grouping) -> list[tuple[Any, str]]:
    """Where the group stands, and its title; a run with several tags is in the group of each."""
    if grouping == "status":
        return [(_PLACE.get(run.status, len(_PLACE)), run.status)]
    if grouping == "day":
        return [_day(run.started_at)]
    if grouping == "tag":
        return [((0, tag.casefold()), f"#{tag}") for tag in run.tags] or [((1, ""), "no tag")]
    title = run.model if grouping == "model" else run.method
    return [((0, title.casefold()), title) if title else ((1, ""), f"no {grouping} known")]


def _day(started_at: float | None) -> tuple[Any, str]:
    if started_at is None:
        return 1, "no start known"
    day = time.localtime(started_at)
    return -(day.tm_year * 1000 + day.tm_yday), time.strftime("%Y-%m-%d", day)
