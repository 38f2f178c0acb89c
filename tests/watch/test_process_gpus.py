"""Whose memory lies on the GPUs: known, shared, or hidden from this container."""

from __future__ import annotations

import os

import pytest

from tests.hardware.fake_nvml import FULL, GIB, FakeNvml
from tui_ft.hardware import gpu, host
from tui_ft.hardware.gpu import GpuReading, read_gpus
from tui_ft.watch.processes import gpu_owners

CONTAINER, BOX = "pid:[4026532999]", "pid:[4026531836]"


@pytest.fixture(autouse=True)
def in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "pid_namespace", lambda: CONTAINER)


def reading(*compute: tuple[int, int | None], used_gib: float = 21.0) -> GpuReading:
    memory = (80 * GIB, int((80 - used_gib) * GIB), int(used_gib * GIB))
    return read_gpus(FakeNvml({**FULL, "memory": memory, "compute": list(compute)}))


def test_memory_that_nobody_here_holds_has_a_hidden_owner() -> None:
    hidden = ["GPU 0: 21.0 GiB used, owner not visible from this container"]
    assert gpu_owners.hidden_owners(reading()) == hidden
    assert gpu_owners.hidden_owners(reading((os.getpid(), 21 * GIB))) == hidden, (
        "a pid of the host names an unrelated process here"
    )


def test_a_little_memory_is_the_drivers_own() -> None:
    assert gpu_owners.hidden_owners(reading(used_gib=0.6)) == []


def test_a_visible_process_accounts_for_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_verified_name", lambda pid: "python")
    mine = os.getpid()
    assert gpu_owners.hidden_owners(reading((mine, 20 * GIB + GIB // 2))) == []
    assert gpu_owners.hidden_owners(reading((mine, 5 * GIB))) == [
        "GPU 0: 16.0 GiB used, owner not visible from this container"
    ]
    assert gpu_owners.owners(reading((mine, 5 * GIB))) == [gpu_owners.Owner(mine, 0, 5 * GIB)]


def test_where_the_driver_does_not_tell_shares_nobody_is_called_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu, "_verified_name", lambda pid: "python")
    assert gpu_owners.hidden_owners(reading((os.getpid(), None))) == []
    assert gpu_owners.hidden_owners(reading(), holders={0}) == [], "somebody here has the device open"


def test_on_the_box_itself_every_living_pid_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "pid_namespace", lambda: BOX)
    assert gpu_owners.owners(reading((os.getpid(), GIB))) == [gpu_owners.Owner(os.getpid(), 0, GIB)]
    assert "not visible from this box" in gpu_owners.hidden_owners(reading())[0]


def test_no_gpu_no_word() -> None:
    assert gpu_owners.hidden_owners(GpuReading((), "No NVIDIA driver is installed here.")) == []
