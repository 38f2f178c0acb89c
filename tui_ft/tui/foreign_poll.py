"""The runs of this box that tui-ft did not start, as lines of the list: found by their processes.

Called from one worker thread at a time, every few seconds while the list is on top.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from tui_ft.runs.listing import RunSummary
from tui_ft.tui.actions import sentence
from tui_ft.tui.run_words import SOURCE_NAMES
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
READS_S = 0.5
"""All runs together are read so long in one poll."""
LAST_WORDS_S = 60.0
_HELPER = " -m tui_ft."
MOST_ENDED = 50
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
    `pid` is 0 where no process is known. `command` is cleaned, with its secrets masked.
    """

    pid: int = 0
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
        self.read_at = 0.0
        self.trouble = ""
        self.whole: Reading | None = None
        """The last reading that was read to its end: numbers on the way there are not the run's."""

    def poll(self, now: float) -> None:
        """Read a little; of what has ended the last words, which may come late."""
        if self.source is None or (self.gone_at is not None and now - self.gone_at >= LAST_WORDS_S):
            return
        try:
            self.source.poll(LOOK_S)
        except Exception as error:  # noqa: BLE001 - told on its line; it hides none of the others
            self.trouble = _trouble(error)
        else:
            self.trouble = ""
            self.whole = _whole(self.source.reading, self.whole)


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
            living = {(group.pid, group.start_time): group for group in box.groups if not is_our_own(group)}
            self._follow(living, now)
            self._look_for_files(now)
            self._read_on(now)
            self._forget()
            runs: dict[str, ForeignRun] = {}
            for seen in sorted(self._seen.values(), key=lambda seen: seen.gone_at is not None):
                run = _line(seen)
                runs.setdefault(run.id, run)  # who writes now, before who wrote there and is gone
            return Foreign(tuple(runs.values()), box.notes)

    def _read_on(self, now: float) -> None:
        """Read of all in turn what the time allows; who was not reached comes first in the next poll."""
        deadline = time.monotonic() + READS_S
        for seen in sorted(self._seen.values(), key=lambda seen: seen.read_at):
            if time.monotonic() > deadline:
                return
            seen.read_at = now
            seen.poll(now)

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

        try:
            found = found_run(seen.group, partial(find_runs, now=now))
            if found is not None and not found.is_ours:
                seen.found, seen.source = found, open_run(found, self._clock)
        except Exception as error:  # noqa: BLE001 - told on its line; it hides none of the others
            seen.trouble = _trouble(error)

    def _forget(self) -> None:
        """Drop what ended and never wrote a thing, and the oldest of many that ended."""
        ended = [key for key, seen in self._seen.items() if seen.gone_at is not None]
        empty = [key for key in ended if self._seen[key].source is None]
        written = [key for key in ended if key not in empty]
        for key in (*empty, *written[: max(0, len(written) - MOST_ENDED)]):
            del self._seen[key]


def is_our_own(group: Group) -> bool:
    """Whether tui-ft itself started these processes: a run of ours, or one of its own helpers."""
    return group.our_run is not None or _HELPER in f" {group.command} "


def _trouble(error: Exception) -> str:
    return f"It cannot be read: {clean_line(sentence(error))}"


def _whole(reading: Reading, before: Reading | None) -> Reading | None:
    return reading if reading.is_complete and not reading.is_approximate else before


def _line(seen: _Seen) -> ForeignRun:
    group, found = seen.group, seen.found
    by = f"{group.user}, pid {group.pid}"
    if found is None or seen.source is None:
        return ForeignRun(
            id=f"pid {group.pid}", path=str(group.cwd or ""), status="running", name=group.title,
            reason=f"Not started by tui-ft ({by}). "
            + (seen.trouble or f"It writes nothing yet that is known here: {group.command}"),
            started_at=group.started_at, pid=group.pid, user=group.user, command=group.command,
        )  # fmt: skip
    line = line_of(found, seen.source.reading, seen.whole, by, is_living=seen.gone_at is None)
    reason = f"{line.reason} {seen.trouble}".rstrip()
    return replace(
        line, reason=reason, name=line.name or group.title, started_at=group.started_at or line.started_at,
        pid=group.pid, user=group.user, command=group.command,
    )  # fmt: skip


def line_of(
    found: FoundRun, reading: Reading, whole: Reading | None, by: str = "", *, is_living: bool = False
) -> ForeignRun:
    """One run of others as a line: its state by `reading`, its numbers by `whole`, once there is one.

    It is called what its own screen calls it.
    """
    status = reading.status if whole is not None or reading.status != "quiet" else "unknown"
    if status == "unknown" and is_living:
        status = "running"
    told = f" {reading.reason}" if reading.reason and whole is not None else ""
    where = clean_line(str(found.path))
    read_from = SOURCE_NAMES.get(reading.source, reading.source)
    about = ", ".join(filter(None, (by, read_from)))
    numbers: dict[str, Any] = {}
    if whole is not None:
        numbers = {"step": whole.step, "total_steps": whole.total_steps, "loss": whole.last("loss")}
    return ForeignRun(
        id=str(found.path), path=str(found.path), status=status,
        name=clean_line(reading.title) or clean_line(found.title),
        reason=f"{where} is {status}, not started by tui-ft ({about}).{told}",
        model=_model(reading), method=clean_line(reading.method or ""),
        started_at=reading.started_at, updated_at=reading.updated_at, found=found, **numbers,
    )  # fmt: skip


def told_apart(runs: Sequence[ForeignRun]) -> tuple[ForeignRun, ...]:
    """The runs with names that tell them apart: of those with one name the folder stands behind it."""
    alike: dict[str, list[ForeignRun]] = {}
    for run in runs:
        alike.setdefault(run.name, []).append(run)
    return tuple(
        run
        if len(alike[run.name]) == 1
        else replace(run, name=f"{run.name} · {_where(run, alike[run.name])}")
        for run in runs
    )


def _where(run: ForeignRun, others: Sequence[ForeignRun]) -> str:
    """The shortest end of its path that no other one has; without one its arguments or its pid."""
    parts = Path(run.path).parts
    paths = [Path(other.path).parts for other in others if other is not run]
    if run.name in (parts[-1:] or ("",))[0]:
        parts, paths = parts[:-1], [one[:-1] for one in paths]
    for count in range(1, len(parts) + 1):
        if all(one[-count:] != parts[-count:] for one in paths):
            return clean_line("/".join(parts[-count:]).removeprefix("//"))
    arguments = run.command.partition(run.name)[2].strip()
    alike = [other for other in others if other.command == run.command]
    return arguments if arguments and len(alike) == 1 else f"pid {run.pid}"


def _model(reading: Reading) -> str:
    known = reading.model or next(
        (reading.settings[key] for key in _MODEL_KEYS if key in reading.settings), ""
    )
    return clean_line(known) if isinstance(known, str) else ""
