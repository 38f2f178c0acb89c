"""Training processes of the box: found by what they hold open, grouped, tied to what they write."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from tests.hardware.fake_nvml import FULL, GIB, FakeNvml
from tests.started import end_group, python, started, until
from tui_ft.hardware import gpu, host, processes
from tui_ft.hardware.gpu import read_gpus
from tui_ft.watch.log import clean_line
from tui_ft.watch.processes import holding
from tui_ft.watch.processes import writers as writers_of_files
from tui_ft.watch.processes.box import Box, Group, Scanner, scan
from tui_ft.watch.processes.holding import nobody_holds
from tui_ft.watch.processes.searching import search
from tui_ft.watch.processes.writers import Writer, lives, named_writer_gone, writers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc")

EVENTS = "events.out.tfevents.1700000000.host.1.0"
HOLDS = "import sys, time\nfile = open(sys.argv[1], sys.argv[2])\ntime.sleep(100)"
FORKS = """
import os, sys, time
file = open(sys.argv[1], "ab")
for _ in range(3):
    if os.fork() == 0:
        break
time.sleep(100)
"""


def group_of(pid: int) -> Group | None:
    return next((group for group in scan(with_gpus=False).groups if pid in group.pids), None)


def found(pid: int) -> Group:
    return until(lambda: group_of(pid), f"the group of {pid}")


def test_a_process_that_writes_event_files_is_found_with_its_file(tmp_path: Path) -> None:
    with started(python(HOLDS, EVENTS, "ab", "--token", "hf_abcdefghijklmnopqrst"), tmp_path) as child:
        group = found(child.pid)
    assert group.paths == (tmp_path / EVENTS,)
    assert group.cwd == tmp_path
    assert group.our_run is None
    assert group.gpu_bytes is None
    assert "hf_abc" not in group.command and "***" in group.command
    assert "\n" not in group.command, "a command line is one line on the screen"


def test_one_that_only_reads_them_is_a_viewer_and_no_training(tmp_path: Path) -> None:
    (tmp_path / EVENTS).touch()
    with started(python(HOLDS, EVENTS, "ab"), tmp_path) as writer:
        found(writer.pid)
        with started(python(HOLDS, str(tmp_path / EVENTS), "rb"), tmp_path) as reader:
            until(lambda: EVENTS in str(processes.open_files(reader.pid)), "the reader to have it open")
            assert group_of(reader.pid) is None
            assert [mine.pid for mine in writers([tmp_path / EVENTS])] == [writer.pid]


def test_forked_workers_belong_to_the_process_that_made_them(tmp_path: Path) -> None:
    with started(python(FORKS, EVENTS), tmp_path) as child:
        until(lambda: len(found(child.pid).pids) == 4, "the workers")
        group = found(child.pid)
        assert group.pid == child.pid == group.pids[0]
        assert [writer.pid for writer in writers(group.paths)] == [child.pid]


def test_ranks_are_one_group_under_their_launcher(tmp_path: Path) -> None:
    launcher = tmp_path / "torchrun"
    launcher.write_text(
        "import subprocess, sys\n"
        "ranks = [subprocess.Popen([sys.executable, 'train.py', '--output_dir', 'out', f'--rank={k}'])"
        " for k in range(2)]\n[rank.wait() for rank in ranks]\n"
    )
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")
    command = [sys.executable, str(launcher), "--nproc_per_node", "2", "train.py"]
    with started(command, tmp_path) as child:
        until(lambda: len(found(child.pid).pids) == 3, "both ranks")
        group = found(child.pid)
    assert group.pid == child.pid
    assert group.paths == (tmp_path / "out",)
    assert group.title == f"{tmp_path.name}/out", "a folder called out says little alone"


def test_two_trainings_that_one_script_starts_stay_two(tmp_path: Path) -> None:
    (tmp_path / "train_all.py").write_text(
        "import subprocess, sys\n"
        "both = [subprocess.Popen([sys.executable, 'train.py', '--output_dir', name]) for name in 'ab']\n"
        "[one.wait() for one in both]\n"
    )
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")

    def below() -> list[Group]:
        return [group for group in scan(with_gpus=False).groups if group.cwd == tmp_path]

    with started([sys.executable, "train_all.py"], tmp_path) as child:
        until(lambda: len(below()) == 2, "both trainings")
        groups = below()
    assert {group.title for group in groups} == {"a", "b"}
    assert child.pid not in [group.pid for group in groups], "what starts them trains nothing itself"


def test_the_output_is_a_path_even_through_tee(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\nprint(1, flush=True)\ntime.sleep(100)\n")
    with started(["sh", "-c", f"{sys.executable} train.py | tee run.log"], tmp_path):
        group = until(
            lambda: next((one for one in scan(with_gpus=False).groups if one.cwd == tmp_path), None),
            "the training",
        )
        until(lambda: found(group.pid).paths == (tmp_path / "run.log",), "the log that tee writes")
    log = tmp_path / "plain.out"
    with started([sys.executable, "train.py"], tmp_path, log) as child:
        assert found(child.pid).paths == (log,)


def test_the_output_folder_comes_from_options_and_from_a_config_file(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")
    (tmp_path / "sft.yaml").write_text(
        "model: x\noutput_dir: 'saves/a b'  # here\nnested:\n  output_dir: no\n"
    )
    with started([sys.executable, "train.py", "--config", "sft.yaml"], tmp_path) as child:
        assert found(child.pid).paths == (tmp_path / "saves/a b",)
    config = ["--config=sft.yaml", "output_dir=mine"]
    with started([sys.executable, "train.py", *config], tmp_path) as child:
        assert found(child.pid).paths == (tmp_path / "mine",), "a word of the command wins over its file"


def test_a_logger_in_a_process_of_its_own_belongs_to_the_script(tmp_path: Path) -> None:
    """wandb-core holds the .wandb file, not the script; it names the script by --pid."""
    core = tmp_path / "wandb-core"
    core.symlink_to(sys.executable)
    (tmp_path / "loop.py").write_text(
        "import os, subprocess, sys\n"
        f"subprocess.run(['./wandb-core', '-c', {HOLDS!r}, 'run-1.wandb', 'ab', '--pid', str(os.getpid())])\n"
    )
    with started([sys.executable, "loop.py"], tmp_path) as child:
        group = found(child.pid)
        assert group.pid == child.pid
        assert group.paths == (tmp_path / "run-1.wandb",)
        assert writers([tmp_path / "run-1.wandb"])[0].pid == child.pid


def test_a_process_of_ours_is_told_by_its_run_directory(tmp_path: Path) -> None:
    run = tmp_path / "20260101-mine-abcd"
    command = [sys.executable, "-m", "tui_ft.train", "run", str(run), "--attempt", "1"]
    (tmp_path / "tui_ft").mkdir()
    (tmp_path / "tui_ft" / "__init__.py").touch()
    (tmp_path / "tui_ft" / "train.py").write_text("import time\ntime.sleep(100)\n")
    with started(command, tmp_path, PYTHONPATH=str(tmp_path)) as child:
        group = found(child.pid)
        assert group.our_run == run
        assert group.title == run.name
        assert writers([run / "metrics.jsonl"]) == (Writer(child.pid, group.start_time),)


def test_a_shell_an_editor_and_a_test_are_no_training(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")
    with (
        started(["sh", "-c", "sleep 100; : train.py"], tmp_path) as shell,
        started(["tail", "-f", "train.py"], tmp_path) as tail,
        started(python("import time; time.sleep(100)"), tmp_path) as idle,
        started([sys.executable, "train.py"], tmp_path) as child,
    ):
        found(child.pid)
        box = scan(with_gpus=False)
    pids = {pid for group in box.groups for pid in group.pids}
    assert not pids & {shell.pid, tail.pid, idle.pid, os.getpid()}


def test_a_writer_is_told_from_a_reused_pid(tmp_path: Path) -> None:
    with started(python(HOLDS, EVENTS, "ab"), tmp_path):
        until(lambda: writers([tmp_path / EVENTS]), "the writer")
        (writer,) = writers([tmp_path / EVENTS])
        assert lives(writer)
        assert not lives(Writer(writer.pid, writer.start_time + 1))
    assert not lives(writer)
    assert writers([tmp_path / EVENTS]) == ()


def test_an_older_run_in_the_same_output_folder_has_no_writer(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")
    old, new = tmp_path / "out/old.json", tmp_path / "out/new.json"
    old.parent.mkdir()
    old.touch()
    os.utime(old, (1_700_000_000, 1_700_000_000))
    with started([sys.executable, "train.py", "--output_dir=out"], tmp_path) as child:
        found(child.pid)
        new.touch()
        assert writers([old]) == ()
        assert [writer.pid for writer in writers([new])] == [child.pid]


def test_the_process_in_the_name_of_an_event_file(tmp_path: Path) -> None:
    host, here = os.uname().nodename, os.getpid()
    started_here = processes.started_at(processes.start_time(here) or 0)
    assert started_here is not None
    created = int(time.time())  # the process of the tests may have begun long before the file is made
    now = created + 1000.0

    def named(pid: int, at: int = created, where: str = host) -> bool | None:
        path = tmp_path / f"events.out.tfevents.{at}.{where}.{pid}.0"
        path.touch()
        os.utime(path, (now - 100, now - 100))
        return named_writer_gone(path, now)

    with started(python("pass"), tmp_path) as dead:
        dead.wait()
    assert named(here) is False, "it lives"
    assert named(dead.pid) is True
    assert named(here, int(started_here) - 100) is True, "the pid is another process's now: it began later"
    assert named(dead.pid, where="another-host") is None
    assert named(dead.pid, at=1_000_000_000) is None, "before this boot: the pid says nothing"
    fresh = tmp_path / f"events.out.tfevents.{created}.{host}.{dead.pid}.0"
    os.utime(fresh, (now - 1, now - 1))
    assert named_writer_gone(fresh, now) is None, "written just now: another container has our host's name"
    assert named_writer_gone(tmp_path / "events.out.tfevents.1.x", now) is None
    assert named_writer_gone(tmp_path / "train.log", now) is None


def test_the_name_of_an_event_file_says_nothing_where_another_may_have_our_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers are called alike on purpose, share the host's name and its disks; folders are copied."""
    now = time.time()
    with started(python("pass"), tmp_path) as dead:
        dead.wait()

    def gone(where: str, pid: int = dead.pid, changed: float = now) -> bool | None:
        path = tmp_path / f"events.out.tfevents.{int(now)}.{where}.{pid}.0"
        path.touch()
        os.utime(path, (changed, changed))
        return named_writer_gone(path, now + 500)

    monkeypatch.setattr(host, "hostname", lambda: "trainer")
    if holding.is_of_here_alone(tmp_path):
        assert gone("trainer") is True
        monkeypatch.setattr(processes, "inner_pid", lambda pid: dead.pid if pid == os.getpid() else None)
        assert gone("trainer") is None, "a container below this one may have written it under our name"
        monkeypatch.setattr(processes, "inner_pid", lambda pid: None)
    assert gone("trainer", changed=now - 60) is None, "it was copied here with its times"
    monkeypatch.setattr(writers_of_files, "is_of_here_alone", lambda path: False)
    assert gone("trainer") is None, "another machine that is called so may write it"
    assert gone("trainer", pid=1) is None
    monkeypatch.setattr(host, "hostname", lambda: "0123456789ab")
    assert gone("0123456789ab") is True, "Docker gives no two containers the same id"


def test_the_pid_that_a_process_has_in_its_container(tmp_path: Path) -> None:
    assert processes.inner_pid(os.getpid()) is None
    assert processes.inner_pid(1 << 30) is None


def test_a_scan_without_proc_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_pids", lambda: iter(()))
    assert Scanner().scan() == Box()


def test_a_process_on_a_gpu_shows_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_verified_name", lambda pid: "python")
    with started(python(HOLDS, EVENTS, "ab"), tmp_path) as child:
        found(child.pid)
        reading = read_gpus(FakeNvml({**FULL, "compute": [(child.pid, 19 * GIB)]}))
        groups = {group.pid: group for group in Scanner().scan(reading).groups}
        assert (groups[child.pid].gpu_bytes, groups[child.pid].gpus) == (19 * GIB, (0,))
        unknown = read_gpus(FakeNvml({**FULL, "compute": [(child.pid, None)]}))
        groups = {group.pid: group for group in Scanner().scan(unknown).groups}
        assert groups[child.pid].gpu_bytes is None, "not told is not zero"


def test_a_python_that_only_the_gpu_gives_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_verified_name", lambda pid: "python")
    with started(python("import time; time.sleep(100)"), tmp_path) as child:
        until(lambda: processes.working_directory(child.pid) == tmp_path, "its start")
        assert not [group for group in Scanner().scan().groups if group.pid == child.pid]
        reading = read_gpus(FakeNvml({**FULL, "compute": [(child.pid, GIB)]}))
        assert [group.why for group in Scanner().scan(reading).groups if group.pid == child.pid] == [
            "it uses a GPU"
        ]


def test_what_others_call_their_processes_never_reaches_the_screen_as_control(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\n\u202e"
    folder = tmp_path / f"a{evil}b"
    folder.mkdir()
    with started(python(HOLDS, EVENTS, "ab", evil, f"--output_dir={evil}x"), folder) as child:
        group = found(child.pid)
    for shown in (group.command, group.title, group.why, group.user):
        assert shown == clean_line(shown)
        assert shown.isprintable()


def test_a_very_long_command_line_is_cut(tmp_path: Path) -> None:
    many = ["x" * 100_000] * 10
    with started(python(HOLDS, EVENTS, "ab", *many), tmp_path) as child:
        assert len(found(child.pid).command) <= 500


def test_paths_of_another_container_mean_nothing_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")
    with started([sys.executable, "train.py", "--output_dir", "/etc"], tmp_path) as child:
        assert found(child.pid).paths == (Path("/etc"),)
        monkeypatch.setattr(processes, "has_other_root", lambda pid: pid == child.pid)
        groups = {group.pid: group for group in Scanner().scan().groups}
    assert groups[child.pid].paths == ()
    assert groups[child.pid].why == "in another container"


def test_the_root_of_another_container_is_told() -> None:
    assert not processes.has_other_root(os.getpid())
    assert not processes.has_other_root(1 << 30), "gone: nothing is known"


def test_event_files_that_nobody_holds_open_are_found_by_the_pid_in_their_names(tmp_path: Path) -> None:
    """torch's SummaryWriter opens its file for every flush and closes it again."""
    code = (
        "import os, sys, time\nopen('my.wandb', 'ab').close()\nheld = open('trainer_log.jsonl', 'ab')\n"
        "os.makedirs('logs/a')\nhere = os.uname().nodename\n"
        "for pid in (os.getpid(), 1):\n"
        "    open(f'logs/a/events.out.tfevents.{int(time.time())}.{here}.{pid}.0', 'wb').close()\n"
        "open('ready', 'w').close()\ntime.sleep(100)"
    )
    with started(python(code), tmp_path) as child:
        until((tmp_path / "ready").exists, "its files")
        group = Scanner().scan().groups
        mine = next(one for one in group if one.pid == child.pid)
    assert [path.name.split(".")[-2] for path in mine.paths[1:]] == [str(child.pid)]
    assert mine.likely == (tmp_path / "my.wandb",)


def test_what_two_trainings_in_one_folder_may_have_written_is_of_neither(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")
    both = [[sys.executable, "train.py", name] for name in "ab"]
    with started(both[0], tmp_path) as one, started(both[1], tmp_path) as two:
        (tmp_path / "out").mkdir()
        (tmp_path / "out/trainer_state.json").touch()

        def likely() -> dict[int, tuple[Path, ...]]:
            return {group.pid: group.likely for group in Scanner().scan().groups if group.cwd == tmp_path}

        until(lambda: likely() == {one.pid: (), two.pid: ()}, "both")
        end_group(two)
        until(lambda: likely() == {one.pid: (tmp_path / "out/trainer_state.json",)}, "it to be the one's")


def test_files_from_before_the_process_are_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\ntime.sleep(100)\n")
    (tmp_path / "metrics.csv").touch()
    os.utime(tmp_path / "metrics.csv", (1_700_000_000, 1_700_000_000))
    with started([sys.executable, "train.py"], tmp_path) as child:
        assert found(child.pid).likely == ()


def test_a_search_ends_in_a_huge_tree(tmp_path: Path) -> None:
    for at in range(60):
        folder = tmp_path / f"d{at}"
        folder.mkdir()
        for inner in range(120):
            (folder / f"f{inner}").touch()
    (tmp_path / "d0" / "loop").symlink_to(tmp_path)
    assert search([tmp_path, tmp_path / "none"], 0.0, {1}) == ((), ())
    assert search([Path("/proc"), Path("/nowhere")], 0.0, {1}) == ((), ())


def test_that_nobody_writes_a_log_is_said_only_when_it_is_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "train.log"
    with started(python("print('x', flush=True); import time; time.sleep(100)"), tmp_path, log) as child:
        assert not nobody_holds([log]), "its process holds it, whatever it is"
        assert not nobody_holds([tmp_path / "other", log])
        end_group(child)
        if holding._is_local(log.stat().st_dev):
            assert nobody_holds([log])
            monkeypatch.setattr(holding, "_ELSEWHERE", ("",))
            assert not nobody_holds([log]), "another machine may write it"
    assert not nobody_holds([])
    assert not nobody_holds([tmp_path / "gone"])


def test_in_a_container_a_mounted_file_may_be_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Path("/dev/shm") / f"{tmp_path.name}.log"
    log.touch()
    try:
        monkeypatch.setattr(host, "pid_namespace", lambda: "pid:[1]")
        assert not nobody_holds([log])
    finally:
        log.unlink()
