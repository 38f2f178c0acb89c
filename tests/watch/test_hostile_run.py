"""Whatever lies in a run directory, reading it ends, raises nothing and prints no control character."""

from __future__ import annotations

import json
import os
import random
import shutil
import unicodedata
from pathlib import Path

import pytest
from synthetic_run import SyntheticRun

from tui_ft.runs.directory import RunDirectory
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import as_json, as_text, read_whole
from tui_ft.watch.sources.tui_ft import TuiFtSource

NAMES = ("metrics.jsonl", "events.jsonl", "hardware.jsonl", "state.json", "output.log", "spec.toml")
DEEP = b"[" * 100_000
HUGE = b"9" * 400
CONTENTS = {
    "empty": b"",
    "zeros": b"\0" * 300_000,
    "one long line": b"x" * 10_000_000,
    "deep": b'{"step":1,"time":1,"event":"attempt","loss":' + DEEP + b"\n",
    "deeper and closed": b'{"step":1,"x":' + DEEP + b"]" * 100_000 + b"}\n",
    "huge numbers": b"".join(
        line.replace(b"9", HUGE) + b"\n"
        for line in (
            b'{"step":9,"time":1,"loss":1}', b'{"step":1,"time":9,"loss":9}', b'{"step":1,"loss":-9}',
            b'{"event":"attempt","time":1,"attempt":9,"step":9}',
            b'{"event":"phase","time":1,"phase":"training","step":1,"total_steps":9}',
            b'{"time":1,"gpus":[{"index":0,"uuid":"","used_bytes":9,"total_bytes":9}],"disk_free_bytes":9}',
        )
    ),
    "beyond floats": b'{"step":1,"time":1e999,"loss":1e999}\n{"step":2,"loss":-1e999}\n',
    "no text": bytes(range(256)) * 500,
    "escapes": b'{"step":1,"loss":1,"\\u001b[2J\\u0007":2}\n\x1b]0;gone\x07\x9b2J\n\x1bc\r\xe2\x80\xae',
    "names": b"".join(b'{"step":%d,"name%d":1,"%s":2}\n' % (n, n, b"x" * n) for n in range(3_000)),
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with something in every file."""
    with SyntheticRun(tmp_path_factory.mktemp("whole"), total_steps=60) as made:
        made.foresee()
        made.begin_training()
        made.advance(60)
        made.measure()
        made.save()
        made.finish()
    made.run.spec.write_text('[model]\nid = "demo"\n[data]\ntrain = "demo"\n[notes]\nname = "x"\n')
    return made.run.path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> RunDirectory:
    return RunDirectory(shutil.copytree(whole, tmp_path / whole.name))


def read(run: RunDirectory) -> Reading:
    source = TuiFtSource(run, clock=lambda: 1.8e9)
    reading = read_whole(source, 20.0)
    source.poll()
    text = as_text(reading, 1.8e9) + "".join(reading.log) + json.dumps(as_json(reading), allow_nan=False)
    text += "".join(f"{name} {value}" for name, value in reading.settings.items())
    odd = {character for character in text if unicodedata.category(character) in ("Cc", "Cf")} - {"\n"}
    assert not odd
    assert reading.is_complete
    return reading


def test_the_run_by_itself_is_finished(run: RunDirectory) -> None:
    reading = read(run)
    assert (reading.status, reading.step, len(reading.series["loss"])) == ("finished", 60, 60)
    assert reading.settings["model.id"] == "demo"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", sorted(CONTENTS))
def test_a_file_of_rubbish(run: RunDirectory, name: str, content: str) -> None:
    (run.path / name).write_bytes(CONTENTS[content])
    read(run)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["absent", "folder", "fifo", "loop", "device"])
def test_something_else_in_the_place_of_a_file(run: RunDirectory, name: str, kind: str) -> None:
    path = run.path / name
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    read(run)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_off_anywhere(run: RunDirectory, whole: Path, name: str) -> None:
    data = (whole / name).read_bytes()
    for size in range(0, len(data), max(len(data) // 40, 64)):
        (run.path / name).write_bytes(data[:size])
        read(run)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_bytes_changed(run: RunDirectory, whole: Path, name: str) -> None:
    data, chance = (whole / name).read_bytes(), random.Random(name)
    for _ in range(40):
        changed = bytearray(data)
        for _ in range(chance.randrange(1, 9)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        (run.path / name).write_bytes(changed)
        read(run)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_changes_while_it_is_read(run: RunDirectory, whole: Path, name: str) -> None:
    path, data = run.path / name, (whole / name).read_bytes()
    source = TuiFtSource(run, clock=lambda: 1.8e9)
    for step in range(6):
        source.poll(0.0)
        path.unlink(missing_ok=True)
        if step % 2:
            path.write_bytes(data[: len(data) * step // 6])
    path.write_bytes(data)
    read_whole(source, 20.0)
    source.poll()
    assert len(source.reading.series["loss"]) == 60


def test_a_folder_whose_name_is_no_text_and_a_result_that_is_none(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "a\x1b[31mred\x07")
    run.control.mkdir(parents=True)
    run.events.write_text(
        '{"schema":1,"event":"end","time":1,"cause":"finished","message":"","step":1,"result":"r\\u001b]0;x\\u0007"}\n'
    )
    reading = read_whole(TuiFtSource(run))
    assert reading.title == "ared"
    assert reading.end is not None
    assert "\x1b" not in as_text(reading)
