"""Which places are sources of one run: by where they lie, and by the points that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tui_ft.watch.likeness import Glimpse, are_same, is_named_after
from tui_ft.watch.sources.protocol import Place

Lone = frozenset[tuple[str, Path]]
Look = Callable[[Place], Glimpse]

MOST_PAIRS = 20_000
"""So many pairs of places are compared; what is beyond stays a run of its own."""

SAME_END_S = 300.0
"""A log that only tells how a run ended was last written so near to its last row."""

_CONTAINERS = frozenset({
    "runs", "logs", "log", "tensorboard", "tb", "tb_logs", "tblogs", "lightning_logs", "csv_logs", "wandb",
    ".wandb", "mlruns", "trackio", "event_logs", "metrics",
})  # fmt: skip
"""Folders that tools make inside the folder that is the run's, or the script's."""

OWN_FOLDER = frozenset({"hf_trainer_state", "llamafactory", "lightning_csv", "torchtune"})
"""Formats that lie in the run's own output folder."""
_WANDB_RUN = ("run-", "offline-run-")
_LOGGERS = frozenset({"tensorboard", "wandb"})
_OWN_LOGS = frozenset({"debug.log", "running_log.txt"})
"""Logs that Axolotl and LLaMA-Factory write into the run's own output folder."""
_MAY_REPEAT = frozenset({"stdout", "hf_trainer_state"})
"""One run may have a log twice (screen and file) and its state copied; other sources twice are two runs."""

Group = list[Place]


def group(places: Sequence[Place], look: Look) -> list[Group]:
    """Return the places of each run; a place that nothing ties to another is a run of its own."""
    groups = [[place] for place in places]
    of = dict(zip(map(_key, places), groups, strict=True))
    lone = _only_ones(places)
    scored: list[tuple[tuple[int, float], int, Place, Place]] = []
    for a, b in _near_pairs(places):
        score = _score(a, b, look, lone)
        if score is not None:
            scored.append((score, len(scored), a, b))
    for _, _, a, b in sorted(scored, key=lambda entry: (-entry[0][0], *entry[0][1:], entry[1])):
        first, second = of[_key(a)], of[_key(b)]
        if first is not second and _may_merge(first, second, look):
            first.extend(second)
            groups.remove(second)
            for place in second:
                of[_key(place)] = first
    return [_joined(members, look) for members in groups]


def home(place: Place) -> Path:
    """The folder that a place belongs to: its own, without those that tools make inside it."""
    folder = _folder(place)
    above = (folder, *folder.parents)[:4]
    held = [at for at, path in enumerate(above) if path.name.lower() in _CONTAINERS]
    if place.format in OWN_FOLDER or not held:
        return folder
    return above[held[-1]].parent


def _folder(place: Place) -> Path:
    return place.path.parent if place.path in place.files else place.path


def _key(place: Place) -> tuple[str, Path, tuple[Path, ...]]:
    return place.format, place.path, place.files


def _near_pairs(places: Sequence[Place]) -> Iterator[tuple[Place, Place]]:
    """Pairs of which one lies in the other's home or under it."""
    under: dict[Path, list[Place]] = {}
    for place in places:
        lies = home(place)
        for folder in (lies, *lies.parents)[:6]:
            under.setdefault(folder, []).append(place)
    seen: set[frozenset[int]] = set()
    for place in places:
        for other in under.get(home(place), ()):
            pair = frozenset((id(place), id(other)))
            if len(pair) == 2 and pair not in seen and _can_be_one(place, other):
                seen.add(pair)
                yield place, other
                if len(seen) >= MOST_PAIRS:
                    return


def _can_be_one(a: Place, b: Place) -> bool:
    if a.format == b.format == "wandb":
        return _wandb_id(a) == _wandb_id(b) and a.path.parent == b.path.parent
    if a.format != b.format:
        return "tui_ft" not in (a.format, b.format)
    return a.format in _MAY_REPEAT and (home(a) in (home(b), *home(b).parents) or home(b) in home(a).parents)


def _wandb_id(place: Place) -> str:
    return place.path.name.removesuffix(".wandb").rpartition("-")[2]


def _only_ones(places: Sequence[Place]) -> Lone:
    """Formats and homes that hold one run's event files or W&B file: those are of the run that lies there."""
    counted = _LOGGERS | {"stdout"}
    counts = Counter((place.format, home(place)) for place in places if place.format in counted)
    return frozenset(where for where, count in counts.items() if count == 1)


def _score(a: Place, b: Place, look: Look, lone: Lone) -> tuple[int, float] | None:
    """How surely two places are of one run, and how far apart they began; None: they are not."""
    if a.format == b.format == "wandb":
        return 4, 0.0
    if _is_inside(a, b) or _is_inside(b, a):
        return 6, 0.0
    first, second = look(a), look(b)
    verdict = are_same(first, second)
    if verdict is False:
        return None
    by_place = _tie(a, b, first, second, lone)
    if verdict is None and (not by_place or a.format == b.format):
        return None
    return by_place + (2 if verdict else 0), _start_gap(first, second)


def _is_inside(inner: Place, outer: Place) -> bool:
    """True for what lies in the folder that W&B or MLflow made for one run: its log, its artifacts."""
    if outer.format == "wandb":
        kept = [file.parent for file in outer.files if file.parent.name.startswith(_WANDB_RUN)]
    elif outer.format == "mlflow" and outer.path.parent not in outer.files:
        kept = [outer.path]
    else:
        return False
    return any(folder in inner.path.parents for folder in kept)


def _start_gap(a: Glimpse, b: Glimpse) -> float:
    if a.started_at is None or b.started_at is None:
        return float("inf")
    return abs(a.started_at - b.started_at)


def _tie(a: Place, b: Place, first: Glimpse, second: Glimpse, lone: Lone) -> int:
    """2 where names and folders say that two places are of one run, 0 where they say nothing."""
    is_same_home = home(a) == home(b)
    if _folder(a) == _folder(b) and {a.format, b.format} == {"lightning_csv", "tensorboard"}:
        return 2
    if is_same_home and _is_own(a) and _is_own(b):
        return 2
    for one, other in ((a, b), (b, a)):
        if is_same_home and one.format in _LOGGERS and (one.format, home(one)) in lone and _is_own(other):
            return 2
        if one.format == "stdout" and is_named_after(one.path, home(other)):
            return 2
    if _names(first, a, b) or _names(second, b, a):
        return 2
    return int(_is_its_screen(a, b, first, second, lone) or _is_its_screen(b, a, second, first, lone))


def _is_its_screen(log: Place, run: Place, printed: Glimpse, told: Glimpse, lone: Lone) -> bool:
    """True for the only log of a folder, without points, that ended when the run under it did."""
    if log.format != "stdout" or printed.tier or ("stdout", home(log)) not in lone:
        return False
    if run.format not in _LOGGERS or told.updated_at is None or printed.changed_at is None:
        return False
    return abs(printed.changed_at - told.updated_at) < SAME_END_S


def _is_own(place: Place) -> bool:
    return place.format in OWN_FOLDER or place.path.name in _OWN_LOGS


def _names(glimpse: Glimpse, of: Place, other: Place) -> bool:
    """True when the settings of one source name the folder in which the other lies."""
    if not _is_own(other) and other.format != "tensorboard":
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


def _may_merge(first: Group, second: Group, look: Look) -> bool:
    for a in first:
        for b in second:
            if a.format == b.format and not _may_be_twice(a, b, look):
                return False
            is_inside = _is_inside(a, b) or _is_inside(b, a)
            if a.format != b.format and not is_inside and are_same(look(a), look(b)) is False:
                return False
    return True


def _may_be_twice(a: Place, b: Place, look: Look) -> bool:
    if a.format == "tensorboard" and a.path.parent == b.path.parent:
        return _goes_on(look(a), look(b)) or _goes_on(look(b), look(a))
    return _can_be_one(a, b) and (a.format == "wandb" or are_same(look(a), look(b)) is True)


def _goes_on(before: Glimpse, after: Glimpse) -> bool:
    """True when `after` took up the steps where a resumed run had left them, after `before` had ended."""
    if before.updated_at is None or after.started_at is None or after.started_at < before.updated_at:
        return False
    begun = [min(curve) for glimpse in (before, after) if (curve := glimpse.curves.get("loss"))]
    return len(begun) == 2 and begun[0] < begun[1]


def _joined(members: Group, look: Look) -> Group:
    """Make one place of the files that a resumed run left in several folders beside each other."""
    for name in ("tensorboard", "wandb"):
        parts = sorted(
            (place for place in members if place.format == name),
            key=lambda place: (look(place).started_at or 0.0, place.path.name),
        )
        if len(parts) > 1:
            files = tuple(file for place in parts for file in place.files)
            path = parts[0].path.parent if name == "tensorboard" else parts[-1].path
            rest = [place for place in members if place.format != name]
            members = [*rest, replace(parts[-1], path=path, files=files)]
    return members
