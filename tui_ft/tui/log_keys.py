"""What the keys of the run screen do with its log: the whole screen for it, words found, follow or stand."""

from __future__ import annotations

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.log_tail import LogTail

LOG_KEYS: list[BindingType] = [
    Binding("l", "log", "Log", id="run.log", tooltip="Show the log on the whole screen, and back"),
    Binding("slash", "search", "Search", id="run.search", show=False,
            tooltip="Find words in the log; capitals count where you type some"),
    Binding("n", "find(1)", "Next", id="run.next", show=False,
            tooltip="The next place of what was looked for; without a search the next error or warning"),
    Binding("N", "find(-1)", "Previous", id="run.previous", show=False,
            tooltip="The place before that one"),
    Binding("f", "follow", "Follow", id="run.follow", show=False,
            tooltip="Follow the end of the log, or let it stand still"),
]  # fmt: skip
LOG_ACTIONS = frozenset({"log", "search", "find", "follow"})


class LogActions(Screen[None]):
    """A screen with a `LogTail` and a `FilterLine` for words; with the class `-log` the log has all of it."""

    @property
    def log_panel(self) -> LogTail:
        return self.query_one(LogTail)

    def action_log(self) -> None:
        self.toggle_class("-log")
        if self.has_class("-log"):
            self.log_panel.focus()
        else:
            self.log_panel.find("")
            self.log_panel.action_end()
            self.set_focus(None)

    def leave_log(self) -> None:
        """Give the charts their room back."""
        if self.has_class("-log"):
            self.action_log()

    def action_search(self) -> None:
        if not self.has_class("-log"):
            self.action_log()
        line = self.query_one(FilterLine)
        line.text = self.log_panel.words
        line.begin()

    @on(FilterLine.Typed)
    def _draw_typed(self) -> None:
        """Nothing is filtered while words are typed, so nobody else draws them."""
        self.query_one(FilterLine).refresh()

    @on(FilterLine.Left)
    def _look_for(self) -> None:
        line = self.query_one(FilterLine)
        words = line.text.strip()
        self.log_panel.focus()
        line.drop()
        self.log_panel.find(words)

    def end_search(self) -> bool:
        """End what is looked for; False when nothing was."""
        was_searching = self.log_panel.is_searching
        if was_searching:
            self.log_panel.find("")
        return was_searching

    def action_find(self, step: int) -> None:
        self.log_panel.find_next(step)

    def action_follow(self) -> None:
        self.log_panel.follow()
