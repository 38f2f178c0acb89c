"""Watching a machine after a run: its hook runs once the machine is free; that it stands idle is said."""

from __future__ import annotations

import time

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import GpuReader, GpuReading
from tui_ft.runs.after import machine_use, news
from tui_ft.runs.after.stopping_hook import carry_out
from tui_ft.runs.after.task import AfterTask
from tui_ft.runs.after.telling import names_to_tell
from tui_ft.runs.deeds import write_deed
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.money.idle import Patience, idle_now

LONGEST_S = 7 * 86_400.0
FREE_TWICE_S = 10.0
"""Seen free twice, so long apart: between two runs of the queue nothing goes on for a moment."""


class Guard:
    """Stays with the machine until nothing is left to be done: no hook to be run, nobody to be told.

    A run of ours that goes on, work on a GPU, and somebody at a terminal are use of the machine. A queue that
    does not go on is told of, too, and holds the hook back.
    """

    def __init__(self, task: AfterTask, *, has_hook: bool) -> None:
        self._task = task
        self._has_hook = has_hook
        self._tells = bool(task.after.notify)
        minutes = task.after.idle_minutes
        self._idle_s = 60 * (minutes if minutes is not None else _usual_minutes())
        self._patience = Patience(time.monotonic(), self._idle_s)
        self._said = ""
        self._was_free = False

    def stay(self) -> None:
        """Look again and again. Raises `TuiFtError` when the run's directory is gone."""
        pause_s = min(self._task.pause_s, self._idle_s / 4)
        if self._has_hook and self._task.after.idle_minutes is None:
            pause_s = min(pause_s, FREE_TWICE_S)
        reader, give_up = GpuReader(), time.monotonic() + LONGEST_S
        try:
            while self._is_needed and time.monotonic() < give_up:
                time.sleep(pause_s)
                if not self._task.is_still_over():
                    return  # it was resumed: its next end sees to all of this
                self._look(reader.read(with_processes=False))
        finally:
            reader.close()

    @property
    def _is_needed(self) -> bool:
        return self._has_hook or (self._tells and not self._patience.has_said_all)

    def _look(self, reading: GpuReading) -> None:
        now, roots = time.time(), machine_use.roots_here(self._task.run.path.parent)
        run = machine_use.goes_on(roots, now)
        waits, problem = machine_use.queued(roots)
        if run is not None and names_to_tell(run):
            self._tells = False  # the end of that one sees to it
        use = run.id if run is not None else self._use(reading, now)
        is_due, is_news = self._patience.look(time.monotonic(), use)
        idle = idle_now(roots[0], now, reading) if is_news and self._tells else None
        if idle is not None:
            self._task.tell(news.of_idling(self._task.run, idle, waits))
        if not self._has_hook:
            return
        if self._may_run(reading, is_due, is_free=run is None and not (waits or problem)):
            self._has_hook = False
            carry_out(self._task)
        else:
            self._say(problem, self._waits_for(run, waits, reading))

    def _waits_for(self, run: RunDirectory | None, waits: int, reading: GpuReading) -> str:
        """What holds the hook back, "" when it is only to be seen once more."""
        if run is not None:
            return f"{run.id} goes on" + (", and more wait in the queue." if waits else ".")
        if waits:
            return "runs wait in the queue."
        if self._task.after.idle_minutes is not None:
            return f"it runs once nobody has used this machine for {self._idle_s / 60:g} minutes."
        busy = machine_use.busy_gpu(reading)
        return "somebody else's work is on a GPU." if busy else ""

    def _say(self, problem: str, reason: str) -> None:
        """Who comes back finds what the hook waits for; of a queue that nobody can read a person is told."""
        reason = problem or reason
        if not reason or reason == self._said:
            return
        self._said = reason
        text = f"The hook {self._task.after.hook} waits: {reason}"
        write_deed(self._task.run, "hook", text, is_done=not problem)
        if problem and self._tells:
            self._task.tell(news.of_a_trouble(self._task.run, text))

    def _use(self, reading: GpuReading, now: float) -> str:
        """Who uses the machine beside our runs; "" when nobody does."""
        key = machine_use.last_key()
        if key is not None and now - key < self._idle_s:
            return "somebody is at a terminal"
        return machine_use.busy_with(reading)

    def _may_run(self, reading: GpuReading, is_due: bool, *, is_free: bool) -> bool:
        """With idle_minutes: after so long. Without: at once when free, but others' work is not cut off."""
        if self._task.after.idle_minutes is not None:
            return is_due and is_free
        was_free, self._was_free = self._was_free, is_free and not machine_use.busy_gpu(reading)
        return was_free and self._was_free


def _usual_minutes() -> float:
    try:
        return settings.load().idle_minutes
    except TuiFtError:
        return settings.Settings().idle_minutes
