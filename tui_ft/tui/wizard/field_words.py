"""A field in words: what it does, what it may be, when to change it, and what this value differs from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui_ft.guide.volume import devices, volume
from tui_ft.spec.advice import ADVICE
from tui_ft.spec.display import effective_batch
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import not_yet
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.text_panel import Entry
from tui_ft.tui.wizard.fields import PRESET, RECOMMENDED, FieldRow

if TYPE_CHECKING:
    from tui_ft.tui.wizard.draft import Draft

LONG = 26
"""A longer value does not stand in its row as a whole."""

_BATCH = ("training.batch_size", "training.gradient_accumulation")


def field_entries(row: FieldRow, spec: RunSpec, draft: Draft) -> list[Entry]:
    """The lines about the field of `row` in `spec`, which is the draft's own or one on trial."""
    field = row.field
    entries: list[Entry] = []
    if row.warning:
        verb = " is" if row.warning.startswith(("above", "below")) else ":"
        entries.append((f"! {field.title} {row.shown}{verb} {row.warning}.", "bad"))
    if len(row.shown) > LONG:
        entries.append((row.shown, "strong"))
    differs = list(_differences(row, draft.preset[0] if draft.preset else ""))
    if differs:
        entries.append((" ".join(differs), "strong"))
    entries.append((" ".join((*_what(row, spec), *_rows(row, spec, draft))), ""))
    entries.append((f"When to change it: {ADVICE[field.path].change.replace(': ', ' → ')}.", ""))
    entries.append((" ".join(_bounds(row)), "muted"))
    return entries


def _differences(row: FieldRow, preset: str) -> Iterator[str]:
    if row.recommended is not None:
        yield f"{RECOMMENDED} Recommended: {row.recommended}."
    if row.in_preset is not None:
        yield f"{PRESET} In the preset {plain(preset)}: {row.in_preset}."


def _what(row: FieldRow, spec: RunSpec) -> Iterator[str]:
    yield row.field.help
    if row.path in _BATCH:
        batch = effective_batch(spec, devices(spec))
        yield f"Now {batch} {'row' if batch == 1 else 'rows'} a step."
    later = not_yet(row.path)
    if later:
        yield f"This version cannot start {later} yet."


def _rows(row: FieldRow, spec: RunSpec, draft: Draft) -> Iterator[str]:
    """What the rows say about their length, where it is decided."""
    if row.path not in ("data.max_length", "data.packing"):
        return
    amount = volume(spec, draft.findings)
    if amount.counted != "tokens" or not amount.row_tokens:
        return
    if row.path == "data.max_length" and amount.longest_row:
        longest, mean = amount.longest_row, amount.row_tokens
        yield f"Here the longest row has {longest:,} tokens; cut, their mean is {mean:,.0f}."
    if row.path == "data.packing" and not spec.data.packing:
        together = spec.data.max_length / amount.row_tokens
        yield f"Here about {together:.1f} rows would share a sequence."


def _bounds(row: FieldRow) -> Iterator[str]:
    field = row.field
    if len(field.choices) > 1:
        yield f"One of {', '.join(field.choices)}."
    elif field.bounds:
        yield f"{field.bounds.capitalize()}{f' {field.unit}' if field.unit else ''}."
    if row.usual:
        yield f"Usual: {row.usual}."
    yield f"In the file: {field.path}."
