"""The outlook of a spec that changes key by key: computed in a thread, painted with the change itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from textual import work
from textual.message import Message

from tui_ft.data.findings import Findings
from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.widgets.outlook_head import OutlookHead
from tui_ft.tui.wizard.live import Live

GPUS_EVERY_S = 1.0
NO_GPU_EVERY_S = 30.0
HELD_S = 0.025
"""What was changed waits so long for its numbers, at most."""


class LiveHead(OutlookHead):
    """Reads the GPUs while it is followed, and foresees what it is given."""

    @dataclass
    class Failed(Message):
        """Something could not be read or computed; `text` says what."""

        text: str

    def __init__(self, actions: HomeActions, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._actions = actions
        self._live: Live | None = None
        self._reading: GpuReading | None = None
        self._spec = RunSpec()
        self._findings: Mapping[str, Findings] = {}
        self._is_due = False
        self._is_looking = False
        self._unpainted = ExitStack()

    def follow(self, runs_root: Path) -> None:
        """Keep to the GPUs as they are; `runs_root` holds the runs whose speed counts."""
        self._live = self._live or Live(runs_root)
        self._follow_gpus()

    def pause(self) -> None:
        """Leave the GPUs alone until it is followed again."""
        self.workers.cancel_group(self, "follow")

    def foresee(self, spec: RunSpec, findings: Mapping[str, Findings]) -> None:
        """Show what `spec` comes to; of several in a row only the last one is waited for."""
        self._spec, self._findings = spec, findings
        self._is_due = True
        if not self._is_looking and self._reading is not None:
            self._is_looking = True
            self._hold()
            self._look()

    def _hold(self) -> None:
        """Let the change and the numbers that follow from it be painted in one frame."""
        self._unpainted.enter_context(self.app.batch_update())
        asyncio.get_running_loop().call_later(HELD_S, self._release)

    def _release(self) -> None:
        """Let what waits be painted; the screen looks for it only when something reminds it."""
        self._unpainted.close()
        if self.is_attached:
            self.screen.check_idle()

    @work(group="follow", exclusive=True)
    async def _follow_gpus(self) -> None:
        while True:
            try:
                reading = await asyncio.to_thread(self._actions.read_gpus)
            except Exception as error:  # noqa: BLE001 - the poll loop shows whatever happens
                self.post_message(self.Failed(f"The GPUs cannot be read: {sentence(error)}"))
                reading = GpuReading((), "The GPUs cannot be read.")
            if _memory(reading) != _memory(self._reading):
                self._reading = reading
                self.foresee(self._spec, self._findings)
            await asyncio.sleep(GPUS_EVERY_S if reading.gpus else NO_GPU_EVERY_S)

    @work(group="look")
    async def _look(self) -> None:
        try:
            while self._is_due and self._reading is not None and self._live is not None:
                self._is_due = False
                outlook = await asyncio.to_thread(
                    self._live.outlook, self._spec, dict(self._findings), self._reading
                )
                self.show(outlook)
                self._release()
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.post_message(self.Failed(sentence(error)))
        finally:
            self._release()
            self._is_looking = False


def _memory(reading: GpuReading | None) -> object:
    """What of a reading changes a number here."""
    if reading is None:
        return None
    return [(gpu.uuid, gpu.free_bytes, gpu.total_bytes) for gpu in reading.gpus], reading.problem
