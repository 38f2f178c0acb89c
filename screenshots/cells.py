"""Writes the cells of a terminal as SVG that looks alike everywhere: dots and lines drawn, words placed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import Color, blend_rgb
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME as THEME

WIDTH, HEIGHT = 10, 20
"""A cell in pixels; a braille cell of 2 × 4 dots is then an even grid."""
MARGIN, BAR = 12, 34
"""Room around the screen, and for the window's bar above it."""
FONTS = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
FONT_SIZE = 16.4
BASELINE = 15
FRAME = "#24262b"
BUTTONS = ("#ff5f57", "#febc2e", "#28c840")

_EIGHTHS = {character: (8 - i) / 8 for i, character in enumerate("█▉▊▋▌▍▎▏")}
_HEIGHTS = {character: (i + 1) / 8 for i, character in enumerate("▁▂▃▄▅▆▇")}
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of the dot that each bit of a braille character stands for."""


class Run(NamedTuple):
    """Neighbouring characters of one look; `x` is in cells."""

    x: int
    text: str
    ink: str
    paper: str
    is_bold: bool


def to_svg(lines: Sequence[Iterable[Segment]], columns: int, title: str) -> str:
    """Return the screen as an SVG document in the frame of a window."""
    width, height = columns * WIDTH + 2 * MARGIN, len(lines) * HEIGHT + BAR + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="{FONTS}" font-size="{FONT_SIZE}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{FRAME}"/>',
        *(f'<circle cx="{20 + 20 * i}" cy="17" r="6" fill="{fill}"/>' for i, fill in enumerate(BUTTONS)),
        f'<text x="{width / 2:g}" y="22" fill="#c5c8c6" text-anchor="middle">{escape(title)}</text>',
        f'<g transform="translate({MARGIN} {BAR})" shape-rendering="crispEdges">',
    ]
    rows = [list(_runs(segments)) for segments in lines]
    ground = _ground(rows)
    parts.append(_rect(0, 0, columns * WIDTH, len(lines) * HEIGHT, ground))
    for row, runs in enumerate(rows):
        parts.extend(_line(runs, row * HEIGHT, ground))
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _runs(segments: Iterable[Segment]) -> Iterator[Run]:
    x = 0
    for text, style, control in segments:
        if control:
            continue
        ink, paper, is_bold = _look(style or Style.null())
        yield Run(x, text, ink, paper, is_bold)
        x += cell_len(text)


def _look(style: Style) -> tuple[str, str, bool]:
    ink = (style.color or Color.default()).get_truecolor(THEME, foreground=True)
    paper = (style.bgcolor or Color.default()).get_truecolor(THEME, foreground=False)
    if style.reverse:
        ink, paper = paper, ink
    if style.dim:
        ink = blend_rgb(ink, paper, 0.4)
    return ink.hex, paper.hex, bool(style.bold)


def _ground(rows: list[list[Run]]) -> str:
    """The paper that covers most cells: it is drawn once, so that no seams show between lines."""
    cells: Counter[str] = Counter()
    for run in itertools.chain.from_iterable(rows):
        cells[run.paper] += cell_len(run.text)
    return cells.most_common(1)[0][0] if cells else "#121212"


def _line(runs: list[Run], y: int, ground: str) -> Iterator[str]:
    """The papers first, then what stands on them."""
    for paper, group in itertools.groupby(runs, key=lambda run: run.paper):
        if paper == ground:
            continue
        members = list(group)
        start = members[0].x
        end = members[-1].x + cell_len(members[-1].text)
        yield _rect(start * WIDTH, y, (end - start) * WIDTH, HEIGHT, paper)
    for run in runs:
        yield from _marks(run, y)


def _marks(run: Run, y: int) -> Iterator[str]:
    """A run's drawn characters as shapes, its words as text that is told its own length."""
    x, dots = run.x, []
    for character, group in itertools.groupby(run.text, key=_kind):
        text = "".join(group)
        left, length = x * WIDTH, cell_len(text) * WIDTH
        x += cell_len(text)
        if character == "braille":
            dots.extend(_dots(text, left, y))
        elif character == "word":
            yield (
                f'<text x="{left}" y="{y + BASELINE}" fill="{run.ink}" textLength="{length}" '
                f'lengthAdjust="spacingAndGlyphs"{_bold(run)}>{escape(text, quote=False)}</text>'
            )
        elif character != " ":
            yield from _shapes(character, len(text), left, y, run.ink)
    if dots:
        yield f'<path d="{"".join(dots)}" fill="{run.ink}"/>'


def _bold(run: Run) -> str:
    return ' font-weight="bold"' if run.is_bold else ""


def _kind(character: str) -> str:
    """What is drawn together: a word, braille, or the character itself."""
    if "⠀" <= character <= "⣿":
        return "braille"
    return character if character in " ─━│" or character in _EIGHTHS or character in _HEIGHTS else "word"


def _dots(text: str, left: int, y: int) -> Iterator[str]:
    for i, character in enumerate(text):
        bits = ord(character) - 0x2800
        for bit, (column, row) in enumerate(_DOTS):
            if bits >> bit & 1:
                yield f"M{left + i * WIDTH + column * 5} {y + row * 5}h4v4h-4z"


def _shapes(character: str, count: int, left: int, y: int, ink: str) -> Iterator[str]:
    if character in "─━":
        thickness = 1 if character == "─" else 3
        yield _rect(left, y + HEIGHT // 2 - thickness // 2, count * WIDTH, thickness, ink)
        return
    for i in range(count):
        x = left + i * WIDTH
        if character == "│":
            yield _rect(x + WIDTH // 2, y, 1, HEIGHT, ink)
        elif character in _EIGHTHS:
            yield _rect(x, y, WIDTH * _EIGHTHS[character], HEIGHT, ink)
        else:
            height = HEIGHT * _HEIGHTS[character]
            yield _rect(x, y + HEIGHT - height, WIDTH, height, ink)


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"/>'
