"""Is the clock right? Rows, checkpoints and costs carry its times."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui_ft.doctor import people
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, ok, warning
from tui_ft.doctor.words import short
from tui_ft.runs import directory

SKEW_S = 60.0
"""Beyond it, ages and durations are plainly wrong (our own bound)."""
RELEASED_AT = 1_793_491_200
"""2026-11-01, 0:00 UTC: this version is from then on, a clock before that is wrong."""
_HALF_HOUR_S = 1800


def clock(box: Box) -> list[Finding]:
    """The clock against the release of this program, the box's own clock chip, and files of a shared disk."""
    code, now = "clock", box.clock()
    if now < RELEASED_AT:
        shown = time.strftime("%Y-%m-%d %H:%M", time.gmtime(max(now, 0)))
        what = f"The clock says {shown} UTC, before this program was made: downloads fail, ages are wrong."
        return [_set(box, error, code, what)]
    chip = box.number("/sys/class/rtc/rtc0/since_epoch")
    if chip is not None and chip > RELEASED_AT:
        off = chip - now
        zone = round(off / _HALF_HOUR_S) * _HALF_HOUR_S  # a chip that is set to local time is no fault
        if abs(off - zone) > SKEW_S and abs(off) > SKEW_S:
            what = f"The clock is {_by(off)} the box's own clock chip."
            return [_set(box, warning, code, what)]
    ahead = _files_ahead(box, now)
    if ahead is not None:
        name, seconds = ahead
        what = f"The run {short(name, 60)} was written {seconds:.0f} s in the future: a clock is wrong."
        return [_set(box, warning, code, what)]
    skew = _shared_disk_skew(box, now)
    if skew is not None and abs(skew) > SKEW_S:
        what = f"The clock is {_by(skew)} the file server of the runs root: what is live may look dead."
        return [_set(box, warning, code, what)]
    return [ok(code, "The clock agrees with what it can be compared with.")]


def _set(box: Box, level: Callable[..., Finding], code: str, what: str) -> Finding:
    """A container has the clock of its host, and may not set it."""
    if box.is_container:
        return level(
            code, what, "Only the host can set its clock: ask the provider, or rent another machine."
        )
    return level(code, what, command="sudo timedatectl set-ntp true")


def _by(off: float) -> str:
    return f"{abs(off):.0f} s {'behind' if off > 0 else 'ahead of'}"


def _files_ahead(box: Box, now: float) -> tuple[str, float] | None:
    """The newest run whose state was written later than now."""
    if box.runs_root is None or box.place(box.runs_root).is_dead:
        return None
    for run_id in directory.list_ids(box.runs_root)[:20]:
        run = directory.RunDirectory(box.runs_root / run_id)
        try:
            ahead = run.state.stat().st_mtime - now
        except OSError:
            continue
        if ahead > SKEW_S:
            return run.id, ahead
    return None


def _shared_disk_skew(box: Box, now: float) -> float | None:
    """How far the clock of a file server is ahead of ours, by a file that is made there for it."""
    root = box.runs_root
    if root is None or not box.exists(root):
        return None
    mount = box.mount_of(root)
    if mount is None or not mount.is_network:
        return None
    return people.file_skew(box.at(root), now)
