"""`tui-ft presets`: the presets found."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_table


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("presets", parents=[common], help="list the presets")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=list_presets)


def list_presets(arguments: argparse.Namespace) -> int:
    """Print the presets, the user's own first; a file that cannot be read is named on stderr."""
    from tui_ft.spec import display, presets

    found, problems = presets.list_presets(settings.user_presets_folder())
    for problem in problems:
        print(f"tui-ft: {problem}", file=sys.stderr)
    if arguments.json:
        print_json(
            [
                {
                    "schema": 1,
                    "name": preset.name,
                    "path": str(preset.path),
                    "key": preset.key,
                    "model": preset.spec.model.id,
                    "method": display.method_label(preset.spec),
                    "summary": preset.summary,
                }
                for preset in found
            ]
        )
    else:
        rows = [(p.key or "", p.name, display.method_label(p.spec), p.summary) for p in found]
        print_table(("KEY", "NAME", "METHOD", "WHAT FOR"), rows)
    return 0
