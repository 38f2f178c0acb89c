"""The queue as text for people, in the width of the terminal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.watch.eta import duration_label
from tui_ft.watch.log import clean_line

if TYPE_CHECKING:
    from tui_ft.runs.queueing.listing import QueueListing, QueueRow

_LEAST = 20
"""Less room than this for the reason: it gets a line of its own."""


def lines(listing: QueueListing, root: Path) -> list[str]:
    """What goes on, then a line for each run that waits, with what it waits for."""
    found = [_going(one.id, one.status, one.left_s) for one in listing.going]
    if not listing.rows:
        return [
            *found,
            f"Nothing waits under {clean_line(str(root))}. `tui-ft queue add PRESET` puts a run there.",
        ]
    if listing.is_held:
        found.append("The queue is held: nothing starts until `tui-ft queue go`.")
    return [*found, *_table(listing.rows)]


def _going(run_id: str, status: str, left_s: float | None) -> str:
    left = f", about {duration_label(left_s)} left" if left_s is not None else ""
    return f"{clean_line(run_id)} is {status}{left}."


def _table(rows: tuple[QueueRow, ...]) -> list[str]:
    from tui_ft.vram.holders import gib_text

    cells: list[tuple[str, ...]] = [("", "RUN", "METHOD", "NEEDS", "TAKES", "WAITS FOR")]
    for row in rows:
        needed = row.entry.needed_bytes
        seconds, cost = row.forecast.seconds, row.forecast.cost
        takes = "–" if seconds is None else f"~{duration_label(seconds)}"
        takes += f" {cost.text}" if cost is not None else ""
        why = row.why if row.word != "held" else f"held: {row.why}"
        cells.append(
            (
                str(row.place),
                clean_line(row.id),
                clean_line(row.method) or "–",
                gib_text(needed) if needed is not None else "–",
                takes,
                clean_line(why),
            )
        )
    dull = [i for i in (3, 4) if all(line[i] == "–" for line in cells[1:])]
    cells = [tuple(cell for i, cell in enumerate(line) if i not in dull) for line in cells]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]) - 1)]
    room = shutil.get_terminal_size().columns - sum(widths) - 2 * len(widths)
    found = []
    for line in cells:
        begin = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False))
        if len(line[-1]) <= max(room, _LEAST):
            found.append(f"{begin}  {line[-1]}".rstrip())
        else:
            found += [begin.rstrip(), f"     {line[-1]}"]
    return found
