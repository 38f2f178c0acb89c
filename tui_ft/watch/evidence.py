"""The evidence of a finding for people: names without underscores, numbers with the digits that tell."""

from __future__ import annotations

import math

from tui_ft.health.finding import Evidence, Scalar
from tui_ft.watch.log import clean_line

_UNITS = {
    "gib": "GiB",
    "s": "s",
    "ms": "ms",
    "pct": "%",
    "percent": "%",
    "c": "°C",
    "w": "W",
    "bytes": "bytes",
}
_MOST_ITEMS = 12
_LONGEST = 200


def evidence_lines(evidence: Evidence) -> list[str]:
    """Return one line for each piece: `free: 0.61 GiB`. What is None is left out: it is not known."""
    return [f"{_name(name)}: {_text(name, value)}" for name, value in evidence.items() if value is not None]


def evidence_text(evidence: Evidence) -> str:
    """The same on one line."""
    return " · ".join(evidence_lines(evidence))


def _name(name: str) -> str:
    words = clean_line(name).split("_")
    if len(words) > 1 and words[-1] in _UNITS:
        words = words[:-1]
    return " ".join(words)


def _text(name: str, value: Scalar | list[Scalar]) -> str:
    if isinstance(value, list):
        shown = ", ".join(_scalar(item) for item in value[:_MOST_ITEMS])
        return shown + (f" and {len(value) - _MOST_ITEMS} more" if len(value) > _MOST_ITEMS else "")
    unit = _UNITS.get(name.rpartition("_")[2], "") if "_" in name and isinstance(value, (int, float)) else ""
    return f"{_scalar(value)} {unit}".rstrip()


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 100_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else {True: "NaN", False: "infinite"}[math.isnan(value)]
    if value is None:
        return "–"
    text = clean_line(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
