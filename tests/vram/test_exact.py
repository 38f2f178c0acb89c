"""The door to the trainer's side: a stand-in process that answers, fails, hangs or babbles."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.vram import exact


def stand_in(folder: Path, body: str) -> list[str]:
    """A command in place of the interpreter; `-m module` follows and is ignored."""
    script = folder / "stand_in.py"
    script.write_text(f"import json, os, signal, sys, time\n{body}\n")
    return [sys.executable, str(script)]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def until_dead(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not is_alive(pid)


def test_the_request_comes_in_and_the_answer_goes_out(tmp_path: Path) -> None:
    command = stand_in(tmp_path, "asked = json.load(sys.stdin)\nprint(json.dumps({'twice': asked['n'] * 2}))")
    assert exact.call("some.module", {"n": 21}, command=command) == {"twice": 42}


def test_a_request_and_an_answer_larger_than_a_pipe_do_not_block(tmp_path: Path) -> None:
    command = stand_in(tmp_path, "print(json.dumps({'size': len(sys.stdin.read()), 'much': 'x' * 300_000}))")
    answer = exact.call("some.module", {"config": "y" * 300_000}, command=command)
    assert answer["size"] > 300_000
    assert len(answer["much"]) == 300_000


def test_progress_is_told_as_it_comes_and_other_words_are_not_taken_for_it(tmp_path: Path) -> None:
    rows = ['{"step": "building", "done": 1, "total": 4}', "a warning", '{"step": "replay"}', "[1]"]
    command = stand_in(tmp_path, f"for row in {rows!r}: print(row, file=sys.stderr)\nprint('{{}}')")
    told: list[tuple[str, int, int]] = []
    exact.call("some.module", {}, progress=lambda *step: told.append(step), command=command)
    assert told == [("building", 1, 4), ("replay", 0, 0)]


def test_the_error_of_the_process_is_the_error(tmp_path: Path) -> None:
    row = '{"error": "No C++ compiler is here.", "hint": "Install g++."}'
    command = stand_in(tmp_path, f"print({row!r}, file=sys.stderr)\nsys.exit(2)")
    with pytest.raises(TuiFtError) as caught:
        exact.call("some.module", {}, command=command)
    assert (caught.value.message, caught.value.hint) == ("No C++ compiler is here.", "Install g++.")


@pytest.mark.parametrize(
    "body, said",
    [
        ("sys.exit(3)", "ended with code 3"),
        ("raise ValueError('a\\x1b[31mb')", "ValueError: a·[31mb"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "signal 15"),
        ("print('no json')", "can be read"),
        ("print('[1, 2]')", "can be read"),
        ("pass", "can be read"),
    ],
)
def test_an_end_without_an_answer_is_one_sentence(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(TuiFtError) as caught:
        exact.call("some.module", {}, command=stand_in(tmp_path, body))
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message


def test_missing_libraries_name_the_setting(tmp_path: Path) -> None:
    with pytest.raises(TuiFtError) as caught:
        exact.call("some.module", {}, command=stand_in(tmp_path, "import no_such_library"))
    assert "trainer_python" in caught.value.hint


def test_an_interpreter_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(TuiFtError, match="/nowhere/python"):
        exact.call("some.module", {}, command=["/nowhere/python"])


def test_a_call_that_is_called_off_leaves_no_process_behind(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    body = (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        'print(json.dumps({"step": "building"}), file=sys.stderr)\n'
        "time.sleep(600)"
    )
    told: list[str] = []
    with pytest.raises(TuiFtError) as caught:
        exact.call(
            "some.module",
            {},
            progress=lambda step, done, total: told.append(step),
            cancelled=lambda: bool(told),
            command=stand_in(tmp_path, body),
        )
    assert caught.value.exit_code == 1
    assert all(until_dead(int(pid)) for pid in note.read_text().split())


def test_a_process_that_never_ends_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TuiFtError, match="No answer"):
        exact.call("some.module", {}, timeout_s=0.3, command=stand_in(tmp_path, "time.sleep(600)"))
