# ruff: noqa: E501 - rows of tables and samples
"""Damaged copies of files, and what must hold of every reading, whatever a file holds."""

from __future__ import annotations

import gc
import json
import math
import os
import random
import time
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from end_marks import may_be_finished

from tui_ft.cli.printing import json_text
from tui_ft.watch import formats
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import as_json, as_text
from tui_ft.watch.series import Series
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.protocol import Place, Source

BUDGET_S = 0.05
SLACK_S = 0.5
MOST_POLLS = 4_000
UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
HOSTILE = "\x1b]0;gone\x07\x1b[2J\x9b31m\u202e\u2066\u200b\r\b\x00\ud800\x85\u2028"
NUMBERS = (
    b"1e999", b"-1e999", b"NaN", b"Infinity", b"9" * 400, b"-0", b"1e-999", b"0x10", b"null", b'"nan"',
    b"9223372036854775808", b"1.7976931348623157e308", b"[]", b"{}", b"true", b"-5", b"4.5", b'"' + b"9" * 5000 + b'"',
)  # fmt: skip


class BrokenRuleError(AssertionError):
    """A reading breaks a rule that holds for all."""


# --- mutants -------------------------------------------------------------------------------------


def truncations(data: bytes, every: int = 64) -> Iterator[bytes]:
    """The data cut off at every so many bytes."""
    for size in range(0, len(data), every):
        yield data[:size]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """One copy with some damage: bytes changed, pieces lost, doubled, moved, zeroed, or odd values put in."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if not changed:
            break
        _DAMAGES[chance.randrange(len(_DAMAGES))](changed, chance)
    return bytes(changed)


def _stretch(data: bytearray, chance: random.Random, longest: int = 600) -> tuple[int, int]:
    begin = chance.randrange(len(data))
    return begin, min(begin + chance.randrange(1, longest), len(data))


def _flip_bit(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set_byte(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.choice(
        (0, 10, 13, 27, 34, 44, 127, 128, 155, 255, chance.randrange(256))
    )


def _lose(data: bytearray, chance: random.Random) -> None:
    begin, end = _stretch(data, chance)
    del data[begin:end]


def _double(data: bytearray, chance: random.Random) -> None:
    begin, end = _stretch(data, chance)
    at = chance.randrange(len(data))
    data[at:at] = data[begin:end]


def _zero(data: bytearray, chance: random.Random) -> None:
    begin, end = _stretch(data, chance)
    data[begin:end] = bytes(end - begin)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _odd_number(data: bytearray, chance: random.Random) -> None:
    """Put an odd number in the place of digits."""
    begin = chance.randrange(len(data))
    while begin < len(data) and not 48 <= data[begin] <= 57:
        begin += 1
    end = begin
    while end < len(data) and (48 <= data[end] <= 57 or data[end] in b".e-"):
        end += 1
    data[begin:end] = chance.choice(NUMBERS)


def _hostile(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    text = (
        json.dumps(HOSTILE)[1:-1].encode()
        if chance.random() < 0.5
        else HOSTILE.encode("utf-8", "surrogatepass")
    )
    data[at : at + chance.choice((0, 4, len(text)))] = text


_DAMAGES = (_flip_bit, _set_byte, _lose, _double, _zero, _cut, _odd_number, _hostile)


# --- reading -------------------------------------------------------------------------------------


def place_at(format_name: str, file: Path) -> Place:
    """The place of this format that `file` belongs to."""
    form = formats.by_name(format_name)
    for folder in (file.parent, *file.parents[1:4]):
        for place in form.find(folder, sorted(os.listdir(folder))):
            if file in place.files or place.path in (file, *file.parents):
                return place
    raise AssertionError(f"{format_name} finds no run at {file}")


def opened(place: Place, clock: float) -> ForeignSource:
    return formats.by_name(place.format).open(place, lambda: clock)


def read_whole(source: Source, budget_s: float = BUDGET_S) -> Reading:
    """Poll until the history is read; each poll within its budget, and so many at most."""
    for _ in range(MOST_POLLS):
        poll(source, budget_s)
        if source.reading.is_complete:
            return source.reading
    raise BrokenRuleError(f"not read after {MOST_POLLS} polls")


def poll(source: Source, budget_s: float = BUDGET_S) -> bool:
    """One poll, which raises nothing and takes no longer than it may.

    That is by its own CPU time, since others share the box, and without collections: those go through
    what all tests before this one have left, which in a whole suite takes longer than any poll may.
    """
    gc.disable()
    try:
        began = time.thread_time()
        changed = source.poll(budget_s)
        spent = time.thread_time() - began
    finally:
        gc.enable()
    if spent > budget_s + SLACK_S:
        raise BrokenRuleError(f"a poll took {spent:.2f} s")
    return changed


# --- the rules -----------------------------------------------------------------------------------


def check(reading: Reading, file: Path | None = None) -> dict[str, Any]:
    """Raise BrokenRuleError where a reading breaks a rule; return what is printed of it as JSON."""
    printed = json.dumps(as_json(reading), allow_nan=False)
    known = json.loads(printed, parse_constant=_refuse)
    check_text(json_text(as_json(reading)))
    check_text(
        "\n".join(_texts({name: value for name, value in known.items() if name not in ("path", "others")}))
    )
    check_text(as_text(reading, 1.8e9))
    check_text("\n".join(reading.log))
    for name, series in {**reading.series, **reading.hardware_series}.items():
        _check_series(name, series)
    for number in (reading.epoch, reading.started_at, reading.updated_at, reading.ended_at):
        if number is not None and not isinstance(number, int | float):
            raise BrokenRuleError(f"{number!r} is no number")
    if reading.step is not None and not isinstance(reading.step, int):
        raise BrokenRuleError(f"step {reading.step!r}")
    if reading.total_steps is not None and reading.total_steps < 0:
        raise BrokenRuleError(f"total {reading.total_steps!r}")
    if reading.restarts != len(reading.restart_steps) and reading.restarts < len(reading.restart_steps):
        raise BrokenRuleError("fewer restarts than their steps")
    if reading.status == "finished" and file is not None and not may_be_finished(reading.source, file):
        raise BrokenRuleError(f"finished without a mark: {reading.reason}")
    return dict(known)


def _refuse(word: str) -> NoReturn:
    raise BrokenRuleError(f"{word} in JSON")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def check_text(text: str) -> None:
    if text.isascii() and text.replace("\n", "").isprintable():
        return
    odd = {character for character in text if unicodedata.category(character) in UNSAFE} - {"\n"}
    if odd:
        raise BrokenRuleError(f"characters {sorted(map(hex, map(ord, odd)))} in {text[:200]!r}")


def _check_series(name: str, series: Series) -> None:
    count = len(series)
    steps = [series.steps[at] for at in range(count)]
    values = [series.values[at] for at in range(count)]
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise BrokenRuleError(f"steps of {name} do not rise")
    finite = [value for value in values if math.isfinite(value)]
    if series.nonfinite != count - len(finite):
        raise BrokenRuleError(f"{name}: {series.nonfinite} not finite, counted {count - len(finite)}")
    if not count:
        return
    if not _same(series.first, (steps[0], values[0])):
        raise BrokenRuleError(f"{name}: first {series.first} is not {steps[0], values[0]}")
    pairs = dict(zip(steps, values, strict=True))
    if series.last is None or not _same((series.last[0], pairs.get(series.last[0], 0.0)), series.last):
        raise BrokenRuleError(f"{name}: last {series.last} is no point")
    extent = series.extent()
    if extent != ((min(finite), max(finite)) if finite else None):
        raise BrokenRuleError(
            f"{name}: extent {extent}, counted {min(finite, default=None)}, {max(finite, default=None)}"
        )


def _same(one: tuple[float, float] | None, other: tuple[float, float]) -> bool:
    return (
        one is not None
        and one[0] == other[0]
        and (one[1] == other[1] or (one[1] != one[1] and other[1] != other[1]))
    )


def listing(folder: Path) -> list[tuple[str, int]]:
    """All that lies under a folder, by name and size."""
    return sorted((str(path.relative_to(folder)), path.lstat().st_size) for path in folder.rglob("*"))
