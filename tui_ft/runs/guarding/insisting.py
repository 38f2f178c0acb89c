"""The guard's second word to a run that hangs: what stands still in a library's call obeys no plain stop."""

from __future__ import annotations

from tui_ft.health.finding import Finding
from tui_ft.runs.companions import Sight
from tui_ft.runs.health_rows import DeedRow
from tui_ft.runs.records import RequestRecord

BY = "the guard: hang"


class Insistence:
    """Asks that a run be ended that was asked to stop because it hangs, and has not moved since.

    A plain stop is a signal whose handler is Python's: inside a call of CUDA or NCCL it never runs.
    """

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._since: float | None = None
        self._has_asked = False
        self._is_said = False

    def look(
        self, hang: Finding | None, asked: list[RequestRecord], sight: Sight
    ) -> tuple[list[RequestRecord], list[DeedRow]]:
        """`hang` is what stands open of it, which any movement closes; `asked` what the guard asks just now.

        Asked for again and again: a full disk may have taken no request.
        """
        self._has_asked |= sight.state.stop_requested_by == BY or any(
            request.request == "stop" and request.by == BY for request in asked
        )
        if not self._has_asked or hang is None or hang.level != "error":
            self._since = None
            return [], []
        self._since = sight.monotonic if self._since is None else self._since
        if sight.monotonic - self._since < self._grace_s:
            return [], []
        self._since = sight.monotonic
        rows = [] if self._is_said else [self._deed(sight.now)]
        self._is_said = True
        return [RequestRecord(request="stop", time=sight.now, by=BY, now=True)], rows

    def _deed(self, now: float) -> DeedRow:
        grace = f"{self._grace_s:.0f} s"
        message = f"Asked that the run be ended at once: it had not moved {grace} after it was asked to stop."
        return DeedRow(time=round(now, 3), deed="stop", message=message, code="hang")
