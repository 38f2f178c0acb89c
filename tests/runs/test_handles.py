"""A hint names a run so that the command finds it, wherever the run lies."""

from __future__ import annotations

import shlex

import pytest

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs import control, directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.handles import handle
from tui_ft.runs.records import StateRecord, encode_document


def finished_at(path) -> RunDirectory:
    path.mkdir(parents=True)
    run = RunDirectory(path)
    run.state.write_bytes(encode_document(StateRecord(status="finished")))
    return run


@pytest.mark.parametrize("place", ["runs/20261121-demo-abcd", "other/copied", "a place/copied"])
def test_every_hint_finds_the_run(place, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    run = finished_at(tmp_path / place)
    [typed] = shlex.split(handle(run))
    assert directory.find(settings.runs_root(), typed).path == run.path
    with pytest.raises(TuiFtError) as caught:
        control.request(run, "save", by="test")
    assert f"tui-ft restart {handle(run)}" in caught.value.hint


def test_a_run_of_the_runs_root_is_named_by_its_id(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    run = finished_at(tmp_path / "runs" / "20261121-demo-abcd")
    assert handle(run) == run.id
