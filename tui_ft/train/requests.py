"""Requests from `control/`: read at a step edge, removed once carried out."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestName, RequestRecord, decode_request


class Requests:
    """Looks into the control folder; a look costs one `stat` while nothing has been put there."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._seen_ns: int | None = None

    def pending(self, names: tuple[RequestName, ...]) -> list[RequestRecord]:
        """Return the waiting requests among `names`, in that order.

        A file counts only if it is a plain one that belongs to the run's own user.
        """
        changed_ns = os.stat(self._run.control).st_mtime_ns
        if changed_ns == self._seen_ns:
            return []
        found = [record for name in names if (record := self._read(self._run.request(name))) is not None]
        if not found:
            self._seen_ns = changed_ns
        return found

    def done(self, request: RequestRecord) -> None:
        """Remove a request that was carried out."""
        self._run.request(request.request).unlink(missing_ok=True)
        self._seen_ns = None

    def _read(self, path: Path) -> RequestRecord | None:
        try:
            facts = os.lstat(path)
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.getuid():
                return None
            return decode_request(path.read_bytes())
        except (OSError, msgspec.DecodeError):
            return None
