"""The session: encoding, terminal, logout, clock, memory and limits."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from doctor_world import DISK, GIB, NOW, SHM, a_box, only

from tui_ft.doctor.asking import Room
from tui_ft.doctor.checks import clock, memory, session
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.hardware.host import Memory
from tui_ft.runs.directory import create

ME = pwd.getpwuid(os.geteuid()).pw_name


def env(tmp_path: Path, **variables: str) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value != "-"}


@pytest.mark.parametrize(
    ("variables", "level"),
    [
        ({"LANG": "C.UTF-8"}, "ok"),
        ({"LANG": "de_DE.utf8"}, "ok"),
        ({"LC_ALL": "C", "LANG": "C.UTF-8"}, "note"),
        ({"LC_ALL": "en_US.ISO-8859-1"}, "warning"),
        ({"PYTHONIOENCODING": "latin-1"}, "warning"),
        ({"PYTHONIOENCODING": "utf-8:replace"}, "ok"),
        ({"LANG": ""}, "ok"),
    ],
)
def test_the_encoding(tmp_path: Path, variables: dict[str, str], level: str) -> None:
    assert only(session.encoding(a_box(tmp_path, environment=variables))).level == level


@pytest.mark.parametrize(
    ("kind", "level"),
    [("xterm-256color", "ok"), ("screen", "note"), ("dumb", "warning"), ("", "warning"), ("x/../y", "note")],
)
def test_the_terminal(tmp_path: Path, kind: str, level: str) -> None:
    assert only(session.terminal(a_box(tmp_path, environment={"TERM": kind}))).level == level


def test_a_terminal_that_the_box_does_not_know(tmp_path: Path) -> None:
    files = {"/usr/share/terminfo/x/xterm-256color": "", "/lib/terminfo/v/vt100": ""}
    ghostty = a_box(tmp_path, files=files, environment={"TERM": "xterm-ghostty"})
    assert "not known on this box" in only(session.terminal(ghostty)).what
    assert only(session.terminal(a_box(tmp_path, files=files))).level == "ok"
    pipe = a_box(tmp_path, environment={"TERM": "dumb"}, terminal_size=None)
    assert only(session.terminal(pipe)).level == "note"


def test_tmux_and_size(tmp_path: Path) -> None:
    assert only(session.truecolor(a_box(tmp_path, environment={"TMUX": "/tmp/x,1,0"}))).is_command
    assert session.truecolor(a_box(tmp_path, environment={"TMUX": "x", "COLORTERM": "truecolor"})) == []
    assert session.truecolor(a_box(tmp_path)) == []
    assert "60x15" in only(session.terminal_size(a_box(tmp_path, terminal_size=(60, 15)))).what
    assert session.terminal_size(a_box(tmp_path)) == []


SESSION = {
    "/run/systemd/system/x": "",
    "/proc/self/cgroup": "0::/user.slice/user-1000.slice/session-3.scope\n",
}


def test_logind_that_kills_at_logout(tmp_path: Path) -> None:
    def of(name: str, files: dict[str, str]) -> str:
        box = a_box(tmp_path / name, files={**SESSION, **files})
        return only(session.logout(box)).level

    excluding_nobody = "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n"
    assert of("default", {}) == "ok"
    assert of("kills", {"/etc/systemd/logind.conf": excluding_nobody}) == "warning"
    assert of("commented", {"/etc/systemd/logind.conf": "#KillUserProcesses=yes\n"}) == "ok"
    spared = f"KillUserProcesses=yes\nKillExcludeUsers=root {ME}\n"
    assert of("spared", {"/etc/systemd/logind.conf": spared}) == "ok"
    others = f"{excluding_nobody}KillOnlyUsers=somebody\n"
    assert of("others", {"/etc/systemd/logind.conf": others}) == "ok"
    folder = "/etc/systemd/logind.conf.d"
    later = {f"{folder}/10.conf": excluding_nobody, f"{folder}/20.conf": "KillUserProcesses=no\n"}
    assert of("overruled", later) == "ok"
    vendor = {"/usr/lib/systemd/logind.conf.d/50.conf": excluding_nobody, "/etc/systemd/logind.conf": ""}
    assert of("vendor", vendor) == "warning"


def test_a_user_manager_ends_with_the_last_logout_unless_it_lingers(tmp_path: Path) -> None:
    manager = {
        "/run/systemd/system/x": "",
        "/proc/self/cgroup": "0::/user.slice/user@1000.service/app.slice\n",
    }
    found = only(session.logout(a_box(tmp_path / "a", files=manager)))
    assert found.level == "warning" and found.fix == "loginctl enable-linger"
    lingers = {**manager, f"/var/lib/systemd/linger/{ME}": ""}
    assert only(session.logout(a_box(tmp_path / "b", files=lingers))).level == "ok"
    assert session.logout(a_box(tmp_path / "c", files={"/proc/self/cgroup": "0::/\n"})) == []


# --- clock -------------------------------------------------------------------------------------------


def test_the_clock_against_what_is_there(tmp_path: Path) -> None:
    chip = "/sys/class/rtc/rtc0/since_epoch"
    assert only(clock.clock(a_box(tmp_path / "a"))).level == "ok"
    assert only(clock.clock(a_box(tmp_path / "b", clock=lambda: 1e9))).level == "error"
    off = a_box(tmp_path / "c", files={chip: str(int(NOW) + 400)})
    assert "400 s behind the box's own clock chip" in only(clock.clock(off)).what
    ahead = a_box(tmp_path / "d", files={chip: str(int(NOW) - 400)})
    assert "400 s ahead of" in only(clock.clock(ahead)).what
    local_time = a_box(tmp_path / "e", files={chip: str(int(NOW) + 7200)})
    assert only(clock.clock(local_time)).level == "ok"


def test_a_container_cannot_set_its_clock(tmp_path: Path) -> None:
    wrong = only(clock.clock(a_box(tmp_path / "a", clock=lambda: 1e9)))
    assert wrong.fix == "sudo timedatectl set-ntp true" and wrong.is_command
    inside = only(clock.clock(a_box(tmp_path / "b", clock=lambda: 1e9, files={"/.dockerenv": ""})))
    assert inside.level == "error" and not inside.is_command and "host" in inside.fix


def test_runs_from_the_future(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run = create(runs, "later")
    run.state.write_text("{}")
    os.utime(run.state, (NOW + 900, NOW + 900))
    found = only(clock.clock(a_box(tmp_path / "box", given_runs_root=runs)))
    assert found.level == "warning" and "900 s in the future" in found.what


def test_the_clock_of_a_file_server(tmp_path: Path) -> None:
    mounts = (DISK, "50 27 0:60 / /runs rw - nfs4 server:/runs rw")
    box = a_box(tmp_path, mounts=mounts)  # its clock stands at NOW, the files are made today
    skew = abs(tmp_path.stat().st_mtime - NOW)
    assert only(clock.clock(box)).level == ("warning" if skew > clock.SKEW_S else "ok")
    assert list((tmp_path / "runs").iterdir()) == []


# --- memory and limits -----------------------------------------------------------------------------


def test_memory_and_processors(tmp_path: Path) -> None:
    files = {
        "/proc/meminfo": "MemTotal: 536870912 kB\nSwapTotal: 0 kB\n",
        "/proc/stat": "cpu 1\n" + "".join(f"cpu{n} 1\n" for n in range(128)),
    }
    fine = only(memory.memory_limit(a_box(tmp_path, files=files)))
    assert fine.level == "ok" and "64.0 GiB of memory may be used of the box's 512 GiB" in fine.what
    small = a_box(tmp_path, files=files, ask_memory=lambda: Memory(GIB, 4 * GIB, True))
    assert only(memory.memory_limit(small)).level == "warning"
    full = a_box(tmp_path, files=files, ask_memory=lambda: Memory(62 * GIB, 64 * GIB, True))
    assert "is killed" in only(memory.memory_limit(full)).what
    share = only(memory.processors(a_box(tmp_path, files=files)))
    assert share.level == "warning" and share.fix == "export OMP_NUM_THREADS=8" and "8 of 128" in share.what
    told = a_box(tmp_path, files=files, environment={"OMP_NUM_THREADS": "8"})
    assert only(memory.processors(told)).level == "ok"
    assert memory.memory_limit(a_box(tmp_path, ask_memory=lambda: Memory(None, None))) == []


def test_swap_and_kills(tmp_path: Path) -> None:
    little = {"/proc/meminfo": "MemTotal: 8388608 kB\nSwapTotal:       0 kB\n"}
    assert only(memory.swap(a_box(tmp_path / "a", files=little))).level == "note"
    assert memory.swap(a_box(tmp_path / "b", files={**little, "/.dockerenv": ""})) == []
    assert memory.swap(a_box(tmp_path / "c")) == []
    killed = {"/sys/fs/cgroup/memory.events": "low 0\noom 3\noom_kill 2\n"}
    assert "killed 2 processes" in only(memory.memory_kills(a_box(tmp_path / "d", files=killed))).what
    assert memory.memory_kills(a_box(tmp_path / "e")) == []


def test_shared_memory_and_limits(tmp_path: Path) -> None:
    docker = a_box(tmp_path, mounts=(DISK, SHM), rooms={"/dev/shm": Room(60 << 20, 64 << 20)})
    assert "/dev/shm has 64 MiB" in only(memory.shared_memory(docker)).what
    assert memory.shared_memory(a_box(tmp_path, mounts=(DISK,))) == []
    assert only(memory.limits(a_box(tmp_path))).level == "ok"
    few = only(memory.limits(a_box(tmp_path, ask_limits=lambda: (256, 4096))))
    assert few.level == "warning" and few.fix == "ulimit -n 4096"
    assert only(memory.limits(a_box(tmp_path, ask_limits=lambda: (-1, -1)))).level == "ok"
    endless = only(memory.limits(a_box(tmp_path, ask_limits=lambda: (1024, -1))))
    assert endless.fix == "ulimit -n 65536" and endless.is_command
    for at, files in enumerate(({}, {"/.dockerenv": ""})):
        stuck = a_box(tmp_path / str(at), ask_limits=lambda: (1024, 1024), files=files)
        found = only(memory.limits(stuck))
        assert not found.is_command and "--ulimit nofile=65536" in found.fix
    two = GpuReading(tuple(Gpu(index=at, uuid=f"GPU-{at}", name="NVIDIA L4") for at in range(2)))
    assert memory.locked_memory(a_box(tmp_path, gpus=two)) == []
    little = a_box(tmp_path, gpus=two, ask_locked_memory=lambda: 64 << 10)
    assert only(memory.locked_memory(little)).level == "note"
    assert memory.locked_memory(a_box(tmp_path, ask_locked_memory=lambda: 64 << 10)) == []
    tasks = a_box(tmp_path / "t", files={"/sys/fs/cgroup/pids.max": "100\n"})
    assert only(memory.limits(tasks)).level == "error"
    endless = a_box(tmp_path / "u", files={"/sys/fs/cgroup/pids.max": "max\n"})
    assert only(memory.limits(endless)).level == "ok"
