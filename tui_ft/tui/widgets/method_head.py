"""What the methods are measured for: the model and its settings, the GPU and who is on it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from tui_ft.tui.method_desk import Desk
from tui_ft.tui.method_header import gpu_lines, model_line, settings_line
from tui_ft.tui.widgets.lines import Lines


class MethodHead(Vertical):
    """A line for the model, one for the settings, and as many as the GPUs take."""

    DEFAULT_CSS = "MethodHead { height: auto; }"

    def compose(self) -> ComposeResult:
        yield Lines(id="model")
        yield Lines(id="settings")
        yield Lines(id="gpu")

    def show(self, desk: Desk, preset: str, instead: str = "") -> None:
        """Show what is on the desk; `instead` stands in the model's place while it is looked for."""
        width = self.app.size.width
        line = model_line(instead, desk.found, desk.spec, preset, width)
        self.query_one("#model", Lines).set_lines([line])
        self.query_one("#settings", Lines).set_lines([settings_line(desk.spec, desk.first, width)])

    def show_gpus(self, desk: Desk) -> None:
        """Show the GPU that is measured against, as it is now."""
        if desk.reading is not None:
            panel, lines = (
                self.query_one("#gpu", Lines),
                gpu_lines(desk.seat, desk.reading, self.app.size.width),
            )
            panel.styles.height = len(lines)
            panel.set_lines(lines)
