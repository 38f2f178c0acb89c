"""What the gate says of real data sets, against a table that was written by looking at them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tui_ft.data import gate
from tui_ft.data.read import UnreadableError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "datasets"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the real sets of ../shared are not here")


class Truth(NamedTuple):
    """What a set is: its rows, those that can be used, exact repetitions, and its errors and warnings."""

    container: str
    format: str
    rows: int
    usable: int
    duplicates: int = 0
    problems: dict[str, int] = {}


FEW = {"too_few_rows": 1}
LATER = {"not_trainable_yet": 1}
NOTHING = {"no_usable_rows": 1}
LF = "hiyouga+LLaMA-Factory/data"
SWIFT = "modelscope+ms-swift/tests/llm/data"
TUNE = "meta-pytorch+torchtune/tests/assets"

TRUTH = {
    "Kiln-AI+Kiln/libs/core/tests/assets/document_people.csv": Truth(
        "csv", "unknown", 250, 0, 0, {"unknown_format": 1}),
    "Lightning-AI+litgpt/tests/data/_fixtures/alpaca.json": Truth("json", "alpaca", 23, 23, 0, FEW),
    "Lightning-AI+litgpt/tests/data/_fixtures/longform_val.json": Truth(
        "json", "prompt_completion", 9, 9, 0, FEW),
    "axolotl-ai-cloud+axolotl/tests/fixtures/conversation.json": Truth("json", "sharegpt", 1, 1, 0, FEW),
    "axolotl-ai-cloud+axolotl/tests/fixtures/conversation.tokenized.json": Truth(
        "json", "unknown", 1, 0, 0, {"tokenized": 1}),
    "h2oai+h2o-llmstudio/prompts/mt-bench/question.jsonl": Truth(
        "jsonl", "prompt_only", 80, 80, 0, LATER | FEW),
    f"{LF}/alpaca_en_demo.json": Truth(
        "json", "alpaca", 999, 999, 14, {"duplicate": 14, "placeholder": 1, "personal_data": 3}),
    f"{LF}/alpaca_zh_demo.json": Truth("json", "alpaca", 1000, 1000, 8, {"duplicate": 8}),
    f"{LF}/glaive_toolcall_en_demo.json": Truth(
        "json", "sharegpt", 300, 300, 35,
        {"duplicate": 35, "near_duplicate": 6, "conflicting_answers": 3, "personal_data": 11}),
    f"{LF}/glaive_toolcall_zh_demo.json": Truth(
        "json", "sharegpt", 300, 300, 43, {"duplicate": 43, "near_duplicate": 4, "personal_data": 9}),
    f"{LF}/identity.json": Truth(
        "json", "alpaca", 91, 91, 0, {"placeholder": 85, "conflicting_answers": 4} | FEW),
    f"{LF}/mllm_video_audio_demo.json": Truth("json", "messages", 3, 0, 0, {"media": 3} | NOTHING),
    f"{LF}/reason_tool_use_demo_50.jsonl": Truth(
        "jsonl", "messages", 50, 50, 0, {"personal_data": 2} | FEW),
    f"{LF}/v1_dpo_demo.jsonl": Truth("jsonl", "preference", 10, 10, 0, LATER | FEW),
    f"{LF}/v1_sft_demo.jsonl": Truth(
        "jsonl", "messages", 500, 500, 1,
        {"duplicate": 1, "placeholder": 51, "conflicting_answers": 2, "personal_data": 3}),
    f"{TUNE}/chat_tiny.json": Truth("json", "sharegpt", 1, 1, 0, FEW),
    f"{TUNE}/hh_rlhf_tiny.json": Truth("json", "preference", 1, 1, 0, LATER | FEW),
    f"{TUNE}/stack_exchange_paired_tiny.json": Truth("json", "preference", 25, 25, 0, LATER | FEW),
    "mlteam-ai+openai-cheat-sheet/data/toy_chat_fine_tuning.jsonl": Truth(
        "jsonl", "messages", 10, 10, 5, {"duplicate": 5} | FEW),
    "mlteam-ai+openai-cheat-sheet/data/weather_chat_fine_tuning.jsonl": Truth(
        "jsonl", "messages", 10, 10, 9, {"duplicate": 9} | FEW),
    "modelscope+ms-swift/examples/megatron/grpo/multi_turn/frozen_lake.jsonl": Truth(
        "jsonl", "prompt_only", 128, 128, 0, LATER | {"placeholder": 128}),
    f"{SWIFT}/alpaca.csv": Truth("csv", "alpaca", 3, 3, 0, FEW),
    f"{SWIFT}/chatml.jsonl": Truth("jsonl", "messages", 3, 3, 0, FEW),
    f"{SWIFT}/conversations.jsonl": Truth("jsonl", "sharegpt", 3, 3, 0, FEW),
    f"{SWIFT}/multi_modal_3.jsonl": Truth(
        "jsonl", "prompt_completion", 3, 0, 0, {"media": 3} | NOTHING),
    f"{SWIFT}/swift_multi.jsonl": Truth("jsonl", "prompt_completion", 3, 3, 0, FEW),
    f"{SWIFT}/swift_single.csv": Truth("csv", "prompt_completion", 3, 3, 0, FEW),
    f"{SWIFT}/swift_single.jsonl": Truth("jsonl", "prompt_completion", 3, 3, 0, FEW),
    "oumi-ai+oumi/data/dataset_examples/alpaca_format.jsonl": Truth("jsonl", "alpaca", 2, 2, 0, FEW),
    "oumi-ai+oumi/data/dataset_examples/oumi_format.jsonl": Truth("jsonl", "messages", 2, 2, 0, FEW),
    "oumi-ai+oumi/data/dataset_examples/vision_language_dpo_format.jsonl": Truth(
        "jsonl", "preference", 3, 0, 0, {"media": 3} | LATER),
}  # fmt: skip

REGISTER = "modelscope+ms-swift/swift/dataset/data/dataset_info.json"


@pytest.mark.parametrize("name", TRUTH)
def test_the_gate_says_what_is_there(name: str) -> None:
    found = gate.check(SHARED / name)
    problems = {p.code: p.count for p in found.problems if p.severity != "note"}
    assert (
        Truth(found.container or "", found.format, found.rows, found.usable_rows, found.duplicates, problems)
        == TRUTH[name]
    )


def test_the_register_of_another_tool_is_no_data_set() -> None:
    with pytest.raises(UnreadableError, match="ms-swift") as caught:
        gate.check(SHARED / REGISTER)
    assert caught.value.code == "not_a_data_set"


def test_every_set_is_in_the_table() -> None:
    there = {str(path.relative_to(SHARED)) for path in SHARED.rglob("*") if path.is_file()}
    assert there == {*TRUTH, REGISTER}
