"""A coarse look at a long event file: some records from places all over it, in milliseconds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tui_ft.runs.regular_file import open_regular
from tui_ft.watch.sampling import LONGEST_S, SAMPLES, spread
from tui_ft.watch.sources import crc32c
from tui_ft.watch.sources.event_frames import HEADER_BYTES, Framer

_WINDOW_BYTES = 2048
_ZEROS = bytes(6)
_TRIES = 32


def sample_events(path: Path, longest_s: float = LONGEST_S) -> bytes:
    """Return records of a file as one piece, in the file's order; b"" when none can be made out."""
    end = time.monotonic() + longest_s
    try:
        descriptor = open_regular(path)
    except OSError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        found = {}
        for place in (1.0, *spread(SAMPLES)):
            at = max(int(place * size) - _WINDOW_BYTES, 0)
            found[at] = _whole_records(os.pread(descriptor, _WINDOW_BYTES, at))
            if time.monotonic() >= end:
                break
        return b"".join(found[at] for at in _apart(sorted(found)))
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _apart(places: list[int]) -> Iterator[int]:
    """The places whose windows do not overlap."""
    last = -_WINDOW_BYTES
    for at in places:
        if at >= last + _WINDOW_BYTES:
            yield at
            last = at


def _whole_records(window: bytes) -> bytes:
    """The whole records in a piece that begins anywhere: a length that has its checksum begins one."""
    at = -1
    for _ in range(_TRIES):
        at = window.find(_ZEROS, at + 1)
        if at < 0:
            break
        for begin in (at - 1, at - 2):
            header = window[begin : begin + HEADER_BYTES] if begin >= 0 else b""
            if len(header) == HEADER_BYTES and _is_header(header):
                used = Framer().cut(window[begin:]).used
                return window[begin : begin + used] if begin + used <= len(window) else b""
    return b""


def _is_header(header: bytes) -> bool:
    return crc32c.masked(crc32c.crc32c(header[:8])) == int.from_bytes(header[8:], "little")
