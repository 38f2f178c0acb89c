"""One bar a method: what others hold of the GPU, what this run needs, and where the memory ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from tui_ft.guide.compare import MethodRow
from tui_ft.tui.gpu_seats import Seat
from tui_ft.tui.method_view import View, needed
from tui_ft.tui.text import fit, gib
from tui_ft.tui.widgets.row_list import Cell, RowList

VERDICT_WORDS: Mapping[str, tuple[str, str]] = {
    "fits": ("✓ fits", "good"),
    "tight": ("! tight", "warn"),
    "does_not_fit": ("✗ does not fit", "bad"),
    "unknown": ("– unknown", "muted"),
}
"""A verdict as it is shown, and its look."""

_NAME, _SHARE, _NEEDED, _VERDICT = 15, 7, 6, 14
_CHECKPOINT, _SPEED = 11, 10
_WIDE = 100
_OVER = 4
"""Cells behind the end of the memory, for what does not fit."""


class MemoryBars(RowList[MethodRow]):
    """The methods, one line each; the recommended one has a star."""

    DEFAULT_CSS = """
    MemoryBars {
        & > .row-list--others { color: $text-disabled; }
        & > .row-list--wall { color: $foreground; }
        & > .row-list--own-fits { color: $text-success; }
        & > .row-list--own-tight { color: $text-warning; }
        & > .row-list--own-does_not_fit { color: $text-error; }
        & > .row-list--own-unknown { color: $text-primary; }
    }
    """
    UNDER_CURSOR = frozenset(
        {"others", "wall", "free", "own-fits", "own-tight", "own-does_not_fit", "own-unknown"}
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"row-list--{kind}" for kind in UNDER_CURSOR}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seat = Seat()
        self._recommended: str | None = None
        self._scale = 0

    def show(self, view: View) -> None:
        """Show the rows of `view`; only lines that read differently are painted again."""
        frame = (self._seat.total_bytes, self._seat.free_bytes, self._recommended, self._scale)
        self._seat, self._recommended = view.seat, view.recommended
        self._scale = view.seat.total_bytes or max((needed(row) or 0 for row in view.rows), default=0)
        self.set_rows(view.rows)
        if frame != (self._seat.total_bytes, self._seat.free_bytes, self._recommended, self._scale):
            self.refresh()

    def key_of(self, row: MethodRow) -> str:
        return row.method

    def empty_lines(self) -> list[str]:
        return ["No estimate without a model.  / asks for its name, folder or config.json."]

    def heading_cells(self, width: int) -> list[Cell]:
        if not self.rows:
            return [(fit(" Methods", width), "title")]
        place = f" {self.index + 1} of {len(self.rows)}" if len(self.rows) > self._visible else ""
        head = [
            (fit(f" Methods{place}", 3 + _NAME), "focused-title" if self.has_focus else "title"),
            (fit("trained", _SHARE, right=True) + fit("GiB", _NEEDED, right=True) + "  ", ""),
        ]
        return [*head, (fit(self._legend(), _bar_width(width)) + " ", ""), *_captions(width)]

    def _legend(self) -> str:
        if self._seat.total_bytes is None:
            return f"█ this run, of {gib(self._scale)} GiB"
        return "▚ in use  █ this run  ░ free"

    def row_cells(self, row: MethodRow, width: int) -> list[Cell]:
        is_best = row.method == self._recommended
        word, look = VERDICT_WORDS[row.verdict]
        dim = "" if row.runnable else "muted"
        cells: list[Cell] = [
            ("★ " if is_best else "  " if row.runnable else "– ", "live"),
            (fit(row.label, _NAME), "title" if is_best else dim),
            (fit(share_text(row), _SHARE, right=True), dim),
            (fit(gib(needed(row)), _NEEDED, right=True) + ("= " if is_exact(row) else "  "), ""),
            *bar_cells(row, self._seat, self._scale, _bar_width(width + 1)),
            (" ", ""),
            (fit(word, _VERDICT), look),
        ]
        if width + 1 >= _WIDE:
            cells += [
                (fit(checkpoint_text(row), _CHECKPOINT, right=True) + "  ", dim),
                (fit(row.speed, _SPEED), dim),
            ]
        return cells


def _captions(width: int) -> Sequence[Cell]:
    wide = fit("checkpoint", _CHECKPOINT, right=True) + "  " + fit("speed", _SPEED) if width >= _WIDE else ""
    return [(fit("verdict", _VERDICT) + wide, "")]


def _bar_width(width: int) -> int:
    """What the other columns leave of a list `width` cells wide."""
    taken = 1 + 2 + _NAME + _SHARE + _NEEDED + 2 + 1 + _VERDICT
    return max(width - taken - (_CHECKPOINT + 2 + _SPEED if width >= _WIDE else 0), 8)


def bar_cells(row: MethodRow, seat: Seat, scale: int, width: int) -> list[Cell]:
    """A row's bar in exactly `width` cells: in use, this run, free, the end of the memory, what is beyond.

    Without a GPU the longest bar is the largest need. A need that is not known is a dotted line.
    """
    need = needed(row)
    if need is None or not scale:
        return [("·" * width, "free")]
    if seat.total_bytes is None or seat.free_bytes is None:
        filled = min(max(round(width * need / scale), 1), width)
        return [("█" * filled, f"own-{row.verdict}"), (" " * (width - filled), "free")]
    return memory_bar(need, row.verdict, seat.total_bytes, seat.free_bytes, width)


def memory_bar(need: int, verdict: str, total: int, free: int, width: int) -> list[Cell]:
    """A GPU's memory in exactly `width` cells: in use, this run, free, its end, and what is beyond."""
    own = f"own-{verdict}"
    inner = width - 1 - _OVER
    used = total - free
    used_cells = min(round(inner * used / total), inner)
    end = (used + need) / total * inner
    own_cells = min(max(round(end) - used_cells, 1), inner - used_cells)
    beyond = used + need - total
    over = 0 if beyond <= 0 else min(max(round(beyond / total * inner), 1), _OVER)
    tail = "" if not over else "█" * (over - 1) + ("▶" if end - inner > _OVER else "█")
    return [
        ("▚" * used_cells, "others"),
        ("█" * own_cells, own),
        ("░" * (inner - used_cells - own_cells), "free"),
        ("│", "wall"),
        (tail, own),
        (" " * (_OVER - over), "free"),
    ]


def is_exact(row: MethodRow) -> bool:
    """True where the number comes from a simulation or a measurement, not from the formula."""
    return row.estimate is not None and row.estimate.basis != "closed_form"


def share_text(row: MethodRow) -> str:
    """A method's share of all parameters; `–` where it has no estimate."""
    return "–" if row.estimate is None else percent_text(row.trainable_share)


def percent_text(share: float) -> str:
    """A share in per cent, with the digits that tell small ones apart."""
    percent = share * 100
    if percent < 0.01:
        return "<0.01 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %" if percent >= 1 else f"{percent:.2g} %"


def checkpoint_text(row: MethodRow) -> str:
    """The size of a checkpoint that can be resumed."""
    return "–" if row.estimate is None else size_text(row.checkpoint_bytes)


def size_text(size: int) -> str:
    """Bytes as KiB, MiB or GiB, whichever reads best."""
    for limit, name in ((2**30, "GiB"), (2**20, "MiB")):
        if size >= limit:
            return f"{size / limit:.1f} {name}"
    return f"{size / 2**10:.0f} KiB"
