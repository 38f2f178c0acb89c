"""Whether two sources tell of the same run: by what they hold, not by what they are called."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tui_ft.runs.records import Status
from tui_ft.watch import formats
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series
from tui_ft.watch.sources.protocol import Clock, Place

COMPARED = ("loss", "eval_loss", "grad_norm", "reward")
"""Series whose values tell one run from another; a learning rate is the same in all runs of a script."""

MOST_COMPARED = 400
FEWEST_EQUAL = 3
EQUAL_SHARE = 0.9
FEWEST_TRIPLES = 5
TRIPLE_SHARE = 0.5
"""So many runs of three values must follow each other in both, and such a share of the fewer ones."""
RELATIVE_ROUNDING = 6e-4
"""Two writers of one run may round: transformers 5 prints four significant digits, others decimals."""

APART_S = 900.0
"""Two sources whose times lie further apart than this tell of two runs."""

_OUTPUT_SETTINGS = ("output_dir", "output-dir", "logging_dir", "out_dir", "save_dir")


@dataclass(frozen=True, kw_only=True, eq=False)  # what two of them are compared for is remembered
class Glimpse:
    """What a short look at a place shows. `curves`: value by step, of the series in COMPARED.

    `tier` is 2 where training is told of, 1 for any series, 0 for none. `outputs` are folders that the
    settings name as the run's own, as written. Times are unix seconds; `changed_at` is that of the files,
    `rows_from` that of the first row, which a resumed run's start may lie far before.
    """

    curves: Mapping[str, Mapping[float, float]] = field(default_factory=dict)
    tier: int = 0
    title: str = ""
    status: Status = "unknown"
    started_at: float | None = None
    rows_from: float | None = None
    updated_at: float | None = None
    changed_at: float | None = None
    outputs: frozenset[str] = frozenset()
    step: int | None = None
    loss: float | None = None


def look_at(place: Place, clock: Clock, budget_s: float) -> Glimpse:
    """Read a place for at most about `budget_s` seconds and return what that shows. Never raises."""
    end = time.monotonic() + budget_s
    try:
        source = formats.by_name(place.format).open(place, clock)
        source.poll(budget_s)
        while not source.reading.is_complete and (left := end - time.monotonic()) > 0:
            source.poll(left)
    except Exception:  # noqa: BLE001 - a mistake in one reader; opening the run says so
        return Glimpse(changed_at=changed_at(place))
    return glimpse_of(source.reading, changed_at(place))


def glimpse_of(reading: Reading, changed: float | None = None) -> Glimpse:
    """The glimpse that a reading gives."""
    own_times = [moment for moment in (reading.times.first, reading.times.last) if moment is not None]
    started = reading.started_at
    if started is None and own_times:
        started = own_times[0][1]
    named = [reading.settings.get(name) for name in _OUTPUT_SETTINGS]
    return Glimpse(
        curves={name: _points(reading.series[name]) for name in COMPARED if name in reading.series},
        tier=tier_of(reading),
        title=reading.title,
        status=reading.status,
        started_at=started,
        rows_from=own_times[0][1] if own_times else None,
        updated_at=own_times[-1][1] if own_times else reading.ended_at,
        changed_at=changed,
        step=reading.step,
        loss=reading.last("loss"),
        outputs=frozenset(name.rstrip("/") for name in named if isinstance(name, str) and len(name) > 1),
    )


def tier_of(reading: Reading) -> int:
    """2: points of training; 1: points of anything; 0: none."""
    if any(not name.startswith(("eval", "test", "predict")) for name in reading.series):
        return 2 if "loss" in reading.series or reading.step else 1
    return 1 if reading.series else 0


def changed_at(place: Place) -> float | None:
    """When the newest file of a place was written (unix seconds); None when none can be seen."""
    times = []
    for file in place.files:
        try:
            times.append(os.stat(file).st_mtime)  # noqa: PTH116 - asked for thousands of files
        except OSError:
            continue
    return max(times, default=None)


def _points(series: Series) -> dict[float, float]:
    count = len(series)
    half = MOST_COMPARED // 2
    chosen = range(count) if count <= MOST_COMPARED else (*range(half), *range(count - half, count))
    return {series.steps[at]: series.values[at] for at in chosen}


def are_same(a: Glimpse, b: Glimpse) -> bool | None:
    """True when the points of two sources are the same ones, False when they are others.

    None where there is too little to compare, or where all is the same number. One source may count steps
    from 0 and the other from 1, or steps of its own: then the order of the values tells.
    """
    if are_apart(a, b):
        return False
    verdicts = [_compare(a, b, name, shift) for shift in (0, 1, -1) for name in COMPARED]
    if True in verdicts or any(_have_same_order(a, b, name) for name in COMPARED):
        return True
    return False if False in verdicts[: len(COMPARED)] else None


@lru_cache(maxsize=16)
def have_same_points(a: Glimpse, b: Glimpse) -> bool:
    """True when two sources have the same values at the same steps: the one may lend its series."""
    return any(_compare(a, b, name, 0) for name in COMPARED)


def are_apart(a: Glimpse, b: Glimpse) -> bool:
    """True when both say when they ran, and the one had ended long before the other began."""
    return any(
        first.updated_at is not None
        and second.started_at is not None
        and second.started_at - first.updated_at > APART_S
        for first, second in ((a, b), (b, a))
    )


def _compare(first: Glimpse, second: Glimpse, name: str, shift: int) -> bool | None:
    a, b = first.curves.get(name, {}), second.curves.get(name, {})
    common = [(value, b[step + shift]) for step, value in a.items() if step + shift in b]
    needed = min(FEWEST_EQUAL, len(a), len(b))
    if not common or len(common) < needed:
        return None
    rounding = 0.51 * 10.0 ** -min(_decimals(a), _decimals(b))
    equal = [x for x, y in common if _is_equal(x, y, rounding)]
    if len(equal) < EQUAL_SHARE * len(common):
        return False if len(common) >= FEWEST_EQUAL else None
    finite = [x for x in equal if math.isfinite(x)]
    if len(finite) < needed:  # losses that became NaN at the same step tell as much as numbers
        return True if finite and len(equal) >= needed and not shift else None
    is_telling = max(finite) - min(finite) > 4 * rounding if needed == FEWEST_EQUAL else not shift
    return True if is_telling else None


def _have_same_order(first: Glimpse, second: Glimpse, name: str) -> bool:
    """True when the same values follow each other in both, whatever steps they are given."""
    a, b = _triples(first.curves.get(name, {})), _triples(second.curves.get(name, {}))
    return len(a & b) >= max(FEWEST_TRIPLES, TRIPLE_SHARE * min(len(a), len(b)))


def _triples(curve: Mapping[float, float]) -> set[tuple[str, ...]]:
    """Three values in a row, as far as every writer prints them; a row of equal ones tells nothing."""
    printed = [f"{value:.3g}" for value in curve.values()]
    rows = zip(printed, printed[1:], printed[2:], strict=False)
    return {row for row in rows if len(set(row)) == 3}


def _is_equal(x: float, y: float, rounding: float) -> bool:
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.isfinite(x) == math.isfinite(y)
    return math.isclose(x, y, rel_tol=RELATIVE_ROUNDING, abs_tol=rounding)


def _decimals(curve: Mapping[float, float]) -> int:
    """How many decimals the values of a curve were written with."""
    return max((_written_decimals(value) for value in curve.values() if math.isfinite(value)), default=0)


def _written_decimals(value: float) -> int:
    mantissa, _, exponent = repr(value).partition("e")
    fraction = mantissa.partition(".")[2]
    digits = 0 if fraction == "0" else len(fraction)
    return min(max(digits - int(exponent or 0), 0), 17)


def is_named_after(log: Path, folder: Path) -> bool:
    """True for `name.log` beside the folder `name`."""
    return log.parent == folder.parent and log.stem == folder.name
