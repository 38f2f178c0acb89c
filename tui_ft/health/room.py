"""Room on the disk of the run: for the next checkpoints, and for their files (T16)."""

from __future__ import annotations

from tui_ft.health.detector import Detector, Said
from tui_ft.health.finding import Evidence, Finding, Level
from tui_ft.health.fixes import command, disk_fixes
from tui_ft.health.rows import Machine

_LEAST_CHANGE = 0.5
"""It is said again when only so much is left of what was free when it was said."""
_BYTES_IN_GIB = 2**30


class Disk(Detector):
    """Less is free than the next checkpoints need. The trainer itself pauses before one that has no room.

    What it says before a save that goes ahead is a warning; only while it waits for room it is an error.
    """

    code = "disk"
    _checkpoint_gib: float | None = None
    _is_paused = False

    def checkpoint(self, step: int, gib: float, blocked_s: float | None, now: float) -> Said:
        self._checkpoint_gib = gib
        if self.open is not None and self.open.level == "error" and not self._is_paused:
            return self.clear(f"A checkpoint of {_size(gib)} found room at step {step}.", now)
        return None

    def resumed(self, step: int, now: float) -> Said:
        self._is_paused = False
        return None

    def phase(self, name: str, now: float, detail: str = "") -> Said:
        """That it goes on does not say that there is room: it may have been told to, or to stop."""
        self._is_paused = name == "paused" and (detail == self.code or self._is_paused)
        before = self.open
        if not self._is_paused or before is None:
            return None
        return self.find(
            "error", before.message, now, step=before.step, evidence=before.evidence, fixes=before.fixes
        )

    def warning(self, code: str, message: str, step: int | None, evidence: Evidence, now: float) -> Said:
        """The trainer looked before a save and found little room, or none: then it waits at the step edge."""
        if code != self.code:
            return None
        needed = evidence.get("needed_bytes")
        if self._checkpoint_gib is None and isinstance(needed, int):
            self._checkpoint_gib = needed / _BYTES_IN_GIB
        self._is_paused = evidence.get("is_waiting") is True
        level: Level = "error" if self._is_paused else "warning"
        return self.find(
            level, message, now, step=step, evidence=evidence, fixes=disk_fixes(self.facts), again=True
        )

    def machine(self, seen: Machine) -> Said:
        free = seen.disk_free_gib
        if free is None or self._is_paused:
            return None
        size = self._checkpoint_gib
        wanted = self.limits.disk_checkpoints * size if size is not None else self.limits.disk_gib
        if free >= wanted:
            if free >= self.limits.disk_clear_ratio * wanted:
                return self.clear(f"{_size(free)} are free again.", seen.time)
            return None
        level: Level = "error" if size is not None and free < size else "warning"
        evidence: Evidence = {
            "free_gib": round(free, 3), "wanted_gib": round(wanted, 3),
            "checkpoint_gib": round(size, 3) if size is not None else None,
        }  # fmt: skip
        need = f"a checkpoint takes {_size(size)}" if size is not None else "checkpoints need room"
        message = f"The disk of the run has {_size(free)} left, and {need}."
        return self.find(
            level,
            message,
            seen.time,
            evidence=evidence,
            fixes=disk_fixes(self.facts),
            again=self._is_much_less(free),
        )

    def _is_much_less(self, free: float) -> bool:
        before = self.open.evidence.get("free_gib") if isinstance(self.open, Finding) else None
        return isinstance(before, float) and free < before * _LEAST_CHANGE


class Inodes(Detector):
    """The file system can hold few more files, however many bytes are free: by the share that is used, or
    where nobody knows of how many, by what is left.
    """

    code = "inodes"

    def machine(self, seen: Machine) -> Said:
        free, total = seen.inodes_free, seen.inodes_total
        if free is None:
            return None
        limits = self.limits
        least = (1.0 - limits.inodes_share) * total if total else limits.inodes
        few = (1.0 - limits.inodes_error_share) * total if total else limits.inodes_error
        if free >= least:
            if free >= limits.disk_clear_ratio * least:
                return self.clear(f"{free:,} inodes are free again.", seen.time)
            return None
        level: Level = "error" if free < few else "warning"
        of = f" of {total:,}" if total else "more "
        message = (
            f"The disk of the run has room for {free:,} more files only{of} (inodes), whatever its size."
        )
        evidence: Evidence = {"inodes_free": free, "inodes_total": total}
        many = command(
            "many_files", "See which folders hold the most files", "du --inodes -xd2 ~ | sort -n | tail"
        )
        return self.find(level, message, seen.time, evidence=evidence, fixes=[many])


def _size(gib: float) -> str:
    return f"{gib:.1f} GiB" if gib >= 1 else f"{gib * 1024:.0f} MiB"
