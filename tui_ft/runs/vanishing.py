"""Noticing that somebody removed the directory of a run that goes on: nobody can want it any more."""

from __future__ import annotations

from tui_ft.runs.directory import RunDirectory

GONE_FOR_S = 10.0
"""A network disk that stumbles comes back; and its runs root would be missing, too."""


class Vanishing:
    """Looks once in a while whether the directory is there."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._gone_since: float | None = None

    def is_for_good(self, monotonic: float) -> bool:
        """True once the directory was missing for `GONE_FOR_S` at a stretch while its runs root was there."""
        if not self._is_missing():
            self._gone_since = None
            return False
        if self._gone_since is None:
            self._gone_since = monotonic
        return monotonic - self._gone_since >= GONE_FOR_S

    def _is_missing(self) -> bool:
        try:
            self._run.path.stat()
        except FileNotFoundError:
            return self._run.path.parent.is_dir()
        except OSError:
            return False  # a mount that is gone or does not answer
        return False
