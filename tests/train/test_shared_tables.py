"""Families that share another's coefficients: their simulated steps hold as many bytes in every phase."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.simulate import ours
from tui_ft.train.simulate.steps import forget_devices
from tui_ft.vram.coefficients import SAME_TRACE

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

CONFIG = {
    "hidden_size": 128, "intermediate_size": 320, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 500, "max_position_embeddings": 256,
    "tie_word_embeddings": False, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
ROPE = {
    "ministral3": {
        "rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 128,
        "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0,
        "llama_4_scaling_beta": 0.1,
    },
}  # fmt: skip
SMALL = 1e-4
"""Ministral 3 scales its queries by a number for each token: a few bytes a token."""

KINDS = ("method.kind=lora training.precision=bf16", "method.kind=full")


@pytest.fixture(autouse=True)
def own_devices() -> Iterator[None]:
    forget_devices()
    yield
    forget_devices()


@cache
def most_by_phase(family: str, changes: str) -> dict[str, int]:
    """The most bytes alive in every phase of a step and an evaluation."""
    config = {**CONFIG, "model_type": family}
    if family in ROPE:
        config["rope_parameters"] = ROPE[family]
    usual = ["model.id=demo", "data.train=demo", "data.max_length=64", "training.batch_size=2"]
    spec = overrides.apply(RunSpec(), [*usual, *changes.split()])
    trace = ours.trace_steps(ours.Case(config=config, spec=spec, device="cpu", is_padded=False, steps=1))
    found, size, alive, phase, most = {}, {}, 0, "load", 0
    for storage, what in trace.events:
        if storage is None:
            found[phase] = most
            phase, most = str(what), alive
        elif what is None:
            alive -= size.pop(storage)
        else:
            size[storage] = int(what)
            alive += int(what)
            most = max(most, alive)
    return found | {phase: most}


@pytest.mark.parametrize("changes", KINDS)
@pytest.mark.parametrize("family", SAME_TRACE)
def test_its_steps_hold_as_many_bytes(family: str, changes: str) -> None:
    expected = most_by_phase(SAME_TRACE[family], changes)
    assert most_by_phase(family, changes) == pytest.approx(expected, rel=SMALL)


def test_another_family_holds_more() -> None:
    """The comparison can fail: Qwen2 has biases."""
    assert most_by_phase("qwen2", KINDS[1]) != pytest.approx(most_by_phase("llama", KINDS[1]), rel=SMALL)
