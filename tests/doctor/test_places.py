"""Places and disks: what vanishes with the machine, what is too small, what cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from doctor_world import DISK, GIB, OVERLAY, ROOMY, SHM, WORKSPACE, a_box, only

from tui_ft.doctor.asking import Room, room_of
from tui_ft.doctor.checks import disks, places
from tui_ft.doctor.mounts import mount_of, parse
from tui_ft.spec import toml
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec


def test_a_runs_root_on_the_containers_layer_is_told_with_the_volume_beside_it(tmp_path: Path) -> None:
    box = a_box(tmp_path, mounts=(OVERLAY, WORKSPACE, SHM), rooms={"/workspace": Room(812 * GIB)})
    found = only(places.runs_root_lasts(box))
    assert found.level == "warning" and found.is_command
    assert found.fix == "export TUI_FT_RUNS=/workspace/tui-ft/runs"
    assert "/workspace outlives it, with 812 GiB free" in found.what


def test_without_a_volume_the_fix_is_a_sentence(tmp_path: Path) -> None:
    found = only(places.runs_root_lasts(a_box(tmp_path, mounts=(OVERLAY,))))
    assert found.level == "warning" and not found.is_command and "copy_to" in found.fix


@pytest.mark.parametrize("mark", ["/.dockerenv", "/run/.containerenv"])
def test_a_containers_root_vanishes_whatever_lies_behind_it(tmp_path: Path, mark: str) -> None:
    assert only(places.runs_root_lasts(a_box(tmp_path))).level == "ok"
    inside = a_box(tmp_path, files={mark: ""})
    assert only(places.runs_root_lasts(inside)).level == "warning"


def test_runs_on_the_volume_and_in_memory(tmp_path: Path) -> None:
    mounts = (OVERLAY, WORKSPACE, SHM)
    on_volume = a_box(tmp_path, mounts=mounts, given_runs_root=Path("/workspace/runs"))
    assert only(places.runs_root_lasts(on_volume)).level == "ok"
    in_memory = a_box(tmp_path, mounts=mounts, given_runs_root=Path("/dev/shm/runs"))
    found = only(places.runs_root_lasts(in_memory))
    assert found.level == "warning" and "memory" in found.what


def test_a_volume_with_a_blank_in_its_name_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "my disk").mkdir()
    mounts = (OVERLAY, r"41 27 0:51 / /my\040disk rw - ext4 /dev/vdc rw")
    found = only(places.runs_root_lasts(a_box(tmp_path, mounts=mounts)))
    assert found.fix == "export TUI_FT_RUNS='/my disk/tui-ft/runs'"


def test_a_read_only_place_is_an_error(tmp_path: Path) -> None:
    mounts = (DISK, "42 27 0:52 / /runs ro,relatime - ext4 /dev/vdd ro")
    assert only(places.runs_root_is_writable(a_box(tmp_path, mounts=mounts))).level == "error"
    assert only(places.runs_root_is_writable(a_box(tmp_path))).level == "ok"


def test_the_model_cache_on_a_small_or_passing_disk(tmp_path: Path) -> None:
    mounts = (DISK, WORKSPACE)
    rooms = {"/": Room(8 * GIB), "/workspace": Room(300 * GIB)}
    small = only(places.cache_place(a_box(tmp_path, mounts=mounts, rooms=rooms)))
    assert small.level == "warning" and small.fix == "export HF_HOME=/workspace/huggingface"
    assert "8.0 GiB free" in small.what
    passing = only(places.cache_place(a_box(tmp_path, mounts=(OVERLAY, WORKSPACE))))
    assert passing.level == "warning" and "downloads again" in passing.what
    there = a_box(tmp_path, mounts=(OVERLAY, WORKSPACE), environment={"HF_HOME": "/workspace/hf"})
    assert only(places.cache_place(there)).level == "ok"
    assert there.hub_cache == Path("/workspace/hf/hub")


def test_room_and_inodes(tmp_path: Path) -> None:
    assert only(disks.runs_disk(a_box(tmp_path))).level == "ok"
    scarce = a_box(tmp_path, rooms={"/runs": Room(5 * GIB)})
    assert only(disks.runs_disk(scarce)).level == "warning"
    full = only(disks.runs_disk(a_box(tmp_path, rooms={"/runs": Room(300 << 20)})))
    assert full.level == "error" and "300 MiB free" in full.what and full.is_command
    unknown = a_box(tmp_path, rooms={"/": Room()})
    assert disks.runs_disk(unknown) == [] and disks.inodes(unknown) == []
    few = a_box(tmp_path, rooms={"/": Room(500 * GIB, 1000 * GIB, 20_000, 1_000_000)})
    assert "20,000 of 1,000,000 inodes left" in only(disks.inodes(few)).what
    none = a_box(tmp_path, rooms={"/": Room(500 * GIB, 1000 * GIB, 0, 1_000_000)})
    assert only(disks.inodes(none)).level == "error"
    assert only(disks.inodes(a_box(tmp_path))).level == "ok"


def test_a_temporary_folder_that_cannot_run_kernels(tmp_path: Path) -> None:
    mounts = (DISK, "43 27 0:53 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw")
    found = only(places.temporary_folder(a_box(tmp_path, mounts=mounts)))
    assert found.level == "warning" and "noexec" in found.what
    gone = a_box(tmp_path, environment={"TMPDIR": "/not/there"})
    assert only(places.temporary_folder(gone)).level == "error"


def test_data_of_presets_that_is_gone_or_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    presets = tmp_path / "config" / "tui-ft" / "presets"
    presets.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    root = tmp_path / "box"
    box = a_box(root, mounts=(OVERLAY, WORKSPACE), files={"/data/a.jsonl": "{}", "/workspace/b.jsonl": "{}"})
    assert places.data_lasts(box) == []

    def preset(name: str, train: str) -> None:
        spec = RunSpec(model=ModelSection(id="demo"), data=DataSection(train=train))
        (presets / f"{name}.toml").write_text(toml.dumps(spec))

    preset("kept", "/workspace/b.jsonl")
    (presets / "broken.toml").write_text("[")
    os.mkfifo(presets / "pipe.toml")
    (presets / "endless.toml").symlink_to("/dev/zero")
    assert only(places.data_lasts(box)).level == "ok"
    preset("in-danger", "/data/a.jsonl")
    assert "end removes it: /data/a.jsonl" in only(places.data_lasts(box)).what
    preset("gone", "/workspace/old/c.jsonl")
    assert [finding.level for finding in places.data_lasts(box)] == ["warning", "warning"]


def test_a_rented_pod_with_a_network_volume(tmp_path: Path) -> None:
    pod = (
        OVERLAY,
        "41 27 0:70 / /workspace rw - fuse mfs#host:9421 rw",
        "42 27 0:71 / /etc/hosts rw - ext4 /dev/md0 rw",
        "43 27 0:72 / /var/log rw - ext4 /dev/md0 rw",
    )
    (tmp_path / "var/log").mkdir(parents=True)
    rooms = {"/workspace": Room(100 * GIB), "/var/log": Room(9000 * GIB)}
    box = a_box(tmp_path, mounts=pod, rooms=rooms)
    assert [str(mount.point) for mount, _ in box.volumes] == ["/workspace"]
    assert box.volumes[0][0].is_network
    assert "/workspace" in only(places.runs_root_lasts(box)).fix


def test_mounts_are_read_as_the_kernel_writes_them() -> None:
    lines = [
        DISK,
        "31 27 0:31 / /data rw,noatime shared:1 master:2 - nfs4 server:/export rw,vers=4.2",
        "32 31 0:32 / /data/in rw - fuse.sshfs host: rw",
        "broken line",
        "33 27 0:33 / /data rw - xfs /dev/vde rw",
        "",
    ]
    mounts = parse("\n".join(lines))
    assert [mount.kind for mount in mounts] == ["ext4", "nfs4", "fuse.sshfs", "xfs"]
    assert mounts[1].is_network and mounts[2].is_network and not mounts[3].is_network
    on = mount_of(Path("/data/x"), mounts)
    assert on is not None and on.kind == "xfs"  # mounted over the other
    beside = mount_of(Path("/database"), mounts)
    assert beside is not None and beside.kind == "ext4"
    assert mount_of(Path("/x"), []) is None


def test_room_of_a_path_that_is_not_there_yet(tmp_path: Path) -> None:
    assert room_of(tmp_path / "not" / "yet").total_bytes == room_of(tmp_path).total_bytes
    assert ROOMY.free_bytes is not None
    assert room_of(Path("/proc/self/nothing\0here")) == Room()
