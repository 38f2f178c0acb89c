"""`tui-ft watch` as a script sees it: any path, one JSON object, sentences where there is no run."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from run_folders import POINTER, hf_state, losses, screen_log, trainer_log, write
from synthetic_run import SyntheticRun

from tui_ft.cli.main import main
from tui_ft.tui import main as tui_main
from tui_ft.watch import finding
from tui_ft.watch.found import FoundRun
from tui_ft.watch.processes.box import Box

CONTRACT = {
    "schema", "source", "title", "path", "status", "reason", "step", "total_steps", "epoch", "started_at",
    "updated_at", "restarts", "bad_records", "notes", "series", "others",
}  # fmt: skip


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every command away from the user's own runs and settings."""
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["watch", *arguments, "--json"]) == 0
    text = capsys.readouterr().out
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_a_foreign_run_as_json_keeps_the_contract(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = [*losses(), float("nan")]
    hf_state(places / "out", values)
    trainer_log(places / "out", values)
    reading = told(capsys, str(places))
    assert reading.keys() >= CONTRACT
    assert (reading["schema"], reading["source"], reading["step"]) == (1, "hf_trainer_state", 21)
    assert reading["path"] == str(places / "out")
    assert reading["series"]["loss"] == {
        "points": 21, "first": [1, values[0]], "last": [21, "NaN"], "min": min(values[:20]),
        "max": max(values[:20]), "nonfinite": 1,
    }  # fmt: skip
    (other,) = reading["others"]
    assert other.keys() == {"source", "title", "path", "status"}
    assert (other["source"], other["path"]) == ("llamafactory", str(places / "out/trainer_log.jsonl"))


def test_a_relative_path_becomes_an_absolute_one(
    places: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hf_state(places / "out", losses())
    monkeypatch.chdir(places)
    for name in ("out", "./out", "out/trainer_state.json", "."):
        assert told(capsys, name)["path"] == str(places / "out")


def test_all_runs_of_a_folder(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hf_state(places / "project/a", losses(seed=1))
    hf_state(places / "project/b", losses(seed=2))
    readings = told(capsys, str(places / "project"), "--all")
    assert sorted(reading["title"] for reading in readings) == ["a", "b"]
    assert all(reading["schema"] == 1 for reading in readings)
    assert main(["watch", str(places / "project"), "--all"]) == 0
    assert capsys.readouterr().out.count("by hf_trainer_state") == 2


def test_a_run_of_ours_by_its_id(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SyntheticRun(places / "runs", total_steps=8) as made:
        made.begin_training()
        made.advance(8)
        made.finish()
    for name in (made.run.id, str(made.run.path), made.run.id[:15]):
        reading = told(capsys, name)
        assert (reading["source"], reading["status"], reading["step"]) == ("tui_ft", "finished", 8)


NO_RUNS = {
    "a pointer": (POINTER, "git-lfs pointer"),
    "another file": ("hello\n", "no file of a run"),
    "an empty file": ("", "no file of a run"),
}


@pytest.mark.parametrize("kind", NO_RUNS)
def test_where_no_run_is_the_exit_is_two(places: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    text, words = NO_RUNS[kind]
    path = write(places / "x/notes.txt", text)
    assert main(["watch", str(path), "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert "Traceback" not in shown.err


def test_an_empty_folder_and_a_missing_path_are_sentences(
    places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (places / "empty").mkdir()
    for name in (str(places / "empty"), str(places / "nowhere"), "nosuchrun", "999999999"):
        assert main(["watch", name, "--once"]) == 2
        assert capsys.readouterr().err.startswith("tui-ft: ")


def test_a_plain_reading_needs_no_terminal_and_holds_no_control_character(places: Path) -> None:
    folder = places / "o\x1b[31mut"
    screen_log(folder / "train.log", losses(), end="\x1b]0;owned\x07RuntimeError: \x1b[2Jgone\n")
    done = subprocess.run(
        [sys.executable, "-m", "tui_ft", "watch", str(folder), "--once"],
        capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "dumb", "LANG": "C", "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert "loss" in done.stdout
    assert all(character.isprintable() or character == "\n" for character in done.stdout)


@pytest.mark.parametrize("path", ["/nope", "generated/", "here/and/there"])
def test_a_path_that_is_not_there_is_called_so(
    places: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(places)
    assert main(["watch", path, "--once"]) == 2
    told = capsys.readouterr().err
    assert f"There is no file or folder {Path(path).absolute()}." in told
    assert "There is no run" not in told


def test_a_run_of_ours_by_the_name_that_lists_show(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SyntheticRun(places / "runs", total_steps=8) as made:
        made.begin_training()
    name = made.run.id.partition("-")[2]
    assert told(capsys, name)["path"] == str(made.run.path)
    assert told(capsys, name[:-2])["path"] == str(made.run.path)


def test_a_long_reason_stands_on_lines_of_its_own(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = "RuntimeError: " + "allocator word " * 60
    trainer_log(places / "out", losses(), total=100)
    screen_log(places / "out/train.log", losses(), total=100)
    with (places / "out/train.log").open("a") as log:
        log.write(f"\nTraceback (most recent call last):\n  File 'x', line 1\n{error}\n")
    reading = told(capsys, str(places / "out"))
    assert reading["status"] == "failed" and reading["reason"].endswith(("allocator…", "word…"))
    assert main(["watch", str(places / "out"), "--once"]) == 0
    lines = capsys.readouterr().out.split("\n")
    step = next(line for line in lines if line.startswith("step "))
    reason = " ".join(lines[1 : lines.index(step)])
    assert reason == reading["reason"]
    assert all(len(line) <= 80 for line in lines[1 : lines.index(step)])


def test_all_of_the_box_have_one_shape(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SyntheticRun(places / "runs", total_steps=8) as made:
        made.begin_training()
    log = trainer_log(places / "out", losses(), total=100)
    code = "import sys, time; log = open(sys.argv[2], 'a'); print('ready', flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--output_dir", str(log)], stdout=subprocess.PIPE, cwd=places
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        os.utime(log)
        with process.stdout:
            rows = told(capsys)
    finally:
        process.kill()
        process.wait()
    for row in rows:
        assert row.keys() >= {
            "schema", "id", "name", "path", "title", "source", "status", "pid", "pids", "step", "total_steps",
            "loss", "reason", "started_at",
        }  # fmt: skip
    (ours,) = (row for row in rows if row["source"] == "tui_ft")
    (other,) = (row for row in rows if row["pid"] == process.pid)
    assert ours["id"] == made.run.id and ours["title"]
    assert (other["source"], other["step"], other["total_steps"]) == ("llamafactory", 20, 100)
    assert other["loss"] == round(losses()[-1], 4)


def test_while_it_looks_a_line_says_so_and_no_key_is_echoed(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal shows what stderr shows, and keys that come meanwhile wait unseen for the app."""
    hf_state(places / "out", losses())
    master, slave = pty.openpty()
    shown: list[bool] = []

    def find(*_: object) -> FoundRun:
        os.write(master, b"q\n")
        assert select.select([slave], [], [], 10)[0], "the kernel takes keys in by and by; a line is readable"
        shown.append(bool(termios.tcgetattr(slave)[3] & termios.ECHO))
        return finding.find_runs(places / "out")[0]

    with open(slave, "r+b", buffering=0) as raw, open(slave, "w", closefd=False) as terminal:
        monkeypatch.setattr(sys, "stdin", raw)
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(finding, "resolve", find)
        monkeypatch.setattr(tui_main, "run_app", lambda *_, **__: None)
        assert main(["watch", str(places / "out")]) == 0
        assert shown == [False]
        assert termios.tcgetattr(slave)[3] & termios.ECHO
        said = ""
        while said.count("\r") < 2:  # a terminal hands on in pieces
            said += os.read(master, 4096).decode()
    os.close(master)
    assert said.startswith("Looking for runs at") and "q" not in said
    assert said.endswith("\r") and said.count(" ") > 40, "the line is taken back"


def test_without_a_run_the_box_is_listed(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SyntheticRun(places / "runs", total_steps=8) as made:
        made.begin_training()
        made.advance(8)
        made.finish()
    rows = told(capsys)
    assert [row["id"] for row in rows if row["source"] == "tui_ft"] == [made.run.id]
    assert all(row["schema"] == 1 for row in rows)
    assert main(["watch", "--once"]) == 0
    assert made.run.id in capsys.readouterr().out


def test_hidden_owners_of_a_gpu_are_told_beside_the_json(
    places: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    note = "GPU 0: 21.0 GiB used, owner not visible from this container."
    monkeypatch.setattr("tui_ft.watch.processes.box.scan", lambda: Box(notes=(note,)))
    assert main(["watch", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == []
    assert told.err == f"tui-ft: {note}\n"
    assert main(["watch", "--once"]) == 0
    assert note in capsys.readouterr().out


def test_a_process_of_this_box_is_watched_by_its_pid(
    places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = places / "out"
    trainer_log(out, losses(), total=100)
    os.utime(out / "trainer_log.jsonl")
    code = "import sys, time; log = open(sys.argv[2], 'a'); print('ready', flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--output_dir", str(out / "trainer_log.jsonl")],
        stdout=subprocess.PIPE, cwd=places,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with process.stdout:
            reading = told(capsys, str(process.pid))
        assert (reading["source"], reading["status"]) == ("llamafactory", "running")
        assert reading["pids"] == [process.pid]
    finally:
        process.kill()
        process.wait()


def test_a_run_of_ours_is_watched_without_the_readers_of_other_formats(places: Path) -> None:
    """They are a tenth of the memory of its screen."""
    with SyntheticRun(places / "runs", total_steps=8) as made:
        made.begin_training()
        made.advance(8)
    code = (
        "import sys\nfrom pathlib import Path\nfrom tui_ft.cli.watch import _found\n"
        "from tui_ft.watch.sources.tui_ft import TuiFtSource\n"
        "found = _found(Path(sys.argv[1]), sys.argv[2])\n"
        "from tui_ft.runs.directory import RunDirectory\nTuiFtSource(RunDirectory(found.path)).poll(1.0)\n"
        "names = ('tensorboard', 'wandb', 'stdout', 'mlflow')\n"
        "loaded = {f'tui_ft.watch.sources.{name}' for name in names} | {'hashlib', 'csv', 'sqlite3'}\n"
        "print(found.path.name, *loaded & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(places / "runs"), made.run.id]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [made.run.id]


def test_processes_of_one_name_are_told_apart_by_where_they_write() -> None:
    from tui_ft.cli.watch_list import _row
    from tui_ft.watch.processes.box import Group

    known: dict[str, Any] = {
        "pid": 1, "start_time": 1, "started_at": None, "pids": (1,), "user": "me", "title": "train.py",
    }  # fmt: skip
    writes = Group(command="python train.py", paths=(Path("/w/a\x1b[2J.log"),), **known)
    assert _row(writes)[3:] == ("train.py", "/w/a.log")
    assert _row(Group(command="python train.py --lr 2", **known))[3:] == ("train.py", "--lr 2")
