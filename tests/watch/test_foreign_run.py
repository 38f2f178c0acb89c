"""One run of several sources: which is shown, what the others lend, and what state they give together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from foreign_writers import EventFile, scalar
from run_folders import NOON, TRACEBACK, hf_state, losses, screen_log, trainer_log
from synthetic_run import SyntheticRun

from tui_ft.hardware import processes
from tui_ft.watch import finding, formats, report, searching
from tui_ft.watch.foreign_run import ForeignRun, open_run
from tui_ft.watch.merging import Told, combine
from tui_ft.watch.processes import holding
from tui_ft.watch.processes.writers import Writer
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.hf_trainer_state import TrainerStateSource
from tui_ft.watch.sources.tui_ft import TuiFtSource
from tui_ft.watch.state import Evidence, decide
from tui_ft.watch.writing import WriterWatch, Writing


def nobody(paths: Iterable[Path]) -> tuple[Writer, ...]:
    return ()


def opened(path: Path, now: float = NOON, writers: Callable[..., tuple[Writer, ...]] = nobody) -> ForeignRun:
    found = finding.find_runs(path, now)
    assert len(found) == 1
    source = open_run(found[0], lambda: now, writers)
    assert isinstance(source, ForeignRun)
    return source


def read(path: Path, now: float = NOON, writers: Callable[..., tuple[Writer, ...]] = nobody) -> Reading:
    return report.read_whole(opened(path, now, writers))


def until(source: ForeignRun, is_so: Callable[[Reading], bool], within_s: float = 20.0) -> Reading:
    end = time.monotonic() + within_s
    while not is_so(source.reading) and time.monotonic() < end:
        source.poll(0.05)
        time.sleep(0.01)
    return source.reading


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a Python of its own; none outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_run_of_ours_is_opened_by_the_same_door(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=8) as made:
        made.begin_training()
        made.advance(8)
        made.finish()
    source = open_run(finding.resolve(tmp_path, made.run.id))
    assert isinstance(source, TuiFtSource)
    assert report.read_whole(source).status == "finished"


def test_the_richest_source_is_shown_and_the_others_lend_what_it_lacks(tmp_path: Path) -> None:
    values = losses()
    hf_state(tmp_path / "out", values)
    trainer_log(tmp_path / "out", values)
    reading = read(tmp_path)
    assert reading.source == "hf_trainer_state"
    assert reading.series["loss"].last == (20, values[-1])
    assert reading.borrowed == {"accuracy": "llamafactory"}
    assert len(reading.series["accuracy"]) == 20
    assert any("accuracy" in note for note in reading.notes)
    assert [other.source for other in reading.others] == ["llamafactory"]


def test_the_json_keeps_what_is_lent_apart(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses())
    trainer_log(tmp_path / "out", losses())
    told = report.as_json(read(tmp_path))
    assert set(told["series"]) == {"loss", "grad_norm", "learning_rate"}
    assert told["borrowed_series"]["accuracy"]["source"] == "llamafactory"
    assert told["borrowed_series"]["accuracy"]["points"] == 20
    assert [other["source"] for other in told["others"]] == ["llamafactory"]
    assert "llamafactory" in report.as_text(read(tmp_path), NOON)


def test_while_it_runs_what_is_written_as_it_trains_is_shown_before_a_checkpoint(tmp_path: Path) -> None:
    values = losses(60)
    hf_state(tmp_path / "out/checkpoint-40", values[:40], total=100, at=NOON - 60)
    trainer_log(tmp_path / "out", values, total=100, at=NOON - 5)
    reading = read(tmp_path)
    assert (reading.source, reading.step, reading.status) == ("llamafactory", 60, "running")
    assert reading.borrowed["grad_norm"] == "hf_trainer_state"
    assert len(reading.series["grad_norm"]) == 40
    assert reading.checkpoint_steps == (40,)


def test_a_source_that_was_left_behind_is_not_shown(tmp_path: Path) -> None:
    values = losses(100)
    hf_state(tmp_path / "out/checkpoint-40", values[:40], total=100, at=NOON - 5)
    trainer_log(tmp_path / "out", values, is_over=True, at=NOON - 5)
    reading = read(tmp_path)
    assert (reading.status, reading.source, reading.step) == ("finished", "llamafactory", 100)


def test_of_a_run_that_is_over_the_source_with_its_last_points_is_shown(tmp_path: Path) -> None:
    values = losses(100)
    hf_state(tmp_path / "out", values[:99], total=100, at=NOON - 5)
    trainer_log(tmp_path / "out", values, is_over=True, at=NOON - 5)
    reading = read(tmp_path)
    assert (reading.status, reading.source, reading.step) == ("finished", "llamafactory", 100)


def test_a_mark_of_an_end_counts_from_a_source_that_is_not_shown(tmp_path: Path) -> None:
    values = losses()
    hf_state(tmp_path / "out", values, total=50, at=NOON - 9999)
    screen_log(tmp_path / "out.log", values, total=50, end=TRACEBACK, at=NOON - 9999)
    reading = read(tmp_path)
    assert (reading.source, reading.status) == ("hf_trainer_state", "failed")
    assert "the data ran out" in reading.reason


def test_a_mark_is_void_when_another_source_goes_on_after_it(tmp_path: Path) -> None:
    values = losses(60)
    screen_log(tmp_path / "out.log", values[:20], total=100, end=TRACEBACK, at=NOON - 9999)
    trainer_log(tmp_path / "out", values, total=100, at=NOON - 5)
    reading = read(tmp_path)
    assert (reading.source, reading.status, reading.step) == ("llamafactory", "running", 60)


def test_nothing_fresh_and_nobody_known_is_not_known(tmp_path: Path) -> None:
    trainer_log(tmp_path / "out", losses(), total=100, at=NOON - 86_400)
    reading = read(tmp_path)
    assert reading.status == "unknown"
    assert "no mark of an end" in reading.reason


def test_a_writer_that_lives_makes_it_run_and_its_silence_quiet(tmp_path: Path) -> None:
    me = Writer(os.getpid(), processes.start_time(os.getpid()) or 0)
    trainer_log(tmp_path / "out", losses(), total=100, at=NOON - 86_400)
    reading = read(tmp_path, NOON, lambda paths: (me,))
    assert (reading.status, reading.pids) == ("quiet", (os.getpid(),))
    assert read(tmp_path, NOON - 86_390, lambda paths: (me,)).status == "running"


ENDS = {
    "exit 0": ("input()", None, ("finished", "exit code 0")),
    "exit 3": ("input(); raise SystemExit(3)", None, ("failed", "exit code 3")),
    "kill -9": ("input()", 9, ("lost", "")),
    "terminated": ("input()", 15, ("stopped", "SIGTERM")),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_the_process_that_writes_changes_the_state_at_once(
    tmp_path: Path, child: Callable[..., subprocess.Popen[bytes]], end: str
) -> None:
    code, number, (status, words) = ENDS[end]
    process = child(code)
    writer = Writer(process.pid, processes.start_time(process.pid) or 0)
    file = trainer_log(tmp_path / "out", losses(), total=100)
    alive = (writer,)
    source = opened(tmp_path, NOON, lambda paths: alive if process.poll() is None else ())
    assert until(source, lambda reading: bool(reading.pids)).status == "running"
    if number is not None:
        process.send_signal(number)
    else:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    reading = until(source, lambda reading: reading.status != "running")
    assert file.exists()
    assert reading.pids == ()
    if not words:
        assert reading.status == status
    elif reading.status != "lost":  # an older kernel does not tell how a process ended
        assert reading.status == status
        assert words in reading.reason


def test_a_mark_in_the_files_wins_over_the_exit_of_the_process(
    tmp_path: Path, child: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = child("input(); raise SystemExit(1)")
    writer = Writer(process.pid, processes.start_time(process.pid) or 0)
    trainer_log(tmp_path / "out", losses(), total=100)
    source = opened(tmp_path, NOON, lambda paths: (writer,) if process.poll() is None else ())
    assert until(source, lambda reading: bool(reading.pids)).status == "running"
    trainer_log(tmp_path / "out", losses(), total=100, is_over=True)
    process.kill()
    assert until(source, lambda reading: reading.status == "finished").status == "finished"


def test_a_run_is_followed_as_it_grows_and_when_it_is_deleted(tmp_path: Path) -> None:
    values = losses(40)
    file = trainer_log(tmp_path / "out", values[:20], total=40)
    hf_state(tmp_path / "out/checkpoint-10", values[:10], total=40)
    source = opened(tmp_path)
    assert until(source, lambda reading: reading.step == 20).step == 20
    trainer_log(tmp_path / "out", values, total=40)
    assert until(source, lambda reading: reading.step == 40).step == 40
    file.unlink()
    for _ in range(5):
        source.poll(0.02)
    assert source.reading.series["loss"].last is not None


def test_nothing_new_is_no_change(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses())
    trainer_log(tmp_path / "out", losses())
    source = opened(tmp_path)
    report.read_whole(source)
    for _ in range(3):
        source.poll(0.05)
    version = source.reading
    assert not any(source.poll(0.02) for _ in range(20))
    assert source.reading is version


def test_hostile_names_reach_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "out\x1b]0;owned\x07\u202e"
    hf_state(folder, losses())
    trainer_log(folder, losses())
    told = report.as_text(read(tmp_path), NOON)
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\u202e" not in told


@pytest.mark.parametrize("moment", ["opened", "read", "looked for"])
def test_a_reader_that_fails_leaves_the_others_to_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def fails(*_: object) -> Iterator[None]:
        raise ValueError("it was not thought of")

    hf_state(tmp_path / "out", losses())
    trainer_log(tmp_path / "out", losses())
    form = formats.by_name("hf_trainer_state")
    if moment == "read":
        monkeypatch.setattr(TrainerStateSource, "advance", fails)
    else:
        broken = replace(form, open=fails) if moment == "opened" else replace(form, find=fails)
        others = [known for known in formats.FORMATS if known is not form]
        monkeypatch.setattr(formats, "FORMATS", (broken, *others))
    reading = read(tmp_path)
    assert (reading.source, reading.step) == ("llamafactory", 20)
    assert any("hf_trainer_state" in note and "please report it" in note for note in reading.notes)
    alone = hf_state(tmp_path / "alone", losses()).parent
    if moment != "looked for":
        assert any("please report it" in note for note in read(alone).notes)


def test_a_source_that_comes_later_is_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "FIRST_AFTER_S", 0.05)
    monkeypatch.setattr(searching, "PAUSES", 0.0)
    screen_log(tmp_path / "train.log", losses()[:10], total=50)
    source = opened(tmp_path)
    assert until(source, lambda reading: reading.step == 10).source == "stdout"
    screen_log(tmp_path / "train.log", losses(), total=50)
    hf_state(tmp_path / "out/checkpoint-20", losses(), total=50)
    hf_state(tmp_path / "elsewhere/checkpoint-20", losses(seed=5), total=50)
    reading = until(source, lambda reading: bool(reading.checkpoint_steps))
    assert [other.source for other in reading.others] == ["hf_trainer_state"]
    assert reading.checkpoint_steps == (20,)
    assert reading.others[0].path == str(tmp_path / "out")


def test_the_last_words_of_a_process_are_heard_before_its_end_is_told(
    tmp_path: Path, child: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = child("input(); raise SystemExit(1)")
    writer = Writer(process.pid, processes.start_time(process.pid) or 0)
    hf_state(tmp_path / "out/checkpoint-20", losses(), total=50)
    log = screen_log(tmp_path / "out.log", losses(), total=50)
    source = opened(tmp_path, NOON, lambda paths: (writer,) if process.poll() is None else ())
    assert until(source, lambda reading: bool(reading.pids)).status == "running"
    screen_log(log, losses(), total=50, end=TRACEBACK)
    process.kill()
    reading = until(source, lambda reading: reading.status != "running")
    assert (reading.status, "the data ran out" in reading.reason) == ("failed", True)


def test_a_fresh_log_that_nobody_holds_any_more_is_not_called_running(
    tmp_path: Path, child: Callable[..., subprocess.Popen[bytes]]
) -> None:
    log = screen_log(tmp_path / "train.log", losses(), total=50, at=time.time())
    found = finding.find_runs(log)[0]
    writer = child(
        "import sys, time; f = open(sys.argv[1], 'a'); print('x', flush=True); time.sleep(99)", str(log)
    )
    until_held(writer.pid, log)
    assert report.read_whole(open_run(found)).status in ("running", "quiet")
    writer.kill()
    writer.wait()
    reading = report.read_whole(open_run(found))
    if not holding.is_of_here_alone(log):
        pytest.skip("the file system of the test's folder may be written by another machine")
    assert reading.status == "unknown"
    assert "no process here holds it open" in reading.reason and " ago" in reading.reason


def test_a_log_that_is_opened_for_each_line_runs_all_the_same(tmp_path: Path) -> None:
    log = screen_log(tmp_path / "train.log", losses(), total=50, at=NOON - 5)
    place = finding.find_runs(log, NOON)[0].places
    asked: list[bool] = []

    def nobody_holds(paths: Iterable[Path]) -> bool:
        asked.append(True)
        return set(paths) == {log}

    watch = WriterWatch(place, lambda: NOON, nobody, nobody_holds)
    watch.poll(True)
    assert watch.known.is_let_go
    watch.poll(True)
    assert len(asked) == 1, "nothing was written: it is not asked for with every poll"
    os.utime(log, (NOON - 1, NOON - 1))
    watch.poll(True)
    assert not watch.known.is_let_go and len(asked) == 2


def test_what_is_written_after_the_log_lives_on_without_it(tmp_path: Path) -> None:
    """A run that was started again may print into another place than its first log."""
    screen_log(tmp_path / "out/train.log", losses(), total=50, at=NOON - 60)
    trainer_log(tmp_path / "out", losses(), total=50, at=NOON - 5)
    places = finding.find_runs(tmp_path, NOON)[0].places
    watch = WriterWatch(places, lambda: NOON, nobody, lambda paths: True)
    watch.poll(True)
    assert len(places) == 2 and not watch.known.is_let_go
    assert read(tmp_path).status == "running"


def until_held(pid: int, path: Path) -> None:
    end = time.monotonic() + 20
    while not any(file.target == str(path) for file in processes.open_files(pid)) and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("changed_after_s", "words"), [(60.0, "Its process is gone"), (2000.0, "Last written")]
)
def test_a_copied_event_file_tells_nothing_of_its_process_by_its_name(
    tmp_path: Path, child: Callable[..., subprocess.Popen[bytes]], changed_after_s: float, words: str
) -> None:
    """A plain copy has the time of the copy; the machine that it is of may have our host's name."""
    dead = child("pass")
    dead.wait()
    if not holding.is_of_here_alone(tmp_path):
        pytest.skip("the file system of the test's folder may be written by another machine")
    now = time.time()
    with EventFile(tmp_path / "runs", start=now, host=os.uname().nodename, pid=dead.pid) as file:
        for step in range(20):
            file.add(now, step, scalar("train/loss", 3.0 - step / 10))
    os.utime(file.path, (now + changed_after_s,) * 2)
    reading = read(tmp_path, now + 3000)
    assert (reading.status, reading.reason.startswith(words)) == ("unknown", True), reading.reason


@pytest.mark.parametrize(
    ("step", "total", "writing", "status"),
    [
        (50, None, Writing(lives=False, is_by_name=True), "unknown"),
        (100, 100, Writing(lives=False, is_by_name=True), "unknown"),
        (50, 100, Writing(lives=False, is_by_name=True), "lost"),
        (50, None, Writing(lives=False), "lost"),
        (50, None, Writing(lives=False, killed="Its process was killed (signal 9)."), "lost"),
    ],
)
def test_a_process_that_nobody_saw_end_is_lost_only_where_steps_are_missing(
    step: int, total: int | None, writing: Writing, status: str
) -> None:
    reading = Reading(
        source="tensorboard", title="t", path="/t", status="unknown", step=step, total_steps=total
    )
    told = Told(reading, Evidence(written_at=NOON - 10))
    assert decide(combine([told], writing), NOON)[0] == status
