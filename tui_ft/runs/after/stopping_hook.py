"""The user's own command after a run, which may stop the machine: when it never runs, and how it does."""

from __future__ import annotations

import time

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.after.hooks import run_command
from tui_ft.runs.after.task import AfterTask
from tui_ft.runs.deeds import write_deed
from tui_ft.runs.money.bill import bill_of
from tui_ft.settings_shape import Hook


def hook_of(task: AfterTask) -> Hook | None:
    """The hook that the spec names, if it may run at all; None, with the reason written down, where not."""
    if task.after.hook is None:
        return None
    try:
        hook = find_hook(task.after.hook)
    except TuiFtError as error:
        write_deed(task.run, "hook", str(error), is_done=False)
        return None
    why_not = refusal(task, hook)
    if why_not:
        write_deed(task.run, "hook", f"The hook {task.after.hook} does not run: {why_not}.", is_done=False)
        return None
    return hook


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


def carry_out(task: AfterTask) -> None:
    """Run it, as the settings say it now, with what it may want to know in its environment.

    It prints into output.log.
    """
    hook = hook_of(task)
    if hook is None:
        return
    name = task.after.hook
    write_deed(task.run, "hook", f"The hook {name} begins.")  # a machine that it stops tells nothing more
    with open(task.run.output, "ab") as output:
        outcome = run_command(hook.command, _environment(task), output=output)
    if outcome.problem:
        write_deed(task.run, "hook", f"The hook {name} failed: {outcome.problem}.", is_done=False)
    else:
        write_deed(task.run, "hook", f"The hook {name} is done.")


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
