"""A screen with one list that is filtered by the words that are typed into its `FilterLine`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, TypeVar

from textual import on
from textual.screen import Screen

from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.row_list import RowList

Answer = TypeVar("Answer")


class FilteredScreen(Screen[Answer | None], Generic[Answer]):
    """`words` are what is wanted; leaving takes them back first, and is dismissed with None then."""

    words = ""

    @property
    @abstractmethod
    def shown_list(self) -> RowList[Any]:
        """The list that the words are for."""

    @abstractmethod
    def show_rows(self) -> None:
        """Show what holds `words`."""

    def action_filter(self) -> None:
        self.query_one(FilterLine).begin()

    @on(FilterLine.Typed)
    def _filter(self, event: FilterLine.Typed) -> None:
        self.words = event.text
        self.show_rows()

    @on(FilterLine.Moved)
    def _move(self, event: FilterLine.Moved) -> None:
        self.shown_list.action_move(event.by)

    @on(FilterLine.Left)
    def _leave_filter(self) -> None:
        self.shown_list.focus()

    def action_back(self) -> None:
        if self.words:
            self.query_one(FilterLine).drop()
            self.words = ""
            self.show_rows()
        else:
            self.dismiss(None)
