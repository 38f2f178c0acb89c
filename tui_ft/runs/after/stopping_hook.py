"""The user's own command after a run, which may stop the machine: when it never runs, and how it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.after.hooks import Outcome, run_command
from tui_ft.runs.after.task import AfterTask
from tui_ft.runs.deeds import write_deed
from tui_ft.runs.money.bill import bill_of
from tui_ft.settings_shape import Hook

MOST_TRIES = 3
"""A command that failed so often will not work."""


def hook_of(task: AfterTask) -> Hook | None:
    """The hook that the spec names, if it may run at all; None, with the reason written down, where not."""
    if task.after.hook is None:
        return None
    try:
        hook = find_hook(task.after.hook)
    except TuiFtError as error:
        write_deed(task.run, "hook", str(error), is_done=False)
        task.tell_of_trouble(str(error))
        return None
    return hook if _is_allowed(task, hook) else None


def _is_allowed(task: AfterTask, hook: Hook) -> bool:
    why_not = refusal(task, hook)
    if why_not:
        write_deed(task.run, "hook", f"The hook {task.after.hook} does not run: {why_not}.", is_done=False)
    return not why_not


def refusal(task: AfterTask, hook: Hook) -> str:
    """Why the hook must not run, "" when it may. A person who stops a run has their hands on the machine."""
    if task.is_copy_owed or (hook.must_have_copy and task.copy is None):
        return "there is no verified copy"
    by = task.state.stop_requested_by
    is_by_person = by is not None and not by.startswith(("the guard", "the budget"))
    if task.state.status == "stopped" and is_by_person and task.after.idle_minutes is None:
        return f"{by} stopped the run"
    return ""


def find_hook(name: str) -> Hook:
    """The user's hook of that name. Raises `TuiFtError` when there is none, or the settings do not count."""
    hooks = settings.private().hooks
    if name not in hooks:
        raise TuiFtError(
            f"There is no hook {name!r} in your settings.",
            f'Under [hooks] of {settings.settings_file()}: {name} = "command".',
        )
    return hooks[name]


def carry_out(task: AfterTask, held_back: Callable[[], str]) -> bool:
    """Run it, as the settings say it now, with what it may want to know in its environment.

    It prints into output.log. `held_back` is asked once more just before: what was seen of the machine a
    while ago may be otherwise by now. False when it is to be tried again: it is held back, or has failed and
    may be tried once more.
    """
    name = task.after.hook or ""
    try:
        hook = find_hook(name)
    except TuiFtError as error:
        _count(task)
        return _failed(task, str(error))
    if not _is_allowed(task, hook):
        return True
    if held_back():
        return False  # the next look says by what
    write_deed(task.run, "hook", f"The hook {name} begins.")  # a machine that it stops tells nothing more
    if reason := held_back():
        write_deed(task.run, "hook", f"The hook {name} does not begin yet: {reason}")
        return False
    _count(task)  # before: what is killed with us each time is not begun for ever
    outcome = _run(task, hook)
    if outcome.problem:
        return _failed(task, f"The hook {name} failed: {outcome.problem}.")
    task.hold.note(is_hook_done=True)
    write_deed(task.run, "hook", f"The hook {name} is done.")
    return True


def _run(task: AfterTask, hook: Hook) -> Outcome:
    output: IO[bytes] | None = None
    with suppress(OSError):  # a full disk: then what it prints goes nowhere
        output = open(task.run.output, "ab")  # noqa: SIM115 - closed below
    try:
        return run_command(hook.command, _environment(task), output=output)
    finally:
        if output is not None:
            output.close()


def _count(task: AfterTask) -> None:
    task.hold.note(hook_tries=task.hold.mark.hook_tries + 1)


def is_over(task: AfterTask) -> bool:
    """True when there is no hook, or it was done or given up before what follows the end was cut off."""
    mark = task.hold.mark
    return task.after.hook is None or mark.is_hook_done or mark.hook_tries >= MOST_TRIES


def _failed(task: AfterTask, what: str) -> bool:
    """Write it down, tell of the first and the last time; True when it is not tried again."""
    tries = task.hold.mark.hook_tries
    is_last = tries >= MOST_TRIES
    again = f"It is tried again in {task.retry_s / 60:g} minutes."
    text = f"{what} " + (f"That was try {tries}, the last." if is_last else again)
    write_deed(task.run, "hook", text, is_done=False)
    if tries == 1 or is_last:
        task.tell_of_trouble(text)
    return is_last


def _environment(task: AfterTask) -> dict[str, str]:
    """What the hook is told; "" is not known, or none."""
    bill = bill_of(task.run, time.time())
    exit_record = task.state.exit
    return {
        "TUI_FT_RUN": str(task.run.path),
        "TUI_FT_ID": task.run.id,
        "TUI_FT_STATUS": task.state.status,
        "TUI_FT_CAUSE": exit_record.cause if exit_record is not None else "",
        "TUI_FT_RESULT": str(task.run.result) if task.run.result.is_dir() else "",
        "TUI_FT_COPY": str(task.copy.folder) if task.copy is not None else "",
        "TUI_FT_SPENT": f"{bill.spent.high:.4f}" if bill.spent is not None else "",
    }
