"""One row of a data set, fetched and laid out for the screen, off the event loop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui_ft.tui.actions import sentence
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.lines import Line, Piece, pack
from tui_ft.tui.wizard.data_desk import DataDesk
from tui_ft.tui.wizard.data_sets import Source
from tui_ft.tui.wizard.data_words import TRAINED_ON
from tui_ft.tui.wizard.mask_lines import CLOSE, OPEN, SCISSORS, SEAM, MaskLine, mask_lines

if TYPE_CHECKING:
    from tui_ft.data.view import RowView


@dataclass(frozen=True)
class Wanted:
    """Which row is to be shown, and how: its marks for the loss, or (`is_raw`) as it stands in the file."""

    source: Source
    number: int
    tokenizer: Any
    max_length: int
    train_on: str
    width: int
    seams: bool = False
    is_raw: bool = False


@dataclass(frozen=True)
class RowShown:
    """A row ready to be drawn; `problem` says why it cannot be trained on, or why it cannot be read."""

    wanted: Wanted
    lines: tuple[MaskLine, ...] = ()
    view: RowView | None = None
    problem: str = ""


@dataclass(frozen=True)
class _Raw:
    """Text as it stands, in the shape of a token."""

    text: str
    trained: bool = False
    cut: bool = False
    special: bool = False


def wanted(desk: DataDesk, source: Source, number: int, width: int, **how: bool) -> Wanted:
    """What to show of row `number` as the draft has it now."""
    data = desk.data
    return Wanted(source, number, desk.tokenizer, data.max_length, data.train_on, width, **how)


def show_row(wish: Wanted) -> RowShown:
    """Fetch and lay out a row. Blocks on the file; a row that cannot be had is told, never raised."""
    from tui_ft.data.view import view

    try:
        found = view(
            wish.source.key,
            wish.number,
            tokenizer=wish.tokenizer,
            max_length=wish.max_length,
            train_on=wish.train_on,
            format=wish.source.format,
            columns=wish.source.columns,
        )
    except Exception as error:  # noqa: BLE001 - shown where the user looks
        return RowShown(wish, problem=sentence(error))
    pieces = [_Raw(_raw_text(found.raw))] if wish.is_raw or not found.pieces else found.pieces
    lines = mask_lines(pieces, wish.width, seams=wish.seams and not wish.is_raw)
    return RowShown(wish, tuple(lines), found, found.reason)


def _raw_text(raw: object) -> str:
    """A row as it stands in the file, one column a paragraph."""
    if not isinstance(raw, dict):
        return "" if raw is None else str(raw)
    return "\n".join(f"{name}: {_value_text(value)}" for name, value in raw.items())


def _value_text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except (ValueError, RecursionError):
        return str(value)


def title_of(shown: RowShown) -> str:
    """What stands over the row: which part of it is trained, or that nothing is."""
    view, wish = shown.view, shown.wanted
    if view is None or view.raw is None:
        return "Not trained: it cannot be shown"
    if not view.pieces:
        return "Not trained: as it stands in the file"
    return "As it stands in the file" if wish.is_raw else f"Trained on {TRAINED_ON[wish.train_on]}"


def fact_lines(shown: RowShown, rows: int | None, width: int) -> list[Line]:
    """Two lines on a row: which one it is, and what of it is trained."""
    wish, view = shown.wanted, shown.view
    of = f" of {rows:,}" if rows else ""
    pieces: list[Piece] = [(f" Row {wish.number:,}{of}", "strong"), (plain(wish.source.name), "")]
    if view is None or shown.problem:
        sentence = shown.problem[:1].upper() + shown.problem[1:]
        end = "" if sentence.endswith((".", "!", "?")) else "."
        return [pack(pieces, width), ((f" ✗ {plain(sentence)}{end}"[:width], "bad"),)]
    if view.by_message:
        counts: list[Piece] = [(" No tokenizer: shown by message, in a plain layout", "warn")]
    else:
        share = f" ({view.trained_tokens / view.tokens:.0%})".replace("%", " %") if view.tokens else ""
        counts = [(f" {view.tokens:,} tokens", ""), (f"{view.trained_tokens:,} trained{share}", "good")]
        if view.cut_tokens:
            counts.append((f"{SCISSORS} {view.cut_tokens:,} cut at {wish.max_length:,}", "bad"))
        if not view.has_template:
            counts.append(("the model has no chat template: a plain layout", "muted"))
    return [pack(pieces, width), pack(counts, width)]


def legend(shown: RowShown, width: int) -> Line:
    """What the marks mean."""
    if shown.view is None or shown.view.raw is None:
        return ((" It cannot be read, so there is nothing of it to be shown.", "muted"),)
    if shown.wanted.is_raw or not shown.view.pieces:
        return ((" The row as it stands in the file.", "muted"),)
    pieces: list[Piece] = [
        (f" {OPEN}trained{CLOSE}", "good"), ("not trained", ""), ("<special token>", "live"),
        (f"{SCISSORS}cut off", "bad"), ("⏎ line end", "muted"),
    ]  # fmt: skip
    if shown.wanted.seams:
        pieces.append((f"{SEAM} between tokens", "muted"))
    return pack(pieces, width)
