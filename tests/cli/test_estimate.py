"""`tui-ft estimate` as a script and as a person see it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from vram_cases import GIB, gpu, reading

from tui_ft.cli.main import main
from tui_ft.hardware import gpu as gpus
from tui_ft.hardware.gpu import GpuProcess, GpuReading
from tui_ft.vram import catalogue, probe, simulation

KEYS = {
    "schema", "model", "method", "trainable_parameters", "parts_bytes", "allocated_bytes", "needed_bytes",
    "nvidia_smi_bytes", "low_bytes", "high_bytes", "context_bytes", "basis", "validated", "gpu",
    "free_bytes", "verdict", "step_downs",
}  # fmt: skip
PARTS = {"weights", "adapter", "gradients", "optimizer", "activations", "loss", "workspace"}


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TUI_FT_RUNS", "HF_HUB_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "read_gpus", lambda: GpuReading((), "No NVIDIA driver is installed here."))
    return tmp_path


def put_in(monkeypatch: pytest.MonkeyPatch, *seen: Any) -> None:
    monkeypatch.setattr(gpus, "read_gpus", lambda: reading(*seen))


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["estimate", *arguments, "--json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, json.loads(printed.out)


METHODS = (
    "full",
    "last_layers",
    "lora",
    "qlora",
    "adalora",
    "adapter",
    "prefix",
    "prompt",
    "p_tuning",
    "ia3",
)


@pytest.mark.parametrize("method", METHODS)
def test_the_contract_holds_for_every_model_of_the_catalogue(
    capsys: pytest.CaptureFixture[str], method: str
) -> None:
    for entry in catalogue.entries():
        context = entry.shape.context or 512
        code, found = answer(
            capsys, "--model", entry.name, "--method", method, "--seq-length", str(min(context // 2, 512))
        )  # fmt: skip
        assert code == 0
        assert set(found) >= KEYS
        assert set(found["parts_bytes"]) == PARTS
        assert sum(found["parts_bytes"].values()) == found["allocated_bytes"]
        assert found["low_bytes"] <= found["needed_bytes"] <= found["high_bytes"]
        assert found["needed_bytes"] >= found["allocated_bytes"] + found["context_bytes"]
        assert (found["method"], found["verdict"], found["gpu"]) == (method, "unknown", None)
        assert found["model"]["parameters"] == entry.shape.parameters
        assert 0 < found["trainable_parameters"] <= entry.shape.parameters


def test_fits_and_does_not_fit_are_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    large = ("--model", "Qwen/Qwen3-8B", "--method", "lora")
    code, found = answer(capsys, *large, "--gpu-memory", "80")
    assert (code, found["verdict"], found["step_downs"], found["free_bytes"]) == (0, "fits", [], 80 * GIB)
    code, found = answer(capsys, *large, "--gpu-memory", "8.5")
    assert (code, found["verdict"]) == (1, "does_not_fit")
    for step in found["step_downs"]:
        assert set(step) >= {"change", "needed_bytes", "verdict"}
    between = (found["low_bytes"] + found["needed_bytes"]) / 2 / GIB
    code, found = answer(capsys, *large, "--gpu-memory", f"{between:.3f}")
    assert (code, found["verdict"]) == (0, "tight")


def test_every_option_reaches_the_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    options = shlex.split(
        "--model qwen3-8b --method lora --seq-length 256 --batch-size 2 --rank 8 --targets q_proj,v_proj "
        "--optimizer sgd --dtype fp16 --adapter-dtype bf16 --no-gradient-checkpointing --attention eager "
        "--packing --gpus 2 --strategy fsdp --set training.gradient_accumulation=3"
    )
    work = answer(capsys, *options)[1]["workload"]
    assert {
        "seq_length": 256, "batch_size": 2, "rank": 8, "targets": ["q_proj", "v_proj"], "optimizer": "sgd",
        "load_dtype": "float16", "adapter_dtype": "bfloat16", "gradient_checkpointing": False,
        "attention": "eager", "is_packed": True, "gpus": 2, "strategy": "fsdp", "gradient_accumulation": 3,
        "objective": "sft",
    }.items() <= work.items()  # fmt: skip


def test_all_means_every_linear_layer(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--model", "qwen3-8b", "--targets", "all")[1]
    assert found == answer(capsys, "--model", "qwen3-8b", "--targets", "all-linear")[1]


def test_a_spec_or_a_preset_is_taken_and_options_win_over_it(
    places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = places / "mine.toml"
    file.write_text('[model]\nid = "Qwen/Qwen3-8B"\n[method]\nkind = "qlora"\nrank = 4\n')
    found = answer(capsys, "--spec", str(file), "--rank", "32")[1]
    assert (found["method"], found["workload"]["rank"]) == ("qlora", 32)
    assert answer(capsys, "--spec", "demo")[1]["model"]["name"] == "demo"


def test_several_gpus_without_a_strategy_are_ddp(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "--model", "qwen3-8b", "--gpus", "4")[1]["workload"]["strategy"] == "ddp"


def test_the_gpu_and_its_holders_are_in_the_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(monkeypatch, gpu(free=12, processes=(GpuProcess(99, 11 * GIB, "vllm"),)))
    code, found = answer(capsys, "--model", "qwen3-8b", "--method", "lora")
    assert (code, found["free_bytes"], found["total_bytes"]) == (1, 12 * GIB, 24 * GIB)
    assert found["gpu"]["processes"] == [{"pid": 99, "used_bytes": 11 * GIB, "name": "vllm"}]
    assert "vllm (pid 99) holds 11.0 GiB." in found["holders"]


def test_exact_mode_replaces_the_number_and_keeps_the_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {"weights": 5 * GIB}
    monkeypatch.setattr(
        simulation,
        "call",
        lambda *_, **__: {
            "parts_bytes": parts, "allocated_bytes": 5 * GIB, "reserved_bytes": 6 * GIB,
            "capacity_bytes": 5 * GIB, "peak_phase": "forward", "trainable_parameters": 1,
        },
    )  # fmt: skip
    code, found = answer(capsys, "--model", "qwen3-8b", "--method", "full", "--exact", "--gpu-memory", "24")
    assert (code, found["basis"], found["verdict"], found["allocated_bytes"]) == (
        0,
        "simulated",
        "fits",
        5 * GIB,
    )
    assert found["closed_form"]["needed_bytes"] > 100 * GIB
    main(["estimate", "--model", "qwen3-8b", "--method", "full", "--exact"])
    assert "The formula said" in " ".join(capsys.readouterr().out.split())


PROBED = probe.Probed(
    allocated_bytes=10 * GIB, reserved_bytes=11 * GIB, phase="training", phases={}, batch_size=4,
    gradient_accumulation=4, context_bytes=GIB, longest_row=700,
)  # fmt: skip


def test_a_probe_replaces_the_number_and_stands_beside_the_prediction(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(monkeypatch, gpu(free=24))
    monkeypatch.setattr(probe, "run", lambda *_, **__: PROBED)
    code, found = answer(capsys, "--model", "qwen3-8b", "--method", "qlora", "--probe")
    assert (code, found["basis"], found["allocated_bytes"]) == (0, "measured", 10 * GIB)
    assert found["workload"]["seq_length"] == 700
    assert found["probe"]["predicted_allocated_bytes"] == found["closed_form"]["allocated_bytes"]
    assert sum(found["parts_bytes"].values()) == 10 * GIB
    ran_out = msgspec.structs.replace(PROBED, ran_out="CUDA out of memory.")
    monkeypatch.setattr(probe, "run", lambda *_, **__: ran_out)
    assert main(["estimate", "--model", "qwen3-8b", "--method", "qlora", "--probe"]) == 1
    assert "out of memory" in " ".join(capsys.readouterr().out.split())


BAD = {
    "a probe without a GPU": (["--model", "qwen3-8b", "--probe"], "GPU"),
    "no model": ([], "No model"),
    "unknown model": (["--model", "org/nosuch"], "org/nosuch"),
    "missing folder": (["--model", "./nowhere"], "nowhere"),
    "length beyond the context": (["--model", "qwen3-8b", "--seq-length", "50000"], "40960"),
    "no length": (["--model", "qwen3-8b", "--seq-length", "0"], "data.max_length"),
    "length that is no number": (["--model", "qwen3-8b", "--seq-length", "long"], "data.max_length"),
    "zero batch": (["--model", "qwen3-8b", "--batch-size", "0"], "training.batch_size"),
    "rank above the width": (["--model", "smollm2-135m", "--rank", "900"], "576"),
    "absurd rank": (["--model", "qwen3-8b", "--rank", "1000000"], "method.rank"),
    "unknown optimizer": (["--model", "qwen3-8b", "--optimizer", "adamm"], "adamw_torch_fused"),
    "unknown method": (["--model", "qwen3-8b", "--method", "lorra"], "lora"),
    "unknown objective": (["--model", "qwen3-8b", "--objective", "fun"], "sft"),
    "unknown dtype": (["--model", "qwen3-8b", "--dtype", "int3"], "bf16"),
    "unknown adapter dtype": (["--model", "qwen3-8b", "--adapter-dtype", "fp16"], "fp32"),
    "unknown attention": (["--model", "qwen3-8b", "--attention", "magic"], "sdpa"),
    "unknown target": (["--model", "qwen3-8b", "--targets", "q_prj"], "q_proj"),
    "a rank without an adapter": (["--model", "qwen3-8b", "--method", "full", "--rank", "8"], "method.rank"),
    "pure fp16": (["--model", "qwen3-8b", "--method", "full", "--dtype", "fp16"], "float16"),
    "several GPUs and single": (["--model", "qwen3-8b", "--gpus", "4", "--strategy", "single"], "single"),
    "shards on one GPU": (["--model", "qwen3-8b", "--strategy", "zero3"], "zero3"),
    "a GPU that is not there": (["--model", "qwen3-8b", "--gpus", "0,1"], "GPU 0"),
    "no GPUs": (["--model", "qwen3-8b", "--gpus", "0"], "hardware.gpus"),
    "negative memory": (["--model", "qwen3-8b", "--gpu-memory", "-1"], "--gpu-memory"),
    "memory that is no number": (["--model", "qwen3-8b", "--gpu-memory", "nan"], "--gpu-memory"),
    "exact and probe": (["--model", "qwen3-8b", "--exact", "--probe"], "--probe"),
    "probe and pretended": (["--model", "qwen3-8b", "--probe", "--gpu-memory", "8"], "--probe"),
    "an option left empty": (["--model", "qwen3-8b", "--batch-size", ""], "--batch-size"),
    "a device": (["--model", "/dev/zero"], "/dev/zero"),
    "missing spec": (["--spec", "/nowhere.toml"], "nowhere.toml"),
}  # fmt: skip


@pytest.mark.parametrize("arguments, named", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_bad_input_is_a_sentence_and_never_a_number(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str, form: list[str]
) -> None:
    assert main(["estimate", *arguments, *form]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert named in printed.err
    first, *rest = printed.err.splitlines()
    assert first.startswith("tui-ft: ")
    assert first.endswith((".", "?"))
    assert len(rest) <= 1


def folder(places: Path, **files: str) -> str:
    place = places / "model"
    place.mkdir()
    for name, text in files.items():
        (place / name.replace("__", ".")).write_text(text)
    return str(place)


FOLDERS = {
    "an adapter": ({"adapter_config__json": '{"base_model_name_or_path": "some/base"}'}, "some/base"),
    "GGUF": ({"model__gguf": "GGUF"}, "GGUF"),
    "GPTQ": (
        {
            "config__json": json.dumps(
                {"model_type": "llama", "hidden_size": 64, "quantization_config": {"quant_method": "gptq"}}
            )
        },
        "quant",
    ),
    "no keys": ({"config__json": "{}"}, "config"),
    "no JSON": ({"config__json": "nothing"}, "JSON"),
    "nothing at all": ({}, "config.json"),
}


@pytest.mark.parametrize("files, named", FOLDERS.values(), ids=FOLDERS.keys())
def test_a_folder_that_is_no_base_model_gets_no_number(
    places: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], named: str
) -> None:
    assert main(["estimate", "--model", folder(places, **files)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert named.lower() in printed.err.lower()
    assert len(printed.err.splitlines()) <= 2


TEXTS = {
    "fits": ["--model", "qwen3-8b", "--gpu-memory", "80"],
    "does not fit": ["--model", "llama-3.3-70b", "--method", "full", "--gpu-memory", "24"],
    "no GPU": ["--model", "gpt2"],
    "long names": ["--model", "qwen3-30b-a3b", "--method", "qlora", "--gpu-memory", "12", "--gpus", "8",
                   "--strategy", "zero3"],
    "packed": ["--model", "qwen3-8b", "--packing", "--gpu-memory", "1"],
}  # fmt: skip


@pytest.mark.parametrize("arguments", TEXTS.values(), ids=TEXTS.keys())
def test_people_read_it_in_eighty_columns(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    main(["estimate", *arguments])
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 80
    for word in ("needs", "weights", "= allocated", "= needed", "nvidia-smi", "Assumed:", "Basis:"):
        assert word in text
    assert "\x1b" not in text


def test_a_person_sees_verdict_bar_holders_and_ladder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(monkeypatch, gpu(free=12, processes=(GpuProcess(99, 12 * GIB, "vllm"),)))
    assert main(["estimate", "--model", "qwen3-8b", "--method", "lora"]) == 1
    text = capsys.readouterr().out
    assert "DOES NOT FIT" in text
    assert "GPU 0 (NVIDIA L4)" in text
    assert "▒" in text
    assert "vllm (pid 99) holds 12.0 GiB." in text
    assert "--set method.quantization=nf4" in text
    assert "fits" in text


def test_each_of_several_gpus_has_its_own_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(monkeypatch, *(gpu(number, free=24 if number % 2 else 5) for number in range(8)))
    assert main(["estimate", "--model", "qwen3-8b", "--gpus", "8"]) == 1
    text = capsys.readouterr().out
    assert text.count("free, does not fit") == 4
    assert text.count("free, fits") == 4
    assert max(len(line) for line in text.splitlines()) <= 80
    found = answer(capsys, "--model", "qwen3-8b", "--gpus", "2")[1]
    assert [one["verdict"] for one in found["gpus"]] == ["fits", "fits"]


def test_text_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--model", "qwen3-8b", "--method", "qlora", "--gpu-memory", "24")
    found = answer(capsys, *options)[1]
    main(["estimate", *options])
    text = capsys.readouterr().out
    for key in ("allocated_bytes", "needed_bytes", "nvidia_smi_bytes"):
        assert f"{found[key] / GIB:.2f}" in text


def test_the_command_loads_nothing_heavy() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from tui_ft.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['estimate', '--model', 'qwen3-8b', '--gpu-memory', '24'])\n"
        "print(' '.join({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "peft", "trl", "numpy", "textual", "datasets", "rich"}
    assert not set(done.stdout.split()) & heavy
