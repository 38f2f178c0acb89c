"""The whole answer: which GPU, what is free of it, who holds the rest, and whether the run fits there."""

from __future__ import annotations

import pytest
from vram_cases import GIB, estimate_of, gpu, reading, shape_of, spec_of

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import GpuProcess
from tui_ft.vram.assess import Assessment, assess

SHAPE = shape_of("Qwen3-8B")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def seen(*gpus: object, changes: tuple[str, ...] = (), **more: object) -> Assessment:
    problem = more.pop("problem", None)
    return assess(spec_of(*changes), SHAPE, reading(*gpus, problem=problem), **more)  # type: ignore[arg-type]


def test_the_emptiest_gpu_is_taken_and_its_free_memory_counts() -> None:
    answer = seen(gpu(0, free=4), gpu(1, free=80, total=80), gpu(2, free=20))
    assert answer.gpu is not None
    assert (answer.gpu.index, answer.free_bytes, answer.total_bytes) == (1, 80 * GIB, 80 * GIB)
    assert answer.verdict == "fits"
    assert answer.step_downs == ()


def test_the_holder_of_the_rest_is_named() -> None:
    mine = gpu(total=24, free=11.5, processes=(GpuProcess(4711, 12 * GIB, "python3\x1b[31m"),))
    answer = seen(mine)
    assert answer.verdict == "does_not_fit"
    assert answer.holders[0] == "python3·[31m (pid 4711) holds 12.0 GiB."
    assert len(answer.holders) == 2  # half a GiB more is nobody's that can be seen
    assert "not visible" in answer.holders[1]


def test_an_owner_that_cannot_be_seen_is_said_to_be_so() -> None:
    assert "0.50 GiB" not in " ".join(seen(gpu(total=24, free=23.9)).holders)
    hidden = seen(gpu(total=24, free=12, processes=(GpuProcess(1, None, None),)))
    assert hidden.holders == (
        "An owner not visible from this container (pid 1) holds memory; the driver does not say how much.",
    )
    (sentence,) = seen(gpu(total=24, free=12)).holders
    assert sentence == "12.0 GiB are held by an owner not visible from this container."


def test_unified_memory_and_slices_are_explained() -> None:
    assert "system" in " ".join(seen(gpu(is_unified=True, free=10)).holders)
    assert "MIG" in " ".join(seen(gpu(uuid="MIG-1234", free=10)).holders)


def test_without_a_gpu_there_is_a_number_and_no_verdict() -> None:
    answer = seen(problem="No NVIDIA driver is installed here.")
    assert answer.verdict == "unknown"
    assert answer.free_bytes is None
    assert answer.estimate.needed_bytes > 10 * GIB
    assert "No NVIDIA driver is installed here." in answer.notes
    assert answer.step_downs == ()


def test_a_gpu_that_does_not_say_what_is_free_gives_no_verdict() -> None:
    answer = seen(gpu(total=None, free=None))
    assert (answer.verdict, answer.free_bytes) == ("unknown", None)
    assert any("does not say" in note for note in answer.notes)


def test_a_gpu_that_vanished_is_a_sentence_with_a_remedy() -> None:
    with pytest.raises(TuiFtError, match="GPU 3"):
        seen(gpu(0), changes=("hardware.gpus=[3]",))
    lost = "1 of 2 GPUs cannot be read (fallen off the bus?)."
    assert lost in seen(gpu(0), problem=lost).notes


def test_several_gpus_are_as_good_as_the_worst_of_them() -> None:
    two = ("hardware.gpus=2", "hardware.strategy=ddp")
    held = gpu(1, free=12, processes=(GpuProcess(9, 12 * GIB, "vllm"),))
    answer = seen(gpu(0, free=80, total=80), held, changes=two)
    assert answer.verdicts == ("fits", "does_not_fit")
    assert answer.holders == ("GPU 1: vllm (pid 9) holds 12.0 GiB.",)
    assert answer.verdict == "does_not_fit"
    assert answer.gpu is not None
    assert answer.gpu.index == 1
    assert len(answer.gpus) == 2


def test_more_gpus_than_there_are_leave_the_verdict_open() -> None:
    answer = seen(gpu(0, free=80, total=80), changes=("hardware.gpus=4", "hardware.strategy=ddp"))
    assert answer.verdict == "unknown"
    assert any("4 GPUs are asked for, and 1 " in note for note in answer.notes)


def test_a_pretended_memory_needs_no_gpu() -> None:
    answer = seen(gpu(0, free=1), gpu_memory_bytes=40 * GIB)
    assert (answer.verdict, answer.gpu, answer.free_bytes) == ("fits", None, 40 * GIB)
    assert answer.is_pretended


def test_a_share_of_the_gpu_is_all_the_run_may_have() -> None:
    answer = seen(gpu(free=24), changes=("hardware.memory_fraction=0.5",))
    assert answer.free_bytes == 12 * GIB


def test_the_gpu_that_the_user_points_at_wins() -> None:
    answer = seen(gpu(0, free=80, total=80), gpu(1, free=5), gpu="GPU-0001")
    assert answer.gpu is not None
    assert answer.gpu.index == 1


def test_visible_devices_limit_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    answer = seen(gpu(0, free=80, total=80), gpu(1, free=5))
    assert answer.free_bytes == 5 * GIB
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    hidden = seen(gpu(0))
    assert (hidden.verdict, hidden.free_bytes) == ("unknown", None)
    assert any("CUDA_VISIBLE_DEVICES" in note for note in hidden.notes)


def test_an_older_gpu_computes_in_fp16() -> None:
    assert seen(gpu(capability=(7, 5))).workload.precision.compute == "float16"
    assert seen(gpu(capability=None)).workload.precision.compute == "bfloat16"


def test_another_estimate_takes_the_place_of_the_formula() -> None:
    assert seen(gpu(), estimated=estimate_of(3)).verdict == "fits"
    assert seen(gpu(), estimated=estimate_of(300)).verdict == "does_not_fit"


def test_the_longest_row_counts_where_it_is_shorter_than_the_length() -> None:
    changes = ("data.max_length=4096",)
    assert seen(gpu(), changes=changes, longest_row=300).workload.seq_length == 300
    assert seen(gpu(), changes=changes, longest_row=9000).workload.seq_length == 4096


def test_a_shape_that_is_not_known_gets_a_number_and_no_verdict() -> None:
    from dataclasses import replace

    from tui_ft.vram.assess import UNKNOWN_SHAPE

    by_header = replace(SHAPE, counted="header")
    answer = assess(spec_of(), by_header, reading(gpu(total=80, free=80)))
    assert answer.verdict == "unknown"
    assert UNKNOWN_SHAPE in answer.notes
    assert answer.estimate.needed_bytes > 0
    assert not answer.estimate.validated
    measured = assess(spec_of(), by_header, reading(gpu(total=80, free=80)), estimated=answer.estimate)
    assert measured.verdict == "fits"
