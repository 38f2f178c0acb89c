"""What stands above a chart: its name, what its lines are, and their values at the cursor."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui_ft.watch.axes import X
from tui_ft.watch.panels import Panel
from tui_ft.watch.reading import MemoryCurve
from tui_ft.watch.scales import number_label, step_label, time_label
from tui_ft.watch.series import Curve

Named = tuple[str, str, Curve]
"""A line as it is drawn: its marker ("" for the only line), its name, its points."""


def panel_titles(panel: Panel, wordings: Sequence[str], lines: Sequence[Named]) -> tuple[str, ...]:
    """Return the wordings of a panel with a legend of its lines, the longest first."""
    marked = [(marker, name) for marker, name, _ in lines if marker and name]
    if not marked:
        return tuple(wordings)
    names = [_spoken(name, panel.key) for _, name in marked]
    long = "  ".join(f"{marker} {name}" for (marker, _), name in zip(marked, names, strict=True))
    short = " ".join(
        f"{marker} {(name.split() or [''])[0]}" for (marker, _), name in zip(marked, names, strict=True)
    )
    return (
        *(f"{wording}   {long}" for wording in wordings[:1]),
        *(f"{wording} {short}" for wording in wordings),
        *wordings,
    )


def cursor_titles(
    panel: Panel, wordings: Sequence[str], lines: Sequence[Named], cursor: float, x: X, *, says_where: bool
) -> tuple[str, ...]:
    """Return the wordings of a panel with the values of its lines at the cursor, the longest first."""
    found = [(marker, name, nearest(series, cursor)) for marker, name, series in lines]
    known = [(marker, name, point) for marker, name, point in found if point is not None]
    if not known:
        return tuple(f"{wording}: –" for wording in wordings)
    where = f" at {place_label(cursor, x)}" if says_where else ""
    full = []
    for marker, name, (at, value) in known:
        aside = f" ({place_label(at, x)})" if at != cursor else ""
        spoken = (
            f"{marker} {_spoken(name, panel.key)} " if marker and name else f"{marker} " if marker else ""
        )
        full.append(f"{spoken}{exact(value)}{aside}")
    plain = [
        f"{marker}{exact(value)}" + (f" @{_number(at, x)}" if at != cursor else "")
        for marker, _, (at, value) in known
    ]
    short = [f"{marker}{number_label(value, 7)}" for marker, _, (_, value) in known]
    shortest = wordings[-1]
    return (
        f"{wordings[0]} {'  '.join(full)}{where}",
        f"{shortest} {'  '.join(full)}{where}",
        *((f"{shortest} {' '.join(plain)}{where}",) if where else ()),
        f"{shortest} {' '.join(plain)}",
        f"{shortest} {' '.join(short)}",
        " ".join(short),
        short[0],
    )


def memory_titles(memory: MemoryCurve | None) -> tuple[str, ...]:
    """What the memory chart shows, and against what: a GPU's memory, or the trainer's on a CPU.

    Several wordings, the longest first; what is not known is in none of them.
    """
    kind = "CPU" if memory is not None and not memory.is_gpu else "GPU"
    if memory is None or memory.used_gib is None:
        return (f"{kind} memory", "Memory", "mem") if memory is not None else ("Memory", "mem")
    used = _gib(memory.used_gib)
    if memory.total_gib is None:
        return f"{kind} memory {used} GiB", f"{kind} {used} GiB", f"mem {used}", "mem"
    total = _gib(memory.total_gib)
    plain_wordings = (
        f"{kind} memory {used} / {total} GiB", f"{kind} memory {used}/{total} GiB",
        f"{kind} {used}/{total} GiB", f"{kind} {used}/{total}", f"mem {used}/{total}", "mem",
    )  # fmt: skip
    if memory.free_gib is None:
        return plain_wordings
    free = _gib(memory.free_gib)
    long = () if memory.is_gpu else (f"CPU memory: trainer {used} GiB, limit {total}, {free} free",)
    return (
        *long,
        f"{kind} memory {used} of {total} GiB, {free} free",
        f"{kind} {used} of {total} GiB, {free} free",
        f"{kind} {used}/{total} GiB, free {free}",
        f"{kind} {used}/{total}, free {free}",
        *plain_wordings,
    )


def _gib(value: float) -> str:
    """GiB with one place; a process of some MiB, which has only begun, holds more than none."""
    if 0 < value < 0.05:
        return "<0.1"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def nearest(series: Curve, x: float) -> tuple[float, float] | None:
    """The point of a series that is nearest to `x`; None where it has none."""
    count = len(series)
    if not count:
        return None
    after = series.index(x)
    places = [place for place in (after - 1, after) if 0 <= place < count]
    place = min(places, key=lambda at: abs(series.steps[at] - x))
    return series.steps[place], series.values[place]


def exact(value: float) -> str:
    """A value with seven digits: what tells it from its neighbours."""
    if not math.isfinite(value):
        return number_label(value)
    if value == 0 or abs(value) >= 1e-3:
        return f"{value:.7g}"
    digits, _, power = f"{value:.6e}".partition("e")  # as the axis writes it
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"


def place_label(place: float, x: X) -> str:
    """A place on the x axis in words: step 1,200, 12m05s, 1.2M tokens."""
    if not math.isfinite(place):
        return "–"
    if x == "time":
        whole = round(place)
        if whole < 60:
            return time_label(place)
        hours, rest = divmod(whole, 3600)
        return f"{hours}h{rest // 60:02d}m{rest % 60:02d}s" if hours else f"{rest // 60}m{rest % 60:02d}s"
    if x == "tokens":
        return f"{step_label(place)} tokens"
    return f"step {place:,.0f}" if float(place).is_integer() else f"step {place:,.2f}"


def _number(place: float, x: X) -> str:
    return place_label(place, x).removeprefix("step ").removesuffix(" tokens")


def _spoken(name: str, key: str) -> str:
    """The name of a line beside its panel's: without what both have in common."""
    prefix = f"{key}/"
    return name.removeprefix(prefix).removeprefix(f"{key}_").replace("eval_", "eval ").replace("_", " ")
