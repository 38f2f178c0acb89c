# ruff: noqa: E501 - the words of others
"""Reading what an allocator said when it found no room, in the words of every torch that people run."""

from __future__ import annotations

import pytest

from tui_ft.health.oom import parse_cuda_oom, parse_host_oom

# the messages stand in issues of the projects named beside them
TORCH_2_1 = (  # carolchenyx/MGFN#35
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.70 GiB. GPU 0 has a total "
    "capacty of 6.00 GiB of which 0 bytes is free. Of the allocated memory 2.93 GiB is allocated by PyTorch, and 2.30 GiB "
    "is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting"
)
TORCH_2_6 = (  # murong-xu/CADS#4, with another process as torch prints it
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 22.78 GiB. GPU 1 has a total capacity "
    "of 31.47 GiB of which 12.73 GiB is free. Process 4711 has 8.50 GiB memory in use. Including non-PyTorch "
    "memory, this process has 18.73 GiB memory in use. Of the allocated memory 9.08 GiB is allocated by PyTorch, and "
    "9.35 GiB is reserved by PyTorch but unallocated."
)
TORCH_1 = (  # microsoft/unilm#137
    "RuntimeError: CUDA out of memory. Tried to allocate 128.00 MiB (GPU 0; 11.17 GiB total capacity; 10.85 "
    "GiB already allocated; 24.81 MiB free; 10.86 GiB reserved in total by PyTorch)"
)
TORCH_1_2 = (  # pytorch/examples#621
    "RuntimeError: CUDA out of memory. Tried to allocate 26.00 MiB (GPU 0; 1024.00 MiB total capacity; 435.61 "
    "MiB already allocated; 24.17 MiB free; 26.39 MiB cached)"
)


def test_torch_2_says_what_lies_free_in_pieces() -> None:
    assert parse_cuda_oom(TORCH_2_1) == {
        "asked_gib": 1.7, "gpu": 0, "total_gib": 6.0, "free_gib": 0.0, "allocated_gib": 2.93,
        "unallocated_gib": 2.3, "reserved_gib": 5.23, "is_fragmented": True,
    }  # fmt: skip


def test_others_on_the_gpu_are_named() -> None:
    said = parse_cuda_oom(TORCH_2_6)
    assert said is not None
    assert said["others"] == ["process 4711: 8.50 GiB"]
    assert (said["gpu"], said["process_gib"], said["free_gib"]) == (1, 18.73, 12.73)
    assert said["is_fragmented"] is False  # 9.35 GiB in pieces would not have held 22.78


@pytest.mark.parametrize(
    ("text", "asked", "total", "free", "reserved"),
    [(TORCH_1, 0.125, 11.17, 0.024, 10.86), (TORCH_1_2, 0.025, 1.0, 0.024, 0.026)],
)
def test_torch_1_is_read_too(text: str, asked: float, total: float, free: float, reserved: float) -> None:
    said = parse_cuda_oom(text)
    assert said is not None
    assert (said["asked_gib"], said["total_gib"], said["free_gib"]) == (asked, total, free)
    assert said["reserved_gib"] == reserved


def test_the_last_of_several_counts() -> None:
    said = parse_cuda_oom(f"{TORCH_1}\nDuring handling of the above exception:\n{TORCH_2_1}")
    assert said is not None
    assert said["asked_gib"] == 1.7


def test_a_message_without_numbers_is_still_one() -> None:
    assert parse_cuda_oom("RuntimeError: CUDA error: out of memory") == {}
    assert parse_cuda_oom("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`") == {}


def test_what_is_none_is_none() -> None:
    assert parse_cuda_oom("RuntimeError: CUDA error: device-side assert triggered") is None
    assert parse_cuda_oom("MemoryError") is None
    assert parse_host_oom(TORCH_2_1) is None
    assert parse_host_oom("") is None


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (
            "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 107374182400 bytes. Error code 12 (Cannot allocate memory)",
            100.0,
        ),
        ("numpy: Unable to allocate 7.45 GiB for an array with shape (1000000000,)", 7.45),
        ("OSError: [Errno 12] Cannot allocate memory", None),
        ("MemoryError", None),
    ],
)
def test_the_machines_memory_is_told_apart(text: str, asked: float | None) -> None:
    assert parse_cuda_oom(text) is None
    assert parse_host_oom(text) == ({} if asked is None else {"asked_gib": asked})


def test_a_hostile_log_costs_little() -> None:
    assert parse_cuda_oom("CUDA out of memory. Tried to allocate " + "9" * 60_000) == {}
    assert parse_cuda_oom("9" * 20_000_000) is None
