"""Memory that runs short: the machine's (T10), and GPU memory that others hold (T9)."""

from __future__ import annotations

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Fix, Level
from tui_ft.health.fixes import command, fitting, no_workers
from tui_ft.health.rows import Holder, Machine
from tui_ft.health.thresholds import Thresholds

_MOST_NAMED = 5
"""So many holders are named."""
_LEAST_CHANGE = 0.1
"""It is said again when what others hold has changed by this share."""


class HostMemory(Detector):
    """The box's memory, or the container's, is nearly full: at the limit the kernel kills the trainer."""

    code = "host_memory"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._since: float | None = None
        self._began_gib = 0.0

    def machine(self, seen: Machine) -> Said:
        used, limit = seen.memory_used_gib, seen.memory_limit_gib
        if used is None or not limit:
            return None
        share = used / limit
        if share < self.limits.host_memory_share:
            self._since = None
            return self.clear(f"{limit - used:.1f} GiB are free again.", seen.time)
        if self._since is None or seen.time < self._since:
            self._since, self._began_gib = seen.time, used
        if seen.time - self._since < self.limits.host_memory_s:
            return None
        minutes = (seen.time - self._since) / 60.0
        evidence: Evidence = {
            "used_gib": round(used, 2), "limit_gib": round(limit, 2), "share": round(share, 3),
            "trainer_gib": round(seen.trainer_gib, 2) if seen.trainer_gib is not None else None,
            "grew_gib_per_min": round((used - self._began_gib) / minutes, 3) if minutes else None,
        }  # fmt: skip
        message = (
            f"The machine's memory is {share:.0%} full: {limit - used:.2f} of {limit:.1f} GiB are free. "
            "At its limit the kernel kills the trainer."
        )
        level: Level = "error" if share >= self.limits.host_memory_error_share else "warning"
        fixes = fitting(no_workers(self.facts))
        return self.find(level, message, seen.time, evidence=evidence, fixes=fixes)


class LeakedGpuMemory(Detector):
    """Little of the GPU is free, and processes that are none of ours hold a part of it, dead ones even."""

    code = "leaked_gpu_memory"

    def machine(self, seen: Machine) -> Said:
        total, used = seen.gpu_total_gib, seen.gpu_used_gib
        if seen.holders is None or not total or used is None:
            return None
        large = [
            holder for holder in seen.holders if holder.gib is None or holder.gib >= self.limits.leaked_gib
        ]
        free = total - used
        if not large or free > self.limits.leaked_free_share * total:
            return self.clear("Nobody else holds the GPU's memory now.", seen.time)
        dead = [holder for holder in large if not holder.is_alive]
        sizes = [holder.gib for holder in large if holder.gib is not None]
        held = sum(sizes) if sizes else None
        message = (
            f"{free:.1f} of {total:.1f} GiB of the GPU are free: {self._who(large[0])} holds {_held(large)}."
        )
        evidence: Evidence = {
            "free_gib": round(free, 2), "total_gib": round(total, 2), 
            "held_by_others_gib": round(held, 2) if held is not None else None,
            "holders": [f"{self._who(one).rstrip(',')}: {_size(one)}" for one in large[:_MOST_NAMED]],
            "dead": len(dead),
        }  # fmt: skip
        before = self.open.evidence.get("held_by_others_gib") if self.open is not None else None
        is_other = (
            isinstance(before, float)
            and held is not None
            and abs(before - held) > _LEAST_CHANGE * max(held, 1.0)
        )
        return self.find(
            "warning", message, seen.time, evidence=evidence, fixes=self._fixes(large, dead), again=is_other
        )

    @staticmethod
    def _who(holder: Holder) -> str:
        if not holder.is_alive:
            return f"process {holder.pid}, which is dead,"
        if holder.is_ours:
            return f"process {holder.pid}, another run of yours,"
        return f"process {holder.pid} ({holder.name})" if holder.name else f"process {holder.pid}"

    @staticmethod
    def _fixes(large: list[Holder], dead: list[Holder]) -> list[Fix]:
        fixes = [
            command("end_process", f"End process {holder.pid}, if you know it", f"kill {holder.pid}")
            for holder in large[:2]
            if holder.is_alive and not holder.is_ours
        ]
        if dead:
            fixes.append(
                command("find_holders", "Find who keeps the dead one's memory", "fuser -v /dev/nvidia*")
            )
        return fixes


def _held(holders: list[Holder]) -> str:
    """What the first one holds, and how many more there are."""
    first, *more = holders
    size = f"{first.gib:.1f} GiB" if first.gib is not None else "memory, how much is not known"
    sizes = [holder.gib for holder in more if holder.gib is not None]
    if not more:
        return size
    others = f", {len(more)} more processes hold" if len(more) > 1 else ", another process holds"
    return f"{size}{others} {f'{sum(sizes):.1f} GiB' if sizes else 'some too'}"


def _size(holder: Holder) -> str:
    return f"{holder.gib:.2f} GiB" if holder.gib is not None else "not known"
