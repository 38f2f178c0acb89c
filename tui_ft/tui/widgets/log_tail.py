"""The last lines of the run's output; while it has no focus it repaints only every few seconds."""

from __future__ import annotations

from textual.timer import Timer

from tui_ft.tui.log_marks import dropped, mark_of, matches
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.text_panel import TextPanel, wrap
from tui_ft.watch.reading import Reading

CALM_S = 1.0
"""A log that nobody scrolls is repainted at most so often: a chatty one would cost more than all curves."""
_SIGNS = {"bad": "✗", "warn": "!", "good": "●"}
_LONGEST_WORDS = 24


class LogTail(TextPanel):
    """Follows the log's end; errors, warnings and checkpoints are marked, and words can be found."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("Log", follows_end=True, id=id)
        self._log: tuple[str, ...] = ()
        self._lines: tuple[str, ...] = ()
        self._version = -1
        self._calm: Timer | None = None
        self._is_waiting = False
        self._words = ""
        self._found: list[int] = []
        self._current: int | None = None
        self._starts: list[int] = []
        self._signs: dict[int, str] = {}

    # --- what is shown ---------------------------------------------------------------------------

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
        self._take(self._log)
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

    def _take(self, log: tuple[str, ...]) -> None:
        """Show other lines; who reads an old one keeps it where it is."""
        gone = dropped(self._lines, log) if self._lines else 0
        if gone and not self._is_at_end:
            self._top -= self._starts[gone] if gone < len(self._starts) else len(self._rows)
        if self._current is not None:
            self._current = self._current - gone if self._current >= gone else None
        self._lines = log
        self._look_up()

    def _look_up(self) -> None:
        self._found = matches(self._lines, self._words)
        found, current = set(self._found), self._current
        self.set_entries(
            [
                (line, "current" if at == current else "found" if at in found else mark_of(line))
                for at, line in enumerate(self._lines)
            ]
        )
        self.set_detail(self._remark())

    def _remark(self) -> str:
        """What stands behind the title: how the search went, or what the log has to show."""
        if self._words:
            words = plain(self._words)
            words = words if len(words) <= _LONGEST_WORDS else words[: _LONGEST_WORDS - 1] + "…"
            if not self._found:
                return f"/{words}: not in the last {len(self._lines):,} lines"
            at = self._found.index(self._current) + 1 if self._current in self._found else "–"
            return f"/{words}: {at} of {len(self._found)}, n N"
        if not self._is_at_end:
            return "f follows"
        errors = sum(mark_of(line) == "bad" for line in self._lines)
        return f"{errors} {'error' if errors == 1 else 'errors'}: n N" if errors else ""

    def _wrap(self) -> None:
        width = max(self.size.width - 1, 1)
        self._rows, self._starts, self._signs = [], [], {}
        for at, (text, kind) in enumerate(self._entries):
            self._starts.append(len(self._rows))
            if sign := ">" if kind == "current" else _SIGNS.get(mark_of(self._lines[at]), ""):
                self._signs[len(self._rows)] = sign
            self._rows += [(piece, kind) for piece in wrap(text, width)]

    def margin(self, row: int) -> str:
        return self._signs.get(row, " ")

    # --- finding ---------------------------------------------------------------------------------

    @property
    def is_searching(self) -> bool:
        """Whether words are looked for now."""
        return bool(self._words)

    @property
    def words(self) -> str:
        """What is looked for."""
        return self._words

    def find(self, words: str) -> None:
        """Look for `words`, from the newest line upwards; `""` ends the search."""
        self._words, self._current = words, None
        self._look_up()
        if self._found:
            self._go_to_line(self._found[-1])

    def find_next(self, step: int) -> None:
        """Go to the next place below (1) or above (-1) of what is looked for, else to an error or warning."""
        wanted = self._found if self._words else [
            at for at, line in enumerate(self._lines) if mark_of(line) in ("bad", "warn")
        ]  # fmt: skip
        if not wanted:
            return
        here = self._current
        if here is None:
            self._go_to_line(wanted[-1] if step < 0 or not self._words else wanted[0])
        elif step > 0:
            self._go_to_line(next((at for at in wanted if at > here), wanted[0]))
        else:
            self._go_to_line(next((at for at in reversed(wanted) if at < here), wanted[-1]))

    def _go_to_line(self, line: int) -> None:
        self._current = line
        self._look_up()
        self._go_to(self._starts[line] - self._page // 2)

    def follow(self) -> None:
        """Go to the end and stay there; a log that follows stands still."""
        self._current = None
        if self._is_at_end:
            self._is_at_end = False
            self._look_up()
            self._show()
        else:
            self._look_up()
            self.action_end()

    def _go_to(self, top: int) -> None:
        super()._go_to(top)
        self.set_detail(self._remark())
