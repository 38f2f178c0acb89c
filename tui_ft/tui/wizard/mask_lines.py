"""A row's tokens as lines: what is trained, what is not, and what is cut, each with its mark."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from rich.cells import get_character_cell_size

OPEN, CLOSE = "▐", "▌"
"""Stand before and behind what is trained, so that it shows without any colour."""
SCISSORS = "✂"
LINE_END = "⏎"
SEAM = "·"
"""Between two tokens, where the tokens are asked for."""
MOST_CHARACTERS = 200_000
"""More of one row is not laid out: it is said instead."""

_LATEST_BREAK = 24
"""A line is broken at a blank when there is one so near its end."""
_UNSEEN = frozenset("\u200c\u200d\ufe0e\ufe0f")
"""Joiners and variation selectors: part of what is written, and no glyph of their own."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class MaskPiece(Protocol):
    """One token of a row, or a message of it where no tokenizer is at hand; `text` may be empty."""

    @property
    def text(self) -> str: ...
    @property
    def trained(self) -> bool: ...
    @property
    def cut(self) -> bool: ...
    @property
    def special(self) -> bool: ...


class MaskLine(NamedTuple):
    """One line: the mark at its left edge, and its stretches of text, each with its kind.

    Kinds: "trained", "plain", "special" (a token without text of its own), "special-trained", "cut",
    "odd" (a character that shows nothing by itself), "seam".
    """

    gutter: str
    pieces: tuple[tuple[str, str], ...]


Cell = tuple[str, str, int]
"""A character or an escape for it, its kind, and its width in cells."""


def mask_lines(pieces: Iterable[MaskPiece], width: int, *, seams: bool = False) -> list[MaskLine]:
    """Lay `pieces` out in lines of at most `width` cells; with `seams` every token is set apart."""
    lines: list[MaskLine] = []
    line: list[Cell] = []
    used = 0
    for cell in _cells(pieces, seams=seams):
        if used + cell[2] > width and line:
            kept = _break(line)
            lines.append(_finished(line[:kept]))
            line = line[kept:]
            used = sum(size for *_, size in line)
        line.append(cell)
        used += cell[2]
        if cell[0] == LINE_END:
            lines.append(_finished(line))
            line, used = [], 0
    if line:
        lines.append(_finished(line))
    return lines


def _break(line: list[Cell]) -> int:
    """How many cells of a full line stay on it."""
    for back in range(1, min(_LATEST_BREAK, len(line) - 1) + 1):
        if line[-back][0] == " ":
            return len(line) - back + 1
    return len(line)


def _finished(line: list[Cell]) -> MaskLine:
    pieces: list[tuple[str, str]] = []
    text, last = "", ""
    for shown, kind, _ in line:
        if kind != last and text:
            pieces.append((text, last))
            text = ""
        text, last = text + shown, kind
    return MaskLine(_gutter(line), (*pieces, (text, last)) if text else tuple(pieces))


def _gutter(line: list[Cell]) -> str:
    """What a line holds, at a glance: all trained, some of it, nothing; or the cut."""
    kinds = {kind for shown, kind, _ in line if shown not in (OPEN, CLOSE, SEAM)}
    if "cut" in kinds:
        return SCISSORS
    trained = {kind for kind in kinds if kind.endswith("trained")}
    return " " if not trained else "█" if len(trained) == len(kinds) else "▌"


def _cells(pieces: Iterable[MaskPiece], *, seams: bool) -> Iterator[Cell]:
    was_trained = was_cut = False
    count = 0
    is_first = True
    for piece in pieces:
        if was_trained and (piece.cut or not piece.trained):
            yield CLOSE, "trained", 1
        if piece.cut and not was_cut:
            yield SCISSORS, "cut", 1
        if piece.trained and not piece.cut and not was_trained:
            yield OPEN, "trained", 1
        elif seams and not is_first and piece.cut == was_cut:
            yield SEAM, "seam", 1
        was_trained, was_cut, is_first = piece.trained and not piece.cut, piece.cut, False
        yield from _characters(piece.text, kind_of(piece))
        count += len(piece.text)
        if count > MOST_CHARACTERS:
            yield from (
                (character, "odd", 1) for character in f" … the row goes on: {MOST_CHARACTERS:,} shown"
            )
            return
    if was_trained:
        yield CLOSE, "trained", 1


def kind_of(piece: MaskPiece) -> str:
    """The kind of a token: cut before everything else, then what it is."""
    if piece.cut:
        return "cut"
    if piece.special:
        return "special-trained" if piece.trained else "special"
    return "trained" if piece.trained else "plain"


def _characters(text: str, kind: str) -> Iterator[Cell]:
    for character in text:
        if character == "\n":
            yield LINE_END, kind, 1
        elif character == "\t":
            yield "⇥", kind, 1
        elif character in _UNSEEN:
            continue
        elif not character.isprintable() and unicodedata.category(character) in _HIDDEN:
            yield from _escaped(character)
        else:
            yield character, "odd" if character == "\ufffd" else kind, get_character_cell_size(character)


def _escaped(character: str) -> Iterator[Cell]:
    code = ord(character)
    text = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    yield text, "odd", len(text)
