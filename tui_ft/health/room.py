"""Room on the disk of the run: for the next checkpoints, and for their files (T16)."""

from __future__ import annotations

from tui_ft.health.detector import Detector, Said
from tui_ft.health.finding import Evidence, Finding, Fix, Level
from tui_ft.health.fixes import change, command, fitting
from tui_ft.health.rows import Machine

_CLEAR_RATIO = 1.25
_LEAST_CHANGE = 0.5


class Disk(Detector):
    """Less is free than the next checkpoints need. The trainer itself pauses before one that has no room."""

    code = "disk"
    _checkpoint_gib: float | None = None
    _is_paused = False

    def checkpoint(self, step: int, gib: float, blocked_s: float | None, now: float) -> Said:
        self._checkpoint_gib = gib
        return None

    def resumed(self, step: int, now: float) -> Said:
        self._is_paused = False
        return None

    def phase(self, name: str, now: float, detail: str = "") -> Said:
        if self._is_paused and name != "paused":
            self._is_paused = False
            return self.clear("There is room again: the run goes on.", now)
        return None

    def warning(self, code: str, message: str, step: int | None, evidence: Evidence, now: float) -> Said:
        """The trainer looked before a save and found no room: it waits at the step edge."""
        if code != self.code:
            return None
        self._is_paused = True
        return self.find("error", message, now, step=step, evidence=evidence, fixes=self._fixes(), again=True)

    def machine(self, seen: Machine) -> Said:
        free = seen.disk_free_gib
        if free is None or self._is_paused:
            return None
        size = self._checkpoint_gib
        wanted = self.limits.disk_checkpoints * size if size is not None else self.limits.disk_gib
        if free >= wanted:
            if free >= _CLEAR_RATIO * wanted:
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
            level, message, seen.time, evidence=evidence, fixes=self._fixes(), again=self._is_much_less(free)
        )

    def _is_much_less(self, free: float) -> bool:
        before = self.open.evidence.get("free_gib") if isinstance(self.open, Finding) else None
        return isinstance(before, float) and free < before * _LEAST_CHANGE

    def _fixes(self) -> list[Fix]:
        keep = self.facts.spec.checkpoints.keep if self.facts.spec is not None else 1
        prune = command("prune", "See what can be removed", f"tui-ft prune {self.facts.run_id}".rstrip())
        fewer = None
        if keep > 1:
            fewer = change(
                self.facts, "keep_one", "Go on and keep one checkpoint", "resume", ["checkpoints.keep=1"]
            )
        return fitting(prune, fewer)


class Inodes(Detector):
    """The file system can hold few more files, however many bytes are free."""

    code = "inodes"

    def machine(self, seen: Machine) -> Said:
        free = seen.inodes_free
        if free is None:
            return None
        if free >= self.limits.inodes:
            if free >= _CLEAR_RATIO * self.limits.inodes:
                return self.clear(f"{free:,} inodes are free again.", seen.time)
            return None
        level: Level = "error" if free < self.limits.inodes / 10 else "warning"
        message = f"The disk of the run has room for {free:,} more files only (inodes), whatever its size."
        many = command(
            "many_files", "See which folders hold the most files", "du --inodes -xd2 ~ | sort -n | tail"
        )
        return self.find(level, message, seen.time, evidence={"inodes_free": free}, fixes=[many])


def _size(gib: float) -> str:
    return f"{gib:.1f} GiB" if gib >= 1 else f"{gib * 1024:.0f} MiB"
