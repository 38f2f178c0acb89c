"""The colour and the marker of each run in a comparison: the same run looks the same every time."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look of a line. Colour is never alone: `marker` stands along the line and in the legend.

    `color` is for pictures (Okabe and Ito's palette, which the colour-blind tell apart), `ansi` the
    nearest of the 16 colours of a terminal, `plain` the marker in ASCII. `hollow` stands for evaluations.
    None is a sign that charts have for something else (`tui.panel_charts.MARKS`, and × for no number).
    """

    color: str
    ansi: str
    marker: str
    hollow: str
    plain: str

    def sign(self, *, is_evaluation: bool = False, is_ascii: bool = False) -> str:
        """The marker of the line, or of the points of its evaluations: hollow, in ASCII a small letter."""
        if is_ascii:
            return self.plain.lower() if is_evaluation else self.plain
        return self.hollow if is_evaluation else self.marker


LOOKS = (
    Look(color="#0072b2", ansi="blue", marker="●", hollow="○", plain="A"),
    Look(color="#d55e00", ansi="red", marker="■", hollow="□", plain="B"),
    Look(color="#009e73", ansi="green", marker="▼", hollow="▽", plain="C"),
    Look(color="#cc79a7", ansi="magenta", marker="★", hollow="☆", plain="D"),
    Look(color="#56b4e9", ansi="cyan", marker="▮", hollow="▯", plain="E"),
    Look(color="#e69f00", ansi="yellow", marker="◢", hollow="◿", plain="F"),
    Look(color="#000000", ansi="white", marker="▰", hollow="▱", plain="G"),
    Look(color="#7f7f7f", ansi="bright_black", marker="♣", hollow="♧", plain="H"),
)


def assign(keys: Iterable[str], kept: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return for each run (by its path) its place in `LOOKS`.

    It follows from the path, so that it is the same tomorrow; two runs that would look alike are told
    apart by moving the later one on, and those in `kept` stay as they are. Of more runs than looks some
    look alike: the marker then repeats, and the legend counts them.
    """
    names = list(dict.fromkeys(keys))
    found = {name: place for name, place in (kept or {}).items() if name in names}
    for name in sorted(set(names) - set(found)):
        place = zlib.crc32(name.encode("utf-8", "surrogateescape")) % len(LOOKS)
        if len(found) < len(LOOKS):
            taken = set(found.values())
            while place in taken:
                place = (place + 1) % len(LOOKS)
        found[name] = place
    return {name: found[name] for name in names}
