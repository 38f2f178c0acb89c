"""The control folder as the trainer sees it: looked into at every step edge, for the price of one `stat`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestName, RequestRecord
from tui_ft.runs.requests import read_requests
from tui_ft.train.stopping import StopFlag

SETTLED_NS = 1_000_000_000
"""A folder that changed less than this ago may change again without a new time: clocks of file systems
tick slowly, and a request that shares its tick with an earlier look would never be seen."""

WATCH_S = 0.5
"""How often somebody looks for a stop while the trainer is busy: one `stat` each."""


class Requests:
    """The requests that wait for the trainer; the folder is read again only when it has changed."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._seen_ns: int | None = None

    def pending(self, names: Iterable[RequestName]) -> list[RequestRecord]:
        """Return the waiting requests among `names`, in that order."""
        try:
            changed_ns = self._run.control.stat().st_mtime_ns
        except OSError:  # not there; or a network disk that is away for a while, which must not end a run
            return []
        if changed_ns == self._seen_ns:
            return []
        waiting = read_requests(self._run)
        if not waiting and time.time_ns() - changed_ns > SETTLED_NS:
            self._seen_ns = changed_ns
        return [waiting[name] for name in names if name in waiting]

    def done(self, request: RequestRecord) -> None:
        """Remove a request that was carried out."""
        self._run.request(request.request).unlink(missing_ok=True)
        self._seen_ns = None


class StopWatch:
    """Looks for a stop in the control folder in every phase, so that one is obeyed at once without a
    supervisor too, which would pass it on as a signal.
    """

    def __init__(self, run: RunDirectory, stop: StopFlag) -> None:
        self._requests = Requests(run)
        self._stop = stop
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stop watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no longer."""
        self._closing.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_S):
            for request in self._requests.pending(("stop",)):
                self._stop.ask(request.by)
                return
