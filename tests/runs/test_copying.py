"""A copy has its name only when every byte of it was read back."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from hashlib import blake2b, sha256
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.runs.after import copying
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ExitRecord, StateRecord, encode_document


def a_run(folder: Path, status: str = "finished", size: int = 1000) -> RunDirectory:
    run = RunDirectory(folder / "20261121-demo-abcd")
    (run.path / "attempts" / "1").mkdir(parents=True)
    (run.path / "attempts" / "1" / "spec.toml").write_text("[model]\n")
    run.spec.write_text("[model]\n")
    run.metrics.write_text('{"step":1}\n')
    cause = "finished" if status == "finished" else "error"
    record = StateRecord(status=status, exit=ExitRecord(cause=cause, message=""))  # type: ignore[arg-type]
    run.state.write_bytes(encode_document(record))
    if status == "finished":
        (run.result / "sub").mkdir(parents=True)
        (run.result / "adapter_model.safetensors").write_bytes(random.Random(1).randbytes(size))
        (run.result / "sub" / "empty").touch()
    return run


def a_checkpoint(run: RunDirectory, step: int) -> Path:
    folder = run.checkpoint(step)
    folder.mkdir(parents=True)
    files = {"adapter_model.safetensors": b"w" * 100, "optimizer.pt": b"o", "scheduler.pt": b"s",
             "trainer_state.json": b"{}", "rng_state.pth": b"r"}  # fmt: skip
    for name, data in files.items():
        (folder / name).write_bytes(data)
    sizes = {name: len(data) for name, data in files.items()}
    (folder / "manifest.json").write_text(
        json.dumps({"schema": 1, "step": step, "tokens": 1, "files": sizes})
    )
    return folder


def test_a_result_is_copied_with_what_belongs_to_it(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    copy = copying.copy_run(run, tmp_path / "there" / "deep", 1)
    assert copy.folder == tmp_path / "there" / "deep" / run.id and copy.what == "the result"
    names = {str(path.relative_to(copy.folder)) for path in copy.folder.rglob("*") if path.is_file()}
    assert names == {
        "copied.json", "spec.toml", "state.json", "metrics.jsonl", "attempts/1/spec.toml",
        "result/adapter_model.safetensors", "result/sub/empty",
    }  # fmt: skip
    listed = json.loads((copy.folder / "copied.json").read_text())["files"]
    for name, about in listed.items():
        data = (copy.folder / name).read_bytes()
        assert (about["bytes"], about["blake2b"]) == (len(data), blake2b(data).hexdigest())
        assert data == (run.path / name).read_bytes()
    assert {path.stat().st_mode & 0o077 for path in copy.folder.rglob("*")} == {0}
    assert "same disk" in copy.note


def test_of_a_run_that_failed_the_newest_whole_checkpoint_is_copied(tmp_path: Path) -> None:
    run = a_run(tmp_path, "failed")
    a_checkpoint(run, 10)
    (a_checkpoint(run, 20) / "optimizer.pt").unlink()
    copy = copying.copy_run(run, tmp_path / "there", 1)
    assert copy.what == "the checkpoint of step 10"
    assert (
        copy.folder / "checkpoints" / "checkpoint-10" / "adapter_model.safetensors"
    ).read_bytes() == b"w" * 100
    assert not (copy.folder / "checkpoints" / "checkpoint-20").exists()


def test_a_disk_that_reads_something_else_back_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path)
    honest = copying._forget_pages

    def flip(descriptor: int) -> None:
        honest(descriptor)
        if os.fstat(descriptor).st_size == 1000:
            os.pwrite(descriptor, b"\x00\x01", 500)

    monkeypatch.setattr(copying, "_forget_pages", flip)
    with pytest.raises(TuiFtError, match="is not what was copied"):
        copying.copy_run(run, tmp_path / "there", 1)
    assert not (tmp_path / "there" / run.id).exists()


def test_a_kill_at_any_instant_leaves_a_whole_copy_or_none(tmp_path: Path) -> None:
    run = a_run(tmp_path, size=3 << 20)
    there, dice = tmp_path / "there", random.Random(7)
    began = time.monotonic()
    copying.copy_run(run, tmp_path / "first", 1)
    takes_s, whole = time.monotonic() - began, 0
    for _ in range(15):
        child = os.fork()
        if child == 0:
            copying.copy_run(run, there, 1)
            os._exit(0)
        time.sleep(dice.random() * 1.5 * takes_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        final = there / run.id
        if final.exists():
            whole += 1
            assert (final / "copied.json").exists()
            data = (final / "result" / "adapter_model.safetensors").read_bytes()
            assert data == (run.result / "adapter_model.safetensors").read_bytes()
            copying.shutil.rmtree(final)
    copying.copy_run(run, there, 1)  # whatever was left lies in nobody's way


def test_links_in_the_record_are_not_followed(tmp_path: Path) -> None:
    run, secret = a_run(tmp_path), tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("SECRET")
    run.output.symlink_to(secret / "key")
    (run.path / "attempts" / "2").symlink_to(secret)
    (run.path / "attempts" / "1" / "launch.json").symlink_to(secret / "key")
    copy = copying.copy_run(run, tmp_path / "there", 1)
    everything = b"".join(path.read_bytes() for path in copy.folder.rglob("*") if path.is_file())
    assert b"SECRET" not in everything


def test_a_result_that_is_not_all_there_is_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these came out as a copy that was verified, without what the run was for."""
    bigger = tmp_path / "bigger disk"
    bigger.mkdir()
    (bigger / "model.safetensors").write_bytes(b"w" * 100)

    def refused(run: RunDirectory, what: str) -> None:
        with pytest.raises(TuiFtError, match=what):
            copying.copy_run(run, tmp_path / "there", 1)
        assert not (tmp_path / "there").exists()

    run = a_run(tmp_path)
    copying.shutil.rmtree(run.result)
    refused(run, "No such file")
    run.result.symlink_to(bigger)
    refused(run, "result of .* is a link")
    run.result.unlink()
    run.result.mkdir()
    refused(run, "holds no weights")
    (run.result / "model.safetensors").symlink_to(bigger / "model.safetensors")
    refused(run, "result/model.safetensors of .* is a link")
    (run.result / "model.safetensors").unlink()
    (run.result / "model.safetensors").write_bytes(b"w" * 99)
    run.events.write_text(
        '{"event":"attempt","time":1,"attempt":1}\n'
        '{"event":"end","time":2,"cause":"finished","message":"","step":1,"result_bytes":100}\n'
    )
    refused(run, "has 99 bytes; the trainer left 100")
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: fail() if str(path).endswith("result") else scandir(path))
    refused(run, "Input/output error")


def fail() -> None:
    raise OSError(5, "EIO")


def test_of_a_run_that_failed_only_checkpoints_that_were_read_count(tmp_path: Path) -> None:
    run = a_run(tmp_path, "failed")
    for step in (10, 20, 30):
        hashed(a_checkpoint(run, step), eval_loss=step / 10)
    (run.checkpoint(30) / "adapter_model.safetensors").write_bytes(b"0" * 100)
    copy = copying.copy_run(run, tmp_path / "there", 1)
    assert copy.what == "the checkpoints of step 20 and, the best, 10"
    assert {path.name for path in (copy.folder / "checkpoints").iterdir()} == {
        "checkpoint-20", "checkpoint-10",
    }  # fmt: skip
    for step in (10, 20):
        (run.checkpoint(step) / "optimizer.pt").write_bytes(b"?")
    with pytest.raises(TuiFtError, match=r"No checkpoint of .* is whole"):
        copying.copy_run(run, tmp_path / "there", 2)


def hashed(folder: Path, eval_loss: float) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["hashes"] = {
        name: sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]
    }
    (folder / "manifest.json").write_text(json.dumps({**manifest, "eval_loss": eval_loss}))


@pytest.mark.parametrize("where", ["", "{id}", "{id}/copies", "link", "sub/folder"])
def test_a_run_is_no_copy_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    run = a_run(tmp_path / "runs")
    monkeypatch.setattr(copying, "known_roots", lambda: [tmp_path / "runs"])
    (tmp_path / "runs" / "link").symlink_to(run.path)
    with pytest.raises(TuiFtError, match=r"inside the run|among the runs"):
        copying.copy_run(run, tmp_path / "runs" / where.format(id=run.id), 1)


def test_a_link_to_the_run_in_the_place_of_the_copy_is_none(tmp_path: Path) -> None:
    run, there = a_run(tmp_path / "runs"), tmp_path / "there"
    there.mkdir()
    (there / run.id).symlink_to(run.path)
    with pytest.raises(TuiFtError, match="is a link"):
        copying.copy_run(run, there, 1)


def test_what_does_not_say_that_it_is_a_copy_is_none(tmp_path: Path) -> None:
    run, there = a_run(tmp_path / "runs"), tmp_path / "there"
    copying.shutil.copytree(run.path, there / run.id)
    with pytest.raises(TuiFtError, match="is no copy of") as raised:
        copying.copy_run(run, there, 1)
    assert raised.value.exit_code == 1


def test_a_copy_of_a_run_that_goes_on_is_not_in_the_way_of_that_at_its_end(tmp_path: Path) -> None:
    run, there = a_run(tmp_path / "runs"), tmp_path / "there"
    ended = run.state.read_bytes()
    run.state.write_bytes(encode_document(StateRecord(status="running")))
    a_checkpoint(run, 10)
    assert copying.copy_run(run, there, 1).folder.name == f"{run.id}-step-10"
    run.state.write_bytes(ended)
    copy = copying.copy_run(run, there, 1)
    assert (copy.folder.name, copy.what) == (run.id, "the result")


def test_a_link_in_the_place_of_the_copy_is_not_written_through(tmp_path: Path) -> None:
    run, elsewhere = a_run(tmp_path), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / f".unfinished-{run.id}").symlink_to(elsewhere)
    with pytest.raises(TuiFtError, match="is a link"):
        copying.copy_run(run, tmp_path / "there", 1)
    assert (elsewhere / "mine").exists()


def test_a_copy_that_is_there_is_read_again(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    copy = copying.copy_run(run, tmp_path / "there", 1)
    run.metrics.write_text('{"step":1}\n{"step":2}\n')  # rows may go on
    assert copying.copy_run(run, tmp_path / "there", 1).folder == copy.folder
    (copy.folder / "result" / "adapter_model.safetensors").write_bytes(b"x" * 1000)
    with pytest.raises(TuiFtError, match="is another") as raised:
        copying.copy_run(run, tmp_path / "there", 1)
    assert raised.value.exit_code == 1
    assert copying.copy_run(run, tmp_path / "there", 2).folder.name == f"{run.id}-attempt-2"


def test_no_room_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(tmp_path)
    usage = copying.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(TuiFtError, match="no room"):
        copying.copy_run(run, tmp_path / "there", 1)
    assert list((tmp_path / "there").iterdir()) == []


def test_two_copies_to_one_place_do_not_write_into_each_other(tmp_path: Path) -> None:
    """The second waits for the first, and says who copies when that takes too long."""
    run, there = a_run(tmp_path), tmp_path / "there"
    there.mkdir()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with copying.copying_alone(there, run.id, 0.0):
            os.write(write, b"x")
            time.sleep(60.0)
        os._exit(0)
    os.read(read, 1)
    with pytest.raises(TuiFtError, match=f"process {child} on .* is copying the same run") as raised:
        copying.copy_run(run, there, 1, patience_s=0.1)
    assert raised.value.exit_code == 1 and not (there / f".unfinished-{run.id}").exists()
    copying.copy_run(run, tmp_path / "elsewhere", 1, patience_s=0.0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert (there / f".{run.id}.lock").exists()
    copying.copy_run(run, there, 1, patience_s=0.0)
    assert [path.name for path in there.iterdir()] == [run.id], "the lock of the killed one is gone, too"
    os.close(read), os.close(write)


def test_who_waited_for_a_copy_has_it(tmp_path: Path) -> None:
    run, there = a_run(tmp_path, size=5 << 20), tmp_path / "there"
    children = []
    for _ in range(3):
        if (child := os.fork()) == 0:
            copy = copying.copy_run(run, there, 1, patience_s=30.0)
            os._exit(0 if copy.folder.is_dir() else 1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert [path.name for path in there.iterdir()] == [run.id]
