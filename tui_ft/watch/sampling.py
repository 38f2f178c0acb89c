"""A coarse look at a long file of lines: single lines spread over the whole of it, in milliseconds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tui_ft.runs.regular_file import open_regular

SAMPLES = 400
"""Two for every column of dots of a wide chart; reading them takes about 5 ms from the page cache."""
WINDOW_BYTES = 4096
LONGEST_S = 0.05
"""On a slow disk it ends here: the places are visited coarse to fine, so that any number is spread."""


def spread(count: int) -> Iterator[float]:
    """Places between 0 and 1, each new one in the widest gap (the sequence of van der Corput)."""
    for number in range(count):
        place, share = 0.0, 0.5
        while number:
            number, bit = divmod(number, 2)
            place += bit * share
            share /= 2
        yield place


def sample_lines(path: Path, count: int = SAMPLES, longest_s: float = LONGEST_S) -> bytes:
    """Return at most `count` whole lines spread over a file, and its last ones, in the file's order.

    b"" for what is no regular file, cannot be read, or has no line ends where one looks.
    """
    end = time.monotonic() + longest_s
    try:
        descriptor = open_regular(path)
    except OSError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        found = dict(_last_lines(descriptor, size))
        for place in spread(count):
            found.update(_line_after(descriptor, int(place * size)))
            if time.monotonic() >= end:
                break
        return b"".join(found[at] for at in sorted(found))
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _line_after(descriptor: int, at: int) -> Iterator[tuple[int, bytes]]:
    """The first whole line that begins behind a position, or at the beginning of the file."""
    data = os.pread(descriptor, WINDOW_BYTES, at)
    start = data.find(b"\n") + 1 if at else 0
    stop = data.find(b"\n", start) + 1
    if stop and (start or not at):
        yield at + start, data[start:stop]


def _last_lines(descriptor: int, size: int) -> Iterator[tuple[int, bytes]]:
    """The whole lines at the end: the newest of every kind is among them."""
    at = max(size - 2 * WINDOW_BYTES, 0)
    data = os.pread(descriptor, size - at, at)
    start = data.find(b"\n") + 1 if at else 0
    while (start or not at) and (stop := data.find(b"\n", start) + 1):
        yield at + start, data[start:stop]
        start = stop
