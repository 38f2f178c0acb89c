"""A small grid: every combination of some values of some fields, each a run of its own with a shared tag."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from itertools import product

from tui_ft.errors import TuiFtError
from tui_ft.runs.labels import MOST_TAGS
from tui_ft.spec import overrides
from tui_ft.spec.display import run_name
from tui_ft.spec.run_spec import RunSpec

MOST_RUNS = 64
"""More is a search, and every one of them costs."""
_SHORT = {"learning_rate": "lr", "batch_size": "batch", "gradient_accumulation": "accumulation"}
_BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}


def combinations(grid: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the overrides of each run of a grid; `grid` holds `section.field=a,b,c`, a field once.

    A comma within brackets or quotes is part of a value. Of no grid there is one run without overrides.
    Raises `TuiFtError` for what names no values, names a field twice, or makes too many runs.
    """
    axes: dict[str, list[str]] = {}
    for one in grid:
        path, equals, text = one.partition("=")
        path = path.strip()
        values = list(dict.fromkeys(value for part in _split(text) if (value := part.strip())))
        if not equals or not path or not values:
            raise TuiFtError(
                f"--grid {one!r} names no values.", "For example --grid training.learning_rate=1e-4,2e-4."
            )
        if path in axes:
            raise TuiFtError(f"--grid names {path} twice.", "Write all its values after one =.")
        axes[path] = [f"{path}={value}" for value in values]
    count = 1
    for axis in axes.values():
        count *= len(axis)
    if count > MOST_RUNS:
        raise TuiFtError(f"The grid makes {count} runs; at most {MOST_RUNS} are queued at once.")
    return [tuple(combination) for combination in product(*axes.values())]


def specs(spec: RunSpec, grid: Sequence[str]) -> list[RunSpec]:
    """Return the spec of each run of the grid over `spec`: checked, with a name of its own and one tag.

    Raises `TuiFtError` when one of them cannot be.
    """
    found = combinations(grid)
    if found == [()]:
        return [spec]
    tag = "grid-" + "".join(random.SystemRandom().choices(string.ascii_lowercase, k=4))
    tags = [*spec.notes.tags[: MOST_TAGS - 1], tag]
    base = run_name(spec)
    return [
        overrides.apply(
            spec,
            [*changes, f"notes.name={_text(f'{base} {_label(changes)}')}", f"notes.tags={_list(tags)}"],
        )
        for changes in found
    ]


def tag_of(made: Sequence[RunSpec]) -> str:
    """The tag that the runs of a grid share, "" for a single run."""
    return made[0].notes.tags[-1] if len(made) > 1 else ""


def _label(changes: Sequence[str]) -> str:
    words = []
    for change in changes:
        path, _, value = change.partition("=")
        name = path.rpartition(".")[2]
        words.append(f"{_SHORT.get(name, name)} {value}")
    return " ".join(words)


def _split(text: str) -> list[str]:
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += _BRACKETS.get(character, 0)
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _text(value: str) -> str:
    """A TOML string."""
    import json

    return json.dumps(value, ensure_ascii=False)


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"
