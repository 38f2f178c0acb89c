"""`tui-ft cost`, `tui-ft notify` and `tui-ft set RUN budget=V` as a person types them."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from settings_written import write_settings

from tui_ft.cli.main import main
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.records import ExitRecord, StateRecord, encode_document


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3.6\ncurrency = '€'\n")
    made, now = create(tmp_path / "runs", "demo"), time.time()
    exit_record = ExitRecord(cause="finished", message="Finished 5 steps.")
    state = StateRecord(status="finished", started_at=now - 1100, ended_at=now - 100, exit=exit_record)
    made.state.write_bytes(encode_document(state))
    return made


def test_the_bill_as_text_and_as_json(run: RunDirectory, capsys: Any) -> None:
    assert main(["cost", run.id]) == 0
    text = capsys.readouterr().out
    assert f"{run.id}: finished" in text and "€1.00  17 min" in text
    assert main(["cost", run.id, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["spent"] == {"low": pytest.approx(1.0), "high": pytest.approx(1.0), "currency": "€"}
    assert document["seconds"] == pytest.approx(1000) and document["pace_s"] is None


def test_without_a_price_the_answer_is_no_and_what_to_set(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    write_settings(tmp_path, monkeypatch, "")
    assert main(["cost", run.id]) == 1
    assert "price_per_hour" in capsys.readouterr().out
    assert main(["cost", run.id, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["spent"] is None


def test_a_test_message_says_whether_it_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = tmp_path / "told"
    script = f"import sys; open({str(out)!r},'w').write(sys.stdin.read())"
    write_settings(
        tmp_path,
        monkeypatch,
        f"[notify.me]\nkind = \"command\"\ncommand = '''{sys.executable} -c \"{script}\"'''\n"
        '[notify.bad]\nkind = "command"\ncommand = "/no/such"\n[notify.bell]\nkind = "bell"\n',
    )
    assert main(["notify", "me", "hello"]) == 0
    assert out.read_text().endswith("\nhello\n") and "took the message" in capsys.readouterr().out
    assert main(["notify", "bad", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["told"] is False
    assert main(["notify", "bell"]) == 0
    assert "while that is open" in capsys.readouterr().out
    assert main(["notify", "none"]) == 2
    assert "there is: me, bad, bell" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "inf", "nan", "1e12"])
def test_a_budget_that_is_none_is_refused(value: str, run: RunDirectory, capsys: Any) -> None:
    assert main(["set", run.id, f"budget={value}"]) == 2
    assert "is no amount" in capsys.readouterr().err


def test_a_run_is_copied_by_hand_too(run: RunDirectory, tmp_path: Path, capsys: Any) -> None:
    attempt = run.attempt(1)
    attempt.path.mkdir(parents=True)
    attempt.spec.write_text('[model]\nid = "demo"\n[data]\ntrain = "demo"\n')
    run.result.mkdir()
    (run.result / "adapter_model.safetensors").write_bytes(b"w" * 100)
    assert main(["copy", run.id]) == 2
    assert "names no folder" in capsys.readouterr().err
    assert main(["copy", run.id, str(tmp_path / "there"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["folder"] == str(tmp_path / "there" / run.id) and document["what"] == "the result"
    (tmp_path / "there" / run.id / "result" / "adapter_model.safetensors").write_bytes(b"v" * 100)
    assert main(["copy", run.id, str(tmp_path / "there")]) == 1
    assert "is another" in capsys.readouterr().err
