"""The list of runs: right for every kind of directory, and cheap for a thousand."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.labels import change_labels
from tui_ft.runs.listing import list_runs, summarize
from tui_ft.runs.records import ExitRecord, StateRecord, encode_document

NOW = 1_795_000_000.0


def make(root: Path, number: int, rows: int = 60, **changes: object) -> RunDirectory:
    fields: dict[str, object] = {
        "status": "finished", "model": "Qwen3-8B", "method": "QLoRA r16", "total_steps": rows,
        "started_at": NOW - number, "exit": ExitRecord(cause="finished", message="Done."),
    }  # fmt: skip
    letters = "".join(chr(97 + number // 26**place % 26) for place in range(4))
    run = RunDirectory(root / f"20261121-demo-{letters}")
    run.path.mkdir(parents=True)
    run.state.write_bytes(encode_document(StateRecord(**{**fields, **changes})))  # type: ignore[arg-type]
    lines = [json.dumps({"step": n, "time": NOW, "loss": 3.0 - n / 100}) for n in range(1, rows + 1)]
    run.metrics.write_text("".join(f"{line}\n" for line in lines))
    return run


def test_newest_first_with_step_and_loss(tmp_path: Path) -> None:
    make(tmp_path, 5)
    new = make(tmp_path, 1, name="first try")
    with open(new.metrics, "a") as file:
        file.write('{"step": 60, "time": 1, "eval_loss": 9.0}\n{"step": 61, "ti')
    first, second = list_runs(tmp_path, NOW)
    assert (first.id, first.path) == (new.id, str(new.path))
    assert (first.step, first.total_steps, first.loss) == (60, 60, pytest.approx(2.4))
    assert (first.status, first.reason, first.name) == ("finished", "Done.", "first try")
    assert second.started_at == NOW - 5


def test_labels_stand_over_what_the_spec_says(tmp_path: Path) -> None:
    make(tmp_path, 0, tags=["spec"], note="of the spec")
    labelled, plain = make(tmp_path, 1, tags=["spec"], note="of the spec"), make(tmp_path, 2)
    change_labels(tmp_path, [labelled.id], tags=(), note="written since", archived=True)
    first, second, third = list_runs(tmp_path, NOW)
    assert (first.tags, first.note, first.archived) == (("spec",), "of the spec", False)
    assert (second.tags, second.note, second.archived) == ((), "written since", True)
    assert (third.id, third.tags, third.note, third.archived) == (plain.id, (), "", False)


@pytest.mark.parametrize("at", [1e300, -5.0, 0.0])
def test_a_start_that_no_calendar_shows_is_not_known(tmp_path: Path, at: float) -> None:
    assert summarize(make(tmp_path, 0, started_at=at), NOW).started_at is None


def test_a_loss_that_is_no_number_is_shown_as_such(tmp_path: Path) -> None:
    run = make(tmp_path, 0, rows=2)
    with open(run.metrics, "a") as file:
        file.write('{"step": 3, "time": 1, "loss": "NaN"}\n')
    loss = summarize(run, NOW).loss
    assert loss is not None and loss != loss


def test_damaged_directories_are_listed_not_fatal(tmp_path: Path) -> None:
    broken = make(tmp_path, 0)
    broken.state.write_text("{")
    empty = make(tmp_path, 1, rows=0)
    empty.metrics.write_bytes(b"\xff\xfe not a row\n[]\n\0\0\0\n")
    bare = make(tmp_path, 2)
    bare.state.unlink()
    bare.metrics.unlink()
    (tmp_path / "20261121-file-aaaa").write_text("")
    (tmp_path / "notes").mkdir()
    found = {summary.id: summary for summary in list_runs(tmp_path, NOW)}
    assert found[broken.id].status == "unknown" and "damaged" in found[broken.id].reason
    assert (found[empty.id].status, found[empty.id].loss) == ("finished", None)
    assert found[bare.id].status == "unknown"
    assert list_runs(tmp_path / "absent", NOW) == []


def test_a_newer_state_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    run = make(tmp_path, 0)
    state = json.loads(run.state.read_text())
    run.state.write_text(json.dumps({**state, "schema": 99, "of_tomorrow": {"a": 1}}))
    assert summarize(run, NOW).status == "finished"


@pytest.mark.benchmark
def test_a_thousand_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1000):
        make(tmp_path, number, rows=300)
    list_runs(tmp_path, NOW)
    costs = []
    for _ in range(5):
        began = time.process_time()
        assert len(list_runs(tmp_path, NOW)) == 1000
        costs.append(time.process_time() - began)
    with capsys.disabled():
        print(f"\n1,000 runs listed: {min(costs) * 1000:.0f} CPU-ms (budget 100), pid {os.getpid()}")  # noqa: T201
