"""The last lines of the run's output; while it has no focus it repaints only every few seconds."""

from __future__ import annotations

from textual.timer import Timer

from tui_ft.tui.widgets.text_panel import TextPanel
from tui_ft.watch.reading import Reading

CALM_S = 3.0
"""A log that nobody scrolls is repainted at most so often: a chatty one would cost more than all curves."""


class LogTail(TextPanel):
    """Follows the log's end."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("Log", follows_end=True, id=id)
        self._log: tuple[str, ...] = ()
        self._version = -1
        self._calm: Timer | None = None
        self._is_waiting = False

    def show(self, reading: Reading, *, at_once: bool = False) -> None:
        """Show the log of a reading: now, or when the pause since the last repaint is over."""
        if reading.log_version == self._version:
            if at_once and self._is_waiting:
                self._paint()
            return
        self._log, self._version = reading.log, reading.log_version
        if at_once or self.has_focus or self._calm is None:
            self._paint()
        else:
            self._is_waiting = True

    def _paint(self) -> None:
        self._is_waiting = False
        self.set_entries([(line, "") for line in self._log])
        if self._calm is not None:
            self._calm.stop()
        self._calm = self.set_timer(CALM_S, self._end_pause)

    def _end_pause(self) -> None:
        self._calm = None
        if self._is_waiting:
            self._paint()

    def on_focus(self) -> None:
        if self._is_waiting:
            self._paint()
