"""Before a run starts: is there all that its [after] names."""

from __future__ import annotations

import os
import time

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.budget import budget_of
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.money import bill_of
from tui_ft.runs.records import StateRecord
from tui_ft.spec.run_spec import AfterSection
from tui_ft.user_paths import is_there, user_path

NEARLY_SPENT = 0.99
"""Of a budget: what is left would go into loading the model."""


def require(after: AfterSection) -> None:
    """Raise `TuiFtError` for a target or hook that is not in the settings, a folder that cannot be written,
    a budget without a price. The settings are read only when something is asked for.
    """
    if after.copy_to is not None:
        _require_folder(after.copy_to)
    if not (after.notify or after.hook is not None or after.budget is not None):
        return
    found = settings.private()
    for name in after.notify:
        if name not in found.notify:
            raise TuiFtError(
                f"after.notify names {name!r}, which is not in your settings.",
                f"Write a table [notify.{name}] into {settings.settings_file()}, or name "
                f"{_one_of(list(found.notify))}.",
            )
    if after.hook is not None and after.hook not in found.hooks:
        raise TuiFtError(
            f"after.hook names {after.hook!r}, which is not in your settings.",
            f'Under [hooks] of {settings.settings_file()} write {after.hook} = "command", or name '
            f"{_one_of(list(found.hooks))}.",
        )
    if after.budget is not None and found.price_per_hour is None and not found.price_per_gpu:
        raise TuiFtError(
            "after.budget is set, but no price: it could not be kept.",
            f"Set price_per_hour in {settings.settings_file()}.",
        )


def require_money_left(run: RunDirectory, state: StateRecord, after: AfterSection) -> None:
    """Raise `TuiFtError` where a resumed run would stop at once: its budget is spent.

    `after` is that of the new attempt; a budget that it changes goes before the one that the run has.
    """
    before = budget_of(run, state.attempt)
    budget = state.budget if after.budget == before else after.budget
    if budget is None:
        return
    bill = bill_of(run, time.time())
    if bill.rate is None or bill.spent is None or bill.spent.high < NEARLY_SPENT * budget:
        return
    raise TuiFtError(
        f"{run.id} has cost {bill.spent.text} of its budget of {bill.currency}{budget:,.2f}.",
        f"Allow more: `tui-ft resume {run.id} --set after.budget={2 * budget:g}`.",
        exit_code=1,
    )


def _one_of(names: list[str]) -> str:
    return ", ".join(names[:5]) if names else "none"


def _require_folder(written: str) -> None:
    """It may be made later, but not where we may not write."""
    path = user_path(written).absolute()
    there = next(folder for folder in (path, *path.parents) if is_there(folder))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise TuiFtError(
            f"after.copy_to is {path}, but {there} cannot be written.", "Name a folder of yours."
        )
