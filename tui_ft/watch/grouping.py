"""Which places are sources of one run: by where they lie, and by the points that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path

from tui_ft.watch.homes import LOGGERS, OWN_FOLDER, are_ranks, begun_at, folder_of, home, is_own, kept_folders
from tui_ft.watch.likeness import Glimpse, are_same, is_named_after
from tui_ft.watch.pairing import Look, can_be_one, pairs
from tui_ft.watch.sources.protocol import Place

SAME_END_S = 300.0
"""A log that only tells how a run ended was last written so near to its last row."""

ENDING = LOGGERS | OWN_FOLDER
"""Formats that need not say how their run ended."""

Group = list[Place]


def group(places: Sequence[Place], look: Look) -> list[Group]:
    """Return the places of each run; a place that nothing ties to another is a run of its own."""
    return _Grouping(places, look).groups()


class _Grouping:
    """The work on one set of places; they are named by their positions in it."""

    def __init__(self, places: Sequence[Place], look: Look) -> None:
        self._places = places
        self._look = look
        self._verdicts: dict[tuple[int, int], bool | None] = {}
        counted = LOGGERS | {"stdout"}
        counts = Counter((place.format, home(place)) for place in places if place.format in counted)
        self._alone = {where for where, number in counts.items() if number == 1}

    def groups(self) -> list[Group]:
        of = [[at] for at in range(len(self._places))]
        order = count()
        scored = [
            (-score[0], score[1], next(order), pair)
            for pair in pairs(self._places, self._look)
            if (score := self._score(*pair)) is not None
        ]
        for _, _, _, (a, b) in sorted(scored):
            first, second = of[a], of[b]
            if first is not second and self._may_merge(first, second):
                first += second
                for at in second:
                    of[at] = first
        distinct = {id(members): members for members in of}
        return [self._joined(members) for members in distinct.values()]

    def _verdict(self, a: int, b: int) -> bool | None:
        pair = (min(a, b), max(a, b))
        if pair not in self._verdicts:
            first, second = (self._look(self._places[at]) for at in pair)
            self._verdicts[pair] = are_same(first, second)
        return self._verdicts[pair]

    def _score(self, a: int, b: int) -> tuple[int, float] | None:
        """How surely two places are of one run, and how far apart they began; None: they are not."""
        one, other = self._places[a], self._places[b]
        if one.format == other.format == "wandb":
            return 4, 0.0
        if _is_inside(one, other) or _is_inside(other, one) or are_ranks(one, other):
            return 6, 0.0
        verdict = self._verdict(a, b)
        if verdict is False:
            return None
        by_place = self._tie(one, other)
        if verdict is None and (not by_place or one.format == other.format):
            return None
        return by_place + (2 if verdict else 0), _start_gap(self._look(one), self._look(other))

    def _tie(self, a: Place, b: Place) -> int:
        """2 where names and folders say that two places are of one run, 0 where they say nothing."""
        if folder_of(a) == folder_of(b) and {a.format, b.format} == {"lightning_csv", "tensorboard"}:
            return 2
        is_same_home = home(a) == home(b)
        if is_same_home and is_own(a) and is_own(b):
            return 2
        for one, other in ((a, b), (b, a)):
            is_alone = (one.format, home(one)) in self._alone
            if is_same_home and one.format in LOGGERS and is_alone and is_own(other):
                return 2
            if one.format == "stdout" and is_named_after(one.path, home(other)):
                return 2
            if _names(self._look(one), one, other):
                return 2
        return int(self._is_its_screen(a, b) or self._is_its_screen(b, a))

    def _is_its_screen(self, log: Place, run: Place) -> bool:
        """True for the only log of a folder, without points, that ended when the one run in it did."""
        if run.format not in ENDING or home(log) not in (home(run), home(run).parent):
            return False
        if log.format != "stdout" or ("stdout", home(log)) not in self._alone:
            return False
        ended = self._look(log).changed_at
        if self._look(log).tier or ended is None or not self._ends_at(run, ended):
            return False
        rivals = [place for place in self._places if place.format in ENDING and home(place) != home(run)]
        rivals += [place for place in self._places if place.format == run.format and place is not run]
        return not any(
            home(log) in (home(place), home(place).parent) and self._ends_at(place, ended) for place in rivals
        )

    def _ends_at(self, run: Place, ended: float) -> bool:
        told = self._look(run)
        last = told.updated_at if told.updated_at is not None else told.changed_at
        return told.status != "finished" and last is not None and abs(ended - last) < SAME_END_S

    def _may_merge(self, first: Sequence[int], second: Sequence[int]) -> bool:
        return all(self._may_be_together(a, b) for a in first for b in second)

    def _may_be_together(self, a: int, b: int) -> bool:
        one, other = self._places[a], self._places[b]
        if _is_inside(one, other) or _is_inside(other, one) or are_ranks(one, other):
            return True
        if one.format != other.format:
            return self._verdict(a, b) is not False
        if one.format == "tensorboard" and one.path.parent == other.path.parent:
            first, second = self._look(one), self._look(other)
            return _goes_on(first, second) or _goes_on(second, first)
        return can_be_one(one, other) and (one.format == "wandb" or self._verdict(a, b) is True)

    def _joined(self, members: Sequence[int]) -> Group:
        """Make one place of what a resumed run left: event files beside each other, files of one W&B id."""
        places = [self._places[at] for at in members]
        for name in ("tensorboard", "wandb"):
            parts = sorted((place for place in places if place.format == name), key=self._order)
            if len(parts) < 2 or (name == "wandb" and not self._follow_each_other(parts)):
                continue
            files = tuple(file for place in parts for file in place.files)
            path = parts[0].path.parent if name == "tensorboard" else parts[-1].path
            rest = [place for place in places if place.format != name]
            places = [*rest, replace(parts[-1], path=path, files=files)]
        return places

    def _order(self, place: Place) -> tuple[float, str]:
        began = begun_at(place) if place.format == "wandb" else ""
        return (0.0 if began else self._look(place).started_at or 0.0, began or place.path.name)

    def _follow_each_other(self, parts: Sequence[Place]) -> bool:
        """False for processes that write one W&B run side by side: their rows are no one curve."""
        looks = [self._look(place) for place in parts]
        return not any(
            before.updated_at is not None
            and after.rows_from is not None
            and after.rows_from < before.updated_at
            for before, after in pairwise(looks)
        )


def _is_inside(inner: Place, outer: Place) -> bool:
    """True for what lies in the folder that W&B or MLflow made for one run: its log, its artifacts."""
    return any(folder in inner.path.parents for folder in kept_folders(outer))


def _start_gap(a: Glimpse, b: Glimpse) -> float:
    if a.started_at is None or b.started_at is None:
        return float("inf")
    return abs(a.started_at - b.started_at)


def _names(glimpse: Glimpse, of: Place, other: Place) -> bool:
    """True when the settings of one source name the folder in which the other lies."""
    if not is_own(other) and other.format != "tensorboard":
        return False
    lies = home(other)
    for written in glimpse.outputs:
        named = Path(written)
        if named == lies or (not named.is_absolute() and (home(of) / named) == lies):
            return True
        tail = tuple(part for part in named.parts if part not in (".", "/"))[-2:]
        if len(tail) == 2 and lies.parts[-2:] == tail:  # the run was copied here from elsewhere
            return True
    return False


def _goes_on(before: Glimpse, after: Glimpse) -> bool:
    """True when `after` took up the steps where a resumed run had left them, after `before` had ended."""
    if before.updated_at is None or after.started_at is None or after.started_at < before.updated_at:
        return False
    begun = [min(curve) for glimpse in (before, after) if (curve := glimpse.curves.get("loss"))]
    return len(begun) == 2 and begun[0] < begun[1]
