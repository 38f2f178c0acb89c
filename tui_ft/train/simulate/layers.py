"""From two shallow models to the whole one: each phase's peak grows by the same bytes with every layer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui_ft.errors import TuiFtError
from tui_ft.train.simulate.replay import PhasePeak, Replay

_FEWEST = 2
"""A first and a last layer: from here on a further layer is one in the middle."""

_LAYER = re.compile(r"^(?P<kind>.*\blayer) (?P<number>\d+)$")

Key = tuple[str, str, int, int]
"""(kind of phase, counted from which end, layer, occurrence)"""


@dataclass(frozen=True, kw_only=True)
class Depths:
    """Two depths to simulate, and the one that is asked for."""

    few: int
    many: int
    whole: int

    @property
    def is_whole(self) -> bool:
        """Nothing is gained by less than all layers: `few` and `many` are the whole depth."""
        return self.few == self.whole


@dataclass(frozen=True, kw_only=True)
class Whole:
    """The peaks with all layers; `reserved` is the line's guess: fragmentation follows no line."""

    layers: int
    allocated: int
    reserved: int
    peak_phase: str


def choose_depths(whole: int, kinds: Sequence[str] | None = None) -> Depths:
    """The two depths to simulate for a model of `whole` layers.

    `kinds` names each layer's kind where they alternate (`layer_types` of the config): both depths hold the
    pattern of kinds a whole number of times. A model too shallow, or whose layers follow no
    pattern, is simulated as it is.
    """
    if whole < 1:
        raise TuiFtError(f"A model of {whole} layers cannot be simulated.", "Check num_hidden_layers.")
    pattern = pattern_of(kinds) if kinds else 1
    few = pattern * -(-_FEWEST // pattern)
    many = few + pattern * -(-_FEWEST // pattern)
    few += (whole - few) % pattern  # a rest of the pattern at the end belongs to every depth
    many += (whole - many) % pattern
    if many >= whole:
        return Depths(few=whole, many=whole, whole=whole)
    return Depths(few=few, many=many, whole=whole)


def pattern_of(kinds: Sequence[str]) -> int:
    """The length of the shortest beginning that, repeated, gives all of `kinds`."""
    return next(
        length
        for length in range(1, len(kinds) + 1)
        if all(kind == kinds[number % length] for number, kind in enumerate(kinds))
    )


def extrapolate(few: Replay, many: Replay, depths: Depths) -> Whole:
    """Draw a line through two depths, phase by phase, and take the highest at the whole depth.

    A phase that names a layer ("backward layer 3") is compared with that of the same layer counted from
    the first, and with that counted from the last: in between nothing is higher than at one of the ends.
    Raises `ValueError` if the two have no phase in common.
    """
    if depths.is_whole:
        return Whole(
            layers=depths.whole, allocated=few.allocated, reserved=few.reserved, peak_phase=few.peak_phase
        )
    there = dict(_keyed(many.phases, depths.many))
    lines = [
        (_line(phase.allocated, there[key].allocated, depths), phase.phase)
        for key, phase in _keyed(few.phases, depths.few)
        if key in there
    ]
    if not lines:
        raise ValueError("the two depths have no phase in common")
    allocated, phase = max(lines)
    reserved = _line(few.reserved, many.reserved, depths)
    return Whole(
        layers=depths.whole, allocated=allocated, reserved=max(allocated, reserved), peak_phase=phase
    )


def at_whole_depth(few: int, many: int, depths: Depths) -> int:
    """The line through two numbers of bytes, at the whole depth."""
    return few if depths.is_whole else _line(few, many, depths)


def _line(few: int, many: int, depths: Depths) -> int:
    return many + round((many - few) * (depths.whole - depths.many) / (depths.many - depths.few))


def _keyed(phases: Sequence[PhasePeak], layers: int) -> Iterator[tuple[Key, PhasePeak]]:
    seen: Counter[tuple[str, str, int]] = Counter()
    for phase in phases:
        found = _LAYER.match(phase.phase)
        names = (
            [(phase.phase, "", 0)]
            if found is None
            else [
                (found["kind"], "first", int(found["number"])),
                (found["kind"], "last", layers - int(found["number"])),
            ]
        )
        for name in names:
            yield (*name, seen[name]), phase
            seen[name] += 1
