"""The runs of this box that tui-ft did not start, as lines of the list: found by their processes.

Called from one worker thread at a time, every few seconds while the list is on top.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tui_ft.runs.listing import RunSummary
from tui_ft.watch.log import clean_line
from tui_ft.watch.processes.box import Group, Scanner

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.watch.found import FoundRun
    from tui_ft.watch.reading import Reading
    from tui_ft.watch.sources.protocol import Source

LOOK_S = 0.05
"""How long one run is read in one poll: its step and loss are wanted, not its curve."""
LOOK_AGAIN_S = (5.0, 10.0, 30.0, 60.0)
"""A process that writes nothing known is asked again after these: it may only just have begun."""
LOOKS_S = 0.5
"""No more processes are looked at in one poll after so long."""
LAST_WORDS_S = 60.0
MOST_ENDED = 50
SOURCES = {
    "tensorboard": "TensorBoard", "wandb": "W&B", "mlflow": "MLflow", "trackio": "trackio",
    "lightning_csv": "Lightning", "hf_trainer_state": "HF Trainer", "llamafactory": "LLaMA-Factory",
    "torchtune": "torchtune", "stdout": "its log",
}  # fmt: skip
_MODEL_KEYS = (
    "model_name_or_path",
    "_name_or_path",
    "model/_name_or_path",
    "base_model",
    "model_name",
    "model",
)


class ForeignRun(RunSummary, kw_only=True, frozen=True):
    """A line of the list that is not ours. `id` is the absolute path of what it writes, as labels know it.

    `found` is a `FoundRun`, None while nothing that it writes is known; its `id` is then made of the pid.
    `command` is cleaned, with its secrets masked.
    """

    pid: int
    user: str = ""
    command: str = ""
    found: Any = None


class Foreign(NamedTuple):
    """One scan: the runs, and sentences on GPUs whose owner cannot be seen."""

    runs: tuple[ForeignRun, ...] = ()
    notes: tuple[str, ...] = ()


class _Seen:
    """One group of processes, for as long as the app is open."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.found: FoundRun | None = None
        self.source: Source | None = None
        self.gone_at: float | None = None
        self.looks = 0
        self.look_at = 0.0

    def poll(self, now: float) -> None:
        """Read a little; of what has ended the last words, which may come late."""
        if self.source is not None and (self.gone_at is None or now - self.gone_at < LAST_WORDS_S):
            self.source.poll(LOOK_S)


class ForeignPoll:
    """Finds the runs of this box again and again. What it saw alive stays listed after its end."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._scanner = Scanner()
        self._seen: dict[tuple[int, int], _Seen] = {}
        self._lock = (
            threading.Lock()
        )  # a list that was left and is back asks before the first answer is there

    def read(self, gpus: GpuReading | None) -> Foreign:
        """Scan the box, and read a little of each run that is not ours. Never raises for what runs there."""
        with self._lock:
            box = self._scanner.scan(gpus)
            now = self._clock()
            living = {(group.pid, group.start_time): group for group in box.groups if group.our_run is None}
            self._follow(living, now)
            self._look_for_files(now)
            for seen in self._seen.values():
                seen.poll(now)
            self._forget()
            runs: dict[str, ForeignRun] = {}
            for seen in sorted(self._seen.values(), key=lambda seen: seen.gone_at is not None):
                run = _line(seen)
                runs.setdefault(run.id, run)  # who writes now, before who wrote there and is gone
            return Foreign(tuple(runs.values()), box.notes)

    def _follow(self, living: Mapping[tuple[int, int], Group], now: float) -> None:
        for key, group in living.items():
            self._seen.setdefault(key, _Seen(group)).group = group
        for key, seen in self._seen.items():
            seen.gone_at = None if key in living else seen.gone_at or now

    def _look_for_files(self, now: float) -> None:
        """Find what the new processes write; many of them in several polls."""
        deadline = time.monotonic() + LOOKS_S
        for seen in self._seen.values():
            if seen.found is None and seen.gone_at is None and now >= seen.look_at:
                self._look(seen, now)
                if time.monotonic() > deadline:
                    return

    def _look(self, seen: _Seen, now: float) -> None:
        seen.look_at = now + LOOK_AGAIN_S[min(seen.looks, len(LOOK_AGAIN_S) - 1)]
        seen.looks += 1
        from tui_ft.watch.finding import find_runs  # some megabytes, and most boxes train nothing else
        from tui_ft.watch.foreign_run import open_run
        from tui_ft.watch.processes.attach import found_run

        found = found_run(seen.group, partial(find_runs, now=now))
        if found is not None and not found.is_ours:
            seen.found, seen.source = found, open_run(found, self._clock)

    def _forget(self) -> None:
        """Drop what ended and never wrote a thing, and the oldest of many that ended."""
        ended = [key for key, seen in self._seen.items() if seen.gone_at is not None]
        empty = [key for key in ended if self._seen[key].source is None]
        written = [key for key in ended if key not in empty]
        for key in (*empty, *written[: max(0, len(written) - MOST_ENDED)]):
            del self._seen[key]


def _line(seen: _Seen) -> ForeignRun:
    group, found = seen.group, seen.found
    by = f"{group.user}, pid {group.pid}"
    if found is None or seen.source is None:
        return ForeignRun(
            id=f"pid {group.pid}", path=str(group.cwd or ""), status="running", name=group.title,
            reason=f"Not started by tui-ft ({by}). It writes nothing yet that is known here: {group.command}",
            started_at=group.started_at, pid=group.pid, user=group.user, command=group.command,
        )  # fmt: skip
    reading = seen.source.reading
    told = f" {reading.reason}" if reading.reason else ""
    status = reading.status
    if status == "unknown" and seen.gone_at is None:
        status = "running"
    return ForeignRun(
        id=str(found.path), path=str(found.path), status=status, name=clean_line(found.title) or group.title,
        reason=f"{clean_line(str(found.path))} is {status}, not started by tui-ft ({by}).{told}",
        step=reading.step, total_steps=reading.total_steps, loss=reading.last("loss"),
        model=_model(reading), method=SOURCES.get(reading.source, reading.source),
        started_at=group.started_at or reading.started_at, updated_at=reading.updated_at,
        pid=group.pid, user=group.user, command=group.command, found=found,
    )  # fmt: skip


def _model(reading: Reading) -> str:
    known = reading.model or next(
        (reading.settings[key] for key in _MODEL_KEYS if key in reading.settings), ""
    )
    return clean_line(known) if isinstance(known, str) else ""
