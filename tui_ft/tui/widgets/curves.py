"""The three curves of a run: loss with its eval points, gradient norm, and memory."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui_ft.tui.run_words import memory_titles
from tui_ft.tui.widgets.line_chart import Curve, LineChart
from tui_ft.watch.reading import Reading


class Curves(Horizontal):
    """Loss on the left; on the right gradient norm and memory, below or beside each other."""

    def compose(self) -> ComposeResult:
        yield LineChart("Loss", id="loss")
        with Vertical(id="side"):
            yield LineChart("Gradient norm", "Grad norm", "Grad", id="grad_norm")
            yield LineChart("Memory", is_over_time=True, id="memory")

    def chart(self, name: str) -> LineChart:
        """The chart of `loss`, `grad_norm` or `memory`."""
        return self.query_one(f"#{name}", LineChart)

    def show(self, reading: Reading) -> None:
        """Draw what is new."""
        whole = float(reading.total_steps) if reading.total_steps else None
        restarts = reading.restart_steps
        loss, grad_norm = reading.series.get("loss"), reading.series.get("grad_norm")
        if loss is not None:
            points = reading.series.get("eval_loss")
            self.chart("loss").show(Curve(series=loss, points=points, whole=whole, restarts=restarts))
        if grad_norm is not None:
            self.chart("grad_norm").show(Curve(series=grad_norm, whole=whole, base=0.0, restarts=restarts))
        memory = reading.memory
        if memory is not None and len(memory.series):
            ceiling = memory.total_gib if memory.is_gpu else None
            self.chart("memory").show(Curve(series=memory.series, base=0.0, ceiling=ceiling))

    def show_titles(self, reading: Reading) -> None:
        """Write what stands above the curves."""
        points = ("Loss   ● eval loss", "Loss ● eval") if "eval_loss" in reading.series else ()
        self.chart("loss").set_title(*points, "Loss")
        self.chart("memory").set_title(*memory_titles(reading.memory))
