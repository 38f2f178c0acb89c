"""The user's own command after a run, which may stop the machine: when it may run, and when it never does."""

from __future__ import annotations

import time

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs import machine_use
from tui_ft.runs.after_task import AfterTask
from tui_ft.runs.deeds import write_deed
from tui_ft.runs.hooks import run_command
from tui_ft.runs.money import bill_of
from tui_ft.runs.queue import waiting
from tui_ft.settings_shape import Hook

FREE_TWICE_S = 10.0
"""Seen free twice, so long apart: between two runs of the queue nothing goes on for a moment."""


def run_hook(task: AfterTask) -> None:
    """Run the hook that the spec names, once the machine is free; or write down why not."""
    if task.after.hook is None:
        return
    hook = _find(task, task.after.hook)
    why_not = refusal(task) if hook is not None else ""
    if hook is None or why_not:
        if why_not:
            write_deed(
                task.run, "hook", f"The hook {task.after.hook} does not run: {why_not}.", is_done=False
            )
        return
    if hook.at_once or _wait_until_free(task):
        carry_out(task, hook)


def refusal(task: AfterTask) -> str:
    """Why the hook must not run, "" when it may. A person who stops a run has their hands on the machine."""
    if task.is_copy_owed:
        return "there is no verified copy"
    by = task.state.stop_requested_by
    is_by_person = by is not None and not by.startswith(("the guard", "the budget"))
    if task.state.status == "stopped" and is_by_person and task.after.idle_minutes is None:
        return f"{by} stopped the run"
    return ""


def carry_out(task: AfterTask, hook: Hook) -> None:
    """Run it, with what it may want to know in its environment; it prints into output.log."""
    bill = bill_of(task.run, time.time())
    exit_record = task.state.exit
    environment = {
        "TUI_FT_RUN": str(task.run.path),
        "TUI_FT_ID": task.run.id,
        "TUI_FT_STATUS": task.state.status,
        "TUI_FT_CAUSE": exit_record.cause if exit_record is not None else "",
        "TUI_FT_RESULT": str(task.run.result) if task.run.result.is_dir() else "",
        "TUI_FT_COPY": str(task.copy.folder) if task.copy is not None else "",
        "TUI_FT_SPENT": f"{bill.spent.high:.4f}" if bill.spent is not None else "",
    }
    name = task.after.hook
    write_deed(task.run, "hook", f"The hook {name} begins.")  # a machine that it stops tells nothing more
    with open(task.run.output, "ab") as output:
        outcome = run_command(hook.command, environment, output=output)
    if outcome.problem:
        write_deed(task.run, "hook", f"The hook {name} failed: {outcome.problem}.", is_done=False)
    else:
        write_deed(task.run, "hook", f"The hook {name} is done.")


def find_hook(name: str) -> Hook:
    """The user's hook of that name. Raises `TuiFtError` when there is none, or the settings do not count."""
    hooks = settings.private().hooks
    if name not in hooks:
        raise TuiFtError(
            f"There is no hook {name!r} in your settings.",
            f'Under [hooks] of {settings.settings_file()}: {name} = "command".',
        )
    return hooks[name]


def _find(task: AfterTask, name: str) -> Hook | None:
    try:
        return find_hook(name)
    except TuiFtError as error:
        write_deed(task.run, "hook", str(error), is_done=False)
        return None


def is_free(task: AfterTask) -> bool:
    """True when no run of ours goes on here and none waits to start."""
    return not is_in_use(task) and not waits(task)


def is_in_use(task: AfterTask) -> bool:
    """True while a run of ours goes on here."""
    return machine_use.goes_on(machine_use.roots_here(task.run.path.parent), time.time()) is not None


def waits(task: AfterTask) -> int:
    """How many runs wait to start."""
    return sum(waiting(root) for root in machine_use.roots_here(task.run.path.parent))


def _wait_until_free(task: AfterTask) -> bool:
    """False when the run was resumed meanwhile: its next end sees to all of this again."""
    seen_free = False
    while task.is_still_over():
        if is_free(task):
            if seen_free:
                return True
            seen_free = True
            time.sleep(min(FREE_TWICE_S, task.pause_s))
        else:
            seen_free = False
            time.sleep(task.pause_s)
    return False
