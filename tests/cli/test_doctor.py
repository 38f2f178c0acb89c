"""`tui-ft doctor`: text and JSON, and what the exit code says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tui_ft import settings
from tui_ft.cli import doctor
from tui_ft.cli.main import main
from tui_ft.doctor import registry, trainer_report
from tui_ft.doctor.box import Box
from tui_ft.doctor.check import Check
from tui_ft.doctor.finding import Finding, error, note, ok, warning


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Finding]]:
    """What the doctor is to find; its own checks are left out."""
    found: list[Finding] = []

    def look(box: Box) -> list[Finding]:
        return found

    for module in ("tui_ft.doctor.registry", "tui_ft.doctor.examine"):
        monkeypatch.setattr(f"{module}.CHECKS", (Check("places", look),))
    yield found


def test_the_json_of_this_box(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--no-torch", "--json"]) in (0, 1)
    out, err = capsys.readouterr()
    document: dict[str, Any] = json.loads(out)
    assert document["schema"] == 1 and document["trainer_checked"] is False and err == ""
    assert document["findings"]
    for finding in document["findings"]:
        assert finding["level"] in ("ok", "note", "warning", "error")
        assert finding["what"] and isinstance(finding["fix"], str)


def test_an_error_is_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    path = settings.settings_file()
    path.parent.mkdir(parents=True)
    path.write_text("[broken")
    assert main(["doctor", "--no-torch"]) == 1
    assert "settings.toml" in capsys.readouterr().out


@pytest.mark.parametrize(("level", "code"), [(ok, 0), (note, 0), (warning, 0), (error, 1)])
def test_exit_codes(checks: list[Finding], level: Any, code: int, capsys: Any) -> None:
    checks.append(level("x", "Something."))
    assert main(["doctor", "--no-torch"]) == code


def test_the_worst_first_commands_in_one_piece_and_the_rest_counted(
    checks: list[Finding], capsys: pytest.CaptureFixture[str]
) -> None:
    command = (
        "export TUI_FT_RUNS=/a/very/long/place/that/does/not/fit/on/one/line/of/eighty/columns/tui-ft/runs"
    )
    checks += [
        ok("a", "Fine."), note("b", "A note."), warning("c", "A warning " * 12 + ".", command=command),
        error("d", "An error.", "Do this about it, " * 6), ok("e", "Fine, too."),
    ]  # fmt: skip
    assert main(["doctor", "--no-torch"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "✗ error   An error."
    assert lines[1].startswith("          → Do this")
    assert next(line for line in lines if "TUI_FT_RUNS" in line) == f"          $ {command}"
    assert all(len(line) <= 80 for line in lines if "TUI_FT_RUNS" not in line)
    assert lines[-1] == "2 more are fine (--all shows them)." and "Fine, too." not in "".join(lines)
    assert main(["doctor", "--no-torch", "--all"]) == 1
    assert "✓ ok      Fine, too." in capsys.readouterr().out


def test_all_is_fine(checks: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    checks += [ok("a", "Fine.")]
    assert main(["doctor", "--no-torch"]) == 0
    assert capsys.readouterr().out == "All 1 are fine (--all shows them).\n"


def test_the_trainer_is_asked_once_and_its_answer_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str | None] = []

    def ask(driver: str | None = None) -> trainer_report.TrainerReport:
        asked.append(driver)
        return trainer_report.TrainerReport(problem="the trainer's Python is on holiday")

    monkeypatch.setattr(trainer_report, "ask_trainer", ask)
    assert main(["doctor"]) == 1
    assert "on holiday" in capsys.readouterr().out and len(asked) == 1
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["trainer_checked"] is True


def test_the_waiting_line_is_for_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    with doctor._waiting("Asking"):
        pass
    assert capsys.readouterr().err == ""
    assert registry.CHECKS
