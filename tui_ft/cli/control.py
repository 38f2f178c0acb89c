"""The commands that ask something of a run: stop, save, pause, set, resume and restart."""

from __future__ import annotations

import argparse
import time
from typing import Any

from tui_ft import settings
from tui_ft.cli import going_on
from tui_ft.cli.printing import print_json
from tui_ft.cli.start import add_launch_options, after_launch
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.requests import user_name

LARGEST_BUDGET = 1e9
"""As after.budget."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    stop = _parser(commands, common, "stop", "save a checkpoint and end the run", _stop)
    stop.add_argument("--now", action="store_true", help="end it at once, without a checkpoint")
    _parser(commands, common, "save", "save a checkpoint at the next step", _save)
    _parser(commands, common, "pause", "wait at the next step, holding the GPU", _pause)
    change = _parser(commands, common, "set", "change a setting of a live run", _set)
    change.add_argument("change", metavar="learning_rate=V|budget=V")
    for name, what, command in (
        ("resume", "go on with a paused, stopped or failed run", _resume),
        ("restart", "a new run from the same spec", _restart),
    ):
        parser = commands.add_parser(name, parents=[common], help=what)
        if name == "resume":
            going_on.add_options(parser)
        else:
            parser.add_argument("run", metavar="RUN")
        add_launch_options(parser)
        parser.set_defaults(command=command)


def _parser(
    commands: Any, common: argparse.ArgumentParser, name: str, what: str, command: Any
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, parents=[common], help=what)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def _find(arguments: argparse.Namespace) -> RunDirectory:
    from tui_ft.runs import directory

    return directory.find(settings.runs_root(arguments.runs_root), arguments.run)


def _request(arguments: argparse.Namespace, name: Any, said: str, **options: Any) -> int:
    from tui_ft.runs import control

    run = _find(arguments)
    status = control.request(run, name, by=f"{user_name()} (command)", **options)
    if arguments.json:
        print_json({"schema": 1, "id": run.id, "status": status})
    else:
        print(f"{run.id}: {said}.")
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    said = "ended at once" if arguments.now else "it will save a checkpoint and stop"
    return _request(arguments, "stop", said, now=arguments.now)


def _save(arguments: argparse.Namespace) -> int:
    return _request(arguments, "save", "a checkpoint will be saved at the next step")


def _pause(arguments: argparse.Namespace) -> int:
    return _request(arguments, "pause", "it will pause at the next step; a paused run holds its GPU")


def _set(arguments: argparse.Namespace) -> int:
    name, _, text = arguments.change.partition("=")
    name, text = name.strip(), text.strip()
    if name in ("learning_rate", "training.learning_rate"):
        return _set_learning_rate(arguments, text)
    if name in ("budget", "after.budget"):
        return _set_budget(arguments, text)
    raise TuiFtError(
        f"{name!r} cannot be changed while a run is going.",
        "Only learning_rate and budget can; for the rest: `tui-ft resume RUN --set …` after a stop.",
    )


def _set_learning_rate(arguments: argparse.Namespace, text: str) -> int:
    value = _number(text)
    if not 0 < value < 1:
        raise TuiFtError(f"learning_rate = {text or 'nothing'} is no rate.", "Give a number between 0 and 1.")
    return _request(
        arguments,
        "learning_rate",
        f"the schedule's peak learning rate is {value:g} from the next step on",
        value=value,
    )


def _set_budget(arguments: argparse.Namespace, text: str) -> int:
    if text == "none":
        return _request(arguments, "budget", "it has no budget any more", value=None)
    value = _number(text)
    if not 0 < value <= LARGEST_BUDGET:
        raise TuiFtError(f"budget = {text or 'nothing'} is no amount.", "Give a number above 0, or none.")
    currency = settings.load().currency
    said = f"it saves and stops once it has cost {currency}{value:,.2f} in all"
    if spent := _spent(arguments, value):
        said = f"it has cost {spent} already, so it saves and stops now"
    return _request(arguments, "budget", said, value=value)


def _spent(arguments: argparse.Namespace, budget: float) -> str:
    """What the run has cost, where that is no less than `budget`; "" where it is, or is not known."""
    from tui_ft.runs.money.bill import bill_of

    bill = bill_of(_find(arguments), time.time())
    if bill.rate is None or bill.rate.basis != "settings" or bill.spent is None:
        return ""
    return bill.spent.text if bill.spent.high >= budget else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _resume(arguments: argparse.Namespace) -> int:
    from tui_ft.runs import control, launch
    from tui_ft.runs.truth import read_truth

    if arguments.lost:
        return going_on.resume_lost(arguments)
    if arguments.run is None:
        raise TuiFtError("Which run is to go on?", "tui-ft resume RUN, or tui-ft resume --lost for all.")
    run = _find(arguments)
    if read_truth(run).status == "paused":
        if arguments.overrides:
            raise TuiFtError("A paused run goes on with its settings.", "Stop it first to resume with --set.")
        if not (arguments.wait or arguments.json):
            return _request(arguments, "continue", "it goes on")
        control.request(run, "continue", by=f"{user_name()} (command)")
    else:
        launch.resume(run, arguments.overrides, take_over=arguments.take_over, from_step=arguments.from_step)
        going_on.tell_what_moved(run)
    return after_launch(run, settings.runs_root(arguments.runs_root), arguments)


def _restart(arguments: argparse.Namespace) -> int:
    from tui_ft.runs import launch

    root = settings.runs_root(arguments.runs_root)
    run = launch.restart(_find(arguments), root, arguments.overrides)
    return after_launch(run, root, arguments)
