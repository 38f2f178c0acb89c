"""CellDiff: what makes the app send only the cells that differ from what the terminal already shows.

Textual rewrites whole dirty spans, and from the left edge of the widget on. Here a shadow of the screen
is kept, and of each update only the changed runs are written, with the shortest cursor move and with a
change of style only where the style changes. It hooks into `App._display`, which is private: Textual is
pinned exactly, and tests compare the resulting screen with the one Textual would have drawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip

from tui_ft.tui.terminal import to_ascii

GAP_BYTES = 5
"""Unchanged cells of up to so many bytes are cheaper to write again than to jump over."""

QUEUED_WRITES = 1
"""More writes than this waiting for the terminal mean that the link is slow: the frame can wait, too."""

RETRY_S = 0.02
"""When a frame was held back because of a slow link, look again after this many seconds."""

Cell = tuple[str, Style | None]
UNKNOWN: Cell = ("\x00", None)
"""A cell of which it is not known what the terminal shows: it equals nothing."""


class Written(CompositorUpdate):
    """An update that is already encoded for the terminal."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render_segments(self, console: Console) -> str:
        return self.text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.text)


def strips_of(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield (x, y, strip) of everything that `update` would paint."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield x, y, strip
                x += strip.cell_length
        return
    for y, x1, x2 in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is not None and x < x2 and end > x1:
                yield x, y, chop


class ScreenImage:
    """What the terminal shows, cell by cell, and the encoding of what differs from it."""

    def __init__(
        self,
        size: Size,
        color_system: ColorSystem = ColorSystem.TRUECOLOR,
        translate: Callable[[str], str] | None = None,
    ) -> None:
        self.size = size
        self._color_system = color_system
        self._translate = translate
        self._rows: list[list[Cell]] = [[UNKNOWN] * size.width for _ in range(size.height)]
        self._drawn: list[dict[int, Strip]] = [{} for _ in range(size.height)]
        self._codes: dict[Style | None, str] = {}
        self._out: list[str] = []
        self._style: Style | None = None
        self._cursor = -1

    def encode(self, strips: Iterable[tuple[int, int, Strip]]) -> str:
        """Return what to write so that the terminal shows `strips`; empty when it already does."""
        self._out = []
        self._style = None
        row = -1
        for x, y, strip in strips:
            if not 0 <= y < self.size.height or x >= self.size.width:
                continue
            if y != row:
                row, self._cursor = y, -1
            drawn = self._drawn[y]
            if drawn.get(x) is strip:
                continue
            self._forget_overlapped(drawn, x, x + strip.cell_length)
            drawn[x] = strip
            self._encode_strip(x, y, strip)
        if not self._out:
            return ""
        return "\x1b[m" + "".join(self._out) + "\x1b[m"

    @staticmethod
    def _forget_overlapped(drawn: dict[int, Strip], start: int, end: int) -> None:
        for x in [x for x, strip in drawn.items() if x < end and x + strip.cell_length > start]:
            del drawn[x]

    def _encode_strip(self, x: int, y: int, strip: Strip) -> None:
        cells, is_plain = self._cells(strip)
        row = self._rows[y]
        del cells[max(self.size.width - x, 0) :]
        if is_plain and cells and row[x : x + len(cells)].count(UNKNOWN) == len(cells):
            self._put_new(x, y, row, cells)
        elif is_plain:
            for x_cell, cell in enumerate(cells, x):
                if row[x_cell] != cell:
                    self._put(x_cell, y, row, cell)
        elif row[x : x + len(cells)] != cells:
            self._put_whole(x, y, row, cells)

    def _cells(self, strip: Strip) -> tuple[list[Cell], bool]:
        """The cells of a strip, and whether each is one character of one column."""
        cells: list[Cell] = []
        is_plain = True
        for text, style, control in strip:
            if control:
                continue
            shown = self._translate(text) if self._translate else text
            if shown.isascii():
                cells += [(character, style) for character in shown]
                continue
            for character in shown:
                width = get_character_cell_size(character)
                if width == 1:
                    cells.append((character, style))
                    continue
                is_plain = False
                if width == 0 and cells:
                    # a combining mark belongs to the last cell that holds a character
                    at = next((i for i in range(len(cells) - 1, -1, -1) if cells[i][0]), 0)
                    cells[at] = (cells[at][0] + character, cells[at][1])
                elif width == 2:
                    cells += [(character, style), ("", style)]
        return cells, is_plain

    def _put(self, x: int, y: int, row: list[Cell], cell: Cell) -> None:
        character, style = cell
        if row[x][0] == "" and x > 0:
            row[x - 1] = UNKNOWN  # half of a wide character is overwritten: terminals clear the other
        self._move(x, y, row)
        if style is not self._style:
            self._out.append(self._transition(self._style, style))
            self._style = style
        self._out.append(character)
        row[x] = cell
        self._cursor = x + 1

    def _put_new(self, x: int, y: int, row: list[Cell], cells: list[Cell]) -> None:
        """Write one-column cells where nothing is known to stand: a whole stretch of a style at once."""
        self._put(x, y, row, cells[0])
        row[x : x + len(cells)] = cells
        self._cursor = x + len(cells)
        for style, stretch in groupby(cells[1:], key=itemgetter(1)):
            if style is not self._style:
                self._out.append(self._transition(self._style, style))
                self._style = style
            self._out.append("".join(map(itemgetter(0), stretch)))

    def _put_whole(self, x: int, y: int, row: list[Cell], cells: list[Cell]) -> None:
        """Write all cells: where a character is not one column wide, terminals disagree on the columns."""
        if cells and row[x][0] == "" and x > 0:
            row[x - 1] = UNKNOWN
        self._cursor = -1
        for x_cell, (character, style) in enumerate(cells, x):
            row[x_cell] = (character, style)
            if character == "":
                continue
            if len(character) > 1 or self._cursor != x_cell:
                self._out.append(f"\x1b[{y + 1};{x_cell + 1}H")
            if style is not self._style:
                self._out.append(self._transition(self._style, style))
                self._style = style
            self._out.append(character)
            self._cursor = x_cell + 1 if len(character) == 1 and character.isascii() else -1
        self._cursor = -1

    def _move(self, x: int, y: int, row: list[Cell]) -> None:
        if x == self._cursor:
            return
        if 0 <= self._cursor < x:
            between = row[self._cursor : x]
            if all(len(cell[0]) == 1 and cell != UNKNOWN and cell[1] is self._style for cell in between):
                text = "".join(cell[0] for cell in between)
                if len(text.encode()) <= GAP_BYTES:
                    self._out.append(text)
                    return
            self._out.append(f"\x1b[{x - self._cursor}C" if x - self._cursor > 1 else "\x1b[C")
            return
        self._out.append(f"\x1b[{y + 1};{x + 1}H")

    def _transition(self, old: Style | None, new: Style | None) -> str:
        """The escape sequence from one style to another: only colours when the attributes stay."""
        if old is not None and new is not None and self._attributes(old) == self._attributes(new):
            codes = []
            if old.color != new.color:
                codes += self._color(new.color, foreground=True)
            if old.bgcolor != new.bgcolor:
                codes += self._color(new.bgcolor, foreground=False)
            return f"\x1b[{';'.join(codes)}m" if codes else ""
        if new not in self._codes:
            ansi = Strip.render_ansi(new, self._color_system) if new is not None else ""
            self._codes[new] = f"\x1b[0;{ansi}m" if ansi else "\x1b[m"
        return self._codes[new]

    def _color(self, color: Any, foreground: bool) -> list[str]:
        if color is None:
            return ["39" if foreground else "49"]
        return list(color.downgrade(self._color_system).get_ansi_codes(foreground))

    @staticmethod
    def _attributes(style: Style) -> int:
        return style._attributes & style._set_attributes


class CellDiff(App[None]):
    """An App that writes only changed cells, and holds frames back while the link is slow."""

    is_ascii = False
    """True when the terminal shows no more than ASCII; everything is then translated on its way out."""

    _image: ScreenImage | None = None
    _is_retry_set = False
    _is_frame_lost = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.first_frame = asyncio.Event()
        """Set when the first frame is on its way to the terminal: what is slow can begin."""

    def on_mount(self) -> None:
        self.app_suspend_signal.subscribe(self, self._on_terminal_changed)
        self.app_resume_signal.subscribe(self, self._on_terminal_back)

    def forget_terminal(self) -> None:
        """Assume nothing about what the terminal shows: the next frame is written whole."""
        self._image = None

    def on_first_frame(self) -> None:
        """Called once, when the first frame is drawn."""

    def action_redraw(self) -> None:
        """Write the whole screen again, for a terminal that shows something else."""
        self.forget_terminal()
        self.screen.refresh()

    def on_resize(self, event: events.Resize) -> None:
        self.forget_terminal()

    def _on_terminal_changed(self, _: App[Any]) -> None:
        self.forget_terminal()

    def _on_terminal_back(self, _: App[Any]) -> None:
        self.forget_terminal()
        self.screen.refresh(layout=True)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if self._batch_count:
            self._is_frame_lost = self._is_frame_lost or renderable is not None
        elif renderable is not None:
            renderable = self._made_up_for(screen, renderable)
            if not self.first_frame.is_set():
                self.first_frame.set()
                self.on_first_frame()
        is_written = (
            self._running and not self._closed and not self._batch_count
            and not self.is_headless and not self.is_inline and self._driver is not None
        )  # fmt: skip
        if not is_written or not isinstance(renderable, (ChopsUpdate, LayoutUpdate)):
            super()._display(screen, renderable)
            return
        if self._is_link_behind():
            self._retry_later()
            return
        text = self._encode(screen.size, renderable)
        if text:
            super()._display(screen, Written(text))

    def _made_up_for(self, screen: Screen[Any], renderable: Any) -> Any:
        """The whole screen instead of a part of it, where Textual has thrown a frame away.

        It does so while widgets are mounted, and draws what was on that frame some 40 ms later.
        """
        if not self._is_frame_lost or screen is not self.screen or self.is_inline:
            return renderable
        self._is_frame_lost = False
        return screen._compositor.render_update(full=True, screen_stack=self._background_screens)

    def _encode(self, size: Size, update: ChopsUpdate | LayoutUpdate) -> str:
        if self._image is None or self._image.size != size:
            self._image = ScreenImage(
                size,
                self.console._color_system or ColorSystem.TRUECOLOR,
                to_ascii if self.is_ascii else None,
            )
        return self._image.encode(strips_of(update))

    def _is_link_behind(self) -> bool:
        writer = getattr(self._driver, "_writer_thread", None)
        return writer is not None and writer._queue.qsize() > QUEUED_WRITES

    def _retry_later(self) -> None:
        if not self._is_retry_set:
            self._is_retry_set = True
            self.set_timer(RETRY_S, self._retry)

    def _retry(self) -> None:
        self._is_retry_set = False
        if self._is_link_behind():
            self._retry_later()
        else:
            self.screen.refresh()
