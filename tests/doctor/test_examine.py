"""All checks together: on a bare box, on a hostile one, on this one; and the home screen's corner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from doctor_world import GOOD_TRAINER, OVERLAY, WORKSPACE, a_box

from tui_ft.doctor import corner
from tui_ft.doctor.box import Box
from tui_ft.doctor.check import Check, made
from tui_ft.doctor.examine import as_json, examine
from tui_ft.doctor.finding import Finding, error, note, worst_first, worst_level
from tui_ft.doctor.home_checks import HOME_CHECKS
from tui_ft.doctor.registry import CHECKS
from tui_ft.hardware.gpu import Gpu, GpuProcess, GpuReading

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\u202e\n`rm -rf`\0" * 3


def test_a_box_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    box = Box(root=tmp_path / "nothing", environment={}, terminal_size=None)
    found = [finding for _, finding in examine(box)]
    assert found and not [one for one in found if "could not be made" in one.what]


def test_hostile_files_names_and_drivers_steer_no_terminal(tmp_path: Path) -> None:
    names = ("/proc/self/mountinfo", "/proc/meminfo", "/proc/self/cgroup", "/proc/stat", "/dev/kmsg",
             "/sys/fs/cgroup/memory.events", "/sys/class/rtc/rtc0/since_epoch", "/etc/systemd/logind.conf",
             "/proc/1/environ", "/sys/fs/cgroup/pids.max")  # fmt: skip
    rows = [HOSTILE, "9" * 400, "MemTotal:\nSwapTotal:\nkB", "0::/session-x.scope", "- - - - - - - - - - -"]
    gpus = GpuReading(
        (Gpu(index=0, uuid=HOSTILE, name=HOSTILE, total_bytes=10, used_bytes=10, throttle=HOSTILE,
             processes=(GpuProcess(1, 5, HOSTILE),), compute_capability=(7, 0)),), None, HOSTILE)  # fmt: skip
    for content in [*(f"{row}\n{HOSTILE}" for row in rows), "9" * 400]:
        box = a_box(
            tmp_path, files=dict.fromkeys(names, content), gpus=gpus, trainer=GOOD_TRAINER,
            environment={"TERM": HOSTILE.replace("\0", ""), "LANG": "\x1b[5m",
                         "CUDA_VISIBLE_DEVICES": "\x1b[2J",
                         "HF_HOME": "/\x1b[2J", "TMPDIR": "/\x1b[1m", "LD_LIBRARY_PATH": "/\x07:" * 100},
        )  # fmt: skip
        for _, finding in examine(box):
            assert (finding.what + finding.fix).isprintable(), finding
            assert "could not be made" not in finding.what, finding


def test_a_command_that_had_to_be_cleaned_is_no_command_any_more(tmp_path: Path) -> None:
    check = Check("places", lambda box: [error("x", "y", command="rm '\x1b[2Jfile'")])
    found = made(check, a_box(tmp_path))[0]
    assert not found.is_command and "\x1b" not in found.fix


@pytest.mark.parametrize(("user", "fix"), [(0, "apt-get update"), (1000, "sudo apt-get update")])
def test_root_is_not_told_to_sudo(tmp_path: Path, user: int, fix: str) -> None:
    """Most images of rented boxes have no sudo at all."""
    check = Check("software", lambda box: [note("x", "It lacks a thing.", command="sudo apt-get update")])
    assert made(check, a_box(tmp_path, user=user))[0].fix == fix


def test_a_check_that_fails_is_a_finding(tmp_path: Path) -> None:
    def strange(box: Box) -> list[Finding]:
        raise ZeroDivisionError("this box")

    found = made(Check("places", strange), a_box(tmp_path))[0]
    assert found.level == "note" and "strange" in found.what and "ZeroDivisionError" in found.what


def test_every_finding_that_is_not_fine_says_what_to_do_where_something_can_be_done(tmp_path: Path) -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for _, finding in examine(a_box(tmp_path, mounts=(OVERLAY, WORKSPACE))):
        assert finding.fix or finding.level in ("ok", "note"), finding
        assert finding.what.endswith((".", "!")), finding


def test_this_very_box_in_less_than_a_second() -> None:
    began = time.process_time()
    told = list(examine(Box(), ("files", "gpu")))
    assert time.process_time() - began < 1.0  # CPU seconds; measured 0.02
    assert not [one for _, one in told if "could not be made" in one.what]


def test_the_json_is_what_scripts_rely_on(tmp_path: Path) -> None:
    told = list(examine(a_box(tmp_path, mounts=(OVERLAY,))))
    document = json.loads(json.dumps(as_json(told, has_trainer=False)))
    assert document["schema"] == 1 and document["level"] == "warning"
    assert document["trainer_checked"] is False
    assert {"level", "what", "fix", "code", "theme", "is_command"} == set(document["findings"][0])


def test_the_worst_comes_first() -> None:
    found = [
        Finding("a", "ok", ""),
        Finding("b", "error", ""),
        Finding("c", "note", ""),
        Finding("d", "error", ""),
    ]
    assert [one.code for one in worst_first(found)] == ["b", "d", "c", "a"]
    assert worst_level(found) == "error" and worst_level([]) == "ok"


def test_the_corner_says_the_worst_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    corner.forget()
    looks = 0
    assert set(HOME_CHECKS) <= set(CHECKS)
    assert HOME_CHECKS and all(check.needs == "files" for check in HOME_CHECKS)

    def bad(box: Box) -> list[Finding]:
        nonlocal looks
        looks += 1
        return [error("bad", "The roof is on fire.", "Leave.")]

    monkeypatch.setattr("tui_ft.doctor.home_checks.HOME_CHECKS", (Check("places", bad),))
    assert corner.corner(tmp_path) == "error: The roof is on fire."
    corner.corner(tmp_path)
    assert looks == 1
    corner.forget()
    monkeypatch.setattr("tui_ft.doctor.home_checks.HOME_CHECKS", ())
    assert corner.corner(tmp_path) == ""
    corner.forget()


def test_a_special_file_does_not_hold_the_doctor_up(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / "proc" / "meminfo")
    box = a_box(tmp_path)
    assert box.text("/proc/meminfo") == ""
    assert list(examine(box))


def test_home_loads_nothing_of_the_other_checks(tmp_path: Path) -> None:
    """The app keeps what it loads for good, and home has no use for the rest."""
    code = (
        "import sys; from pathlib import Path; from tui_ft.doctor.corner import corner; "
        "corner(Path(sys.argv[1])); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "tui_ft.doctor.home_checks" in loaded
    rooms = ("checks.gpu", "checks.torch", "checks.software", "registry", "trainer_report", "wanted")
    assert not loaded & {
        *(f"tui_ft.doctor.{room}" for room in rooms),
        "tui_ft.runs.money.bill",
        "tui_ft.runs.preflight",
    }
