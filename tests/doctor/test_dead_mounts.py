"""Mounts that vanish: they fail, or hold whoever touches them; the doctor says so, and is not held itself."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doctor_world import DISK, OVERLAY, WORKSPACE, a_box, only

from tui_ft.doctor import corner, patience
from tui_ft.doctor.asking import Room
from tui_ft.doctor.check import Check, made
from tui_ft.doctor.checks import own_files, places
from tui_ft.doctor.examine import examine
from tui_ft.doctor.finding import Finding, ok
from tui_ft.doctor.mounts import parse
from tui_ft.doctor.patience import SilentError, aside, patiently
from tui_ft.doctor.reach import reach
from tui_ft.runs import known_roots

NFS = "41 27 0:51 / /mnt/my\\040nfs rw,relatime - nfs4 server:/x rw"
DEAD = "/mnt/my nfs"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What hangs until it is set."""
    monkeypatch.setattr(patience, "PATIENCE_S", 0.2)
    event = threading.Event()
    yield event
    event.set()


def fails(root: Path, number: int = errno.ENOTCONN) -> Callable[[Path], object]:
    """A touch of which everything on the dead mount fails."""
    dead = root / DEAD.lstrip("/")

    def touch(path: Path) -> object:
        if path == dead or dead in path.parents:
            raise OSError(number, os.strerror(number), str(path))
        return path.stat()

    return touch


def hangs(root: Path, gate: threading.Event) -> Callable[[Path], object]:
    dead = root / DEAD.lstrip("/")

    def touch(path: Path) -> object:
        if path == dead or dead in path.parents:
            gate.wait(30)
        return path.stat()

    return touch


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.ESTALE, errno.EIO, errno.ETIMEDOUT])
def test_a_runs_root_on_a_mount_that_vanished(tmp_path: Path, number: int) -> None:
    box = a_box(
        tmp_path, mounts=(DISK, NFS), given_runs_root=Path(DEAD, "runs"), touch=fails(tmp_path, number),
    )  # fmt: skip
    found = only(places.runs_root_is_writable(box))
    assert found.level == "error" and found.is_command
    assert f"{DEAD} (nfs4) does not answer: {os.strerror(number)}" in found.what
    assert found.fix == "sudo umount -l '/mnt/my nfs'"
    assert places.runs_root_lasts(box) == []
    assert places.mounts_answer(box) == [], "it is told once, and nothing is called fine"
    assert box.disk(Path(DEAD)) == Room()


def test_cache_home_and_other_mounts_that_vanished(tmp_path: Path) -> None:
    touch = fails(tmp_path)
    cache = a_box(tmp_path, mounts=(DISK, NFS), environment={"HF_HOME": f"{DEAD}/hf"}, touch=touch)
    found = only(places.cache_place(cache))
    assert found.level == "error" and "Transport endpoint is not connected" in found.what
    home = a_box(
        tmp_path, mounts=(DISK, NFS), environment={"HOME": f"{DEAD}/me", "HF_HOME": "/hf"}, touch=touch
    )
    assert only(places.mounts_answer(home)).level == "error"
    temporary = a_box(tmp_path, mounts=(DISK, NFS), environment={"TMPDIR": DEAD}, touch=touch)
    assert "does not answer" in only(places.temporary_folder(temporary)).what
    beside = a_box(tmp_path, mounts=(DISK, NFS, WORKSPACE), touch=touch)
    found = only(places.mounts_answer(beside))
    assert found.level == "warning" and f"{DEAD} is mounted" in found.what
    assert [str(mount.point) for mount, _ in beside.volumes] == ["/workspace"]


def test_a_container_cannot_let_go_of_what_its_host_mounts(tmp_path: Path) -> None:
    box = a_box(tmp_path, mounts=(OVERLAY, NFS), touch=fails(tmp_path))
    found = only(places.mounts_answer(box))
    assert not found.is_command and "Restart the container" in found.fix


def test_a_place_that_may_not_be_seen_is_not_dead(tmp_path: Path) -> None:
    root = Path(DEAD, "runs")
    box = a_box(tmp_path, mounts=(DISK, NFS), given_runs_root=root, touch=fails(tmp_path, errno.EACCES))
    found = only(places.runs_root_is_writable(box))
    assert found.level == "error" and "cannot be written by you" in found.what


def test_a_link_leads_to_the_mount_that_is_told(tmp_path: Path) -> None:
    dead, link = tmp_path / "nfs", tmp_path / "home" / "runs"
    (dead / "deep").mkdir(parents=True)
    link.parent.mkdir()
    link.symlink_to("../nfs/deep")
    mounts = parse(f"{DISK}\n41 27 0:51 / {dead} rw - nfs4 server:/x rw")

    def touch(path: Path) -> object:
        if dead in (path, *path.parents):
            raise OSError(errno.ESTALE, "Stale file handle")
        return path.stat()

    place = reach(link / "x", mounts, touch, follows=True)
    assert place.is_dead and place.mount is not None and place.mount.point == mounts[1].point
    sound = reach(link / "x", mounts, os.stat, follows=True)
    assert sound.there == dead.resolve() / "deep" and sound.real == dead.resolve() / "deep" / "x"
    link.unlink()
    link.symlink_to(link)
    assert reach(link, mounts, os.stat, follows=True).there is not None, "a link to itself ends"


# --- what hangs ---------------------------------------------------------------------------------------


def test_a_mount_that_hangs_is_waited_for_once(tmp_path: Path, gate: threading.Event) -> None:
    box = a_box(
        tmp_path, mounts=(DISK, NFS), given_runs_root=Path(DEAD, "runs"), touch=hangs(tmp_path, gate),
        environment={"HF_HOME": f"{DEAD}/hf", "HOME": f"{DEAD}/me", "TMPDIR": DEAD},
    )  # fmt: skip
    before, began = threading.active_count(), time.monotonic()
    found = {finding.code: finding for _, finding in examine(box)}
    assert time.monotonic() - began < 3.0
    assert threading.active_count() <= before + 1, "nobody else is sent there"
    assert found["runs_root_is_writable"].level == found["cache_place"].level == "error"
    assert f"{DEAD} (nfs4) does not answer within 0.2 s" in found["runs_root_is_writable"].what
    gate.set()
    time.sleep(0.1)
    again = a_box(tmp_path, mounts=(DISK, NFS), given_runs_root=Path(DEAD, "runs"))
    assert "does not answer" not in only(places.runs_root_is_writable(again)).what


def test_a_mount_made_anew_at_the_same_place_is_another_one(tmp_path: Path, gate: threading.Event) -> None:
    root = Path(DEAD, "runs")
    dead = a_box(tmp_path, mounts=(DISK, NFS), given_runs_root=root, touch=hangs(tmp_path, gate))
    assert "does not answer" in only(places.runs_root_is_writable(dead)).what
    anew = a_box(tmp_path, mounts=(DISK, NFS.replace("41 ", "77 ", 1)), given_runs_root=root)
    assert "does not answer" not in only(places.runs_root_is_writable(anew)).what


def test_a_check_that_hangs_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr("tui_ft.doctor.check.LOOK_S", 0.2)

    def held(box: object) -> list[Finding]:
        gate.wait(30)
        return []

    found = made(Check("places", held), a_box(tmp_path))[0]
    assert found.level == "error" and "held does not answer within 0.2 s" in found.what


def test_what_is_asked_patiently_is_answered_or_raised(gate: threading.Event) -> None:
    assert patiently(lambda: 3, "a") == 3
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 // 0, "a")
    with pytest.raises(SilentError):
        patiently(gate.wait, "b")
    began = time.monotonic()
    with pytest.raises(SilentError):
        patiently(lambda: 3, "b", 5.0)
    assert time.monotonic() - began < 0.1, "one waits there already"
    gate.set()
    time.sleep(0.1)
    assert patiently(lambda: 3, "b") == 3


def test_to_forget_does_not_wait_for_a_look_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    said = ["error: old", ""]
    began = threading.Event()

    def line(root: Path | None) -> str:
        began.set()
        words = said.pop(0)
        if words:
            gate.wait(30)
        return words

    monkeypatch.setattr(corner, "_line", line)
    monkeypatch.setattr(corner, "CORNER_S", 20.0)
    corner.forget()
    looking = threading.Thread(target=corner.corner, args=(tmp_path,), daemon=True)
    looking.start()
    assert began.wait(5)
    forgetting = threading.Thread(target=corner.forget, daemon=True)
    forgetting.start()
    forgetting.join(1.0)
    assert not forgetting.is_alive()
    gate.set()
    looking.join(5)
    assert corner.corner(tmp_path) == "", "what was looked at before is not kept"
    corner.forget()


def test_a_corner_that_hangs_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(corner, "_line", lambda root: str(gate.wait(30)))
    monkeypatch.setattr(corner, "CORNER_S", 0.1)
    corner.forget()
    assert corner.corner(tmp_path).startswith("error: The checks of this box take more than 0.1 s")
    corner.forget()


def test_an_app_that_ends_does_not_wait_for_what_is_asked_aside(gate: threading.Event) -> None:
    async def leave() -> int:
        held = asyncio.ensure_future(aside(lambda: gate.wait(30)))
        assert await aside(lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            await aside(lambda: 1 // 0)
        held.cancel()
        return 1

    began = time.monotonic()
    assert asyncio.run(leave()) == 1
    assert time.monotonic() - began < 5.0
    gate.set()
    time.sleep(0.05)  # its answer finds a loop that is closed


# --- others that a dead mount would break -------------------------------------------------------------


def test_a_remembered_root_that_vanished_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    sound, dead = tmp_path / "sound", tmp_path / "dead"
    for root in (sound, dead):
        root.mkdir()
        known_roots.remember(root)
    is_dir = Path.is_dir

    def broken(path: Path) -> bool:
        if path == dead:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", broken)
    assert known_roots.known_roots() == [sound]


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our folders under /home/me, which nobody here may write."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", f"/home/me/.{name.lower()}")
    monkeypatch.setattr("tui_ft.doctor.box.Box.may_write", lambda box, folder: False)
    return tmp_path


def test_what_lies_above_our_folder_is_not_given_away(at_home: Path) -> None:
    found = own_files.own_folders(a_box(at_home))
    assert found[0].fix == ('sudo install -d -o "$USER" /home/me/.config /home/me/.config/tui-ft')
    assert not any("chown" in one.fix for one in found)
    (at_home / "home/me/.cache/tui-ft").mkdir(parents=True)
    found = own_files.own_folders(a_box(at_home))
    assert found[2].fix == 'sudo chown -R "$USER" /home/me/.cache/tui-ft'


@pytest.mark.parametrize("home", ["/", "/home", "/home/gone"])
def test_nobody_is_told_to_own_the_root(at_home: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", f"{home.rstrip('/')}/.{name.lower()}")
    for found in own_files.own_folders(a_box(at_home)):
        assert not found.is_command and "Set HOME" in found.fix
    assert own_files.own_folders(a_box(at_home))


def test_sound_mounts(tmp_path: Path) -> None:
    (tmp_path / DEAD.lstrip("/")).mkdir(parents=True)
    assert places.mounts_answer(a_box(tmp_path, mounts=(DISK, NFS))) == [
        ok("mounts_answer", "Every disk that is mounted answers (2).")
    ]
