"""`tui-ft ls`: what it lists, in what order, and how wide."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tui_ft.cli.main import main
from tui_ft.runs import known_roots
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.labels import change_labels
from tui_ft.runs.records import StateRecord, encode_document

NOW = 1_795_000_000.0


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "runs"


def make(root: Path, run_id: str, age: float, loss: float = 1.0, **fields: Any) -> str:
    run = RunDirectory(root / run_id)
    run.path.mkdir(parents=True)
    known = {
        "status": "finished",
        "model": "Qwen/Qwen3-8B",
        "method": "QLoRA r16",
        "total_steps": 60,
        **fields,
    }
    run.state.write_bytes(encode_document(StateRecord(started_at=NOW - age, **known)))
    run.metrics.write_text(json.dumps({"step": 60, "time": NOW, "loss": loss}) + "\n")
    return run_id


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    assert main(["ls", "--json", *arguments]) == 0
    found: list[Any] = json.loads(capsys.readouterr().out)
    return found


def test_labels_stand_in_the_json_and_hide_what_is_archived(root: Path, capsys: Any) -> None:
    new, old = make(root, "20261121-new-aaaa", 1, tags=["spec"]), make(root, "20261120-old-bbbb", 2)
    change_labels(root, [old], tags=("best", "v2"), note="keep", archived=True)
    assert [run["id"] for run in listed(capsys)] == [new]
    first, second = listed(capsys, "--archived")
    assert (first["tags"], first["note"], first["archived"]) == (["spec"], "", False)
    assert (second["tags"], second["note"], second["archived"]) == (["best", "v2"], "keep", True)
    assert [run["id"] for run in listed(capsys, "--archived", "--tag", "#BEST")] == [old]
    assert listed(capsys, "--archived", "--tag", "best", "--tag", "spec") == []


def test_orders(root: Path, capsys: Any) -> None:
    make(root, "20261121-b-aaaa", 1, loss=3.0)
    make(root, "20261121-a-aaaa", 2, loss=1.0)
    make(root, "20261121-c-aaaa", 3, loss=2.0)

    def names(order: str) -> str:
        return "".join(run["id"][9] for run in listed(capsys, "--sort", order))

    assert [names(order) for order in ("newest", "name", "loss")] == ["bac", "abc", "acb"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_the_terminal_and_no_id_is_cut(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    run_id = make(root, "20261121-a-somewhat-longer-n-aaaa", 1, model="organisation/" + "long-" * 20)
    change_labels(root, [run_id], tags=("best", "another"))
    assert main(["ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= width for line in lines)
    assert run_id in lines[1]
    assert "STATUS" in lines[0]
    assert ("MODEL" in lines[0]) == (width >= 100)


def test_hostile_names_bring_no_control_character_to_the_terminal(root: Path, capsys: Any) -> None:
    evil = "a\x1b[2J\x07b\u202ec\nd"
    make(root, "20261121-a-aaaa", 1, model=evil, method=evil, tags=[evil], name=evil)
    assert main(["ls"]) == 0
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


def test_a_filter_that_leaves_nothing_says_so(root: Path, capsys: Any) -> None:
    make(root, "20261121-a-aaaa", 1)
    assert main(["ls", "--tag", "none"]) == 0
    assert "None of the 1 runs" in capsys.readouterr().out


def test_damaged_labels_are_said_on_stderr_and_the_runs_listed(root: Path, capsys: Any) -> None:
    make(root, "20261121-a-aaaa", 1)
    (root / "labels.json").write_text("{")
    assert main(["ls", "--json"]) == 0
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)) == 1
    assert "labels.json is damaged" in printed.err


def test_all_lists_the_runs_of_other_roots_that_were_used(
    root: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here, there = make(root, "20261121-here-aaaa", 2), make(tmp_path / "other", "20261121-there-bbbb", 1)
    known_roots.remember(root)
    known_roots.remember(tmp_path / "other")
    known_roots.remember(tmp_path / "gone")
    assert [run["id"] for run in listed(capsys)] == [here]
    found = listed(capsys, "--all")
    assert [run["id"] for run in found] == [there, here]
    assert found[0]["path"] == str(tmp_path / "other" / there)
    assert main(["ls", "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index(f"Under {tmp_path / 'other'}:")
    assert here in "".join(lines[:at]) and there in "".join(lines[at:])


def test_roots_are_remembered_once_and_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for at in range(3 * known_roots.MOST_ROOTS):
        known_roots.remember(tmp_path)
        known_roots.remember(tmp_path / f"root{at}")
    lines = known_roots.roots_file().read_text().splitlines()
    assert len(lines) == len(set(lines)) <= 2 * known_roots.MOST_ROOTS
    assert lines[-1] == str(tmp_path / f"root{at}")
    known_roots.roots_file().write_bytes(b"\xff\0\nrelative\n/\0\n" + os.fsencode(tmp_path))
    assert known_roots.known_roots() == [tmp_path]
    known_roots.roots_file().unlink()
    known_roots.roots_file().mkdir()
    known_roots.remember(tmp_path)  # nobody minds
    assert known_roots.known_roots() == []
