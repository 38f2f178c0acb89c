"""Which pairs of places are worth comparing: found by folders, names and values, never all with all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path

from tui_ft.watch.homes import home, is_own, kept_folders, wandb_id
from tui_ft.watch.likeness import Glimpse
from tui_ft.watch.sources.protocol import Place

Look = Callable[[Place], Glimpse]
Pair = tuple[int, int]

MOST_AT_HOME = 40
"""Of a folder with more sources than this, only those that share values are compared."""
SHARED_VALUES = 0.25
"""Two sources are compared by their points when they share such a part of what tells the smaller one."""
MOST_SHARING = 60
"""A value that so many sources have tells nothing of any."""
FARTHEST_FOLDERS = 5

_MAY_REPEAT = frozenset({"stdout", "hf_trainer_state"})
"""One run may have a log twice (screen and file) and its state copied; other sources twice are two runs."""


def pairs(places: Sequence[Place], look: Look) -> list[Pair]:
    """Return the positions of the pairs to compare, each once, in order."""
    homes = [home(place) for place in places]
    found = {
        *_at_one_home(homes),
        *_named_after(places, homes),
        *_printed_above(places, homes),
        *_kept_inside(places),
        *_resumed(places),
        *_named_in_settings(places, homes, look),
        *_sharing_values(places, homes, look),
    }
    ordered = sorted({(min(pair), max(pair)) for pair in found if pair[0] != pair[1]})
    return [(a, b) for a, b in ordered if can_be_one(places[a], places[b])]


def can_be_one(a: Place, b: Place) -> bool:
    """True unless their formats say that two places are two runs."""
    if a.format == b.format == "wandb":
        return wandb_id(a) == wandb_id(b) and a.path.parent == b.path.parent
    if a.format != b.format:
        return "tui_ft" not in (a.format, b.format)
    first, second = home(a), home(b)
    return a.format in _MAY_REPEAT and (first in (second, *second.parents) or second in first.parents)


def _at_one_home(homes: Sequence[Path]) -> Iterator[Pair]:
    by_home = _positions(homes)
    for members in by_home.values():
        if len(members) <= MOST_AT_HOME:
            yield from combinations(members, 2)


def _named_after(places: Sequence[Place], homes: Sequence[Path]) -> Iterator[Pair]:
    by_home = _positions(homes)
    for at, place in enumerate(places):
        if place.format == "stdout":
            for other in by_home.get(place.path.parent / place.path.stem, ())[:MOST_AT_HOME]:
                yield at, other


def _printed_above(places: Sequence[Place], homes: Sequence[Path]) -> Iterator[Pair]:
    """A log beside the output folder of the run that it is of."""
    above = _positions(folder.parent for folder in homes)
    for at, place in enumerate(places):
        if place.format == "stdout":
            for other in above.get(homes[at], ())[:MOST_AT_HOME]:
                yield at, other


def _kept_inside(places: Sequence[Place]) -> Iterator[Pair]:
    keepers = {folder: at for at, place in enumerate(places) for folder in kept_folders(place)}
    if keepers:
        for at, place in enumerate(places):
            for folder in place.path.parents[:8]:
                if folder in keepers:
                    yield at, keepers[folder]


def _resumed(places: Sequence[Place]) -> Iterator[Pair]:
    wandb = [at for at, place in enumerate(places) if place.format == "wandb"]
    by_id = defaultdict(list)
    for at in wandb:
        by_id[places[at].path.parent, wandb_id(places[at])].append(at)
    for members in by_id.values():
        yield from pairwise(members)


def _named_in_settings(places: Sequence[Place], homes: Sequence[Path], look: Look) -> Iterator[Pair]:
    own = [at for at, place in enumerate(places) if is_own(place) or place.format == "tensorboard"]
    by_name = defaultdict(list)
    for at in own:
        by_name[homes[at].name].append(at)
    if not own or len(places) == 1:
        return
    for at, place in enumerate(places):
        for written in look(place).outputs:
            for other in by_name.get(Path(written).name, ())[:MOST_AT_HOME]:
                yield at, other


def _sharing_values(places: Sequence[Place], homes: Sequence[Path], look: Look) -> Iterator[Pair]:
    """Places near each other that have many of the same values in a row, or at the same steps."""
    if len(places) < 2:
        return
    tells = [tokens(look(place)) for place in places]
    holders: dict[object, list[int]] = defaultdict(list)
    for at, mine in enumerate(tells):
        for token in mine:
            if len(holders[token]) <= MOST_SHARING:
                holders[token].append(at)
    for at, mine in enumerate(tells):
        common = Counter(
            other for token in mine if len(holders[token]) <= MOST_SHARING for other in holders[token]
        )
        for other, count in common.items():
            enough = SHARED_VALUES * min(len(mine), len(tells[other]))
            if other > at and count >= enough and _are_near(homes[at], homes[other]):
                yield at, other


def tokens(glimpse: Glimpse) -> set[object]:
    """What tells the points of a run: values in a row, and values at steps, with the digits all print."""
    found: set[object] = set()
    for name in ("loss", "eval_loss"):
        curve = glimpse.curves.get(name, {})
        printed = [f"{value:.3g}" for value in curve.values()]
        if len(set(printed)) > 1 or len(printed) == 1:
            found.update(zip((name,) * len(printed), curve, printed, strict=True))
            found.update(zip(printed, printed[1:], printed[2:], (name,) * len(printed), strict=False))
    return found


def _are_near(first: Path, second: Path) -> bool:
    return first in (second, *second.parents)[:FARTHEST_FOLDERS] or second in first.parents[:FARTHEST_FOLDERS]


def _positions(homes: Iterable[Path]) -> dict[Path, list[int]]:
    found: dict[Path, list[int]] = defaultdict(list)
    for at, folder in enumerate(homes):
        found[folder].append(at)
    return found
