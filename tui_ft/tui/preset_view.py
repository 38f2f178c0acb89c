"""What the Presets screen says of a preset: whether it can start now, and how it differs from another."""

from __future__ import annotations

from collections.abc import Sequence

from tui_ft.runs.readiness import Readiness
from tui_ft.spec.compare import Difference
from tui_ft.spec.presets import Preset
from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.text_panel import Entry
from tui_ft.vram.verdict import WORDS

_OFFERED = 5
_LABEL = 10


def facts(preset: Preset, found: Readiness | None) -> list[Entry]:
    """A preset in a few lines; `found` is None while its files and its memory are looked at."""
    lines = [(plain(preset.summary), "strong")] if preset.summary else []
    lines += [
        _line("File", str(preset.path) if preset.source == "user" else f"comes with tui-ft: {preset.path}"),
        _line("Model", preset.spec.model.id or "none"),
        _line("Data", data_words(preset)),
    ]
    return [*lines, *(_readiness(found) if found else [_line("Now", "looking …")])]


def data_words(preset: Preset) -> str:
    """The data of a preset in a line."""
    train = preset.spec.data.train
    if train is None:
        return "asked for at the start"
    return train if isinstance(train, str) else ", ".join(source.path for source in train)


def mark(found: Readiness | None) -> str:
    """One character for the list: could it start now? A blank while that is not known."""
    if found is None:
        return " "
    if not found.is_ready:
        return "✗"
    return {"fits": "✓", "tight": "~"}.get(found.verdict, "?")


def _readiness(found: Readiness) -> list[Entry]:
    lines: list[Entry] = [(f"{'✗':<{_LABEL}}{plain(problem)}", "bad") for problem in found.problems]
    if found.needed_bytes is None or found.free_bytes is None:
        lines.append(_line("Memory", found.unknown or "not known"))
    else:
        fits = found.verdict != "does_not_fit"
        text = f"{gib(found.needed_bytes)} GiB needed, {gib(found.free_bytes)} free: {WORDS[found.verdict]}"
        lines.append((f"{'Memory':<{_LABEL}}{text}", "good" if fits else "bad"))
    if found.step_downs:
        lines.append(("Enter offers what would fit:", ""))
        lines += [
            (f"  {plain(step.change)}: {gib(step.needed_bytes)} GiB", "")
            for step in found.step_downs[:_OFFERED]
        ]
    if found.is_ready:
        lines.append(("✓ It can start.", "good"))
    return lines


def differences(left: Preset, right: Preset, found: Sequence[Difference]) -> list[Entry]:
    """The fields of two presets side by side; `≠` marks those that differ."""
    if left.path == right.path:
        return [(f"Choose another preset to compare {plain(left.name)} with.", "")]
    if all(one.is_equal for one in found):
        same = f"{plain(left.name)} and {plain(right.name)} mean the same."
        return [(same, "good"), *(_compared(one, 0, 0) for one in found)]
    first = max(len(one.field.path) for one in found)
    second = max(len(plain(left.name)), *(len(plain(one.left)) for one in found))
    heading = f"  {'':<{first}}  {plain(left.name):<{second}}  {plain(right.name)}"
    return [(heading, "strong"), *(_compared(one, first, second) for one in found)]


def _compared(one: Difference, first: int, second: int) -> Entry:
    sign = " " if one.is_equal else "≠"
    text = f"{sign} {one.field.path:<{first}}  {plain(one.left):<{second}}  {plain(one.right)}"
    return text, "muted" if one.is_equal else ""


def _line(label: str, text: str) -> Entry:
    return f"{label:<{_LABEL}}{plain(text)}", ""
