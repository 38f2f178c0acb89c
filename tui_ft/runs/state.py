"""Reading and writing state.json: the one file that says what a run is doing."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import StateRecord, decode_state, encode_document


def read_state(run: RunDirectory) -> StateRecord:
    """Return what state.json says. Raises `TuiFtError` when it is missing, unreadable or no state."""
    try:
        descriptor = os.open(run.state, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            data = os.read(descriptor, 1 << 20)
        finally:
            os.close(descriptor)
        return decode_state(data)
    except FileNotFoundError as error:
        raise TuiFtError(
            f"{run.path} has no state.json: it is not a run, or its start was cut off.",
            "See `tui-ft ls` for the runs there are.",
        ) from error
    except OSError as error:
        raise TuiFtError(
            f"The state of the run {run.id} cannot be read: {os.strerror(error.errno or 0)}."
        ) from error
    except msgspec.DecodeError as error:
        raise TuiFtError(f"The state of the run {run.id} is damaged: {error}.") from error


class StateFile:
    """state.json in the hands of the lock's holder. A full disk makes it late, never wrong."""

    def __init__(self, run: RunDirectory, record: StateRecord) -> None:
        self._run = run
        self.record = record
        self.is_written = True

    def update(self, **changes: object) -> None:
        """Change fields; nothing is written when all of them are as they were."""
        new = msgspec.structs.replace(self.record, **changes)
        if new != self.record:
            self.record = new
            self.is_written = False
            self.write()

    def write(self) -> bool:
        """Write what is not yet written; False when the disk refuses, to be tried again later."""
        if self.is_written:
            return True
        try:
            write_atomically(self._run.state, encode_document(self.record))
        except OSError:
            return False
        self.is_written = True
        return True

    def sweep(self) -> None:
        """Remove what writers before us left half written; only the lock's holder may."""
        for path in self._run.path.glob(f".{self._run.state.name}.*.tmp"):
            with suppress(OSError):
                path.unlink()

    def write_in_place(self) -> bool:
        """Overwrite the old content where it lies: the last resort of a full disk, which has no room for
        a second file but lets blocks that exist be written again.
        """
        data = encode_document(self.record)
        try:
            descriptor = os.open(self._run.state, os.O_WRONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
                written = os.pwrite(descriptor, data.ljust(size), 0)  # blanks are no harm in JSON
            finally:
                os.close(descriptor)
        except OSError:
            return False
        self.is_written = written >= len(data)
        return self.is_written
