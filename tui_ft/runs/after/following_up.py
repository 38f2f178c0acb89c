"""What follows a run when nobody is there, step by step."""

from __future__ import annotations

import time
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Finding
from tui_ft.health.fixes import command
from tui_ft.runs.after import news
from tui_ft.runs.after.copying import copy_run
from tui_ft.runs.after.idle_guard import Guard
from tui_ft.runs.after.notifying import ONCE, PATIENTLY, tell_all
from tui_ft.runs.after.stopping_hook import carry_out, hook_of
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


def follow_up(run: RunDirectory, attempt: int) -> None:
    """Do all that is to follow the end of `attempt`. Raises `TuiFtError` when its spec cannot be read."""
    task = AfterTask(
        run=run, attempt=attempt, after=toml.load(run.attempt(attempt).spec).after, state=read_state(run)
    )
    if not task.is_still_over():
        return
    is_going_down = task.state.exit is not None and task.state.exit.cause == "preempted"
    if task.after.notify:
        task.tell(news.of_the_end(run, time.time()), ONCE if is_going_down else PATIENTLY)
    if is_going_down and not _is_left_standing(task):
        return  # there was no time for a copy, and what comes back resumes the run
    _copy(task)
    hook = hook_of(task)
    if hook is not None and hook.at_once and task.after.idle_minutes is None:
        carry_out(task)
        hook = None
    Guard(task, has_hook=hook is not None).stay()


def _is_left_standing(task: AfterTask) -> bool:
    """True once the machine surely did not go down, though somebody asked the run to end as if it did."""
    give_up = time.monotonic() + task.grace_s
    while time.monotonic() < give_up:
        time.sleep(min(task.pause_s, task.grace_s))
        if not task.is_still_over():
            return False
    return True


def _copy(task: AfterTask) -> None:
    if task.after.copy_to is None:
        return
    began = time.monotonic()
    try:
        task.copy = copied = copy_run(task.run, _absolute(task.after.copy_to), task.attempt)
    except TuiFtError as error:
        write_deed(task.run, "copy", str(error), is_done=False)
        write_finding(task.run, _not_copied(task, error), task.attempt)
        if task.after.notify:
            task.tell(news.of_a_trouble(task.run, str(error)))
        return
    clear_finding(task.run, "copy", "There is a verified copy now.")
    seconds = time.monotonic() - began
    said = f"{copied.what} was copied to {copied.folder} and verified"
    note = f"; {copied.note}" if copied.note else ""
    write_deed(
        task.run,
        "copy",
        f"{said} ({copied.files} files, {copied.size / 2**20:.1f} MiB, {seconds:.1f} s){note}.",
    )


def _not_copied(task: AfterTask, error: TuiFtError) -> Finding:
    """As bad as a run that failed: what it made may go with its machine."""
    fix = command("copy", "Copy it to another folder", f"tui-ft copy {handle(task.run)} DIR")
    return Finding(
        code="copy", level="error", message=f"There is no copy of what it made: {error.message}",
        time=time.time(), evidence={"copy_to": task.after.copy_to}, fixes=[fix],
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
