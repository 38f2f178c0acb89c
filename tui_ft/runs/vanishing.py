"""Noticing that the directory of a run that goes on was removed, which nobody can want any more, or moved."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tui_ft.runs.directory import RunDirectory

GONE_FOR_S = 10.0
"""A network disk that stumbles comes back; and its runs root would be missing, too."""


class Vanishing:
    """Looks once in a while whether the directory is there.

    It holds the directory open: what was moved is still some directory, and the kernel says which; what was
    removed has no name left. Where neither can be told a directory that is missing counts as removed.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._gone_since: float | None = None
        self._has_link = self._has_root = False
        try:
            self._descriptor: int | None = os.open(run.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self._descriptor = None

    def is_for_good(self, monotonic: float) -> bool:
        """True once the directory was missing for `GONE_FOR_S` at a stretch while its runs root was there,
        and was not moved.
        """
        if not self._is_missing() or self.moved_to() is not None:
            self._gone_since = None
            return False
        if self._gone_since is None:
            self._gone_since = monotonic
        return monotonic - self._gone_since >= GONE_FOR_S

    def moved_to(self) -> Path | None:
        """Where the directory lies now, if that is elsewhere; None when it is where it was, or nowhere."""
        if self._descriptor is None:
            return None
        try:
            mine = os.fstat(self._descriptor)
            if mine.st_nlink == 0 or self._is_mine(self._run.path, mine):
                return None
            place = Path(f"/proc/self/fd/{self._descriptor}").readlink()
            return place if self._is_mine(place, mine) else None
        except OSError:
            return None  # a network disk that does not answer, or the name ended just now

    def leave_link(self, place: Path) -> bool:
        """Have the old path lead to `place` until `close`: the trainer knows only that path, and what it
        saves would lie in a new directory of that name, apart from the run. False where that cannot be.
        """
        root = self._run.path.parent
        try:
            if not root.exists():  # it was moved with all its runs
                root.mkdir(mode=0o700)
                self._has_root = True
            self._run.path.symlink_to(place, target_is_directory=True)
        except OSError:
            return False
        self._has_link = True
        return True

    def close(self) -> None:
        """Take the link away, and let go of the directory."""
        if self._has_link and self._run.path.is_symlink():
            with suppress(OSError):
                self._run.path.unlink()
        if self._has_root:
            with suppress(OSError):
                self._run.path.parent.rmdir()
        self._has_link = self._has_root = False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @staticmethod
    def _is_mine(path: Path, mine: os.stat_result) -> bool:
        try:
            return os.path.samestat(path.stat(), mine)
        except FileNotFoundError:
            return False

    def _is_missing(self) -> bool:
        try:
            self._run.path.stat()
        except FileNotFoundError:
            return self._run.path.parent.is_dir()
        except OSError:
            return False  # a mount that is gone or does not answer
        return False
