"""Options of `tui-ft data` that do not go together, or name what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_ft.cli.main import main


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "set.jsonl"
    file.write_text("".join(json.dumps({"question": f"{i}?", "answer": f"{i}."}) + "\n" for i in range(9)))
    return str(file)


def test_a_row_is_shown_or_the_set_written(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    assert main(["data", path, "--row", "3", "--convert", str(out)]) == 2
    printed = capsys.readouterr()
    assert "--convert" in printed.err
    assert not printed.out
    assert not out.exists()


@pytest.mark.parametrize("option", [("--row", "3"), ("--convert", "out.jsonl")])
def test_evaluation_data_are_for_the_check_alone(
    path: str, option: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["data", path, "--eval", path, *option]) == 2
    assert "--eval" in capsys.readouterr().err
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize("content", [None, "", '{"prompt": "a", "chosen": "b", "rejected": "c"}'])
def test_an_evaluation_that_cannot_be_used_is_told_as_json_too(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    evaluation = tmp_path / "eval.jsonl"
    if content is not None:
        evaluation.write_text(content)
    assert main(["data", path, "--eval", str(evaluation), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    (problem,) = found["problems"]
    assert (found["path"], found["container"]) == (path, None)
    assert (problem["code"], problem["severity"]) == ("bad_evaluation", "error")
    assert "eval.jsonl" in problem["message"]
    assert problem["fix"]


def test_one_column_for_two_parts_is_a_sentence(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", path, "--columns", "prompt=answer,completion=answer"]) == 1
    assert "'answer' more than once" in capsys.readouterr().out
    assert main(["data", path, "--columns", "prompt=question,prompt=answer"]) == 2
    assert "'prompt' twice" in capsys.readouterr().err
