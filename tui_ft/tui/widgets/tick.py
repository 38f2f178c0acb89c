"""One thing that is or is not: a line with a mark, which Space sets and takes back."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit


class Tick(Widget, can_focus=True):
    """`[x] text`; the mark says it without colour."""

    DEFAULT_CSS = """
    Tick {
        height: 1;
        width: 1fr;
        & > .tick--focused { text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tick--focused"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", "Tick", id="tick.toggle", key_display="Space", tooltip="Say yes or no"),
    ]

    def __init__(self, text: str, is_on: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text = text
        self.is_on = is_on

    def action_turn(self) -> None:
        self.is_on = not self.is_on
        self.refresh()

    def on_click(self) -> None:
        self.action_turn()

    def render_line(self, y: int) -> Strip:
        style = self.get_component_rich_style("tick--focused") if self.has_focus else self.rich_style
        mark = "x" if self.is_on else " "
        return Strip([Segment(fit(f"[{mark}] {self.text}", self.size.width), style)])
