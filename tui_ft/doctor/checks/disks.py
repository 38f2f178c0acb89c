"""Is there room, on every disk that a run writes to?"""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, ok, warning
from tui_ft.doctor.words import gib, short

LITTLE_BYTES = 1 << 30
SCARCE_BYTES = 10 << 30
"""An adapter's checkpoint takes some hundred MB, one of a 1B model 12 GB; two must fit (our own bounds)."""
CACHE_BYTES = 20 << 30
"""A model of 7B parameters in 16 bit is 15 GB."""
INODES_USED = 0.95
"""T16 of the facts (domain, e)."""


def runs_disk(box: Box) -> list[Finding]:
    root, code = box.runs_root, "runs_disk"
    if root is None:
        return []
    free = box.disk(root).free_bytes
    if free is None:
        return []
    what = f"The disk of the runs root {short(root)} has {gib(free)} free"
    if free < LITTLE_BYTES:
        return [error(code, f"{what}: not even one checkpoint fits.", command=_largest(root))]
    if free < SCARCE_BYTES:
        return [
            warning(
                code,
                f"{what}: enough for an adapter's checkpoints, not for a whole model's.",
                command=_largest(root),
            )
        ]
    return [ok(code, f"{what}.")]


def cache_disk(box: Box) -> list[Finding]:
    cache, code = box.hub_cache, "cache_disk"
    free = box.disk(cache).free_bytes
    if free is None or free >= CACHE_BYTES:
        return [] if free is None else [ok(code, f"The disk of the model cache has {gib(free)} free.")]
    what = f"The disk of the model cache {short(cache)} has {gib(free)} free: a 7B model takes 15 GB."
    return [warning(code, what, command="hf cache ls && hf cache prune")]


def inodes(box: Box) -> list[Finding]:
    """Out of inodes, a disk with room takes no file any more (facts: peers, 6)."""
    code, found = "inodes", []
    places = [place for place in (box.runs_root, box.hub_cache) if place is not None]
    seen: set[str] = set()
    for place in places:
        mount = box.mount_of(place)
        where = str(mount.point) if mount is not None else str(place)
        disk = box.disk(place)
        if where in seen or disk.free_inodes is None or not disk.total_inodes:
            continue
        seen.add(where)
        used = 1 - disk.free_inodes / disk.total_inodes
        if used > INODES_USED:
            what = f"{where} has {disk.free_inodes:,} of {disk.total_inodes:,} inodes left"
            count = f'for d in {quote(where)}/*; do echo "$(find "$d" -xdev | wc -l) $d"; done | sort -n'
            level = error if disk.free_inodes == 0 else warning
            found.append(level(code, f"{what}: soon no file can be made there.", command=count))
    return found or ([ok(code, "Inodes are left on every disk that runs use.")] if seen else [])


def _largest(folder: Path) -> str:
    """The command that shows what takes the room."""
    return f"tui-ft ls; du -xh --max-depth=2 {quote(str(folder))} | sort -h | tail"
