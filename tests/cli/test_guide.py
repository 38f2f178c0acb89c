"""`tui-ft guide`, as people and scripts call it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from tui_ft.cli.main import main
from tui_ft.vram.holders import gib_text

MODEL = "Llama-3.1-8B"

Asked = tuple[int, dict[str, Any]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Asked]:
    def asked(*arguments: str) -> Asked:
        code = main([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return asked


def test_the_json_keeps_the_contract(ask: Callable[..., Asked]) -> None:
    code, answer = ask("guide", "--rows", "5000", "--model", MODEL, "--goal", "sft", "--gpu-memory", "24")
    assert code == 0
    assert answer["schema"] == 1
    assert (answer["method"], answer["objective"], answer["verdict"]) == ("lora", "sft", "fits")
    assert answer["gate"] == "go"
    assert answer["gate_reason"] is None
    assert {"rule", "text"} <= set(answer["reasons"][0])
    assert answer["hyperparameters"]["method.rank"] == 16
    assert answer["hyperparameters"]["training.learning_rate"] == 2e-4
    assert len(answer["methods"]) == 10
    assert {"trainable_share", "checkpoint_bytes", "speed", "needed_bytes"} <= set(answer["methods"][0])
    assert {other["method"] for other in answer["alternatives"]} >= {"full", "qlora"}


@pytest.mark.parametrize("goal", ["sft", "preference", "complex"])
@pytest.mark.parametrize("memory", ["7", "12", "18", "24"])
def test_every_number_in_a_reason_is_that_of_tui_ft_estimate(
    ask: Callable[..., Asked], goal: str, memory: str
) -> None:
    _, answer = ask("guide", "--rows", "5000", "--model", MODEL, "--goal", goal, "--gpu-memory", memory)
    for reason in answer["reasons"]:
        for name, size in reason["numbers"].items():
            assert gib_text(size) in reason["text"] + reason["more"]
            if name == "free":
                assert size == answer["free_bytes"]
                continue
            changes = [word for change in answer["plans"][name]["overrides"] for word in ("--set", change)]
            _, estimated = ask("estimate", "--model", MODEL, "--gpu-memory", memory, *changes)
            assert estimated["needed_bytes"] == size
            assert estimated["verdict"] == answer["plans"][name]["verdict"]


def test_the_gate_can_end_with_no(ask: Callable[..., Asked], capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = ask("guide", "--rows", "40", "--model", MODEL, "--gpu-memory", "24")
    assert (code, answer["gate"]) == (1, "stop")
    assert "too few" in answer["gate_reason"]
    assert main(["guide", "--rows", "40", "--model", MODEL, "--gpu-memory", "24"]) == 1
    assert "DO NOT FINE-TUNE" in capsys.readouterr().out


def test_what_cannot_start_names_what_can(ask: Callable[..., Asked]) -> None:
    code, answer = ask("guide", "--rows", "5000", "--model", MODEL, "--goal", "dpo", "--gpu-memory", "24")
    assert (code, answer["objective"], answer["runnable"]) == (0, "dpo", False)
    assert "dpo" in answer["why_not"]
    assert (answer["next_best"]["objective"], answer["next_best"]["runnable"]) == ("sft", True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--gpu-memory", "24"],
        ["--gpu-memory", "3", "--gpus", "4"],
        ["--goal", "deploy-int4,diverse,facts", "--gpu-memory", "200", "--capability", "7.5"],
        ["--goal", "dpo", "--gpu-memory", "12"],
        ["--goal", "quick-trial", "--rows", "200", "--gpu-memory", "24"],
        ["--rules"],
    ],
)
def test_the_text_fits_80_columns(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["guide", "--rows", "5000", "--model", "Llama-3.3-70B", *arguments])
    out = capsys.readouterr().out
    assert out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_the_text_tells_why_how_to_start_and_what_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", "--rows", "5000", "--model", MODEL, "--gpu-memory", "12"]) == 0
    out = capsys.readouterr().out
    assert "Recommended: QLoRA r16 with SFT: fits." in out
    assert re.search(r"R7 +LoRA needs [\d.]+ GiB, 12\.0 GiB are free", out)
    assert "learning rate 2e-4" in out
    assert re.search(r"^> QLoRA r16 +[\d.]+ GiB  fits", out, re.MULTILINE)
    assert re.search(r"^  Full +[\d.]+ GiB  does not fit +100%", out, re.MULTILINE)
    assert "tui-ft estimate --model Llama-3.1-8B --set method.kind=qlora" in out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--model", "no/such-model-here.json"],
        ["--model", MODEL, "--rows", "-3"],
        ["--model", MODEL, "--rows", "many"],
        ["--model", MODEL, "--rows", "9" * 30],
        ["--model", MODEL, "--rows", "²"],
        ["--model", MODEL, "--goal", "world-peace"],
        ["--model", MODEL, "--gpu-memory", "0"],
        ["--model", MODEL, "--gpu-memory", "nan"],
        ["--model", MODEL, "--gpus", "0", "--gpu-memory", "24"],
        ["--model", MODEL, "--capability", "new", "--gpu-memory", "24"],
        ["--model", MODEL, "--spec", "nowhere.toml"],
    ],
)
def test_bad_input_is_a_sentence_and_exit_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["guide", *arguments]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("tui-ft: ")


def test_the_default_length_gives_way_to_a_small_context(ask: Callable[..., Asked], tmp_path: Any) -> None:
    config = {
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 256, "max_position_embeddings": 512,
        "architectures": ["LlamaForCausalLM"],
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    code, answer = ask("guide", "--model", str(tmp_path), "--rows", "5000", "--gpu-memory", "8")
    assert code == 0
    assert answer["hyperparameters"]["data.max_length"] == 512


def test_the_rules_can_be_read(ask: Callable[..., Asked]) -> None:
    code, answer = ask("guide", "--rules")
    assert code == 0
    assert {rule["id"] for rule in answer["rules"]} >= {f"R{number}" for number in range(1, 15)}
    assert any(row["correction"] for row in answer["scenarios"])


def test_a_wrong_count_of_rows_is_answered_with_one_that_the_guide_goes_on_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["guide", "--model", MODEL, "--rows", "many"]) == 2
    assert "--rows 5000" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["gpt2", "Llama-3.1-8B"])
@pytest.mark.parametrize("more", [[], ["--spec", "demo"]], ids=["defaults", "a spec"])
def test_the_command_under_the_answer_gives_the_number_of_the_answer(
    capsys: pytest.CaptureFixture[str], model: str, more: list[str]
) -> None:
    if model == "gpt2" and more:
        model = "Qwen/Qwen3-0.6B"
    asked = ["guide", "--model", model, "--rows", "5000", "--gpu-memory", "80", *more]
    main([*asked, "--json"])
    needed = json.loads(capsys.readouterr().out)["needed_bytes"]
    main(asked)
    command = shlex.split(capsys.readouterr().out.partition("The numbers behind it:")[2])
    assert command[0] == "tui-ft"
    main([*command[1:], "--gpu-memory", "80", "--json"])
    assert json.loads(capsys.readouterr().out)["needed_bytes"] == needed
