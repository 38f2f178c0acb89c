"""The line that puts the predicted GPU memory beside the measured one."""

from __future__ import annotations

from rich.cells import cell_len

from tui_ft.tui.text import plain
from tui_ft.tui.widgets.lines import Line, Lines
from tui_ft.watch.memory import wordings
from tui_ft.watch.reading import Reading


class Foreseen(Lines):
    """One line; the screen gives it room only where something was predicted or measured on a GPU."""

    def show(self, reading: Reading, width: int) -> None:
        """`width` is the screen's: as long as the line is hidden it has none of its own."""
        self.set_lines([foreseen_line(reading, width)])


def foreseen_line(reading: Reading, width: int) -> Line:
    """The longest wording that `width` columns hold."""
    if reading.gpu_memory is None:
        return ()
    ran_out = reading.exit is not None and reading.exit.cause == "cuda_oom"
    texts = [plain(text) for text in wordings(reading.gpu_memory, ran_out=ran_out)]
    shown = next((text for text in texts if cell_len(text) < width), "")
    name, _, rest = shown.partition(":")
    return ((f" {name}:", "muted"), (rest, "")) if rest else ((f" {shown}", ""),)
