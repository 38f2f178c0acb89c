"""Watching a machine after a run: its hook runs once the machine is free; that it stands idle is said."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import GpuReader, GpuReading
from tui_ft.runs.adopting import adopt_if_orphan
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
_AHEAD_S = 5.0
"""A key is no further ahead than this, unless the clock was set back since."""


class Guard:
    """Stays with the machine until nothing is left to be done: no hook to be run, nobody to be told.

    A run of ours that goes on, a copy that is still to be made, work on a GPU, and somebody at a terminal are
    use of the machine. A queue that does not go on is told of, too, and holds the hook back, as does a run
    whose copy failed. A hook that is `at_once` waits for none of it.
    """

    def __init__(self, task: AfterTask, *, has_hook: bool, at_once: bool = False) -> None:
        self._task = task
        self._has_hook = has_hook
        self._at_once = at_once
        self._tells = bool(task.after.notify)
        minutes = task.after.idle_minutes
        self._idle_s = 60 * (minutes if minutes is not None else _usual_minutes())
        self._patience = Patience(time.monotonic(), self._idle_s)
        self._said = ""
        self._was_free = False
        self._tries_at = 0.0

    def stay(self) -> None:
        """Look again and again, until the run goes on or nothing is left to be done."""
        pause_s = min(self._task.pause_s, self._idle_s / 4)
        if self._has_hook and not self._task.waits_for_idle:
            pause_s = min(pause_s, FREE_TWICE_S)
        reader, give_up = GpuReader(), time.monotonic() + LONGEST_S
        try:
            if self._has_hook and self._at_once:
                self._try_hook()
            while self._is_needed and time.monotonic() < give_up:
                time.sleep(pause_s)
                if self._task.is_left():
                    return  # it was resumed: its next end sees to all of this
                with suppress(TuiFtError, OSError):  # a disk that stumbles: the next look
                    if self._task.is_still_over():
                        self._look(reader.read(with_processes=False))
        finally:
            reader.close()

    @property
    def _is_needed(self) -> bool:
        return self._has_hook or (self._tells and not self._patience.has_said_all)

    def _look(self, reading: GpuReading) -> None:
        now, roots = time.time(), self._roots()
        run = machine_use.goes_on(roots, now)
        waits, problem = machine_use.queued(roots)
        copy = machine_use.uncopied(roots, self._task.run) if run is None else None
        if run is not None and names_to_tell(run):
            self._tells = False  # the end of that one sees to it
        if copy is not None and copy.is_under_way:
            adopt_if_orphan(copy.run)  # what was to follow its end may have been killed: it begins again
            use = copy.reason
        else:
            use = run.id if run is not None else self._use(reading, now)
        if copy is not None and not copy.is_under_way:
            problem = problem or copy.reason  # it does not come by itself, and meanwhile the machine costs
        is_due, is_news = self._patience.look(time.monotonic(), use)
        is_free = run is None and copy is None and not (waits or problem)
        may_run = self._has_hook and self._may_run(reading, is_due, is_free=is_free)
        idle = idle_now(roots[0], now, reading) if is_news and self._tells else None
        if idle is not None:
            self._task.tell(news.of_idling(self._task.run, idle, waits))
            return  # that takes minutes where there is no network: what was seen before is old by now
        if may_run:
            self._try_hook()
        elif self._has_hook and not self._at_once:
            self._say(problem, copy.reason if copy is not None else self._waits_for(run, waits, reading))

    def _try_hook(self) -> None:
        if time.monotonic() < self._tries_at:
            return
        tries = self._task.hold.mark.hook_tries
        self._has_hook = not carry_out(self._task, self._held_back)
        if self._task.hold.mark.hook_tries > tries:
            self._tries_at = time.monotonic() + self._task.retry_s

    def _held_back(self) -> str:
        """What is against the hook at this very moment; "" when nothing is."""
        if not self._task.is_still_over():
            return f"{self._task.run.id} goes on."
        if self._at_once:
            return ""
        roots = self._roots()
        run = machine_use.goes_on(roots, time.time())
        waits, problem = machine_use.queued(roots)
        copy = machine_use.uncopied(roots, self._task.run)
        if run is None and copy is None and not (waits or problem):
            return "somebody is at a run." if machine_use.is_being_opened(roots) else ""
        return problem or (copy.reason if copy is not None else self._waits_for(run, waits, None))

    def _roots(self) -> list[Path]:
        return machine_use.roots_here(self._task.run.path.parent)

    def _waits_for(self, run: RunDirectory | None, waits: int, reading: GpuReading | None) -> str:
        """What holds the hook back, "" when it is only to be seen once more."""
        if run is not None:
            return f"{run.id} goes on" + (", and more wait in the queue." if waits else ".")
        if waits:
            return "runs wait in the queue."
        if self._task.waits_for_idle:
            return f"it runs once nobody has used this machine for {self._idle_s / 60:g} minutes."
        is_taken = reading is not None and machine_use.taken_gpu(reading)
        return "somebody else's work is on a GPU." if is_taken else ""

    def _say(self, problem: str, reason: str) -> None:
        """Who comes back finds what the hook waits for; of a queue that nobody can read a person is told."""
        reason = problem or reason
        if not reason or reason == self._said:
            return
        self._said = reason
        text = f"The hook {self._task.after.hook} waits: {reason}"
        write_deed(self._task.run, "hook", text, is_done=not problem)
        if problem and self._tells:
            self._task.tell_of_trouble(text)

    def _use(self, reading: GpuReading, now: float) -> str:
        """Who uses the machine beside our runs; "" when nobody does."""
        key = machine_use.last_key()
        if key is not None and -_AHEAD_S <= now - key < self._idle_s:
            return "somebody is at a terminal"
        return machine_use.busy_with(reading)

    def _may_run(self, reading: GpuReading, is_due: bool, *, is_free: bool) -> bool:
        """With idle_minutes: after so long. Without: at once when free, but others' work is not cut off."""
        if self._at_once:
            return True
        if self._task.waits_for_idle:
            return is_due and is_free
        was_free, self._was_free = self._was_free, is_free and not machine_use.taken_gpu(reading)
        return was_free and self._was_free


def _usual_minutes() -> float:
    try:
        return settings.load().idle_minutes
    except TuiFtError:
        return settings.Settings().idle_minutes
