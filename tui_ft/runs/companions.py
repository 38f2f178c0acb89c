"""What a supervisor does beside following its trainer: each thing a companion that looks on once a second.

A companion asks for something by a request in `control/`, as a person would, and never touches the trainer.
Whatever goes wrong in one is written into output.log and ends that companion, not the run.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower
from tui_ft.runs.health_rows import HealthRow
from tui_ft.runs.records import ExitRecord, HardwareRow, JsonLinesWriter, RequestRecord, StateRecord, Status
from tui_ft.runs.requests import put_request


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What there is to see at `now` (unix seconds). `hardware` is the newest reading, `monotonic` a clock
    that nobody sets.
    """

    now: float
    monotonic: float
    state: StateRecord
    follower: EventFollower
    hardware: HardwareRow | None
    trainer_pid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What a companion wants: requests to be put, rows of health.jsonl, fields of the state."""

    requests: Sequence[RequestRecord] = ()
    rows: Sequence[HealthRow] = ()
    state: dict[str, object] = field(default_factory=dict)


NOTHING = Wishes()


class Companion(Protocol):
    """Looks on while the trainer runs, and once more when it has ended."""

    def poll(self, sight: Sight) -> Wishes:
        """Look; called about once a second, so it must cost next to nothing."""
        ...

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
        """The trainer is gone and the final state is written; requests have nobody to read them now."""
        ...


Maker = Callable[[RunDirectory, StateRecord], Companion | None]


class Companions:
    """All companions of one attempt, and the file that they share."""

    def __init__(
        self, run: RunDirectory, state: StateRecord, makers: Iterable[Maker], say: Callable[[str], None]
    ) -> None:
        self._run = run
        self._say = say
        self._writer: JsonLinesWriter | None = None
        self._members: list[Companion] = []
        self.has_asked_to_kill = False
        """A stop that cannot wait was asked for, and no disk took it."""
        for maker in makers:
            try:
                member = maker(run, state)
            except Exception:  # noqa: BLE001 - see the module's docstring
                say(traceback.format_exc())
            else:
                if member is not None:
                    self._members.append(member)

    def poll(self, sight: Sight) -> dict[str, object]:
        """Let all look; return the fields of the state that they want changed."""
        return self._ask(lambda member, seen: member.poll(seen), sight, may_request=True)

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> dict[str, object]:
        """Tell all how it ended; return the fields of the state that they want changed."""
        return self._ask(lambda member, seen: member.ended(seen, status, record), sight, may_request=False)

    def close(self) -> None:
        """Write what waits for room."""
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                self._say(f"tui-ft: {self._run.health.name} could not be closed: {error.strerror}.")

    def _ask(
        self, question: Callable[[Companion, Sight], Wishes], sight: Sight, *, may_request: bool
    ) -> dict[str, object]:
        """Ask each; it sees the state as those before it want it, so that two may add to one field."""
        changes: dict[str, object] = {}
        for member in list(self._members):
            try:
                wishes = question(member, sight)
            except Exception:  # noqa: BLE001 - see the module's docstring
                self._members.remove(member)
                self._say(f"tui-ft: {type(member).__name__} failed and watches no longer:")
                self._say(traceback.format_exc())
                continue
            for row in wishes.rows:
                self._write(row)
            wanted = dict(wishes.state)
            for request in wishes.requests if may_request else ():
                wanted |= self._put(request)
            if wanted:
                changes |= wanted
                state = msgspec.structs.replace(sight.state, **wanted)
                sight = dataclasses.replace(sight, state=state)
        return changes

    def _put(self, request: RequestRecord) -> dict[str, object]:
        """Put a request where the trainer reads it; return the fields of the state that stand in for it.

        A disk that takes no file must not lose a stop, which is asked for once: the supervisor passes on what
        the state says.
        """
        try:
            put_request(self._run, request)
        except OSError as error:
            self._say(f"tui-ft: {request.by} could not ask for {request.request}: {error.strerror}.")
            if request.request == "stop":
                self.has_asked_to_kill |= request.now
                return {"status": "stopping", "stop_requested_by": request.by or "somebody"}
        return {}

    def _write(self, row: HealthRow) -> None:
        try:
            if self._writer is None:
                self._writer = JsonLinesWriter(self._run.health)
            self._writer.write(row)
        except OSError as error:
            self._say(f"tui-ft: {self._run.health.name} could not be written: {error.strerror}.")
