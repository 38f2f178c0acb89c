"""`tui-ft start`: a preset or a file becomes a detached run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json
from tui_ft.errors import TuiFtError
from tui_ft.runs.handles import handle
from tui_ft.user_paths import user_path

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.spec.run_spec import RunSpec


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("start", parents=[common], help="launch a run, detached")
    parser.add_argument("spec", metavar="PRESET|FILE.toml")
    parser.add_argument("data", metavar="DATA", nargs="?", help="the same as --set data.train=DATA")
    add_launch_options(parser)
    parser.set_defaults(command=start)


def add_launch_options(parser: argparse.ArgumentParser) -> None:
    """The options of everything that launches: start, restart, resume and demo."""
    parser.add_argument("--set", action="append", default=[], metavar="section.field=value", dest="overrides")
    parser.add_argument("--wait", action="store_true", help="stay to the end")
    parser.add_argument("--no-ui", action="store_true", help="do not open the dashboard")
    parser.add_argument("--json", action="store_true", help="print JSON")


def start(arguments: argparse.Namespace) -> int:
    """Launch; then the dashboard in a terminal, or with --wait the end."""
    from tui_ft.spec import overrides, presets

    preset = presets.find_preset(arguments.spec, settings.user_presets_folder())
    changes = list(arguments.overrides)
    if arguments.data:
        changes.append(f"data.train={user_path(arguments.data)}")
    spec = overrides.apply(preset.spec, changes)
    if not spec.data.train:
        raise TuiFtError(f"{preset.name} brings no data.", f"Say which: tui-ft start {arguments.spec} DATA")
    root = settings.runs_root(arguments.runs_root)
    if not spec.checkpoints.auto_resume:
        return after_launch(_launch(spec, root, preset.text), root, arguments)
    from tui_ft.cli import going_on
    from tui_ft.runs import auto_resume

    with auto_resume.deciding(root):
        found = going_on.instead_of_starting(spec, root)
        run = _launch(spec, root, preset.text) if found is None else found.run
    return after_launch(run, root, arguments) if found is None else going_on.tell(found, root, arguments)


def _launch(spec: RunSpec, root: Path, text: str | None) -> RunDirectory:
    """A new run, after what is to be said of it. Raises `TuiFtError`."""
    from tui_ft.runs import launch

    warn_if_too_large(spec)
    if spec.after.copy_to is not None:
        from tui_ft.runs.after import after_check

        if remark := after_check.remark(spec.after, root):
            print(f"tui-ft: {remark}", file=sys.stderr)
    return launch.start(spec, root, text=text)


def warn_if_too_large(spec: RunSpec) -> None:
    """Say on stderr that the run does not fit its GPU, and what would; it is started all the same."""
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.runs.readiness import memory
    from tui_ft.vram.holders import gib_text

    found = memory(spec, read_gpus())
    if found.verdict != "does_not_fit" or found.needed_bytes is None or found.free_bytes is None:
        return
    needed, free = gib_text(found.needed_bytes), gib_text(found.free_bytes)
    print(f"tui-ft: it does not fit: {needed} needed, {free} free.", file=sys.stderr)
    for step in found.step_downs[:1]:
        changes = " ".join(f"--set {change}" for change in step.overrides)
        print(f"        {step.change} would ({gib_text(step.needed_bytes)}): {changes}", file=sys.stderr)


def after_launch(run: RunDirectory, root: Path, arguments: argparse.Namespace) -> int:
    """Say what was launched; wait for it or open the dashboard on it, as was asked for."""
    from tui_ft.runs.truth import read_truth

    if arguments.wait:
        from tui_ft.cli.waiting import wait

        return wait(run, as_json=arguments.json)
    if arguments.json:
        print_json({"schema": 1, "run": str(run.path), "id": run.id, "status": read_truth(run).status})
        return 0
    if not arguments.no_ui and sys.stdin.isatty() and sys.stdout.isatty():
        from tui_ft.tui.main import run_app

        run_app(root, run)
        return 0
    print(f"{run.id} is {read_truth(run).status}.")
    print(f"  tui-ft watch {handle(run)}")
    return 0
