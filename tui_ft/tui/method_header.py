"""The lines above the methods: the model, the settings that every number rests on, and the GPU."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui_ft.spec.display import method_label
from tui_ft.spec.resolve import resolve
from tui_ft.tui.gpu_seats import Seat, many_line, seat_line
from tui_ft.tui.memory_words import count_text
from tui_ft.tui.spec_changes import changes
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.lines import Line, pack

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.vram.find_model import Found

_LEAST_SETTINGS = 12
"""Cells from which on it is said whose settings they are."""

_HOLDERS = 2
"""Lines at the most for who holds the GPU."""


def model_line(instead: str, found: Found | None, spec: RunSpec, preset: str, width: int) -> Line:
    """The model, and whose settings it is measured with; `instead` stands there while it is looked for.

    `preset` is "" for settings that nobody chose yet.
    """
    if instead or found is None:
        return ((f" {instead or plain(spec.model.id or 'no model')}", "strong"),)
    shape, name = found.shape, spec.model.id or ""
    if name.startswith("/"):
        name = f"{shape.name} (config.json)" if name.endswith(".json") else shape.name
    pieces = [
        (f" {plain(name)}", "strong"),
        (f"{count_text(shape.parameters)} parameters, {shape.layers} layers", ""),
    ]
    settings = f"{method_label(spec)}, as in {plain(preset)}"
    room = width - sum(cell_len(text) + 2 for text, _ in pieces)
    if preset and room >= _LEAST_SETTINGS:
        pieces.append((fit(settings, min(room, cell_len(settings))), "muted"))
    return pack(pieces, width)


def settings_line(spec: RunSpec, first: RunSpec, width: int) -> Line:
    """The settings that move the most memory; once some were changed here, those with what they were."""
    changed = changes(spec, first, without=("model", "method"))  # these stand in the line above
    if changed:
        return ((" Changed ", "warn"), (fit(", ".join(changed), width - 9), "strong"))
    training = resolve(spec).training
    words = [
        f"batch {training.batch_size} × {training.gradient_accumulation}",
        f"length {spec.data.max_length}" + (" packed" if spec.data.packing else ""),
        f"checkpointing {'on' if training.gradient_checkpointing else 'off'}",
        spec.objective.kind.upper(),
    ]
    return ((f" {' · '.join(words)}", "muted"),)


def gpu_lines(seat: Seat, reading: GpuReading, width: int) -> list[Line]:
    """All GPUs where there are several, then the one that is measured against, and who is on it."""
    many = many_line(reading.gpus, seat, width - 2)
    lines: list[Line] = [((f" {many}", ""),)] if many else []
    lines += [((f" {text}", "strong"),) for text in wrap(seat_line(seat, reading), width - 2)]
    return lines + [((f" {text}", "warn"),) for text in wrap(" ".join(seat.holders), width - 2)[:_HOLDERS]]
