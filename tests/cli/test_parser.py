"""The parser of one command: it loads the module of that one alone."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from tui_ft.cli import main


def _names(parser: argparse.ArgumentParser) -> list[str]:
    kinds = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return [name for action in kinds for name in action.choices]


def test_the_table_names_every_command() -> None:
    assert _names(main.parser()) == [name for names in main._COMMANDS.values() for name in names]
    for module, names in main._COMMANDS.items():
        assert _names(main.parser(names[0])) == list(names), module


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["ls"], "ls"),
        (["--runs-root", "x", "ls"], "ls"),
        (["--runs-root=x", "ls", "--json"], "ls"),
        (["--version"], "--version"),
        (["--runs-root", "x"], ""),
        (["--runs-root=x"], ""),
    ],
)
def test_where_the_command_stands(argv: list[str], named: str) -> None:
    assert main._named(argv) == named


def test_other_commands_are_not_loaded() -> None:
    code = "import sys; from tui_ft.cli.main import parser; parser('ls'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("tui_ft.cli.")}
    assert loaded <= {f"tui_ft.cli.{name}" for name in ("main", "home", "runs", "printing")}
