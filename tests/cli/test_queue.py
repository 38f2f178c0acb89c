"""`tui-ft queue` as a script and as a person see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_ft.cli.main import main
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing.queue_file import queue_path, read_queue
from tui_ft.spec import toml


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    roots: list[Path] = []
    monkeypatch.setattr("tui_ft.runs.queueing.nudging._start", lambda root, after_s: roots.append(root))
    return roots


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nudged: list[Path]) -> Path:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return tmp_path / "runs"


def json_of(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict:
    capsys.readouterr()
    assert main(["queue", *arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    return found


def text_of(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["queue", *arguments]) == code
    printed = capsys.readouterr()
    return printed.out if code == 0 else printed.err


def test_an_empty_queue_is_an_answer(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    assert json_of(capsys)["entries"] == []
    assert "Nothing waits" in text_of(capsys)
    assert not root.exists()


def test_a_run_is_added_and_listed(capsys: pytest.CaptureFixture[str], nudged: list[Path]) -> None:
    made = json_of(capsys, "add", "demo", "--set", "training.max_steps=7", "--hold-on-failure", "--beside")
    assert nudged
    [run_id] = made["added"]
    [entry] = made["entries"]
    assert (entry["id"], entry["place"], entry["state"]) == (run_id, 1, "waiting")
    assert entry["hold_on_failure"] and entry["beside"] and not entry["any_memory"]
    assert Path(entry["path"]).is_absolute()
    assert toml.load(RunDirectory(Path(entry["path"])).spec).training.max_steps == 7
    assert run_id in text_of(capsys)
    capsys.readouterr()
    assert main(["ls", "--json"]) == 0
    [run] = json.loads(capsys.readouterr().out)
    assert (run["id"], run["status"]) == (run_id, "queued")


def test_the_spec_of_a_run_can_be_queued_again(capsys: pytest.CaptureFixture[str]) -> None:
    [first] = json_of(capsys, "add", "demo", "--set", "method.rank=4")["added"]
    [second] = json_of(capsys, "add", first, "--front")["added"]
    entries = json_of(capsys)["entries"]
    assert [entry["id"] for entry in entries] == [second, first]
    assert entries[0]["method"] == "LoRA r4"


def test_a_grid_stands_in_its_order_also_at_the_front(capsys: pytest.CaptureFixture[str]) -> None:
    json_of(capsys, "add", "demo")
    made = json_of(
        capsys, "add", "demo", "--grid", "training.learning_rate=1e-4,2e-4", "--grid", "method.rank=8,16",
        "--front",
    )  # fmt: skip
    assert [entry["method"] for entry in made["entries"]] == ["LoRA r8", "LoRA r16"] * 2 + ["LoRA r16"]
    assert len(made["added"]) == 4
    assert made["tag"].startswith("grid-")
    said = text_of(capsys, "add", "demo", "--grid", "method.rank=8,16")
    assert "tui-ft ls --tag grid-" in said


def test_all_of_a_grid_or_none(
    capsys: pytest.CaptureFixture[str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text_of(capsys, "add", "demo", "--grid", "method.rank=8,0", code=2)
    assert not root.exists()
    from tui_ft.errors import TuiFtError
    from tui_ft.runs.queueing import queue

    add, made = queue.add, []

    def fails_later(*arguments: object, **options: object) -> RunDirectory:
        if len(made) == 2:
            raise TuiFtError("The disk is full.")
        made.append(add(*arguments, **options))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(queue, "add", fails_later)
    assert "disk is full" in text_of(capsys, "add", "demo", "--grid", "method.rank=2,4,8", code=2)
    assert json_of(capsys)["entries"] == []
    assert not any(run.path.exists() for run in made)


def test_order_hold_go_and_removal(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    for name in ("a", "b", "c"):
        json_of(capsys, "add", "demo", "--set", f"notes.name={name}")

    def names() -> str:
        return "".join(entry.id.split("-")[1] for entry in read_queue(root).entries)

    assert "number 1" in text_of(capsys, "move", "3", "first")
    assert names() == "cab"
    assert "held" in text_of(capsys, "hold", "c-")
    assert [entry["state"] for entry in json_of(capsys)["entries"]] == ["held", "waiting", "waiting"]
    assert json_of(capsys, "hold")["held"] is True
    assert "The queue is held" in text_of(capsys)
    made = json_of(capsys, "go", "1", "--any-memory")
    assert (made["held"], made["entries"][0]["any_memory"]) == (True, True)
    assert json_of(capsys, "go")["held"] is False
    assert "out of the queue" in text_of(capsys, "remove", "1", "b-")
    assert names() == "a"


CANNOT = {
    "unknown preset": ["add", "nosuch"],
    "no data": ["add", "lora-3b-24gb"],
    "bad value": ["add", "demo", "--set", "method.rank=0"],
    "bad grid": ["add", "demo", "--grid", "rank"],
    "nothing there": ["remove", "1"],
    "no such place": ["remove", "99"],
    "unknown run": ["move", "nosuch", "up"],
}


def test_a_place_beyond_the_last_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    first = json_of(capsys, "add", "demo")["added"][0]
    json_of(capsys, "add", "demo")
    assert text_of(capsys, "move", first, "7") == f"{first} is number 2 now, the last: only 2 wait.\n"
    assert text_of(capsys, "move", first, "1") == f"{first} is number 1 now.\n"
    there = text_of(capsys, "remove", "99", code=2)
    assert "no place 99 in the queue: 2 runs wait there" in there and "`tui-ft queue` shows" in there


@pytest.mark.parametrize("arguments", CANNOT.values(), ids=CANNOT.keys())
def test_what_cannot_be_is_a_sentence_with_a_remedy(
    capsys: pytest.CaptureFixture[str], root: Path, arguments: list[str]
) -> None:
    printed = text_of(capsys, *arguments, code=2)
    assert printed.startswith("tui-ft: ")
    assert len(printed.splitlines()) >= 2 or "wait there" in printed
    assert not root.exists() or not [path for path in root.iterdir() if path.is_dir()]


def test_a_damaged_queue_is_a_sentence_for_the_queue_and_nothing_for_other_commands(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    json_of(capsys, "add", "demo")
    queue_path(root).write_bytes(b"{")
    assert "is damaged" in text_of(capsys, code=2)
    assert main(["ls", "--json"]) == 0
    queue_path(root).unlink()
    assert [entry["state"] for entry in json_of(capsys)["entries"]] == ["held"]


def test_other_commands_let_the_queue_go_on(
    capsys: pytest.CaptureFixture[str], root: Path, nudged: list[Path]
) -> None:
    assert main(["ls"]) == 0
    assert not nudged
    json_of(capsys, "add", "demo")
    nudged.clear()
    assert main(["ls"]) == 0
    assert nudged == [root]


def test_a_run_that_waits_is_neither_stopped_nor_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    [run_id] = json_of(capsys, "add", "demo")["added"]
    for command in ("stop", "save", "pause", "resume"):
        assert main([command, run_id]) == 1
        assert "queue" in capsys.readouterr().err
