"""`tui-ft demo`: the built-in tiny model on the built-in data, offline, on CPU or GPU."""

from __future__ import annotations

import argparse
from typing import Any

from tui_ft import settings
from tui_ft.cli.start import add_launch_options, after_launch
from tui_ft.errors import TuiFtError

METHODS = ("lora", "qlora", "full", "last_layers")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("demo", parents=[common], help="fine-tune the built-in tiny model, offline")
    parser.add_argument("--steps", type=int, metavar="N", help="optimizer steps")
    parser.add_argument("--method", choices=METHODS, default=None)
    parser.add_argument("--tour", action="store_true", help="a guided tour: from the data to a report")
    add_launch_options(parser)
    parser.set_defaults(command=demo)


def demo(arguments: argparse.Namespace) -> int:
    """Launch the demo preset, or the tour; without a terminal, or with --no-ui, stay to its end."""
    import sys

    root = settings.runs_root(arguments.runs_root)
    from tui_ft.runs import launch
    from tui_ft.spec import overrides, presets

    changes = []
    if arguments.method:
        changes.append(f"method.kind={arguments.method}")
    if arguments.steps is not None:
        changes.append(f"training.max_steps={arguments.steps}")
    changes += arguments.overrides
    if arguments.tour:
        from tui_ft.cli.tour import tour

        if arguments.method:
            raise TuiFtError("The tour is about LoRA.", "Leave out --method, or --tour.")
        return tour(root, changes, as_json=arguments.json, no_ui=arguments.no_ui)
    preset = presets.find_preset("demo", settings.user_presets_folder())
    spec = overrides.apply(preset.spec, changes)
    run = launch.start(spec, root)
    has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    arguments.wait = arguments.wait or arguments.no_ui or arguments.json or not has_terminal
    if arguments.wait and not arguments.json:
        print(f"{run.id} is started; this waits for its end. Ctrl-C leaves it running.", flush=True)
    return after_launch(run, root, arguments)
