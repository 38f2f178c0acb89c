"""The panels that a run has: which of its series stand in one chart, and what belongs beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tui_ft.watch.bands import usual_values
from tui_ft.watch.memory import GIB
from tui_ft.watch.panel_names import (
    FIRST,
    FROM_ZERO,
    TOGETHER,
    Group,
    is_bookkeeping,
    place_of,
    rank_of,
    titles_of,
)
from tui_ft.watch.panel_names import group_of as _group
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Curve

DEFAULTS = ("loss", "grad_norm", "memory")
"""What is shown of a run of ours from the beginning, whether it has values yet or not."""

REWARDS = ("reward", "reward_range", "rewards")
"""What a run that learns from rewards is about: one of them is among the first three."""

_LOGGED = "memory (logged)"
_NUMBERED = re.compile(r"(?P<base>.*?[^\d._\s])(?:[._ ](?P<number>\d{1,3}))")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a panel. `reading` is the run that it is of, which knows its time and tokens.

    `is_points`: single marks, not joined. `look` is a place in `looks.LOOKS` where lines are told apart;
    None is the look of the only line.
    """

    series: Curve
    name: str = ""
    reading: Reading | None = None
    is_points: bool = False
    look: int | None = None


@dataclass(frozen=True, kw_only=True)
class Level:
    """A value across the whole chart, by its name; with `is_held` the axis always reaches it."""

    value: float
    name: str
    is_held: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One chart. Its `key` is that of its series, or of what its series have in common.

    `titles` are wordings, the longest first. The lines run along the x axis of the view or, with the axis
    "hardware", over seconds since the reading's `hardware_origin`. `base` is a value that the y axis always
    holds, `ceiling` its fixed top.
    """

    key: str
    titles: tuple[str, ...]
    group: Group = "other"
    lines: tuple[Line, ...] = ()
    axis: Literal["run", "hardware"] = "run"
    levels: tuple[Level, ...] = ()
    base: float | None = None
    ceiling: float | None = None
    is_default: bool = False

    @property
    def has_values(self) -> bool:
        return any(len(line.series) for line in self.lines)


def panels_of(reading: Reading) -> list[Panel]:
    """Return every panel of a run, the well-known first; `is_default` are at most three."""
    panels = {panel.key: panel for panel in (*_run_panels(reading), *_hardware_panels(reading))}
    memory = _memory_panel(reading, panels.get("gpu_used_gib"))
    if memory is not None:
        if "memory" in panels:  # a series of that name
            panels[_LOGGED] = replace(panels["memory"], key=_LOGGED)
        panels["memory"] = memory
        if panel_key([memory], "gpu_used_gib") is not None:
            panels.pop("gpu_used_gib", None)
    is_ours = reading.source == "tui_ft"
    for key in DEFAULTS if is_ours else DEFAULTS[:1] if not panels else ():
        panels.setdefault(key, Panel(key=key, titles=titles_of(key, key), group="training"))
    ordered = sorted(panels.values(), key=lambda panel: place_of(panel.key))
    chosen = DEFAULTS if is_ours else _first_three(ordered)
    return [replace(panel, is_default=panel.key in chosen) for panel in ordered]


def changing_panels(reading: Reading, known: Sequence[Panel]) -> dict[str, Panel]:
    """Return those of the panels `known` that say something else now although nothing new is logged."""
    fresh = {}
    if "grad_norm" in reading.series:
        fresh["grad_norm"] = _run_panel("grad_norm", ("grad_norm",), reading)
    if any(panel.key == "memory" for panel in known):
        used = next((panel for panel in _hardware_panels(reading) if panel.key == "gpu_used_gib"), None)
        memory = _memory_panel(reading, used)
        if memory is not None:
            fresh["memory"] = memory
    return fresh


def _first_three(ordered: list[Panel]) -> tuple[str, ...]:
    wanted = [panel.key for panel in ordered if panel.key in DEFAULTS]
    wanted += [panel.key for panel in ordered if panel.key in REWARDS][:1]
    rest = [panel for panel in ordered if panel.key not in wanted]
    learning = [panel.key for panel in rest if panel.axis == "run" and not is_bookkeeping(panel.key)]
    wanted += sorted(learning, key=lambda key: (place_of(key)[0], rank_of(key)))
    wanted += [panel.key for panel in rest if panel.axis == "hardware" and panel.key in FIRST]
    if not wanted:  # what says least is better than nothing
        wanted = [panel.key for panel in rest]
    return tuple(wanted[:3])


def panel_key(panels: list[Panel], series_name: str) -> str | None:
    """The key of the panel in which a series stands; None when no panel has it."""
    for panel in panels:
        if panel.key == series_name or any(line.name == series_name for line in panel.lines):
            return panel.key
    return None


# --- series by step ----------------------------------------------------------------------------------


def _run_panels(reading: Reading) -> list[Panel]:
    series = reading.series
    joined = _joined(series)
    taken = {name for names in joined.values() for name in names}
    panels = [_run_panel(key, names, reading) for key, names in joined.items()]
    for name in series:
        if name in taken or (name.startswith("eval_") and name[5:] in series and name[5:] not in taken):
            continue
        panels.append(_run_panel(name, (name,), reading))
    return panels


def _joined(series: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The panels of several series: by key, the names of those that are there, where two are at least."""
    found = {}
    for prefix in ("", "eval_"):
        for key, names in TOGETHER.items():
            there = tuple(prefix + name for name in names if prefix + name in series)
            if len(there) > 1 and prefix + key not in series:
                found[prefix + key] = there
    return found


def _run_panel(key: str, names: tuple[str, ...], reading: Reading) -> Panel:
    series = reading.series
    is_joined = len(names) > 1
    lines = [
        Line(series=series[name], name=name, reading=reading, look=place if is_joined else None)
        for place, name in enumerate(names)
    ]
    evaluation = f"eval_{names[0]}"
    if not is_joined and evaluation in series:
        lines.append(Line(series=series[evaluation], name=evaluation, reading=reading, is_points=True))
    return Panel(
        key=key,
        titles=titles_of(key, names[0]),
        group=_group(key),
        lines=tuple(lines),
        levels=_gradient_levels(reading) if key == "grad_norm" else (),
        base=0.0 if key in FROM_ZERO else None,
    )


def _gradient_levels(reading: Reading) -> tuple[Level, ...]:
    """What is usual for the gradient norm of this run, and where it is clipped."""
    levels = []
    usual = usual_values(reading.series["grad_norm"])
    if usual is not None:
        levels = [Level(value=usual[0], name="median"), Level(value=usual[1], name="p95")]
    clip = reading.settings.get("training.max_grad_norm", reading.settings.get("max_grad_norm"))
    if isinstance(clip, (int, float)) and not isinstance(clip, bool) and clip > 0:
        levels.append(Level(value=float(clip), name="clipped"))
    return tuple(levels)


# --- series of the box -------------------------------------------------------------------------------


def _hardware_panels(reading: Reading) -> list[Panel]:
    """One panel for each measure; those of several GPUs, told apart by a number, share it."""
    found: dict[str, list[tuple[str, Curve]]] = {}
    for name, series in reading.hardware_series.items():
        if _is_total(name):
            continue
        match = _NUMBERED.fullmatch(name)
        found.setdefault(match["base"] if match else name, []).append((name, series))
    panels = []
    for key, named in found.items():
        is_joined = len(named) > 1
        lines = tuple(
            Line(series=series, name=name, reading=reading, look=place if is_joined else None)
            for place, (name, series) in enumerate(named)
        )
        total = reading.hardware_series.get(key.replace("_used_", "_total_")) if "_used_" in key else None
        ceiling = total.last[1] if total is not None and total.last is not None else None
        ceiling = 100.0 if key == "gpu_utilization" else ceiling
        own = key if key not in reading.series else f"{key} (box)"
        panels.append(
            Panel(
                key=own,
                titles=titles_of(key, own),
                group="hardware",
                lines=lines,
                axis="hardware",
                base=0.0,
                ceiling=ceiling,
            )
        )
    return panels


def _is_total(name: str) -> bool:
    """What there is in all bounds the chart of what is used of it, and is none of its own."""
    return "_total_" in name


def _memory_panel(reading: Reading, used: Panel | None) -> Panel | None:
    """Memory used, with its peak and what was predicted: of the GPU, else of the trainer on the CPU."""
    memory = reading.memory
    levels = _memory_levels(reading)
    titles = titles_of("memory", "memory")
    if memory is not None and len(memory.series) and (used is None or len(used.lines) == 1):
        name = "gpu_used_gib" if memory.is_gpu and used is not None else "memory"
        line = Line(series=memory.series, name=name, reading=reading)
        return Panel(
            key="memory", titles=titles, group="training", lines=(line,), axis="hardware", base=0.0,
            ceiling=memory.total_gib if memory.is_gpu else None, levels=levels if memory.is_gpu else (),
        )  # fmt: skip
    if used is not None:
        return replace(used, key="memory", titles=used.titles, group="training", levels=levels)
    peak = reading.series.get("gpu_memory_gib")
    if peak is None:
        return None
    line = Line(series=peak, name="gpu_memory_gib", reading=reading)
    return Panel(
        key="memory", titles=titles_of("gpu_memory_gib", ""), group="training", lines=(line,), base=0.0
    )


def _memory_levels(reading: Reading) -> tuple[Level, ...]:
    levels = []
    report = reading.gpu_memory
    made = (report.for_rows or report.predicted) if report is not None else None
    if made is not None and made.nvidia_smi_bytes is not None:
        others = 0
        if made.total_bytes is not None and made.free_bytes is not None:
            others = made.total_bytes - made.free_bytes
        levels.append(Level(value=(made.nvidia_smi_bytes + others) / GIB, name="predicted", is_held=True))
    measured = report.measured if report is not None else None
    peak = reading.series.get("gpu_memory_gib")
    extent = peak.extent() if peak is not None else None
    if measured is not None:
        levels.append(Level(value=measured.allocated_bytes / GIB, name="peak allocated"))
    elif extent is not None:
        levels.append(Level(value=extent[1], name="peak allocated"))
    return tuple(levels)
