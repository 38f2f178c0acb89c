"""What health.jsonl says is open: where a guard goes on that follows another."""

from __future__ import annotations

import msgspec

from tui_ft.health.finding import Code, Finding
from tui_ft.health.watcher import OUR_CODES
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.health_rows import ClearedRow, FoundRow, decode_health
from tui_ft.runs.line_following import LineFollower


def open_in_file(run: RunDirectory) -> dict[Code, Finding]:
    """Return the findings that were not cleared, by code; empty where there is no such file."""
    found: dict[Code, Finding] = {}
    follower = LineFollower(run.health)
    while lines := follower.poll():
        for line in lines:
            try:
                row = decode_health(line)
            except msgspec.DecodeError:
                continue
            if isinstance(row, FoundRow) and row.finding.code in OUR_CODES:
                found[row.finding.code] = row.finding
            elif isinstance(row, ClearedRow):
                found.pop(row.code, None)
    return found
