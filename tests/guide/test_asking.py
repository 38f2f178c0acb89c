"""The question that is made of a box: no GPU, one that somebody else uses, eight of a kind."""

from __future__ import annotations

import pytest
from guide_asking import GIB, LLAMA_8B, LLAMA_70B, shape
from vram_cases import gpu, reading

from tui_ft.cli.guide_text import lines
from tui_ft.errors import TuiFtError
from tui_ft.guide.asking import ask
from tui_ft.guide.compare import compare_for
from tui_ft.guide.question import Question
from tui_ft.guide.recommend import recommend
from tui_ft.hardware.gpu import GpuProcess, GpuReading
from tui_ft.spec.run_spec import ModelSection, RunSpec

SPEC = RunSpec(model=ModelSection(id=LLAMA_8B))


def text(question: Question) -> str:
    answer = recommend(question)
    return "\n".join(lines(question, answer, compare_for(question, answer)))


@pytest.fixture(autouse=True)
def every_gpu_is_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)


def test_no_gpu_is_unknown_and_the_reason_is_told() -> None:
    asked = ask(SPEC, shape(LLAMA_8B), GpuReading((), "No NVIDIA driver is installed here."), rows=5000)
    assert asked.free_bytes is None
    said = text(asked)
    assert "No NVIDIA driver is installed here." in said
    assert "no GPU is known to hold it against" in said


def test_a_gpu_half_occupied_by_somebody_else_decides_by_what_is_free() -> None:
    other = GpuProcess(4242, 12 * GIB, "python")
    asked = ask(SPEC, shape(LLAMA_8B), reading(gpu(free=12.0, processes=(other,))), rows=5000)
    assert (asked.free_bytes, asked.capability) == (12 * GIB, (8, 9))
    assert recommend(asked).method == "qlora"
    said = text(asked)
    assert "python (pid 4242) holds 12.0 GiB" in " ".join(said.split())
    assert "12.0 GiB free" in said
    assert max(map(len, said.splitlines())) <= 80


def test_of_eight_gpus_the_emptiest_is_asked_about_and_the_others_may_help() -> None:
    gpus = [gpu(index, free=20.0 if index != 3 else 23.0) for index in range(8)]
    asked = ask(SPEC, shape(LLAMA_70B), reading(*gpus), rows=5000)
    assert asked.free_bytes == 23 * GIB
    assert asked.further_free_bytes == (20 * GIB,) * 7
    assert ask(SPEC, shape(LLAMA_70B), reading(*gpus), gpus=2).further_free_bytes == (20 * GIB,)


def test_gpus_of_another_kind_do_not_help() -> None:
    asked = ask(SPEC, shape(LLAMA_8B), reading(gpu(0, free=23), gpu(1, name="Tesla T4", free=15)))
    assert asked.further_free_bytes == ()


def test_more_gpus_than_there_are_have_to_be_described() -> None:
    with pytest.raises(TuiFtError, match="can be used here"):
        ask(SPEC, shape(LLAMA_8B), reading(gpu()), gpus=4)


def test_memory_and_number_can_be_pretended() -> None:
    asked = ask(SPEC, shape(LLAMA_8B), GpuReading(()), gpu_memory_bytes=24 * GIB, gpus=4, capability=(7, 0))
    assert (asked.free_bytes, asked.gpus, asked.capability) == (24 * GIB, 4, (7, 0))
