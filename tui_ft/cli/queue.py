"""`tui-ft queue`: runs that wait for their turn: listed, added, put in order, held, let go and removed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines
from tui_ft.errors import TuiFtError
from tui_ft.user_paths import user_path

if TYPE_CHECKING:
    from tui_ft.runs.queueing.listing import QueueListing
    from tui_ft.spec.run_spec import RunSpec


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    queue = commands.add_parser("queue", parents=[common], help="runs that start one after the other")
    queue.add_argument("--json", action="store_true", help="print JSON")
    queue.set_defaults(command=list_queue)
    inner = queue.add_subparsers(title="what to do with it; alone: list it", metavar="VERB")

    def verb(name: str, what: str, command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = inner.add_parser(name, parents=[common], help=what)
        parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        parser.set_defaults(command=command)
        return parser

    verb("list", "what waits, and for what", list_queue)
    _add_options(verb("add", "put a run behind those that wait or go on", _add))
    remove = verb("remove", "take runs out of the queue; they have not begun", _remove)
    remove.add_argument("runs", metavar="ID|PLACE", nargs="+")
    move = verb("move", "change the order", _move)
    move.add_argument("run", metavar="ID|PLACE")
    move.add_argument("to", metavar="N|up|down|first|last")
    hold = verb("hold", "keep runs, or the whole queue, from starting", _hold)
    hold.add_argument("runs", metavar="ID|PLACE", nargs="*")
    go = verb("go", "let held runs, or the whole queue, start in their turn", _go)
    go.add_argument("runs", metavar="ID|PLACE", nargs="*")
    go.add_argument("--any-memory", action="store_true", help="start them whatever the estimate says")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", metavar="PRESET|FILE.toml|RUN")
    parser.add_argument("data", metavar="DATA", nargs="?", help="the same as --set data.train=DATA")
    parser.add_argument("--set", action="append", default=[], metavar="section.field=value", dest="overrides")
    parser.add_argument(
        "--grid", action="append", default=[], metavar="section.field=a,b,c",
        help="a run for each value; of several: for each combination",
    )  # fmt: skip
    parser.add_argument("--front", action="store_true", help="before all others that wait")
    parser.add_argument(
        "--hold-on-failure", action="store_true", help="hold it when the run before it does not finish"
    )
    parser.add_argument(
        "--beside", action="store_true", help="start beside runs that go on, when memory for both is free"
    )
    parser.add_argument("--any-memory", action="store_true", help="start whatever the estimate says")
    parser.add_argument("--hold", action="store_true", help="add it held: `tui-ft queue go` lets it start")


def _root(arguments: argparse.Namespace) -> Path:
    return settings.runs_root(arguments.runs_root)


# --- adding --------------------------------------------------------------------------------------------


def _add(arguments: argparse.Namespace) -> int:
    from tui_ft.runs.queueing import grid, queue
    from tui_ft.runs.queueing.removing import remove
    from tui_ft.spec import overrides

    root = _root(arguments)
    name, spec, text = _named(arguments.spec, root)
    changes = list(arguments.overrides)
    if arguments.data:
        changes.append(f"data.train={user_path(arguments.data)}")
    spec = overrides.apply(spec, changes)
    if not spec.data.train:
        raise TuiFtError(f"{name} brings no data.", f"Say which: tui-ft queue add {arguments.spec} DATA")
    made = grid.specs(spec, arguments.grid)
    terms = queue.Terms(
        front=arguments.front,
        hold_on_failure=arguments.hold_on_failure,
        beside=arguments.beside,
        any_memory=arguments.any_memory,
        held=arguments.hold,
    )
    needed = [_needed(one) for one in made]
    ids = []
    try:
        # the first of a grid is to stand first, so those that go to the front are put there from behind
        for one, size in (
            reversed(list(zip(made, needed, strict=True))) if terms.front else zip(made, needed, strict=True)
        ):
            ids.append(queue.add(one, root, text=text, terms=terms, needed_bytes=size).id)
    except TuiFtError:
        if ids:
            remove(root, ids)  # all of a grid or none
        raise
    return _added(arguments, root, ids, grid.tag_of(made))


def _named(name: str, root: Path) -> tuple[str, RunSpec, str]:
    """The spec of a preset, a file, or a run, with its text."""
    from tui_ft.runs import directory
    from tui_ft.spec import presets, toml

    try:
        preset = presets.find_preset(name, settings.user_presets_folder())
        return preset.name, preset.spec, preset.text
    except TuiFtError as no_preset:
        try:
            run = directory.find(root, name)
        except TuiFtError:
            raise no_preset from None
        text = toml.read(run.spec)
        return run.id, toml.loads(text, str(run.spec)), text


def _needed(spec: RunSpec) -> int | None:
    """The GPU memory that it needs, for the list; and a word on stderr where it will not fit at all."""
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.runs.queueing.foresight import foresee

    found = foresee(spec, read_gpus())
    if found.problem:
        print(f"tui-ft: {found.problem}", file=sys.stderr)
    return found.needed_bytes


def _added(arguments: argparse.Namespace, root: Path, ids: list[str], tag: str) -> int:
    from tui_ft.runs.queueing.listing import read_listing
    from tui_ft.runs.queueing.nudging import nudge

    nudge(root)
    listing = read_listing(root)
    if arguments.json:
        _print_json(listing, added=ids, tag=tag or None)
        return 0
    rows = {row.id: row for row in listing.rows}
    for run_id in sorted(ids, key=lambda one: rows[one].place if one in rows else 0):
        row = rows.get(run_id)
        why = f"number {row.place}: {row.why}" if row is not None else "it begins now"
        print_lines([f"{run_id}: {_clean(why)}."])
    if tag:
        print_lines([f"All of them have the tag {tag}: `tui-ft ls --tag {tag}` lays them side by side."])
    return 0


# --- listing -------------------------------------------------------------------------------------------


def list_queue(arguments: argparse.Namespace) -> int:
    """Print what waits and for what; exit code 0 also for an empty queue."""
    from tui_ft.runs.queueing.listing import read_listing
    from tui_ft.runs.queueing.nudging import nudge

    root = _root(arguments)
    listing = read_listing(root)
    if arguments.json:
        _print_json(listing)
    else:
        from tui_ft.cli.queue_text import lines

        print_lines(lines(listing, root))
    nudge(root, has_changed=False)
    return 0


def _print_json(listing: QueueListing, **more: object) -> None:
    entries = []
    for row in listing.rows:
        entry, forecast = row.entry, row.forecast
        entries.append(
            {
                "place": row.place,
                "id": row.id,
                "path": str(row.path),
                "state": row.word,
                "reason": row.why,
                "waits_for": entry.waits_for or None,
                "behind": entry.behind or None,
                "model": row.model,
                "method": row.method,
                "needed_bytes": entry.needed_bytes,
                "expected_s": forecast.seconds,
                "expected_cost": None if forecast.cost is None else [forecast.cost.low, forecast.cost.high],
                "hold_on_failure": entry.after == "finished",
                "beside": entry.beside,
                "any_memory": entry.any_memory,
                "added_at": entry.added_at,
                "added_by": entry.added_by,
            }
        )
    going = [{"id": one.id, "status": one.status, "left_s": one.left_s} for one in listing.going]
    print_json({"schema": 1, "held": listing.is_held, "entries": entries, "going": going, **more})


# --- changing ------------------------------------------------------------------------------------------


def _changed(arguments: argparse.Namespace, said: str) -> int:
    from tui_ft.runs.queueing.listing import read_listing
    from tui_ft.runs.queueing.nudging import nudge

    root = _root(arguments)
    nudge(root)
    if arguments.json:
        _print_json(read_listing(root))
    else:
        print_lines([_clean(said)])
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from tui_ft.runs.queueing.removing import remove

    ids = remove(_root(arguments), arguments.runs)
    return _changed(arguments, f"{', '.join(ids)}: out of the queue.")


def _move(arguments: argparse.Namespace) -> int:
    from tui_ft.runs.queueing import queue

    root = _root(arguments)
    entry = queue.move(root, arguments.run, arguments.to)
    entries = queue.current(root).entries
    place = [one.id for one in entries].index(entry.id) + 1
    is_beyond = arguments.to.isdecimal() and int(arguments.to) > len(entries)
    why = f", the last: only {len(entries)} wait" if is_beyond else ""
    return _changed(arguments, f"{entry.id} is number {place} now{why}.")


def _hold(arguments: argparse.Namespace) -> int:
    from tui_ft.runs.queueing import queue

    queue.hold(_root(arguments), arguments.runs)
    if arguments.runs:
        return _changed(arguments, f"{', '.join(arguments.runs)}: held until `tui-ft queue go` lets it go.")
    return _changed(arguments, "The queue is held until `tui-ft queue go`; runs that have begun go on.")


def _go(arguments: argparse.Namespace) -> int:
    from tui_ft.runs.queueing import queue

    queue.go(_root(arguments), arguments.runs, any_memory=True if arguments.any_memory else None)
    what = ", ".join(arguments.runs) or "All that wait"
    return _changed(arguments, f"{what}: let go, in turn.")


def _clean(text: str) -> str:
    from tui_ft.watch.log import clean_line

    return clean_line(text)
