"""What to say where no finding is open."""

from __future__ import annotations

from tui_ft.runs.health_rows import FoundRow
from tui_ft.watch.reading import Reading


def no_problem(reading: Reading) -> str:
    """That some findings were silenced is no news that all is well."""
    found = {row.finding.code for row in reading.health_rows if isinstance(row, FoundRow)}
    quiet = len(found.intersection(reading.silenced))
    if not quiet:
        return "No problem found."
    are = "finding is" if quiet == 1 else "findings are"
    return f"No other problem found; {quiet} {are} silenced."
