"""The panels of a run that is watched: made again only when it logs something new."""

from __future__ import annotations

from dataclasses import replace

from tui_ft.watch.panels import Panel, changing_panels, panels_of
from tui_ft.watch.reading import Reading


class PanelKeeper:
    """Gives the panels of a run's readings; a run may log thousands of series, and is read twice a second."""

    def __init__(self) -> None:
        self._state: object = None
        self._held: object = None
        self._panels: list[Panel] = []

    def of(self, reading: Reading) -> list[Panel]:
        """Return the same as `panels_of`."""
        memory = reading.memory
        held = (*reading.series.values(), *reading.hardware_series.values(), reading.times)
        state = (
            reading.source, reading.path, reading.started_at, tuple(reading.series),
            tuple(reading.hardware_series), tuple(map(id, held)),
            None if memory is None else (id(memory.series), memory.is_gpu, len(memory.series) > 0),
        )  # fmt: skip
        if state != self._state:
            self._state = state
            self._held = (held, memory)  # as long as they are held no other has their ids
            self._panels = panels_of(reading)
        else:
            fresh = changing_panels(reading, self._panels)
            self._panels = [
                replace(fresh[panel.key], is_default=panel.is_default) if panel.key in fresh else panel
                for panel in self._panels
            ]
        return self._panels
