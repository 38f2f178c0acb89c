"""Watching a machine after its last run: that it stands idle is said, and the hook that waits for it runs."""

from __future__ import annotations

import time

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import GpuReader
from tui_ft.runs import machine_use, news
from tui_ft.runs.after_task import AfterTask
from tui_ft.runs.deeds import write_deed
from tui_ft.runs.idle import Patience, idle_now
from tui_ft.runs.stopping_hook import carry_out, find_hook, is_in_use, refusal, waits

LONGEST_S = 7 * 86_400.0


def guard(task: AfterTask) -> None:
    """Stay until the machine has stood idle long enough and that was told, or the hook was run.

    It ends at once when there is nobody to tell and no hook to run, and as soon as a run of ours goes on:
    that one's end sees to it. Somebody at a terminal, or work on a GPU, counts as use. A queue that does not
    go on is told of too, and holds the hook back.
    """
    hook_waits = task.after.hook is not None and task.after.idle_minutes is not None
    if not task.after.notify and not hook_waits:
        return
    minutes = task.after.idle_minutes
    minutes = minutes if minutes is not None else _usual_minutes()
    patience = Patience(time.time(), minutes * 60)
    pause_s = min(task.pause_s, minutes * 60 / 4)
    reader = GpuReader()
    give_up = time.monotonic() + LONGEST_S
    try:
        while time.monotonic() < give_up:
            time.sleep(pause_s)
            if not task.is_still_over() or is_in_use(task):
                return
            if _look(task, patience, reader, minutes * 60, hook_waits) or patience.has_said_all:
                return
    finally:
        reader.close()


def _look(task: AfterTask, patience: Patience, reader: GpuReader, quiet_s: float, hook_waits: bool) -> bool:
    """Look once; True when the hook was run, or never may."""
    now = time.time()
    reading = reader.read(with_processes=False)
    key = machine_use.last_key()
    busy = machine_use.busy_with(reading)
    if not busy and key is not None and now - key < quiet_s:
        busy = "somebody is at a terminal"
    is_due, is_news = patience.look(now, busy)
    if is_news and task.after.notify:
        idle = idle_now(task.run.path.parent, now, reading)
        if idle is not None:
            task.tell(news.of_idling(task.run, idle, waits(task)))
    return is_due and hook_waits and not waits(task) and _run(task)


def _run(task: AfterTask) -> bool:
    name = task.after.hook or ""
    why_not = refusal(task)
    if why_not:
        write_deed(task.run, "hook", f"The hook {name} does not run: {why_not}.", is_done=False)
        return True
    try:
        hook = find_hook(name)
    except TuiFtError as error:
        write_deed(task.run, "hook", str(error), is_done=False)
        return True
    carry_out(task, hook)
    return True


def _usual_minutes() -> float:
    try:
        return settings.load().idle_minutes
    except TuiFtError:
        return settings.Settings().idle_minutes
