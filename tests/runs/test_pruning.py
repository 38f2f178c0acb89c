"""What can be removed from a run: never what a resume needs, never what lies behind a link."""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path

import pytest
from checkpoint_made import save

from tui_ft.cli.main import main
from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints, directory, pruning, resuming
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import AttemptEvent, EndEvent, StateRecord, encode_row
from tui_ft.runs.state import StateFile
from tui_ft.train import resume_point


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = directory.create(tmp_path, "prune")
    for step, loss in ((2, 0.9), (4, 0.2), (6, 0.5), (8, 0.6), (10, 0.7)):
        save(run, step, loss)
    (run.checkpoint(2) / "optimizer.pt").write_bytes(b"cut")
    resume_point.supersede(run, 2, 8)
    (run.checkpoints / ".unfinished-12").mkdir()
    (run.checkpoints / ".unfinished-12" / "half").write_bytes(b"x" * 5000)
    run.events.write_bytes(b"")
    set_status(run, "stopped")
    return run


def set_status(run: RunDirectory, status: str) -> None:
    state = StateFile(run, StateRecord(status=status, host="h"))  # type: ignore[arg-type]
    state.is_written = False
    assert state.write()


def names(run: RunDirectory) -> dict[str, str]:
    return {item.path.relative_to(run.checkpoints).as_posix(): item.kind for item in pruning.find(run).items}


def test_what_can_go_and_what_stays(run: RunDirectory) -> None:
    found = pruning.find(run)
    assert names(run) == {
        ".unfinished-12": "unfinished",
        "checkpoint-2": "broken",
        "superseded-2/checkpoint-10": "superseded",
        "checkpoint-6": "older",
    }
    assert [name for name, *_ in found.kept] == ["checkpoint-4", "checkpoint-8"], "the best and the newest"
    assert found.bytes == sum(item.bytes for item in found.items) > 0


def test_what_is_removed_is_gone_and_a_resume_still_works(run: RunDirectory) -> None:
    found = pruning.find(run)
    assert pruning.remove(run, found.items) == found.bytes
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["checkpoint-4", "checkpoint-8"]
    assert pruning.find(run).items == ()
    assert resume_point.choose(run, 3)[0] == run.checkpoint(8)


def test_of_a_run_that_is_going_nothing_half_written_is_listed(run: RunDirectory) -> None:
    with open(run.events, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert names(run) == {"superseded-2/checkpoint-10": "superseded", "checkpoint-6": "older"}
        set_status(run, "finished")
        run.result.mkdir()
        assert "all" not in names(run).values()


def finish(run: RunDirectory, weights: bytes = b"w" * 100, told_bytes: int | None = 100) -> None:
    """The run has finished, and its result is what is said."""
    set_status(run, "finished")
    end = EndEvent(time=1.0, cause="finished", message="", step=10, result_bytes=told_bytes)
    rows = (AttemptEvent(time=0.0, attempt=1), end)
    run.events.write_bytes(b"".join(encode_row(row) + b"\n" for row in rows))
    run.result.mkdir(exist_ok=True)
    (run.result / "adapter_model.safetensors").write_bytes(weights)


def test_of_a_finished_run_the_result_and_the_best_stay(run: RunDirectory) -> None:
    finish(run)
    found = pruning.find(run)
    assert {item.path.name for item in found.items if item.kind == "all"} == {"checkpoint-8", "checkpoint-6"}
    assert [name for name, *_ in found.kept] == ["checkpoint-4"]


@pytest.mark.parametrize("weights", [b"", b"w" * 99], ids=["empty", "cut"])
def test_a_result_without_its_weights_is_none(run: RunDirectory, weights: bytes) -> None:
    finish(run, weights)
    assert "all" not in names(run).values()
    (run.result / "adapter_model.safetensors").unlink()
    assert "all" not in names(run).values()


def test_a_result_behind_a_link_is_none(run: RunDirectory, tmp_path: Path) -> None:
    finish(run)
    run.result.rename(tmp_path / "result")
    run.result.symlink_to(tmp_path / "result")
    assert "all" not in names(run).values()


def test_of_a_run_that_may_be_going_elsewhere_nothing_half_written_is_listed(run: RunDirectory) -> None:
    listed = pruning.find(run).items
    set_status(run, "running")
    assert names(run) == {"superseded-2/checkpoint-10": "superseded", "checkpoint-6": "older"}
    pruning.remove(run, listed)
    assert (run.checkpoints / ".unfinished-12").is_dir()


def test_while_it_is_removed_nobody_resumes(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(pruning, "_remove", lambda run, path: seen.append(locks.is_locked(run.lock)))
    pruning.remove(run, pruning.find(run).items)
    assert seen and all(seen)


def test_of_a_run_that_is_just_resumed_only_what_no_trainer_touches_goes(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = pruning.find(run).items
    monkeypatch.setattr(pruning, "_PATIENCE_S", 0.0)
    lock = locks.acquire(run)
    pruning.remove(run, listed)
    lock.close()
    assert (run.checkpoints / ".unfinished-12").is_dir()
    assert not run.checkpoint(6).exists()


def test_behind_a_link_nothing_is_listed_and_nothing_mended(run: RunDirectory, tmp_path: Path) -> None:
    others = tmp_path / "other-project"
    run.checkpoints.rename(others)
    (others / ".replaced-checkpoint-20").mkdir()
    run.checkpoints.symlink_to(others)
    before = sorted(others.rglob("*"))
    assert pruning.find(run).items == ()
    assert run.list_checkpoints() == []
    checkpoints.mend(run)
    with pytest.raises(TuiFtError, match="is a link"):
        resuming.resumable_state(run, False)
    assert sorted(others.rglob("*")) == before
    linked = RunDirectory(tmp_path / "20260101-linked-abcd")
    run.checkpoints.unlink()
    others.rename(run.checkpoints)
    linked.path.symlink_to(run.path)
    assert pruning.find(linked).items == ()


def test_an_old_list_cannot_remove_what_is_needed_by_now(run: RunDirectory) -> None:
    listed = pruning.find(run).items
    for step in (8, 4):
        shutil.rmtree(run.checkpoint(step))
    pruning.remove(run, listed)
    assert run.checkpoint(6).is_dir(), "meanwhile it has become the newest"


def test_links_are_never_followed(run: RunDirectory, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    (run.checkpoints / "checkpoint-1").symlink_to(precious)
    (run.checkpoints / "superseded-9").symlink_to(tmp_path)
    (run.checkpoint(6) / "link").symlink_to(precious)
    pruning.remove(run, pruning.find(run).items)
    assert (precious / "file").read_text() == "keep me"


def test_the_command_lists_first_and_removes_when_told(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--runs-root", str(run.path.parent)]
    assert main(["prune", run.id, *root]) == 0
    shown = capsys.readouterr().out
    assert "checkpoint-6" in shown and "the best: eval loss 0.2" in shown and "--yes" in shown
    assert run.checkpoint(6).is_dir()
    assert main(["prune", *root]) == 0
    assert run.id in capsys.readouterr().out
    assert main(["prune", run.id, "--yes", "--json", *root]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["freed_bytes"] == printed["bytes"] > 0
    assert not run.checkpoint(6).exists()
    assert main(["prune", "--yes", *root]) == 2


def test_a_newest_one_that_is_broken_under_a_whole_look_costs_no_older_one(run: RunDirectory) -> None:
    """The list goes by names and sizes; before anything older is removed every byte of the newest is read."""
    optimizer = run.checkpoint(8) / "optimizer.pt"
    optimizer.write_bytes(b"x" * optimizer.stat().st_size)
    listed = pruning.find(run).items
    with pytest.raises(TuiFtError, match="checkpoint-8 is the newest, but it is not whole"):
        pruning.remove(run, listed)
    assert run.checkpoint(6).is_dir() and run.checkpoint(4).is_dir()
    assert resume_point.choose(run, 3)[0] == run.checkpoint(6)
    assert names(run)["rejected-3/checkpoint-8"] == "broken"
    assert [name for name, *_ in pruning.find(run).kept] == ["checkpoint-4", "checkpoint-6"]
    pruning.remove(run, pruning.find(run).items)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["checkpoint-4", "checkpoint-6"]
