"""What is said about a model that can be chosen: a few short lines, and sizes as people read them."""

from __future__ import annotations

from pathlib import Path

from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.text_panel import Entry
from tui_ft.tui.wizard.model_choices import Choice
from tui_ft.tui.wizard.model_fit import Fit
from tui_ft.vram.verdict import WORDS

_WORTH_SAYING = 10 << 20
"""Bytes; less would be shown as 0.00 GiB."""

_KINDS = {"fits": "good", "does_not_fit": "bad"}


def size_text(parameters: int) -> str:
    """A number of parameters in at most five characters: `8.2B`, `596M`; `–` when not known."""
    if not parameters:
        return "–"
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if parameters >= 0.9995 * size:
            value = parameters / size
            return f"{value:.0f}{unit}" if value >= 10 or unit == "k" else f"{value:.1f}{unit}"
    return str(parameters)


def choice_entries(choice: Choice, disk: Path, free_disk_bytes: int | None) -> list[Entry]:
    """Everything that is known about a model; `disk` is where a download goes."""
    entries: list[Entry] = [(_identity(choice), "strong")]
    if choice.problem:
        entries.append((f"✗ {plain(choice.problem)}", "bad"))
    if choice.shape is not None:
        entries.append((f"Licence   {plain(choice.licence) or '–'} · {_template(choice)}", ""))
    if choice.fit is not None:
        entries.append((f"Memory    {memory_text(choice.fit)}", _KINDS.get(choice.fit.verdict, "")))
    if choice.shape is not None and not choice.problem:
        entries.append(_disk(choice, disk, free_disk_bytes))
    if choice.brings_code:
        entries.append(("! It comes with code of its own. Settings has trust_remote_code.", "strong"))
    notes = choice.shape.notes if choice.shape is not None else ()
    return entries + [(plain(note), "muted") for note in notes]


def memory_text(fit: Fit) -> str:
    """What the recommended method needs of the GPU."""
    needed = f"{fit.method} needs about {gib(fit.needed_bytes)} GiB"
    if fit.free_bytes is None:
        return f"{needed}; there is no GPU here to hold it against"
    return f"{needed} of {gib(fit.free_bytes)} free: {WORDS[fit.verdict]}"


def _identity(choice: Choice) -> str:
    shape = choice.shape
    if shape is None:
        return plain(choice.id) if choice.problem else f"{plain(choice.id)} · nothing is known of it yet"
    reads = f"reads {shape.context:,} tokens" if shape.context else "its context is not known"
    return f"{plain(choice.id)} · {size_text(shape.parameters)} parameters · {shape.layers} layers · {reads}"


def _template(choice: Choice) -> str:
    if choice.has_template is None:
        why = ", its tokenizer cannot be read" if choice.is_here else " before the download"
        return f"chat template: not known{why}"
    return "has a chat template" if choice.has_template else "no chat template: a plain layout is used"


def _disk(choice: Choice, disk: Path, free_disk_bytes: int | None) -> Entry:
    if choice.is_here:
        place = "" if choice.where == "built in" else f" in {plain(_short(choice.folder))}"
        size = f", {gib(choice.bytes)} GiB" if (choice.bytes or 0) >= _WORTH_SAYING else ""
        return (f"Disk      nothing to download: it is here{place}{size}", "")
    room = f"{gib(free_disk_bytes)} GiB are free in {plain(_short(disk))}"
    is_short = free_disk_bytes is not None and (choice.bytes or 0) > free_disk_bytes
    mark, kind = ("✗ ", "bad") if is_short else ("", "")
    return (f"Disk      {mark}downloads about {gib(choice.bytes)} GiB; {room}", kind)


def _short(path: Path | None) -> str:
    """A path as people write it: `~` for the home folder."""
    home = str(Path.home())
    text = str(path)
    return "~" + text[len(home) :] if text.startswith(home + "/") else text
