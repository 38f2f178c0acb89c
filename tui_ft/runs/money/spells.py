"""How long a run has held its machine: each attempt from its launch to its end, pauses and all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.line_following import ALL_BYTES, LineFollower
from tui_ft.runs.records import (
    AttemptEvent,
    CheckpointEvent,
    EndEvent,
    LaunchRecord,
    Phase,
    PhaseEvent,
    StateRecord,
    decode_event,
)
from tui_ft.runs.small_file import read_small

_LONGEST_LAUNCH_S = 3600.0
"""An attempt opens some seconds after its launch; what says more is a copy or a clock that was set."""
_MOST_ATTEMPTS = 10_000
_MOST_UNHEARD = 500
"""Of so many attempts at most the launch is looked for, where no event tells of them."""
_BESIDE: frozenset[Phase] = frozenset({"evaluating", "saving", "sampling"})
"""What a step's own time does not hold."""


@dataclass(kw_only=True, slots=True)
class Spell:
    """One attempt: when it was launched, when it was last heard of (unix seconds), and what it spent on what.

    It went on from `first_step`. `beside_s` went into evaluations, saves and samples since it began to train,
    `paused_s` into pauses.
    """

    began: float
    last: float
    first_step: int = 0
    ended: float | None = None
    trained_at: float | None = None
    beside_s: float = 0.0
    paused_s: float = 0.0
    phase: Phase | None = None
    phase_at: float = 0.0

    @property
    def seconds(self) -> float:
        """From launch to end, or to the last sign of life."""
        return max((self.ended if self.ended is not None else self.last) - self.began, 0.0)


class Spells:
    """The attempts of one run as its events tell of them; `read` reads what is new. Never raises."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._events = LineFollower(run.events, ALL_BYTES)
        self._restarts = 0
        self._attempts: dict[int, Spell] = {}
        self._now: Spell | None = None
        self._launches: dict[int, LaunchRecord] = {}
        self.save_s: float | None = None
        """How long the newest checkpoint took."""
        self.best: tuple[float, int] | None = None
        """The lowest evaluation loss of a checkpoint, and its step."""

    def read(self) -> dict[int, Spell]:
        """Return the attempts so far, by number."""
        for line in self._events.lines():
            if self._events.restarts != self._restarts:
                self._restarts = self._events.restarts
                self._attempts, self._now, self.save_s, self.best = {}, None, None, None
            self._line(line)
        return self._attempts

    def held(self, state: StateRecord, until: float) -> dict[int, float]:
        """How many seconds each attempt held the machine, the newest of `state` until `until` (unix)."""
        spells = self.read()
        numbers = {*spells, *range(1, min(state.attempt, _MOST_UNHEARD))} - {state.attempt}
        earlier = {number: self._seconds(number, spells.get(number)) for number in sorted(numbers)}
        held = {number: seconds for number, seconds in earlier.items() if seconds > 0 or number in spells}
        newest = spells.get(state.attempt)
        began = state.started_at if state.started_at is not None else newest.began if newest else until
        held[state.attempt] = max(until - began, 0.0)
        return held

    def _seconds(self, number: int, spell: Spell | None) -> float:
        """Of an earlier attempt: to its own last event, or to the end that the next launch found, whichever
        is later. One that hung wrote no event any more, and held its machine all the same.
        """
        following, launch = self._launch(number + 1), self._launch(number)
        ended = following.earlier_ended if following is not None else None
        if following is not None and ended is not None:
            ended = min(ended, following.time)
        if spell is None:  # it never came to its first event
            return max((ended or 0.0) - launch.time, 0.0) if launch is not None else 0.0
        return max(spell.seconds, (ended or 0.0) - spell.began)

    def _launch(self, number: int) -> LaunchRecord | None:
        """How an attempt was launched: written once, so it is read once."""
        if number not in self._launches:
            try:
                record = msgspec.json.decode(read_small(self._run.attempt(number).launch), type=LaunchRecord)
            except (OSError, ValueError, RecursionError):
                return None
            self._launches[number] = record
        return self._launches[number]

    def _line(self, line: bytes) -> None:
        try:
            event = decode_event(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if event is None:
            return
        if isinstance(event, AttemptEvent):
            self._open(event)
        elif self._now is not None:
            self._now.last = max(self._now.last, event.time)
            if isinstance(event, EndEvent):
                self._enter(self._now, None, event.time)
                self._now.ended = event.time
            elif isinstance(event, CheckpointEvent):
                self.save_s = event.seconds
                if event.eval_loss is not None and math.isfinite(event.eval_loss):
                    found = (event.eval_loss, event.step)
                    self.best = found if self.best is None else min(self.best, found)
            elif isinstance(event, PhaseEvent):
                self._enter(self._now, event.phase, event.time)

    def _open(self, event: AttemptEvent) -> None:
        if len(self._attempts) >= _MOST_ATTEMPTS:
            return
        launch = self._launch(event.attempt)
        launched = launch.time if launch is not None else None
        is_sound = launched is not None and 0 <= event.time - launched <= _LONGEST_LAUNCH_S
        began = launched if is_sound and launched is not None else event.time
        self._now = self._attempts[event.attempt] = Spell(began=began, last=event.time, first_step=event.step)

    @staticmethod
    def _enter(spell: Spell, phase: Phase | None, at: float) -> None:
        spent = max(at - spell.phase_at, 0.0)
        if spell.phase == "paused":
            spell.paused_s += spent
        elif spell.phase in _BESIDE and spell.trained_at is not None:
            spell.beside_s += spent
        if phase == "training" and spell.trained_at is None:
            spell.trained_at = at
        spell.phase, spell.phase_at = phase, at
