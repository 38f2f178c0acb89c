"""Memory against the cgroup's limit, disk, processors: from made-up cgroup folders and the real box."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_ft.hardware import host

GIB = 1 << 30
MEMINFO = "MemTotal:       104857600 kB\nMemFree:         1 kB\nMemAvailable:    52428800 kB\n"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box of 100 GiB whose processes are in the cgroup that the test writes; returns the cgroup root."""
    answers = {"/proc/meminfo": MEMINFO, "/proc/self/cgroup": "0::/pod/run\n3:cpu,memory:/pod/run\n"}
    real = host._read
    monkeypatch.setattr(host, "_read", lambda path: answers.get(str(path)) or real(path))
    return tmp_path


def put(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_without_a_limit_the_boxs_memory(box: Path) -> None:
    assert host.memory(box) == host.Memory(50 * GIB, 100 * GIB, False)


def test_the_tightest_limit_up_the_tree_without_droppable_cache(box: Path) -> None:
    put(box / "pod/run", memory__max="max", memory__current=9 * GIB)
    put(
        box / "pod",
        memory__max=16 * GIB,
        memory__current=10 * GIB,
        memory__stat=f"anon 5\ninactive_file {2 * GIB}",
    )
    assert host.memory(box) == host.Memory(8 * GIB, 16 * GIB, True)


def test_version_1_and_its_word_for_no_limit(box: Path) -> None:
    folder = box / "memory" / "pod" / "run"
    put(folder, memory__limit_in_bytes=0x7FFFFFFFFFFFF000, memory__usage_in_bytes=5)
    assert not host.memory(box).is_cgroup
    put(folder, memory__limit_in_bytes=4 * GIB, memory__usage_in_bytes=3 * GIB)
    assert host.memory(box) == host.Memory(3 * GIB, 4 * GIB, True)


def test_a_limit_above_the_boxs_memory_is_none(box: Path) -> None:
    put(box / "pod/run", memory__max=999 * GIB, memory__current=1)
    assert host.memory(box) == host.Memory(50 * GIB, 100 * GIB, False)


def test_a_container_that_sees_its_own_group_as_the_root(box: Path) -> None:
    put(box, memory__max=2 * GIB, memory__current=1 * GIB)
    assert host.memory(box) == host.Memory(1 * GIB, 2 * GIB, True)


def test_oom_kills(box: Path) -> None:
    assert host.oom_kills(box) is None
    put(box / "pod/run", memory__events="low 0\noom 4\noom_kill 3")
    assert host.oom_kills(box) == 3


def test_processors_by_quota(box: Path) -> None:
    put(box / "pod/run", cpu__max="50000 100000")
    assert host.processors(box) == 0.5
    put(box / "pod/run", cpu__max="max 100000")
    assert host.processors(box) >= 1


def test_rubbish_in_the_cgroup_is_not_known(box: Path) -> None:
    put(box / "pod/run", memory__max="many", memory__events="oom_kill many\nx", cpu__max="a b")
    assert host.memory(box).limit_bytes == 100 * GIB
    assert host.oom_kills(box) is None
    assert host.processors(box) >= 1


def test_the_disk_of_a_path_that_does_not_exist_yet(tmp_path: Path) -> None:
    disk = host.disk(tmp_path / "a" / "b")
    assert disk.free_bytes is not None and disk.total_bytes is not None
    assert 0 <= disk.free_bytes <= disk.total_bytes
    assert host.disk(tmp_path).total_bytes == disk.total_bytes


def test_here_is_one_place() -> None:
    place = host.here()
    assert place == host.here()
    assert place.pid_namespace.startswith("pid:[")
    assert len(place.boot_id) == 36
