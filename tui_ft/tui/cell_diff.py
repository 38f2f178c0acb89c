"""CellDiff: what makes the app send only the cells that differ from what the terminal already shows.

Textual rewrites whole dirty spans, and from the left edge of the widget on. Here a shadow of the screen
is kept, and of each update only the changed runs are written, with the shortest cursor move and with a
change of style only where the style changes. It hooks into `App._display`, which is private: Textual is
pinned exactly, and tests compare the resulting screen with the one Textual would have drawn.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen

from tui_ft.tui.screen_image import ScreenImage, strips_of
from tui_ft.tui.terminal import to_ascii

QUEUED_WRITES = 1
"""More writes than this waiting for the terminal mean that the link is slow: the frame can wait, too."""

RETRY_S = 0.02
"""When a frame was held back because of a slow link, look again after this many seconds."""

SETTLED_S = 2.0
"""The driver reports the size once or twice when it has begun; nothing has happened to the screen then."""


class Written(CompositorUpdate):
    """An update that is already encoded for the terminal."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render_segments(self, console: Console) -> str:
        return self.text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.text)


class CellDiff(App[None]):
    """An App that writes only changed cells, and holds frames back for a slow link or a screen not ready."""

    is_ascii = False
    """True when the terminal shows no more than ASCII; everything is then translated on its way out."""

    _image: ScreenImage | None = None
    _is_retry_set = False
    _is_frame_lost = False
    _begun_at = 0.0
    _held_until = 0.0

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

    def hold_frames(self, seconds: float) -> None:
        """Write nothing for so long at most, until `release_frames`: what is drawn then is written at once.

        For a screen that knows within that time what it shows: an empty one before would cost a slow link
        as many bytes as a full one.
        """
        self._held_until = time.monotonic() + seconds

    def release_frames(self) -> None:
        """Write what has been drawn, now."""
        if self._held_until:
            self._held_until = 0.0
            self._display(self.screen, self._whole(self.screen))

    def _whole(self, screen: Screen[Any]) -> Any:
        return screen._compositor.render_update(full=True, screen_stack=self._background_screens)

    def action_redraw(self) -> None:
        """Write the whole screen again, for a terminal that shows something else."""
        self.forget_terminal()
        self.screen.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Whatever a terminal does when it is resized: it is written whole. But not for its first reports."""
        is_new = self._image is None or self._image.size != event.size
        if is_new or time.monotonic() - self._begun_at > SETTLED_S:
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
                self._begun_at = time.monotonic()
                self.first_frame.set()
                self.on_first_frame()
        is_written = (
            self._running and not self._closed and not self._batch_count
            and not self.is_headless and not self.is_inline and self._driver is not None
        )  # fmt: skip
        if not is_written or not isinstance(renderable, (ChopsUpdate, LayoutUpdate)):
            super()._display(screen, renderable)
            return
        if self._must_wait():
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
        return self._whole(screen)

    def _encode(self, size: Size, update: ChopsUpdate | LayoutUpdate) -> str:
        if self._image is None or self._image.size != size:
            self._image = ScreenImage(
                size,
                self.console._color_system or ColorSystem.TRUECOLOR,
                to_ascii if self.is_ascii else None,
            )
        return self._image.encode(strips_of(update))

    def _must_wait(self) -> bool:
        return self._is_link_behind() or time.monotonic() < self._held_until

    def _is_link_behind(self) -> bool:
        writer = getattr(self._driver, "_writer_thread", None)
        return writer is not None and writer._queue.qsize() > QUEUED_WRITES

    def _retry_later(self) -> None:
        if not self._is_retry_set:
            self._is_retry_set = True
            self.set_timer(RETRY_S, self._retry)

    def _retry(self) -> None:
        self._is_retry_set = False
        if self._must_wait():
            self._retry_later()
        else:
            self.screen.refresh()
