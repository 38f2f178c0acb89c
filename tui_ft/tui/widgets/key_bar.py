"""The keys of the screen on its last line: one widget, because ten of them cost half of the first frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.widgets.filter_line import FilterLine

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.screen import Screen


class KeyBar(Widget):
    """Shows every binding of the active ones that wants to be shown; a click presses its key."""

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        background: $surface;
        & > .key-bar--key { color: $accent; text-style: bold; }
        & > .key-bar--what { color: $foreground; }
        &:ansi { background: ansi_default; }
        &:nocolor { background: ansi_default; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--what"}

    def __init__(self, *, palette: bool = True, shows: Callable[[Binding], bool] | None = None) -> None:
        """With `shows` the screen leaves out keys that work all the same."""
        super().__init__()
        self._palette = palette
        self._shows = shows
        self._keys: list[tuple[str, str, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._read)
        self._take(self.screen)  # before the screen is on top: its first frame has its keys

    def _read(self, screen: Screen[object]) -> None:
        """Take over the keys that work now; those of a screen behind another one are not asked for."""
        if screen.is_current:
            self._take(screen)

    def _take(self, screen: Screen[object]) -> None:
        """Show the keys of `screen`; repaints only when they changed."""
        shown = {  # keys that do the same stand there once, under the first of them
            active.binding.action: active.binding
            for active in reversed(screen.active_bindings.values())
            if active.binding.show and active.enabled and self._is_wanted(active.binding)
        }
        keys = [
            (self.app.get_key_display(binding), binding.description, binding.key)
            for binding in reversed(shown.values())
        ]
        if self._palette:
            palette = ("^p", "Palette", self.app.COMMAND_PALETTE_BINDING)
            keys += [palette] if self._fits([*keys, palette]) or not self._fits(keys) else []
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _is_wanted(self, binding: Binding) -> bool:
        if binding.action.endswith("command_palette"):
            return False
        if isinstance(self.screen.focused, FilterLine):  # every other key is a letter of it
            return (binding.id or "").startswith("filter.")
        return self._shows is None or self._shows(binding)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        key_style = self.get_component_rich_style("key-bar--key")
        what_style = self.get_component_rich_style("key-bar--what")
        gap = self._gap(width)
        segments = []
        for key, what in self._texts(width):
            segments += [Segment(key, key_style), Segment(what + " " * gap, what_style)]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _texts(self, width: int) -> list[tuple[str, str]]:
        """Keys with what they do; the keys alone where even that is too long, so that none is lost."""
        fits = self._fits(self._keys, width)
        return [(key, f" {what}" if fits else "") for key, what, _ in self._keys]

    def _gap(self, width: int) -> int:
        """Two cells between keys where there is room, else one."""
        return 2 if _used(self._keys) + 2 * (len(self._keys) - 1) <= width else 1

    def _fits(self, keys: Sequence[tuple[str, str, str]], width: int = 0) -> bool:
        """True when all of `keys` stand on the line with their words, one cell between them."""
        return _used(keys) + len(keys) - 1 <= (width or self.app.size.width)

    def on_resize(self) -> None:
        self._read(self.screen)

    async def on_click(self, event: events.Click) -> None:
        x, gap = 0, self._gap(self.size.width)
        for (_, _, press), (key, what) in zip(self._keys, self._texts(self.size.width), strict=True):
            end = x + cell_len(key + what)
            if x <= event.x < end:
                self.app.simulate_key(press)
                return
            x = end + gap


def _used(keys: Sequence[tuple[str, str, str]]) -> int:
    return sum(cell_len(key) + cell_len(what) + 1 for key, what, _ in keys)
