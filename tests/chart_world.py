"""A screen with nothing but the charts, and a run to show on it: for the tests of their keys."""

from __future__ import annotations

import math

from series_made import noisy, reading_of, series_of
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tui_ft.tui.panel_keys import PANEL_KEYS, PanelActions
from tui_ft.tui.widgets.panel_grid import PanelGrid
from tui_ft.watch.reading import Reading

START = 1_700_000_000.0
STEPS = 400


class GridScreen(PanelActions):
    """A screen with nothing but the charts."""

    BINDINGS = [*PANEL_KEYS]

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.painted: list[Region] = []

    def compose(self) -> ComposeResult:
        yield PanelGrid()

    def on_panel_grid_said(self, message: PanelGrid.Said) -> None:
        self.said.append(message.text)


class GridApp(App[None]):
    """The screen of charts alone."""

    def __init__(self, *, is_ascii: bool = False) -> None:
        super().__init__()
        self.is_ascii = is_ascii
        self.charts = GridScreen()

    @property
    def grid(self) -> PanelGrid:
        return self.charts.grid

    def on_mount(self) -> None:
        self.push_screen(self.charts)


def run_of(steps: int = STEPS, **changes: object) -> Reading:
    power = series_of([200.0 + place % 9 for place in range(steps)], first=3, by=3)
    seconds = [START + 3 * step for step in range(1, steps + 1)]
    series = {
        "loss": series_of(noisy(steps)),
        "eval_loss": series_of([2.0 - place / 10 for place in range(steps // 50)], first=50, by=50),
        "grad_norm": series_of([1 + math.sin(step) / 2 for step in range(steps)]),
        "learning_rate": series_of([1e-4 * (1 - step / STEPS) for step in range(steps)]),
        "tokens": series_of([512.0 * step for step in range(1, steps + 1)]),
    }
    return reading_of(**{
        "series": series, "times": series_of(seconds), "started_at": START, "hardware_origin": START,
        "hardware_series": {"gpu_power_w": power},
        "checkpoint_steps": (100.0, 200.0), "restart_steps": (150.0,), **changes,
    })  # fmt: skip


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def text(app: GridApp) -> str:
    grid = app.grid
    return "\n".join(grid.render_line(y).text for y in range(grid.size.height))
