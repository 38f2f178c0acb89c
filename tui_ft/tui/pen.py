"""What the terminal is set to, and the shortest way from one style to the next."""

from __future__ import annotations

from typing import Any

from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

_ENDS = {1 << 0: "22", 1 << 1: "22", 1 << 2: "23", 1 << 3: "24", 1 << 6: "27", 1 << 8: "29"}
"""What ends an attribute of a Rich style: bold, dim, italic, underline, reverse, strike."""
_CAN_BE_ENDED = sum(_ENDS)
_BOLD_AND_DIM = 0b11
_SEEN_ON_BLANKS = sum(1 << bit for bit in (3, 6, 8, 9, 10, 11, 12))
"""Underline, reverse, strike, double underline, frame, circle, overline."""


class Pen:
    """Colours and attributes with which the terminal writes now; None when nothing is known of them."""

    def __init__(self, color_system: ColorSystem) -> None:
        self.style: Style | None = None
        self._color_system = color_system
        self._codes: dict[Style | None, str] = {}
        self._changes: dict[tuple[Style, Style], str] = {}
        self._blanks: dict[Style | None, Style | None] = {None: None}
        self._grounds: dict[object, Style] = {}

    def blank(self, style: Style | None) -> Style | None:
        """The style of a blank of this style: of one that is not decorated only the ground is seen."""
        if style not in self._blanks:
            decorated = style is None or style._attributes & style._set_attributes & _SEEN_ON_BLANKS
            self._blanks[style] = (
                style if decorated or style is None
                else self._grounds.setdefault(style.bgcolor, Style(bgcolor=style.bgcolor))
            )  # fmt: skip
        return self._blanks[style]

    def wears(self, style: Style | None) -> bool:
        """Whether a cell of `style` can be written as the terminal is set now."""
        return style is self.style or (self.style is not None and self._blanks.get(self.style) is style)

    def take(self, style: Style | None) -> str:
        """Return what sets the terminal to `style`."""
        if self.wears(style):
            return ""
        text, self.style = self._transition(self.style, style), style
        return text

    def _transition(self, old: Style | None, new: Style | None) -> str:
        """The shortest escape sequence from one style to another."""
        if new not in self._codes:
            ansi = Strip.render_ansi(new, self._color_system) if new is not None else ""
            self._codes[new] = f"\x1b[0;{ansi}m" if ansi else "\x1b[m"
        if old is None or new is None:
            return self._codes[new]
        change = self._changes.get((old, new))
        if change is None:
            change = self._changes[old, new] = self._change(old, new)
        return change

    def _change(self, old: Style, new: Style) -> str:
        """From one style to another: only what differs, unless all of it anew is shorter."""
        before, after = self._attributes(old), self._attributes(new)
        gone = before & ~after
        if gone & ~_CAN_BE_ENDED:
            return self._codes[new]
        codes = list(dict.fromkeys(code for bit, code in _ENDS.items() if gone & bit))
        kept = before & ~gone
        if "22" in codes:  # it ends bold and dim alike
            kept &= ~_BOLD_AND_DIM
        codes += [code for bit, code in Style._style_map.items() if after & ~kept & 1 << bit]
        if old.color != new.color:
            codes += self._color(new.color, foreground=True)
        if old.bgcolor != new.bgcolor:
            codes += self._color(new.bgcolor, foreground=False)
        if not codes:
            return ""
        return min(f"\x1b[{';'.join(codes)}m", self._codes[new], key=len)

    def _color(self, color: Any, foreground: bool) -> list[str]:
        if color is None:
            return ["39" if foreground else "49"]
        return list(color.downgrade(self._color_system).get_ansi_codes(foreground))

    @staticmethod
    def _attributes(style: Style) -> int:
        return style._attributes & style._set_attributes
