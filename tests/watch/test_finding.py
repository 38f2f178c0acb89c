"""Which runs are found at a path, and which sources are one run."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import run_folders
from foreign_writers import write_events
from run_folders import NOON, TRACEBACK, hf_state, losses, metrics_csv, screen_log, trainer_log, write
from synthetic_run import SyntheticRun

from tui_ft.errors import TuiFtError
from tui_ft.hardware import processes
from tui_ft.watch import finding, walking
from tui_ft.watch.foreign_run import open_run
from tui_ft.watch.found import FoundRun
from tui_ft.watch.reading import OtherSource
from tui_ft.watch.report import read_whole
from tui_ft.watch.state import Evidence, decide


def find(path: Path) -> list[FoundRun]:
    return finding.find_runs(path, NOON)


def formats_of(found: FoundRun) -> list[str]:
    return [place.format for place in found.places]


def test_one_run_is_found_by_its_file_its_folder_and_from_above(tmp_path: Path) -> None:
    file = hf_state(tmp_path / "project/out", losses())
    for path in (file, tmp_path / "project/out", tmp_path / "project", tmp_path):
        found = find(path)
        assert [formats_of(run) for run in found] == [["hf_trainer_state"]]
        assert read_whole(open_run(found[0], lambda: NOON)).step == 20


def test_a_checkpoint_is_no_run_beside_its_output_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    hf_state(out / "checkpoint-10", losses()[:10], total=20)
    hf_state(out / "checkpoint-20", losses())
    found = find(tmp_path)
    assert [run.path for run in found] == [out]
    assert read_whole(open_run(found[0])).step == 20
    assert read_whole(open_run(find(out / "checkpoint-10")[0])).step == 10


def test_what_lies_in_one_output_folder_is_one_run_the_richest_source_first(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses(), is_over=True)
    trainer_log(tmp_path / "out", losses())
    found = find(tmp_path)
    assert [formats_of(run) for run in found] == [["hf_trainer_state", "llamafactory"]]
    assert found[0].path == tmp_path / "out"
    assert found[0].title.endswith("/out")


def test_a_log_of_an_older_run_in_the_same_folder_is_another_run(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses(seed=1))
    trainer_log(tmp_path / "out", losses(seed=2))
    assert sorted(map(formats_of, find(tmp_path))) == [["hf_trainer_state"], ["llamafactory"]]


def test_runs_with_the_same_numbers_in_folders_beside_each_other_stay_two(tmp_path: Path) -> None:
    hf_state(tmp_path / "a", losses())
    trainer_log(tmp_path / "b", losses())
    metrics_csv(tmp_path / "c/version_0", losses())
    metrics_csv(tmp_path / "c/version_1", losses())
    assert len(find(tmp_path)) == 4


def test_a_log_beside_the_folder_belongs_by_its_name(tmp_path: Path) -> None:
    hf_state(tmp_path / "small", losses())
    hf_state(tmp_path / "large", losses())
    screen_log(tmp_path / "small.log", losses())
    for found in (find(tmp_path), find(tmp_path / "small")):
        by_path = {run.path.name: formats_of(run) for run in found}
        assert by_path["small"] == ["hf_trainer_state", "stdout"]
        assert by_path.get("large", ["hf_trainer_state"]) == ["hf_trainer_state"]


def test_a_log_of_any_name_belongs_by_its_points(tmp_path: Path) -> None:
    hf_state(tmp_path / "outputs/one", losses(seed=1))
    hf_state(tmp_path / "outputs/two", losses(seed=2))
    screen_log(tmp_path / "nohup.out", losses(seed=2))
    by_path = {run.path.name: formats_of(run) for run in find(tmp_path)}
    assert by_path == {"one": ["hf_trainer_state"], "two": ["hf_trainer_state", "stdout"]}


def test_a_log_with_other_numbers_is_another_run(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses(seed=1))
    screen_log(tmp_path / "out.log", losses(seed=2))
    assert sorted(map(formats_of, find(tmp_path))) == [["hf_trainer_state"], ["stdout"]]
    assert [formats_of(run) for run in find(tmp_path / "out")] == [["hf_trainer_state"]]


def test_what_lives_comes_first_then_what_trained_then_what_tells_the_most(tmp_path: Path) -> None:
    hf_state(tmp_path / "ended", losses(seed=1), is_over=True, at=NOON - 9)
    trainer_log(tmp_path / "lives", losses(seed=2), total=100, at=NOON - 5)
    metrics_csv(tmp_path / "old/version_0", losses(seed=3), at=NOON - 9999)
    order = [formats_of(run)[0] for run in find(tmp_path)]
    assert order == ["llamafactory", "lightning_csv", "hf_trainer_state"]


def test_a_link_in_a_circle_ends_and_counts_no_run_twice(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses())
    (tmp_path / "out/again").symlink_to(tmp_path)
    (tmp_path / "latest").symlink_to(tmp_path / "out")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    assert [run.path for run in find(tmp_path)] == [tmp_path / "out"]
    assert [run.path for run in find(tmp_path / "latest")] == [tmp_path / "out"]


def test_a_file_behind_a_link_is_read_as_long_as_it_stays_in_the_tree(tmp_path: Path) -> None:
    top = tmp_path / "named"
    text = screen_log(top / "first.log", losses()).read_bytes()
    (top / "logs").mkdir()
    (top / "first.log").rename(top / "logs/attempt.3")  # no name that a log has
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/run-9.log").write_bytes(text)
    (top / "out").mkdir()
    (top / "out/train.log").symlink_to("../logs/attempt.3")
    (top / "out/other.log").symlink_to(tmp_path / "outside/run-9.log")
    assert [run.path for run in find(top)] == [top / "out/train.log"]
    assert find(top / "out") == [], "the target is no longer under what was named"
    assert len(find(top / "out/train.log")) == 1, "what is named itself is read"


@pytest.mark.parametrize("name", ["train.log", "trainer_log.jsonl", "metrics.csv"])
def test_a_link_beside_its_target_is_one_run(tmp_path: Path, name: str) -> None:
    make = {
        "train.log": lambda: screen_log(tmp_path / name, losses()),
        "trainer_log.jsonl": lambda: trainer_log(tmp_path, losses(), total=100),
        "metrics.csv": lambda: metrics_csv(tmp_path, losses()),
    }
    make[name]()
    (tmp_path / "latest.log").symlink_to(name)
    assert len(find(tmp_path)) == 1
    (tmp_path / "latest.log").unlink()
    (tmp_path / "kept").mkdir()
    (tmp_path / name).rename(tmp_path / "kept/data.bin")
    (tmp_path / name).symlink_to("kept/data.bin")
    (run,) = find(tmp_path)
    assert read_whole(open_run(run, lambda: NOON)).series["loss"]


def test_event_files_behind_links_keep_the_rule(tmp_path: Path) -> None:
    file = write_events(tmp_path / "run", 9)
    (tmp_path / "run" / f"{file.name}.again").symlink_to(file.name)
    (found,) = find(tmp_path / "run")
    assert found.places[0].files == (file,)
    (tmp_path / "view").mkdir()
    (tmp_path / "view" / file.name).symlink_to(file)
    assert find(tmp_path / "view") == []
    assert len(find(tmp_path)) == 1


def test_a_folder_behind_a_link_is_searched(tmp_path: Path) -> None:
    hf_state(tmp_path / "disk/out", losses())
    (tmp_path / "project").mkdir()
    (tmp_path / "project/outputs").symlink_to(tmp_path / "disk")
    assert len(find(tmp_path / "project")) == 1


def test_a_fifo_by_the_name_of_a_run_file_stops_nothing(tmp_path: Path) -> None:
    names = ("trainer_state.json", "train.log", "metrics.csv", "trainer_log.jsonl", "nohup.out",
             "events.out.tfevents.1795219683.vm.1.0", "run-x.wandb", "mlflow.db")  # fmt: skip
    for name in names:
        os.mkfifo(tmp_path / name)
    started = time.monotonic()
    assert find(tmp_path) == []
    for name in names:
        assert find(tmp_path / name) == []
    assert time.monotonic() - started < 5


def test_a_pointer_of_git_lfs_is_named_with_the_remedy(tmp_path: Path) -> None:
    name = "events.out.tfevents.1672375864.ficino.2745717.0"
    pointer = write(tmp_path / "runs/one" / name, run_folders.POINTER)
    for path in (pointer, tmp_path):
        with pytest.raises(TuiFtError, match=r"git-lfs pointer") as raised:
            finding.resolve(tmp_path, str(path))
        assert "git lfs pull" in raised.value.hint
    hf_state(tmp_path, losses())
    found = finding.resolve(tmp_path, str(tmp_path))
    assert any(name in note for note in found.notes)


def test_a_pointer_is_said_of_its_own_run_or_once(tmp_path: Path) -> None:
    for at in range(4):
        hf_state(tmp_path / f"run{at}", losses(seed=at), at=NOON - at)
    write(tmp_path / "run2/runs/a/events.out.tfevents.1672375864.ficino.1.0", run_folders.POINTER)
    write(tmp_path / "run3/checkpoint-5/trainer_state.json", run_folders.POINTER)
    write(tmp_path / "other/trainer_state.json", run_folders.POINTER)
    told = {run.path.name: " ".join(run.notes) for run in find(tmp_path)}
    assert "run1" in told and not told["run1"]
    assert "/other/" in told["run0"] and "another run" in told["run0"]
    assert "tfevents" in told["run2"] and "checkpoint-5" in told["run3"]
    assert sum(map(len, (run.notes for run in find(tmp_path)))) == 3


@pytest.mark.parametrize("kind", ["nothing there", "empty folder", "file of another kind", "zeros"])
def test_where_no_run_is_a_sentence_says_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "empty folder":
        path.mkdir()
    elif kind == "file of another kind":
        write(path, "hello\n" * 30)
    elif kind == "zeros":
        path.write_bytes(bytes(100_000))
    with pytest.raises(TuiFtError):
        finding.resolve(tmp_path / "runs", str(path))


def test_a_log_of_any_name_is_read_when_it_is_named(tmp_path: Path) -> None:
    log = screen_log(tmp_path / "what-i-saw", losses())
    found = finding.resolve(tmp_path, str(log))
    assert read_whole(open_run(found)).series["loss"].last is not None


def test_our_own_runs_are_found_in_a_tree_and_nothing_inside_them(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path / "runs", total_steps=20) as made:
        made.begin_training()
        made.advance(20)
        made.finish()
    hf_state(made.run.checkpoints / "checkpoint-10", losses())
    hf_state(tmp_path / "foreign", losses())
    found = find(tmp_path)
    assert [run.is_ours for run in found] == [True, False]
    assert find(made.run.checkpoints)[0].path == made.run.path
    assert finding.resolve(tmp_path / "runs", made.run.id).path == made.run.path
    assert finding.resolve(tmp_path / "runs", made.run.id[:14]).path == made.run.path
    assert finding.resolve(tmp_path / "runs", str(made.run.path)).is_ours


def test_a_state_of_another_tool_is_no_run_of_ours(tmp_path: Path) -> None:
    write(tmp_path / "out/state.json", '{"step": 3}')
    hf_state(tmp_path / "out", losses())
    assert [run.is_ours for run in find(tmp_path)] == [False]


def test_the_others_of_a_search_are_offered_and_can_be_opened(tmp_path: Path) -> None:
    hf_state(tmp_path / "a", losses(seed=1))
    trainer_log(tmp_path / "a", losses(seed=1))
    hf_state(tmp_path / "b", losses(seed=2))
    found = finding.resolve(tmp_path, str(tmp_path), NOON)
    reading = read_whole(open_run(found, lambda: NOON))
    assert [other.source for other in reading.others] == ["llamafactory", "hf_trainer_state"]
    for other in reading.others:
        opened = read_whole(open_run(finding.found_other(other, NOON), lambda: NOON))
        assert (opened.source, opened.step) == (other.source, 20)


def test_a_pid_of_a_process_that_writes_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(TuiFtError, match="no run is known"):
        finding.resolve(tmp_path, str(os.getppid()))


def test_a_search_that_is_cut_short_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_FOLDERS", 30)
    for at in range(60):
        hf_state(tmp_path / f"run-{at:03d}", losses(seed=at))
    found = find(tmp_path)
    assert len(found) == 29
    assert any("more than was searched" in note for note in found[0].notes)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_read_is_noted(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses())
    (tmp_path / "secret").mkdir(mode=0o000)
    try:
        assert any("secret" in note for note in find(tmp_path)[0].notes)
    finally:
        (tmp_path / "secret").chmod(0o700)


def test_a_log_whose_steps_are_shifted_belongs_by_the_order_of_its_values(tmp_path: Path) -> None:
    values = losses(60)
    hf_state(tmp_path / "out", values)
    screen_log(tmp_path / "train.log", values[:20] + values[23:], total=60)
    assert [formats_of(run) for run in find(tmp_path)] == [["hf_trainer_state", "stdout"]]


def test_an_other_source_is_shown_though_a_richer_one_shares_its_folder(tmp_path: Path) -> None:
    """The run's path is that of its richest source: asking for the other one must not open that again."""
    values = losses()
    hf_state(tmp_path / "out", values)
    trainer_log(tmp_path / "out", values)
    screen_log(tmp_path / "out/train.log", values, end=TRACEBACK)
    found = finding.resolve(tmp_path, str(tmp_path / "out"), NOON)
    reading = read_whole(open_run(found, lambda: NOON))
    assert [other.source for other in reading.others] == ["llamafactory", "stdout"]
    for other in reading.others:
        opened = read_whole(open_run(finding.found_other(other, NOON, found), lambda: NOON))
        assert (opened.source, opened.status) == (other.source, "failed")
        back = next(one for one in opened.others if one.source == "hf_trainer_state")
        for within in (None, found):  # its place is the folder, which the search takes for the whole run
            again = read_whole(open_run(finding.found_other(back, NOON, within), lambda: NOON))
            assert again.source == "hf_trainer_state"
    metrics_csv(tmp_path / "version_0", values)
    write_events(tmp_path / "version_0", 20)
    events = tmp_path / "version_0"
    other = OtherSource(source="tensorboard", title="", path=str(events))
    assert read_whole(open_run(finding.found_other(other, NOON), lambda: NOON)).source == "tensorboard"
    other = OtherSource(source="wandb", title="", path=str(events))
    with pytest.raises(TuiFtError, match="any more"):
        finding.found_other(other, NOON)


def test_a_number_that_is_no_run_and_no_process_is_said_to_be_neither(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        waiting = time.monotonic() + 20
        while processes.process_stat(dead.pid) is not None and time.monotonic() < waiting:
            time.sleep(0.01)
        for number in (dead.pid, 999_999_999):  # the first is a zombie, which still has its entry in /proc
            with pytest.raises(TuiFtError, match=f"no run '{number}' .*no process {number} lives here"):
                finding.resolve(tmp_path, str(number))
    with pytest.raises(TuiFtError) as raised:
        finding.resolve(tmp_path, "no-such-run")
    assert "process" not in raised.value.message


def test_a_process_that_prints_to_a_terminal_gets_advice(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    silent = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    printing = subprocess.Popen(["sleep", "60"], stdout=slave)
    try:
        for process, words in ((silent, "Name a file"), (printing, "tee train.log")):
            with pytest.raises(TuiFtError) as raised:
                finding.resolve(tmp_path, str(process.pid))
            assert words in raised.value.hint
    finally:
        for process in (silent, printing):
            process.kill()
            process.wait()
        os.close(master)
        os.close(slave)


def test_what_only_checkpoints_tell_is_said_to_be_of_the_last_one() -> None:
    evidence = Evidence(writer_lives=True, written_at=NOON - 10)
    assert decide(evidence, NOON) == ("running", "")
    status, reason = decide(replace(evidence, is_snapshot=True), NOON)
    assert status == "running" and "as of its last checkpoint" in reason
