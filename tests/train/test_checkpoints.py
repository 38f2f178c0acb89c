"""Which checkpoints count as whole, which one is resumed from, and which are kept."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from checkpoint_made import FILES, save
from training import MakeRun, add_attempt, events

from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints as proof
from tui_ft.runs import directory, resuming
from tui_ft.runs.directory import MANIFEST, REPLACED_PREFIX, RunDirectory
from tui_ft.runs.records import LaunchRecord
from tui_ft.train import checkpoints, resume_point
from tui_ft.train.entry import run_attempt
from tui_ft.train.retention import Retention, retire


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return directory.create(tmp_path, "checkpoints")


def test_a_finished_checkpoint_has_its_name_and_a_manifest_of_its_files(run: RunDirectory) -> None:
    folder = save(run, 3)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["files"] == {name: len(content) for name, content in FILES.items()}
    assert manifest["tokens"] == 300
    assert [path.name for path in run.checkpoints.iterdir()] == ["checkpoint-3"]


@pytest.mark.parametrize("missing", [*FILES])
def test_a_checkpoint_that_lacks_a_file_never_gets_its_name(run: RunDirectory, missing: str) -> None:
    folder = checkpoints.draft_folder(run, 3)
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        if name != missing:
            (folder / name).write_bytes(content)
    with pytest.raises(TuiFtError):
        checkpoints.finish(run, 3, tokens=0, eval_loss=None)
    assert run.list_checkpoints() == []


@pytest.mark.parametrize("from_step", [None, 3])
def test_an_attempt_that_is_stopped_while_checkpoints_are_checked_says_where_it_stands(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, from_step: int | None
) -> None:
    """Told of step 0, who looks would think that it had begun again."""
    run = make_run()
    for step in (3, 6):
        save(run, step)
    add_attempt(run, 2)
    record = LaunchRecord(time=1.0, user="ann", from_step=from_step)
    run.attempt(2).launch.write_bytes(msgspec.json.encode(record))

    def stopped(folder: Path, progress: object) -> str | None:
        os.kill(os.getpid(), signal.SIGTERM)
        return None

    monkeypatch.setattr(resume_point, "verify", stopped)
    assert run_attempt(run.path, 2) == 0
    opened, end = events(run, "attempt")[-1], events(run, "end")[-1]
    step = from_step or 6
    assert (opened["step"], opened["checkpoint"]) == (step, str(run.checkpoint(step)))
    assert (end["cause"], end["step"]) == ("stopped", step)
    assert [one for one, _ in run.list_checkpoints()] == [6, 3]


@pytest.mark.parametrize("broken", [*FILES, MANIFEST])
@pytest.mark.parametrize("how", ["deleted", "cut"])
def test_a_broken_checkpoint_is_passed_over_for_the_newest_whole_one(
    run: RunDirectory, broken: str, how: str
) -> None:
    older, newer = save(run, 3), save(run, 6)
    path = newer / broken
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: -len(path.read_bytes()) // 2])
    chosen, rejected = resume_point.choose(run, 2)
    assert chosen == older
    assert [bad.path for bad in rejected] == [str(newer)]
    assert rejected[0].reason


def test_the_newest_is_newest_by_number_not_by_name(run: RunDirectory) -> None:
    save(run, 9)
    newest = save(run, 10)
    assert resume_point.choose(run, 2) == (newest, [])


def test_the_newest_and_the_best_are_kept(run: RunDirectory) -> None:
    for step, loss in ((2, 0.5), (4, 0.1), (6, 0.4), (8, 0.3), (10, None)):
        save(run, step, loss)
    removed = retire(run, Retention(keep=2))
    assert sorted(removed) == ["checkpoint-2", "checkpoint-6"]
    assert [step for step, _ in run.list_checkpoints()] == [10, 8, 4]


def test_a_state_with_infinite_numbers_in_its_log_is_whole(run: RunDirectory, monkeypatch: Any) -> None:
    """A scaler of fp16 gradients begins with steps whose gradient norm is infinite."""
    log = b'{"log_history": [{"grad_norm": Infinity}, {"grad_norm": -Infinity}, {"loss": NaN}]}'
    monkeypatch.setitem(FILES, "trainer_state.json", log)
    folder = save(run, 3)
    assert resume_point.choose(run, 2) == (folder, [])


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_an_eval_loss_that_is_not_finite_breaks_no_checkpoint(run: RunDirectory, loss: float) -> None:
    folder = save(run, 3, loss)
    assert resume_point.choose(run, 2) == (folder, [])
    assert proof.read_manifest(folder).eval_loss is None


def test_a_broken_checkpoint_never_takes_the_place_of_a_whole_one(run: RunDirectory) -> None:
    save(run, 8)
    broken = save(run, 10)
    (broken / "optimizer.pt").unlink()
    resumed = save(run, 9)
    assert retire(run, Retention(keep=1)) == ["checkpoint-8"]
    assert resume_point.choose(run, 2)[0] == resumed


def test_what_a_killed_trainer_left_half_written_is_swept_away(run: RunDirectory) -> None:
    whole = save(run, 3)
    half = checkpoints.unfinished_folder(run, 6)
    half.mkdir()
    (half / "optimizer.pt").write_bytes(b"half")
    checkpoints.sweep_unfinished(run)
    assert list(run.checkpoints.iterdir()) == [whole]


# --- proof -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FILES])
def test_a_byte_that_was_changed_is_seen_before_a_resume(run: RunDirectory, name: str) -> None:
    older, newer = save(run, 3), save(run, 6)
    path = newer / name
    data = bytearray(path.read_bytes())
    data[-1] = 0x20 if data[-1] != 0x20 else 0x7D
    if name == "trainer_state.json":
        data = bytearray(FILES[name].replace(b"3", b"4"))
    path.write_bytes(data)
    assert proof.fault(newer) is None, "its sizes are as they were"
    assert "does not hold what was written" in (proof.verify(newer) or "")
    chosen, rejected = resume_point.choose(run, 2)
    assert chosen == older
    assert len(rejected) == 1


def test_a_manifest_of_the_first_version_has_no_hashes_and_is_taken_by_its_sizes(run: RunDirectory) -> None:
    folder = save(run, 3)
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["hashes"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert proof.verify(folder) is None


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b"])
def test_a_manifest_that_names_files_outside_is_no_proof(run: RunDirectory, name: str) -> None:
    folder = save(run, 3)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = 1
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert "outside" in (proof.fault(folder) or "")


def test_a_folder_that_is_a_link_is_no_checkpoint_and_nothing_behind_it_is_removed(
    run: RunDirectory, tmp_path: Path
) -> None:
    other = directory.create(tmp_path / "elsewhere", "x")
    target = save(other, 5)
    run.checkpoint(5).symlink_to(target)
    save(run, 6), save(run, 7), save(run, 8)
    assert [one.step for one in proof.whole(run)] == [8, 7, 6]
    assert retire(run, Retention(keep=1)) == ["checkpoint-6", "checkpoint-7"]
    save(run, 5)
    assert not run.checkpoint(5).is_symlink()
    assert proof.verify(target) is None


# --- replacing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("can_exchange", [True, False])
def test_the_same_step_again_never_leaves_neither(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    """Every system call that changes names is a place where a kill may come."""
    if not can_exchange:
        monkeypatch.setattr(checkpoints, "exchange", lambda one, other: False)
    save(run, 6)
    (run.checkpoint(6) / "optimizer.pt").write_bytes(b"old")

    class Killed(BaseException):
        pass

    left = 0

    def counted(original: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return original(*args, **kwargs)

        return call

    done = False
    for allowed in range(60):
        draft = checkpoints.draft_folder(run, 6)
        draft.mkdir(parents=True)
        for name, content in FILES.items():
            (draft / name).write_bytes(content)
        left = allowed
        with monkeypatch.context() as patch:
            for name in ("rename", "replace", "rmdir", "unlink", "fsync"):
                patch.setattr(os, name, counted(getattr(os, name)))
            try:
                checkpoints.finish(run, 6, tokens=1, eval_loss=None)
                done = True
            except Killed:
                pass
        proof.mend(run)
        assert run.checkpoint(6).is_dir(), f"gone after {allowed} calls"
        assert not list(run.checkpoints.glob(f"{REPLACED_PREFIX}*"))
        checkpoints.sweep_unfinished(run)
        if done:
            break
    assert done and allowed > 8, "every call was one at which it ended"
    assert proof.verify(run.checkpoint(6)) is None


def test_everything_is_synced_before_the_name_is_given(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut leaves is what was synced: all files, their folder, then the name, then its folder."""
    order: list[str] = []
    sync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        order.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        order.append(f"rename {target.name}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    save(run, 3)
    given = order.index("rename checkpoint-3")
    before, after = order[:given], order[given + 1 :]
    assert {f"sync {name}" for name in FILES} <= set(before)
    assert before[-1] == "sync checkpoint-3"
    assert any(MANIFEST in line for line in before)
    assert after[0] == "sync checkpoints"


# --- retention ---------------------------------------------------------------------------------------------


def test_the_older_ones_go_when_all_take_too_much(run: RunDirectory) -> None:
    for step in (2, 4, 6, 8):
        save(run, step)
    size = proof.whole(run)[0].bytes
    kept = Retention(keep=4, keep_gib=2.5 * size / 2**30)
    assert retire(run, kept) == ["checkpoint-2", "checkpoint-4"]
    assert retire(run, Retention(keep=4, keep_gib=1e-12)) == ["checkpoint-6"]
    assert [one.step for one in proof.whole(run)] == [8], "the only one stays, whatever it takes"


def test_the_best_stays_beside_the_newest_however_little_room_there_is(run: RunDirectory) -> None:
    for step, loss in ((2, 0.1), (4, 0.5), (6, 0.4)):
        save(run, step, loss)
    retire(run, Retention(keep=3, keep_gib=1e-12))
    assert [one.step for one in proof.whole(run)] == [6, 2]


# --- going back --------------------------------------------------------------------------------------------


def launched(run: RunDirectory, attempt: int, from_step: int) -> None:
    run.attempt(attempt).path.mkdir()
    run.attempt(attempt).launch.write_text(json.dumps({"time": 0.0, "from_step": from_step}))


def test_an_attempt_told_to_go_back_puts_the_newer_ones_aside(run: RunDirectory) -> None:
    kept, _, newest = save(run, 3), save(run, 6), save(run, 9)
    launched(run, 2, 3)
    assert resume_point.choose(run, 2) == (kept, [])
    assert [step for step, _ in run.list_checkpoints()] == [3]
    assert [path.name for path in proof.superseded(run)] == ["checkpoint-6", "checkpoint-9"]
    assert proof.verify(run.checkpoints / "superseded-2" / newest.name) is None
    assert retire(run, Retention(keep=1)) == [], "what was put aside is removed by a person only"
    assert resume_point.choose(run, 3)[0] == kept, "and nothing is resumed from there"


def test_going_back_twice_loses_nothing(run: RunDirectory) -> None:
    save(run, 3), save(run, 6)
    launched(run, 2, 3)
    resume_point.choose(run, 2)
    save(run, 6)
    resume_point.choose(run, 2)
    assert [path.name for path in proof.superseded(run)] == ["checkpoint-6", "checkpoint-6.2"]


def test_a_checkpoint_that_was_named_and_is_broken_is_not_passed_over_in_silence(run: RunDirectory) -> None:
    save(run, 3), save(run, 6)
    (run.checkpoint(3) / "optimizer.pt").write_bytes(b"cut")
    launched(run, 2, 3)
    with pytest.raises(TuiFtError, match="step 3 is not whole"):
        resume_point.choose(run, 2)
    assert [step for step, _ in run.list_checkpoints()] == [6]
    assert [path.name for path in proof.rejected(run)] == ["checkpoint-3"], "put aside, not removed"
    (run.attempt(2).launch).write_bytes(b"\xff{")
    with pytest.raises(TuiFtError, match="cannot be read"):
        resume_point.choose(run, 2)


# --- broken under a whole look -----------------------------------------------------------------------------


def spoil(folder: Path) -> None:
    """Change a byte and no size: only the hashes tell."""
    (folder / "optimizer.pt").write_bytes(b"x" * len(FILES["optimizer.pt"]))
    assert proof.fault(folder) is None


@pytest.mark.parametrize("keep", [1, 2])
def test_one_that_a_resume_rejected_costs_no_whole_one(run: RunDirectory, keep: int) -> None:
    """A run goes on before the rejected step and saves: what it proves is the newest, whatever its number."""
    save(run, 3), save(run, 9)
    spoil(run.checkpoint(9))
    chosen, rejected = resume_point.choose(run, 2)
    assert (chosen, [bad.path for bad in rejected]) == (run.checkpoint(3), [str(run.checkpoint(9))])
    assert [path.parent.name for path in proof.rejected(run)] == ["rejected-2"]
    save(run, 6)
    retire(run, Retention(keep=keep))
    assert [one.step for one in proof.whole(run)] == [6, 3][:keep]
    assert resume_point.choose(run, 3) == (run.checkpoint(6), [])


def test_while_none_is_whole_nothing_is_moved(run: RunDirectory) -> None:
    save(run, 3)
    spoil(run.checkpoint(3))
    assert resume_point.choose(run, 2)[0] is None
    assert [step for step, _ in run.list_checkpoints()] == [3]


def test_a_resume_after_one_whose_named_checkpoint_was_broken_goes_on_before_it(run: RunDirectory) -> None:
    for step in (3, 6, 9):
        save(run, step)
    launched(run, 2, 6)
    assert resuming.unfulfilled_step(run, 2) == 6
    spoil(run.checkpoint(6))
    with pytest.raises(TuiFtError, match="step 6 is not whole"):
        resume_point.choose(run, 2)
    assert resuming.unfulfilled_step(run, 2) == 3, "the newer ones were not wanted"


def test_what_interrupts_the_reading_of_a_large_checkpoint_does_not_wait_for_its_end(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, read = save(run, 3), 0
    manifest = proof.read_manifest(folder)

    class Endless:
        """A file of which there is always more, as one of fifty gigabytes on a slow disk."""

        def __init__(self, *_: Any, **__: Any) -> None: ...
        def __enter__(self) -> Endless:
            return self

        def __exit__(self, *_: object) -> None: ...
        def readinto(self, buffer: memoryview) -> int:
            nonlocal read
            read += 1
            if read > 5000:
                return 0
            time.sleep(0.001)
            return 1

    class Stop(BaseException):
        """What a signal raises in the main thread."""

    def interrupt(number: int, frame: Any) -> None:
        raise Stop

    before = signal.signal(signal.SIGALRM, interrupt)
    monkeypatch.setattr(proof, "open_regular", lambda path: path)
    with monkeypatch.context() as patch:
        patch.setattr(proof, "fault", lambda folder: None)
        patch.setattr(proof, "read_manifest", lambda folder: manifest)
        patch.setattr(proof, "open", Endless, raising=False)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            with pytest.raises(Stop):
                proof.verify(folder)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    assert read < 5000, "the files were not read to their ends"


def test_a_folder_that_cannot_be_removed_breaks_no_proved_checkpoint(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(folder: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "remove", busy)
        folder = save(run, 3)
    assert proof.verify(folder) is None
