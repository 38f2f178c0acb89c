"""What the table says of the processes of a run."""

from __future__ import annotations

import getpass
import subprocess
import sys
import time
from pathlib import Path

from tui_ft.hardware.processes import command_line
from tui_ft.tui.series_rows import setting_rows
from tui_ft.watch.process_facts import ProcessFacts, facts_of
from tui_ft.watch.reading import Reading


def test_a_living_process_is_told_without_its_secrets(tmp_path: Path) -> None:
    waits = "import sys; sys.stdin.read()"
    command = [sys.executable, "-c", waits, "--hub_token", "hf_abcdefghijklmnopqrst", "--lr", "1e-4"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=tmp_path) as process:
        try:
            deadline = time.monotonic() + 10
            while not command_line(process.pid) and time.monotonic() < deadline:  # it is being started
                time.sleep(0.01)
            facts = facts_of(process.pid)
        finally:
            process.kill()
    assert facts.folder == str(tmp_path.resolve())
    assert facts.user == getpass.getuser()
    assert facts.command.endswith("--lr 1e-4")
    assert "hf_abc" not in facts.command
    gone = facts_of(process.pid)
    assert gone == ProcessFacts(pid=process.pid)


def test_the_table_has_them_as_facts() -> None:
    reading = Reading(source="stdout", title="a", path="/a", status="running", pids=(7, 8))
    one = ProcessFacts(pid=7, command="python a\x1b[2J.py", folder="/work", user="ann")
    values = {row.name: row.value for row in setting_rows(reading, 0.0, [one])}
    assert (values["working folder"], values["user"]) == ("/work", "ann")
    assert "\x1b" not in values["command"]
    names = [row.name for row in setting_rows(reading, 0.0, [one, ProcessFacts(pid=8, user="ben")])]
    assert "user of 7" in names
    assert "user of 8" in names
