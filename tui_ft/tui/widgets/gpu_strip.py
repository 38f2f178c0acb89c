"""The GPUs of this box in one to three lines: memory, utilisation, and whether somebody holds them."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit, gib, plain

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import Gpu, GpuReading

_LINES = 3
_SHORT = 18
"""On a screen with fewer lines the runs need them."""
HELD_BYTES = 2**30
"""More than the driver and a display take: memory in use beyond this belongs to somebody's work."""


def is_held(gpu: Gpu) -> bool:
    """True when processes are on the GPU, or memory is taken by some that this container cannot see."""
    is_taken = not gpu.is_unified and (gpu.used_bytes or 0) > HELD_BYTES
    return bool(gpu.processes) or is_taken


def holder_text(gpu: Gpu) -> str:
    """Who holds the GPU, in a few words; empty when it is free."""
    if gpu.processes:
        count = len(gpu.processes)
        return f"{count} process" if count == 1 else f"{count} processes"
    return "hidden processes" if is_held(gpu) else ""


def bar(part: int | None, whole: int | None, width: int) -> str:
    """A bar of `width` cells; an unknown share is a dotted line, which no one takes for an empty bar."""
    if part is None or not whole:
        return "·" * width
    filled = round(width * min(1.0, part / whole))
    return "█" * filled + "░" * (width - filled)


def _share(gpu: Gpu) -> str:
    return f"{gib(gpu.used_bytes)}/{gib(gpu.total_bytes)} GiB"


def _utilization(gpu: Gpu) -> str:
    return "–" if gpu.utilization is None else f"{gpu.utilization:.0f}%"


def _name(gpu: Gpu) -> str:
    return f"GPU {gpu.index} {plain(gpu.name).removeprefix('NVIDIA ')}"


def gpu_line(gpu: Gpu, name_width: int, width: int) -> str:
    """One GPU on a line of its own; what does not fit is left out from the right, whole."""
    parts = [
        f"{fit(_name(gpu), name_width)}  {bar(gpu.used_bytes, gpu.total_bytes, 10)}",
        f"{_share(gpu):>14}",
        f"{_utilization(gpu):>4}",
        holder_text(gpu),
        "" if gpu.temperature_c is None else f"{gpu.temperature_c:.0f} °C",
        "" if gpu.power_w is None else f"{gpu.power_w:.0f} W",
        "" if not gpu.throttle else f"slowed: {plain(gpu.throttle)}",
    ]
    line = ""
    for part in filter(None, parts):
        longer = f"{line}  {part}" if line else part
        if len(longer) > width:
            break
        line = longer
    return line


def _cell(gpu: Gpu, index_width: int, bar_width: int) -> str:
    mark = "●" if is_held(gpu) else "○"
    memory = bar(gpu.used_bytes, gpu.total_bytes, bar_width)
    return f"{gpu.index:>{index_width}} {mark} {memory} {gib(gpu.used_bytes):>4} {_utilization(gpu):>4}"


def strip_lines(reading: GpuReading | None, width: int, notes: Sequence[str] = ()) -> list[str]:
    """The strip's lines for `width` cells; `notes` on owners that cannot be seen take one more."""
    lines = _gpu_lines(reading, width)
    return [*lines, fit(" · ".join(notes), width)] if notes and reading is not None else lines


def _gpu_lines(reading: GpuReading | None, width: int) -> list[str]:
    """None before the first reading, at most three after it."""
    if reading is None:
        return [""]
    gpus = reading.gpus
    if not gpus:
        reason = f" ({plain(reading.problem).rstrip('.')})" if reading.problem else ""
        return wrap(f"No GPU: training runs on the CPU{reason}", max(width, 20))[:_LINES]
    if len(gpus) <= _LINES:
        name_width = min(30, max(len(_name(gpu)) for gpu in gpus))
        return [gpu_line(gpu, name_width, width) for gpu in gpus]
    return _packed(gpus, width)


def _packed(gpus: tuple[Gpu, ...], width: int) -> list[str]:
    """Many GPUs: what they are, then as many as two lines hold, with GiB in use and per cent busy."""
    few = len(gpus) <= 8
    cells = [_cell(gpu, 1 if few else 2, 4 if few else 2) for gpu in gpus]
    in_line = max(1, (width + 2) // (len(cells[0]) + 2))
    rows = [cells[start : start + in_line] for start in range(0, len(cells), in_line)]
    held = sum(is_held(gpu) for gpu in gpus)
    kinds = sorted({f"{plain(gpu.name).removeprefix('NVIDIA ')} {gib(gpu.total_bytes)} GiB" for gpu in gpus})
    head = f"{len(gpus)} × {' + '.join(kinds)}  ● {held} held  ○ {len(gpus) - held} free  GiB used, busy"
    unseen = len(cells) - in_line * (_LINES - 1)
    if unseen > 0:
        head += f"; {unseen} more"
    return [fit(head, width), *("  ".join(row) for row in rows[: _LINES - 1])]


class GpuStrip(Widget):
    """Repaints only when a line of it reads differently."""

    DEFAULT_CSS = """
    GpuStrip {
        height: auto;
        padding: 0 1;
        color: $text-muted;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.reading: GpuReading | None = None
        self._notes: tuple[str, ...] = ()
        self._lines: list[str] = [""]

    def show(self, reading: GpuReading) -> None:
        """Show a new reading of the GPUs."""
        self.reading = reading
        self._show_lines()

    def show_notes(self, notes: Sequence[str]) -> None:
        """Say on whose GPUs memory is used by somebody who cannot be seen from here."""
        self._notes = tuple(notes)
        self._show_lines()

    def _wanted_lines(self, width: int) -> list[str]:
        lines = strip_lines(self.reading, width, self._notes)
        if self.app.size.height >= _SHORT:
            return lines
        return [lines[0].partition(" (")[0] if self.reading and not self.reading.gpus else lines[0]]

    def _show_lines(self) -> None:
        lines = self._wanted_lines(self.size.width)
        if lines != self._lines:
            layout = len(lines) != len(self._lines)
            self._lines = lines
            self.refresh(layout=layout)

    def on_resize(self) -> None:
        self._show_lines()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._wanted_lines(width))

    def render_line(self, y: int) -> Strip:
        lines = self._wanted_lines(self.size.width)
        text = lines[y] if y < len(lines) else ""
        return Strip([Segment(fit(text, self.size.width), self.rich_style)])
