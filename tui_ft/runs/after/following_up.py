"""What follows a run when nobody is there, step by step."""

from __future__ import annotations

import time
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Finding
from tui_ft.health.fixes import command
from tui_ft.runs.after import news, owed, stopping_hook
from tui_ft.runs.after.copying import copy_run
from tui_ft.runs.after.idle_guard import Guard
from tui_ft.runs.after.notifying import ONCE, PATIENTLY, tell_all
from tui_ft.runs.after.task import AfterTask
from tui_ft.runs.after.telling import names_to_tell
from tui_ft.runs.deeds import clear_finding, write_deed, write_finding
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.ending import printable
from tui_ft.runs.handles import handle
from tui_ft.runs.saying import say
from tui_ft.runs.state import read_state
from tui_ft.spec import toml
from tui_ft.user_paths import user_path

_PATIENCE_S = 6 * 3600.0
"""Somebody may be copying the same run there by hand: that copy is then ours, too."""

_READ_AGAIN_S = (1.0, 5.0, 20.0)
"""A network disk that stumbles comes back."""


def follow_up(run: RunDirectory, attempt: int, *, is_late: bool = False) -> None:
    """Do all that is to follow the end of `attempt`, unless somebody else is at it or it is done.

    `is_late`: what was to follow was cut off, and somebody who looked at the runs found that. Raises
    `TuiFtError` when state or spec cannot be read; it is then still owed.
    """
    hold = owed.take(run, attempt)
    if hold is None:
        return
    try:
        if hold.mark.starts > owed.MOST_STARTS:
            _give_up(run, attempt, hold)
        else:
            _follow(_task(run, attempt, hold, is_late))
        hold.settle()
    finally:
        hold.close()


def _task(run: RunDirectory, attempt: int, hold: owed.Hold, is_late: bool) -> AfterTask:
    for wait_s in (*_READ_AGAIN_S, None):
        try:
            after, state = toml.load(run.attempt(attempt).spec).after, read_state(run)
        except TuiFtError:
            if wait_s is None:
                raise
            time.sleep(wait_s)
        else:
            return AfterTask(run=run, attempt=attempt, after=after, state=state, hold=hold, is_late=is_late)
    raise AssertionError  # the last try raises or returns


def _follow(task: AfterTask) -> None:
    if task.is_left():
        return
    is_going_down = task.state.exit is not None and task.state.exit.cause == "preempted"
    if task.after.notify and not task.hold.mark.is_told:
        task.tell(news.of_the_end(task.run, time.time()), ONCE if is_going_down else PATIENTLY)
        task.hold.note(is_told=True)
    if is_going_down and not _is_left_standing(task):
        return  # there was no time for a copy, and what comes back resumes the run
    if task.is_left():  # a guard's fix resumes it two seconds after its end, and its files change again
        return
    is_hook_over = stopping_hook.is_over(task)
    if (task.hold.mark.owes_copy or not is_hook_over) and not _copy(task):
        return
    hook = None if is_hook_over else stopping_hook.hook_of(task)
    at_once = hook is not None and hook.at_once and task.after.idle_minutes is None
    Guard(task, has_hook=hook is not None, at_once=at_once).stay()


def _give_up(run: RunDirectory, attempt: int, hold: owed.Hold) -> None:
    """It was killed each time: whoever comes back finds that, and what is missing."""
    what = f"What was to follow the end was cut off {owed.MOST_STARTS} times: it is not begun again."
    write_deed(run, "copy" if hold.mark.owes_copy else "hook", what, is_done=False)
    if hold.mark.owes_copy:
        write_finding(run, _not_copied(run, None, what), attempt)


def _is_left_standing(task: AfterTask) -> bool:
    """True once the machine surely did not go down, though somebody asked the run to end as if it did."""
    give_up = time.monotonic() + task.grace_s
    while time.monotonic() < give_up:
        time.sleep(min(task.pause_s, task.grace_s))
        if task.is_left():
            return False
    return True


def _copy(task: AfterTask) -> bool:
    """Make the copy that is asked for, if any; False when the run went on meanwhile."""
    if task.after.copy_to is None:
        return True
    began = time.monotonic()
    try:
        target = _absolute(task.after.copy_to)
        task.copy = copied = copy_run(task.run, target, task.attempt, patience_s=_PATIENCE_S)
    except TuiFtError as error:
        if task.is_left():  # it changed under our hands, and its next end makes another copy
            say(f"tui-ft: {task.run.id} went on while it was copied: {printable(str(error))}")
            return False
        write_deed(task.run, "copy", str(error), is_done=False)
        write_finding(task.run, _not_copied(task.run, task.after.copy_to, error.message), task.attempt)
        task.hold.note(owes_copy=False)  # from here on the finding stands for it, until a person copies it
        task.tell_of_trouble(str(error))
        return True
    clear_finding(task.run, "copy", "There is a verified copy now.")
    task.hold.note(owes_copy=False)
    seconds = time.monotonic() - began
    said = f"{copied.what} was copied to {copied.folder} and verified"
    note = f"; {copied.note}" if copied.note else ""
    write_deed(
        task.run,
        "copy",
        f"{said} ({copied.files} files, {copied.size / 2**20:.1f} MiB, {seconds:.1f} s){note}.",
    )
    return True


def _not_copied(run: RunDirectory, copy_to: str | None, why: str) -> Finding:
    """As bad as a run that failed: what it made may go with its machine."""
    fix = command("copy", "Copy it to another folder", f"tui-ft copy {handle(run)} DIR")
    return Finding(
        code="copy", level="error", message=f"There is no copy of what it made: {why}",
        time=time.time(), evidence={"copy_to": copy_to}, fixes=[fix],
    )  # fmt: skip


def _absolute(written: str) -> Path:
    """Launch has made it so; from a spec that was written otherwise it could mean any folder."""
    path = user_path(written)
    if not path.is_absolute():
        raise TuiFtError(f"after.copy_to is {written}, which is no absolute path: nothing is copied.")
    return path


def tell_of(run: RunDirectory, code: str) -> None:
    """Tell of the finding `code`. Its supervisor writes health.jsonl: what came of it goes to output.log."""
    message = news.of_a_finding(run, code, time.time())
    for told in tell_all(names_to_tell(run), message) if message is not None else ():
        say(f"tui-ft: {code}: {printable(told.sentence)}")
