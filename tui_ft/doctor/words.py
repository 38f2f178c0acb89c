"""How the doctor writes sizes, paths and others' words."""

from __future__ import annotations

from pathlib import Path

from tui_ft.watch.log import clean_line

_LONGEST = 120


def gib(size: float | None) -> str:
    """Bytes in the unit that fits; a dash when not known."""
    if size is None:
        return "–"
    if size >= 100 << 30:
        return f"{size / (1 << 30):.0f} GiB"
    if size >= 1 << 30:
        return f"{size / (1 << 30):.1f} GiB"
    return f"{size / (1 << 20):.0f} MiB"


def short(text: str | Path, longest: int = _LONGEST) -> str:
    """Others' words on one line, safe for a terminal, cut in the middle where they are too long."""
    line = " ".join(clean_line(str(text)).split())
    if len(line) <= longest:
        return line
    half = (longest - 1) // 2
    return f"{line[:half]}…{line[-half:]}"


def are(count: int, what: str, plural: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {what}" if count == 1 else f"{count} {plural or what + 's'}"
