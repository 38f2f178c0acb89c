"""What a start takes: the GPU it would get, who holds it, the disk; and paths completed as a shell does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from home_world import A_PROCESS, NO_GPU, a_gpu

from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec.run_spec import DataSection, HardwareSection, MethodSection, ModelSection, RunSpec
from tui_ft.tui.download import Download
from tui_ft.tui.path_completion import complete
from tui_ft.tui.start_flow import with_data
from tui_ft.tui.starting import LARGE_DOWNLOAD_BYTES, StartFacts, choose, gather, hub_cache, memory
from tui_ft.tui.text import fit, gib, plain

SPEC = RunSpec(model=ModelSection(id="demo"))


@pytest.fixture(autouse=True)
def no_inherited_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_the_emptiest_gpu_is_taken_and_its_holder_named() -> None:
    busy, free = a_gpu(0, 100, processes=A_PROCESS), a_gpu(1, 0.2)
    assert choose(SPEC, GpuReading((busy, free))) == ("GPU 1 H200, 140 GiB free", "")
    text, held = choose(SPEC, GpuReading((busy, a_gpu(1, 120))))
    assert text.startswith("GPU 0") and held == "1 process, 100 GiB in use"
    assert choose(SPEC, GpuReading((a_gpu(0, 30),)))[1] == "hidden processes, 30.0 GiB in use"


def test_the_memory_that_a_start_needs_stands_beside_what_is_free() -> None:
    text, lack = memory(SPEC, GpuReading((a_gpu(0),)))
    assert text.endswith("fits (" + text.partition("(")[2]) and " GiB needed, 140 free: " in text
    assert lack == ""
    large = RunSpec(model=ModelSection(id="Qwen/Qwen3-8B"), method=MethodSection(kind="full"))
    text, lack = memory(large, GpuReading((a_gpu(0, 100),)))
    assert "40.0 free: does not fit" in text and lack.startswith("It does not fit: ")
    assert lack in StartFacts(model="m", method="Full", gpu="GPU 0", lack=lack).question
    assert memory(SPEC, NO_GPU) == ("", "")
    absent = RunSpec(model=ModelSection(id="/nowhere/at/all"))
    assert memory(absent, GpuReading((a_gpu(0),)))[0].startswith("not known: ")


def test_without_a_gpu_it_trains_on_the_cpu() -> None:
    assert choose(SPEC, NO_GPU) == ("none: it trains on the CPU", "")


def test_a_gpu_that_is_not_there_is_said() -> None:
    wanted = RunSpec(model=ModelSection(id="demo"), hardware=HardwareSection(gpus=[7]))
    assert "asks for the GPU 7" in choose(wanted, GpuReading((a_gpu(0),)))[0]


def test_an_inherited_choice_of_gpus_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-0")
    assert choose(SPEC, GpuReading((a_gpu(0, 100), a_gpu(1))))[0].startswith("GPU 0")


def test_the_facts_of_the_demo_need_no_network(tmp_path: Path) -> None:
    facts = gather(SPEC, NO_GPU, tmp_path / "runs")
    assert facts.model == "demo" and facts.method == "LoRA r16"
    assert facts.free_disk_bytes
    assert facts.lines()[-1].startswith("Download  nothing, the model is here · disk: ")
    assert facts.question == facts.refusal == ""


def test_what_is_asked_and_what_is_refused() -> None:
    def facts(**changes: Any) -> StartFacts:
        return StartFacts(model="m", method="Full", gpu="GPU 0", **changes)

    assert facts(download=Download(needed_bytes=LARGE_DOWNLOAD_BYTES)).question == ""
    large = facts(download=Download(needed_bytes=LARGE_DOWNLOAD_BYTES + 1), held="1 process")
    assert "It downloads" in large.question and "Somebody holds the GPU: 1 process." in large.question
    unknown = Download(needed_bytes=None, problem="No answer.")
    assert facts(download=unknown).question == "No answer." and facts(download=unknown).refusal == ""
    gone = Download(needed_bytes=None, problem="No such model.", is_fatal=True)
    assert facts(download=gone).refusal == "No such model."


def test_the_download_folder_follows_the_librarys_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", "/big/hf")
    assert hub_cache() == Path("/big/hf/hub")
    monkeypatch.setenv("HF_HUB_CACHE", "/other")
    assert hub_cache() == Path("/other")


def test_an_answer_is_a_path_where_it_looks_like_one_else_a_hub_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").touch()
    assert with_data(SPEC, "rows.jsonl").data.train == str(tmp_path / "rows.jsonl")
    assert with_data(SPEC, "./gone.jsonl").data.train == str(tmp_path / "gone.jsonl")
    assert with_data(SPEC, "tatsu-lab/alpaca").data.train == "tatsu-lab/alpaca"
    assert with_data(RunSpec(data=DataSection(max_length=77)), "x").data.max_length == 77


def test_a_path_is_completed_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "data set").mkdir()
    for name in ("train.jsonl", "train.csv", ".hidden", "bad\x1bname"):
        (tmp_path / name).touch()
    assert complete(f"{tmp_path}/da")[0] == f"{tmp_path}/data set/"
    assert complete(f"{tmp_path}/t") == (f"{tmp_path}/train.", ["train.csv", "train.jsonl"])
    assert complete(f"{tmp_path}/") == (f"{tmp_path}/", ["data set/", "train.csv", "train.jsonl"])
    assert complete(f"{tmp_path}/.h")[0] == f"{tmp_path}/.hidden"
    assert complete(f"{tmp_path}/none/x") == (f"{tmp_path}/none/x", [])


def test_the_home_folder_is_completed_and_stays_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    assert complete("~/mo")[0] == "~/models/"


def test_text_is_made_safe_and_fits_its_column() -> None:
    assert plain("a\tb\x1b[0m\u202e\x00c") == "a b[0mc"
    assert fit("abcdef", 4) == "abc…" and fit("ab", 4) == "ab  " and fit("ab", 4, right=True) == "  ab"
    assert fit("模型模型", 6) == "模型 …" or fit("模型模型", 6) == "模型… "
    assert fit("x", 0) == ""


@pytest.mark.parametrize(
    ("size", "text"), [(None, "–"), (0, "0.0"), (2**29, "0.50"), (34 * 2**30, "34.0"), (140 * 2**30, "140")]
)
def test_gib(size: int | None, text: str) -> None:
    assert gib(size) == text
