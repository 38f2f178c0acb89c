"""`tui-ft prune`: what can be removed from a run, with its size; with --yes it is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines, print_table
from tui_ft.errors import TuiFtError
from tui_ft.runs.handles import handle

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.pruning import Prunable


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("prune", parents=[common], help="what of a run can be removed")
    parser.add_argument("run", metavar="RUN", nargs="?", help="without one: all runs here, by what they hold")
    parser.add_argument("--yes", action="store_true", help="remove what is listed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=prune)


def prune(arguments: argparse.Namespace) -> int:
    """List what can go; with --yes remove it. Of all runs only a list is given."""
    from tui_ft.runs import directory, pruning

    root = settings.runs_root(arguments.runs_root)
    if arguments.run is None:
        if arguments.yes:
            raise TuiFtError("Of which run? --yes removes nothing of all at once.", "tui-ft prune RUN --yes")
        return _all(root, arguments.json)
    run = directory.find(root, arguments.run)
    found = pruning.find(run)
    freed = pruning.remove(run, found.items) if arguments.yes else None
    if arguments.json:
        print_json(_as_json(run, found, freed))
    else:
        print_lines(_text(run, found, freed))
    return 0


def _all(root: Any, as_json: bool) -> int:
    """Every run of the root with something to remove, the largest first."""
    from tui_ft.runs import directory, pruning
    from tui_ft.runs.pruning import size_text

    runs = [(run, pruning.find(run)) for run in directory.list_directories(root)]
    runs = sorted((one for one in runs if one[1].items), key=lambda one: one[1].bytes, reverse=True)
    if as_json:
        print_json([_as_json(run, found, None) for run, found in runs])
    elif not runs:
        print_lines(["Nothing can be removed here."])
    else:
        rows = [(size_text(found.bytes), str(len(found.items)), run.id) for run, found in runs]
        print_table(("FREES", "FOLDERS", "RUN"), rows)
        print_lines(["", f"{size_text(sum(found.bytes for _, found in runs))} in all; see tui-ft prune RUN."])
    return 0


def _as_json(run: RunDirectory, found: Prunable, freed: int | None) -> dict[str, Any]:
    return {
        "schema": 1,
        "id": run.id,
        "run": str(run.path),
        "items": [
            {
                "path": str(item.path),
                "kind": item.kind,
                "why": item.why,
                "bytes": item.bytes,
                "files": item.files,
            }
            for item in found.items
        ],
        "kept": [{"name": name, "bytes": size, "why": why} for name, size, why in found.kept],
        "bytes": found.bytes,
        "freed_bytes": freed,
    }


def _text(run: RunDirectory, found: Prunable, freed: int | None) -> list[str]:
    from tui_ft.runs.pruning import size_text

    if not found.items:
        return [f"{run.id}: nothing can be removed.", *_kept(found)]
    lines = [] if freed is None else [f"{run.id}: {size_text(freed)} freed."]
    width = max(len(item.path.relative_to(run.path).as_posix()) for item in found.items)
    for item in found.items:
        name = item.path.relative_to(run.path).as_posix()
        lines.append(f"  {size_text(item.bytes):>9}  {name:<{width}}  {item.why}")
    lines += _kept(found)
    if freed is None:
        lines.append(f"`tui-ft prune {handle(run)} --yes` removes these and frees {size_text(found.bytes)}.")
    return lines


def _kept(found: Prunable) -> list[str]:
    from tui_ft.runs.pruning import size_text

    return [f"  {size_text(size):>9}  {name} stays: {why}" for name, size, why in found.kept]
