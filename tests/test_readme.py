"""The README tells the truth: its tables, pictures and commands are those of the code."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from readme_tables import README, TABLES, filled, subparsers

from tui_ft.cli.main import parser

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")


def fenced(marker: str) -> str:
    """The command in the fence that follows a marker."""
    found = re.search(rf"<!-- {marker} -->\n```bash\n(.*?)\n```", TEXT, re.DOTALL)
    assert found, f"README.md names no {marker}"
    return found[1]


def named_commands() -> Iterator[str]:
    """Every `tui-ft …` in a fence or in backticks outside of the generated tables."""
    prose = re.sub(r"<!-- table: .*?<!-- end -->", "", TEXT, flags=re.DOTALL)
    blocks = re.findall(r"```bash\n(.*?)```", prose, re.DOTALL)
    pieces = [piece for block in blocks for piece in re.split(r"&&|\n", block)]
    pieces += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", prose, flags=re.DOTALL))
    for piece in pieces:
        words = piece.replace("\\", "").strip()
        if re.match(r"(\S*/)?tui-ft(\s|$)", words):
            yield words


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_stands_in_the_readme(name: str) -> None:
    assert f"<!-- table: {name} -->" in TEXT


def test_the_estimate_and_the_guide_are_shown() -> None:
    assert {"estimate", "guide"} <= set(re.findall(r"^<!-- output: tui-ft (\w+) ", TEXT, re.MULTILINE))


def test_the_tables_and_outputs_are_those_of_the_code() -> None:
    assert filled(TEXT) == TEXT, "run `python tests/readme_tables.py`"


@pytest.mark.parametrize("command", sorted(set(named_commands())))
def test_every_command_parses(command: str) -> None:
    parser().parse_args(shlex.split(command)[1:])


def test_commands_are_found_in_the_text() -> None:
    assert {"demo", "start", "resume", "restart", "ls"} <= {
        words[1] for command in named_commands() if len(words := command.split()) > 1
    }
    assert set(subparsers()) == set(re.findall(r"^\| `tui-ft ([a-z]+)", TEXT, re.MULTILINE))


def test_the_two_commands_set_up_everything_and_end_in_what_they_are_for() -> None:
    demo, test = fenced("demo command"), fenced("test command")
    for command in (demo, test):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -e ")
        assert "\n" not in command
    assert demo.endswith("&& .venv/bin/tui-ft demo")
    assert test.endswith("&& .venv/bin/python -m pytest -n 2 --dist loadfile")
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports"):
        assert f"&& .venv/bin/{tool} &&" in test


def test_the_test_command_installs_what_it_calls() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (named,) = re.findall(r"-e '\.\[([\w,]+)\]'", fenced("test command"))
    wanted = [requirement for extra in named.split(",") for requirement in extras[extra]]
    installed = {re.split(r"[=>\[]", requirement)[0] for requirement in wanted}
    assert {"ruff", "mypy", "import-linter", "pytest"} <= installed


def test_the_check_of_everything_calls_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    line = next(line for line in script.splitlines() if line.startswith("command=$("))
    done = subprocess.run(
        ["bash", "-c", f'{line}\nprintf %s "$command"'], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == fenced("test command")


@pytest.mark.parametrize("target", re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT))
def test_every_picture_is_there_and_shows_nobodys_machine(target: str) -> None:
    picture = (ROOT / target).read_text(encoding="utf-8")
    assert picture.startswith("<svg ")
    assert "url(" not in picture, "a picture loads nothing"
    for private in ("/home/", "/root/", str(ROOT), str(Path.home()) + "/"):
        assert private not in picture


@pytest.mark.parametrize("target", re.findall(r"`((?:screenshots|tests|presets)/[\w./]*)`", TEXT))
def test_every_file_named_is_there(target: str) -> None:
    assert (ROOT / target).exists()
