"""Before a run starts: is there all that its [after] names."""

from __future__ import annotations

import math
import os
import tempfile
import time
from pathlib import Path

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.after.copying import SAME_DISK, is_on_the_disk_of
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.handles import handle
from tui_ft.runs.money.bill import bill_of
from tui_ft.runs.money.budget import budget_of, kept_back_of, least_sensible
from tui_ft.runs.money.prices import rate_of
from tui_ft.runs.money.spells import Spells
from tui_ft.runs.records import StateRecord
from tui_ft.spec.run_spec import AfterSection
from tui_ft.user_paths import is_there, user_path

NEARLY_SPENT = 0.99
"""Of a budget: what is left would go into loading the model."""


def require(after: AfterSection, runs_root: Path) -> None:
    """Raise `TuiFtError` for a target or hook that is not in the settings, a hook without the copy that it
    needs, a folder that cannot be written or lies among the runs, a budget without a price. The settings are
    read only when something is asked for.
    """
    if after.copy_to is not None:
        _require_folder(after.copy_to, runs_root)
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
    if after.hook is not None and after.copy_to is None and found.hooks[after.hook].must_have_copy:
        raise TuiFtError(
            f"after.hook is {after.hook!r}, which may stop the machine, but nothing is copied before: "
            "after.copy_to is not set.",
            f"Set after.copy_to; or, for a hook that takes nothing away, write needs_copy = false into "
            f"[hooks.{after.hook}] of {settings.settings_file()}.",
        )
    if after.budget is not None and found.price_per_hour is None and not found.price_per_gpu:
        raise TuiFtError(
            "after.budget is set, but no price: it could not be kept.",
            f"Set price_per_hour in {settings.settings_file()}.",
        )
    if after.budget is not None:
        _require_sensible(after.budget, found)


def _require_sensible(budget: float, known: settings.Settings) -> None:
    """By the lowest price there is: which GPU it gets is not known yet."""
    prices = [price for price in (known.price_per_hour, *known.price_per_gpu.values()) if price is not None]
    rate = rate_of(min(prices), None, known.currency)
    least = least_sensible(rate) if rate is not None else 0.0
    if budget < least:
        raise TuiFtError(
            f"after.budget is {known.currency}{budget:g}, which would be spent before anything is trained: "
            f"an hour costs {known.currency}{min(prices):g}, and the last save has to be paid, too.",
            f"Allow {known.currency}{_rounded_up(least):g} at least.",
            exit_code=1,
        )


def _rounded_up(amount: float) -> float:
    """To two digits."""
    if amount <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(amount)) - 1)
    return math.ceil(amount / unit) * unit


def require_money_left(run: RunDirectory, state: StateRecord, after: AfterSection) -> None:
    """Raise `TuiFtError` where a resumed run would stop at once: its budget is spent.

    `after` is that of the new attempt; a budget that it changes goes before the one that the run has.
    """
    if not (worth := used_up(run, state, after)):
        return
    raise TuiFtError(
        f"{run.id} has cost {worth}: it would stop again at once.",
        f"Allow more: `{more_money(run, used_of(run, state))}`.",
        exit_code=1,
    )


def used_up(run: RunDirectory, state: StateRecord, after: AfterSection) -> str:
    """What it has cost and of which budget, where with that it would stop at once; "" where there is more."""
    before = budget_of(run, state.attempt)
    budget = state.budget if after.budget == before else after.budget
    if budget is None:
        return ""
    bill = bill_of(run, time.time())
    if bill.rate is None or bill.spent is None:
        return ""
    spells = Spells(run)
    spells.read()
    kept_back = kept_back_of(budget, bill.rate, bill.gpus, spells.save_s)
    if bill.spent.high + kept_back < NEARLY_SPENT * budget:
        return ""
    return f"{bill.spent.text} of its budget of {bill.currency}{_money(budget)}"


def used_of(run: RunDirectory, state: StateRecord) -> float:
    """The budget, or what it cost where that is more, or what is sensible at the least."""
    bill = bill_of(run, time.time())
    spent = bill.spent.high if bill.spent is not None else 0.0
    least = least_sensible(bill.rate, bill.gpus) / 2 if bill.rate is not None else 0.0
    return max(state.budget or 0.0, spent, least)


def more_money(run: RunDirectory, used: float, command: str = "resume") -> str:
    """The command that lets a run go on with twice of what is used up, or begin again so."""
    return f"tui-ft {command} {handle(run)} --set after.budget={_rounded_up(2 * used):g}"


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.01 else f"{amount:g}"


def _one_of(names: list[str]) -> str:
    return ", ".join(names[:5]) if names else "none"


def remark(after: AfterSection, runs_root: Path) -> str:
    """What should be known of it before the run starts; "" when there is nothing to say."""
    if after.copy_to is None or not is_on_the_disk_of(runs_root, user_path(after.copy_to).absolute()):
        return ""
    return f"after.copy_to is {after.copy_to}: {SAME_DISK}."


def _require_folder(written: str, runs_root: Path) -> None:
    """It may be made later, but not where we may not write, nor where it goes when the runs go."""
    path = user_path(written).absolute()
    if runs_root.resolve() in (path.resolve(), *path.resolve().parents):
        raise TuiFtError(
            f"after.copy_to is {path}, which lies among the runs: what takes the run takes a copy there too.",
            "Name a folder outside of the runs root, best on another disk.",
        )
    there = next(folder for folder in (path, *path.parents) if is_there(folder))
    try:
        Path(tempfile.mkdtemp(prefix=".tui-ft-try-", dir=there)).rmdir()  # a mode may promise too much
    except OSError as error:
        raise TuiFtError(
            f"after.copy_to is {path}, but {there} cannot be written: {os.strerror(error.errno or 0)}.",
            "Name a folder of yours.",
        ) from error
