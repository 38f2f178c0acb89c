"""`tui-ft report`: where it writes, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_runs import RUNS, made
from synthetic_run import SyntheticRun

from tui_ft.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_it_is_written_into_the_current_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SyntheticRun(here.parent / "runs") as run:
        run.begin_training()
        run.advance(300)
        run.finish()
    assert main(["report", run.run.id]) == 0
    name = f"report-{run.run.id}"
    assert capsys.readouterr().out.startswith(str(here / f"{name}.md"))
    assert (here / f"{name}.md").is_file() and (here / f"{name}-loss.svg").is_file()


def test_the_json_names_every_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = here.parent / "theirs"
    made(RUNS[0], theirs)
    assert main(["report", str(theirs), "--out", "theirs.md", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1 and document["path"] == str(here / "theirs.md")
    assert document["charts"] and all(Path(path).is_file() for path in document["charts"])
    assert Path(document["run"]) == theirs


def test_what_is_no_run_or_no_place_is_a_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "nothing-like-that"]) == 2
    theirs = here.parent / "theirs"
    made(RUNS[0], theirs)
    assert main(["report", str(theirs), "--out", "report.pdf"]) == 2
    assert "ends in .md" in capsys.readouterr().err
    assert list(here.iterdir()) == []
