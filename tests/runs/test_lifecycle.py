"""A run from its launch to its end, with real processes: it ends as it should and says how."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.hardware import processes
from tui_ft.runs import control, launch
from tui_ft.runs.known_roots import known_roots
from tui_ft.runs.records import decode_hardware
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth
from tui_ft.spec import overrides, toml


def test_a_run_is_detached_and_finishes(bench) -> None:
    run = bench.start("steps=5", until="finished")
    state = read_state(run)
    assert (state.exit.cause, state.exit.code, state.exit.message) == (
        "finished",
        0,
        "Finished after 5 steps.",
    )
    assert state.total_steps == 5
    assert state.started_at <= state.ended_at
    assert toml.load(run.spec) == bench.spec == toml.load(run.attempt(1).spec)
    supervisor = bench.process(run, "supervisor")
    assert supervisor.pid != os.getpid()
    decode_hardware(run.hardware.read_bytes().splitlines()[0])


def test_tags_and_note_of_the_spec_stand_in_the_state_to_the_end(bench) -> None:
    bench.spec = overrides.apply(bench.spec, ['notes.tags=["a", "b"]', "notes.text=a first try"])
    state = read_state(bench.start("steps=2", until="finished"))
    assert (state.tags, state.note) == (["a", "b"], "a first try")


def test_start_returns_with_the_supervisor_at_work(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    run = bench.start("loading", until=None)
    state = read_state(run)
    assert state.status == "starting"
    supervisor = state.processes[0]
    assert supervisor.role == "supervisor"
    assert processes.is_alive(supervisor.pid, supervisor.start_time)
    assert known_roots() == [run.path.parent], "`ls --all` finds it from anywhere"


def test_the_supervisor_is_nobodys_child_of_ours(bench) -> None:
    """A long-lived app must not collect the zombies of the runs it started."""
    run = bench.start("forever")
    supervisor = bench.kill(run, "supervisor")
    with pytest.raises(ChildProcessError):
        os.waitpid(supervisor.pid, os.WNOHANG)


def test_directories_and_files_are_private(bench) -> None:
    run = bench.start("steps=2", until="finished")
    for path in [run.path, *run.path.rglob("*")]:
        if path.parent != run.checkpoints and run.checkpoints not in path.parents:
            assert path.stat().st_mode & 0o077 == 0, path


def test_no_descriptor_but_the_standard_ones_reaches_the_trainer(bench, tmp_path: Path) -> None:
    with open(tmp_path / "secret", "w") as leak:
        os.set_inheritable(leak.fileno(), True)
        run = bench.start("forever")
    for role in ("trainer", "supervisor"):
        folder = Path(f"/proc/{bench.process(run, role).pid}/fd")
        targets = {link.name: str(link.readlink()) for link in folder.iterdir()}
        assert targets["0"] == "/dev/null"
        assert {targets["1"], targets["2"]} == {str(run.output)}
        assert str(tmp_path / "secret") not in targets.values()
        assert (str(run.lock) in targets.values()) == (role == "supervisor")


def test_a_hung_up_terminal_does_not_touch_the_run(bench, tmp_path: Path) -> None:
    """The whole session of the starting terminal gets SIGHUP, as when an SSH connection drops."""
    script = tmp_path / "start.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tui_ft.runs import launch\n"
        "from tui_ft.spec import toml\n"
        "run = launch.start(toml.load(Path(sys.argv[1])), Path(sys.argv[2]), trainer=sys.argv[3:])\n"
        "print(run.path, flush=True)\n"
        "time.sleep(60)\n"
    )
    spec_file = tmp_path / "spec.toml"
    spec_file.write_text(toml.dumps(bench.spec))
    from tui_ft.runs.directory import list_directories

    pid, terminal = pty.fork()
    if pid == 0:
        fake = str(Path(__file__).with_name("fake_trainer.py"))
        os.environ["PYTHONPATH"] = str(Path(launch.__file__).parents[2])
        arguments = [str(spec_file), str(bench.root), sys.executable, fake, "forever"]
        os.execv(sys.executable, [sys.executable, str(script), *arguments])
    assert b"runs/" in os.read(terminal, 4096)
    os.close(terminal)  # the terminal is gone: the kernel hangs its session up
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGHUP
    (run,) = list_directories(bench.root)
    bench.wait_for_step(run)
    bench.wait_for(run, "running")
    assert read_truth(run).reason is None
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")


def test_stop_saves_and_says_who_asked(bench) -> None:
    run = bench.start("forever")
    bench.wait_for_step(run)
    began = time.monotonic()
    assert control.request(run, "stop", by="anna") == "stopping"
    bench.wait_for(run, "stopped", seconds=3)
    assert time.monotonic() - began < 1.5, "a request wakes the supervisor, it does not wait for its second"
    state = read_state(run)
    assert (state.exit.cause, state.stop_requested_by) == ("stopped", "anna")
    assert run.list_checkpoints()
    assert not list(run.control.iterdir()), "a stop that was carried out must not stop the next attempt"


def test_stop_before_the_first_step_ends_at_once(bench) -> None:
    run = bench.start("loading", until="starting")
    bench.wait_for(run, "starting")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped", seconds=3)
    assert read_state(run).exit.signal == signal.SIGTERM


def test_stop_now_kills_a_deaf_trainer_and_its_children(bench) -> None:
    run = bench.start("deaf")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopping")
    control.request(run, "stop", by="test", now=True)
    bench.wait_for(run, "stopped", seconds=3)
    assert (read_state(run).exit.cause, read_state(run).exit.signal) == ("stopped", signal.SIGKILL)


def test_a_killed_trainer_takes_its_children_along(bench) -> None:
    run = bench.start("children")
    trainer = bench.process(run, "trainer")
    children = processes.descendants(trainer.pid)
    assert children
    bench.kill(run, "trainer")
    bench.wait_for(run, "failed", seconds=5)
    assert not any(processes.start_time(child) for child in children)


def test_kill_9_of_the_trainer_is_told_with_the_signal(bench) -> None:
    run = bench.start("forever")
    began = time.monotonic()
    bench.kill(run, "trainer")
    bench.wait_for(run, "failed", seconds=5)
    assert time.monotonic() - began < 5
    state = read_state(run)
    assert (state.exit.cause, state.exit.signal) == ("killed", signal.SIGKILL)
    assert "SIGKILL" in state.exit.message


@pytest.mark.parametrize(
    ("behaviour", "cause", "words"),
    [
        ("fail", "error", "ValueError: no good"),
        ("cuda_oom", "cuda_oom", "CUDA out of memory"),
        ("exit=3", "error", "exit code 3"),
        ("exit=0", "error", "without saying that it had finished"),
    ],
)
def test_the_cause_of_a_failure_stands_in_one_clean_line(
    bench, behaviour: str, cause: str, words: str
) -> None:
    run = bench.start(behaviour, until="failed")
    state = read_state(run)
    assert state.exit.cause == cause
    assert words in state.exit.message
    assert state.exit.message.isprintable()


def test_sigterm_of_the_supervisor_is_a_preemption_that_saves(bench) -> None:
    run = bench.start("forever")
    bench.wait_for_step(run)
    bench.kill(run, "supervisor", signal.SIGTERM)
    bench.wait_for(run, "stopped", seconds=5)
    assert read_state(run).exit.cause == "preempted"
    assert run.list_checkpoints()


def test_sighup_of_the_supervisor_is_nothing(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor", signal.SIGHUP)
    bench.wait_for_step(run)
    assert read_truth(run)[1:3] == ("running", None)


def test_pause_and_continue_show_in_the_status(bench) -> None:
    run = bench.start("forever")
    control.request(run, "pause", by="test")
    bench.wait_for(run, "paused")
    control.request(run, "continue", by="test")
    bench.wait_for(run, "running")


def test_a_trainer_that_cannot_be_started_is_a_failed_run_with_the_reason(bench) -> None:
    run = launch.start(bench.spec, bench.root, trainer=["/nowhere/python"])
    bench.wait_for(run, "failed")
    assert "/nowhere/python" in read_state(run).exit.message


def test_two_supervisors_for_one_run_are_refused(bench) -> None:
    run = bench.start("forever")
    second = subprocess.run(
        [sys.executable, "-m", "tui_ft.runs.supervisor", str(run.path), "--attempt", "1", "--adopt"],
        capture_output=True, text=True, cwd=Path(launch.__file__).parents[2], check=False,
    )  # fmt: skip
    assert second.returncode == 2
    assert "is held by process" in second.stderr
    assert "Traceback" not in second.stderr
    assert read_truth(run)[1:3] == ("running", None)


def test_a_supervisor_refuses_to_start_a_second_trainer(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    second = subprocess.run(
        [sys.executable, "-m", "tui_ft.runs.supervisor", str(run.path), "--attempt", "1",
         "--trainer", '["/bin/true"]'],
        capture_output=True, text=True, cwd=Path(launch.__file__).parents[2], check=False,
    )  # fmt: skip
    assert second.returncode == 2
    assert "still has a trainer" in second.stderr
    bench.wait_for_step(run)


def test_restart_is_a_new_run_of_the_same_spec(bench) -> None:
    first = bench.start("steps=2", until="finished")
    second = launch.restart(first, bench.root, ["training.seed=7"], trainer=["/bin/true"])
    assert second.path != first.path
    assert toml.load(second.spec).training.seed == 7
    assert read_state(first).status == "finished"


def test_a_runs_root_that_cannot_be_written_is_a_sentence(bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TuiFtError) as caught:
        launch.start(bench.spec, tmp_path / "file" / "runs", trainer=["/bin/true"])
    assert "cannot be written" in caught.value.message
    assert caught.value.hint


def test_the_supervisor_is_small_and_knows_no_library_of_training_or_screens(bench) -> None:
    run = bench.start("forever")
    pid = bench.process(run, "supervisor").pid
    assert processes.resident_bytes([pid]) < 30 << 20
    script = (
        "import sys, tui_ft.runs.supervisor; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    names = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        cwd=Path(launch.__file__).parents[2],
    ).stdout.split()  # fmt: skip
    foreign = set(names) - sys.stdlib_module_names - {"__main__", "tui_ft", "msgspec", "typing_extensions"}
    assert {name for name in foreign if not name.startswith(("_", "sitecustomize"))} == set()


@pytest.mark.benchmark
def test_what_a_supervisor_costs(bench, capsys: pytest.CaptureFixture[str]) -> None:
    run = bench.start("forever")
    pid = bench.process(run, "supervisor").pid
    time.sleep(11)  # the first ten seconds are watched more closely

    def cpu_ns() -> int:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])

    before, began = cpu_ns(), time.monotonic()
    time.sleep(20)
    share = (cpu_ns() - before) / 1e9 / (time.monotonic() - began)
    resident = (processes.resident_bytes([pid]) or 0) / 2**20
    with capsys.disabled():
        print(f"\nsupervisor: {resident:.1f} MB (budget 30), {share:.2%} CPU (budget 0.5 %)")  # noqa: T201
