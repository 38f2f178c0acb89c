"""A coarse look at a long `.wandb` file: some rows from blocks all over it, in milliseconds."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tui_ft.runs.regular_file import open_regular
from tui_ft.watch.sampling import LONGEST_S, SAMPLES, spread
from tui_ft.watch.sources import wandb_message
from tui_ft.watch.sources.wandb_blocks import BLOCK, Blocks, Record
from tui_ft.watch.sources.wandb_message import HISTORY
from tui_ft.watch.sources.wire import WireError

_WINDOW_BYTES = 4096
_ROWS_A_BLOCK = 3


def sample_rows(path: Path, longest_s: float = LONGEST_S) -> list[Record]:
    """Return records of history in the file's order; none when it cannot be read."""
    end = time.monotonic() + longest_s
    try:
        descriptor = open_regular(path)
    except OSError:
        return []
    try:
        last = os.fstat(descriptor).st_size // BLOCK
        found: dict[int, list[Record]] = {}
        for block in (max(last - 1, 1), *(1 + int(place * last) for place in spread(SAMPLES))):
            data = os.pread(descriptor, _WINDOW_BYTES, block * BLOCK)
            rows = [record for record in Blocks(block * BLOCK).cut(data) if _is_row(record)]
            found[block] = rows[:_ROWS_A_BLOCK]
            if time.monotonic() >= end:
                break
        return [row for block in sorted(found) for row in found[block]]
    except OSError:
        return []
    finally:
        os.close(descriptor)


def _is_row(record: Record) -> bool:
    try:
        return wandb_message.kind_of(*record) == HISTORY
    except WireError:
        return False
