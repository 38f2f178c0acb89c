"""What people write for a path is looked for without a traceback, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_ft.cli.main import main
from tui_ft.user_paths import is_there, user_path

NO_PATHS = ("~nobody-of-that-name/x", "é" * 3000)


def test_home_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x") == tmp_path / "x"
    assert user_path("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")


@pytest.mark.parametrize("name", [*NO_PATHS, "a\0b"])
def test_what_can_be_no_path_is_not_there(name: str) -> None:
    assert not is_there(user_path(name))


@pytest.mark.parametrize("name", NO_PATHS)
@pytest.mark.parametrize(
    "command",
    [
        "data NAME", "data demo --eval NAME", "data demo --model NAME", "data demo --convert NAME.jsonl",
        "start NAME", "start demo NAME", "start demo --set model.id=NAME", "estimate --model NAME",
        "presets show NAME", "presets save NAME mine", "watch NAME --once", "stop NAME",
    ],
)  # fmt: skip
def test_every_command_says_so_in_a_sentence(
    command: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(command.replace("NAME", name).split()) == 2
    assert capsys.readouterr().err.startswith("tui-ft: ")
