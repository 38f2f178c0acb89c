"""What the closed form is made of: rows of coefficients, optimizers, shared GPUs, what stands in for what."""

from __future__ import annotations

import msgspec
import pytest
from vram_cases import shape_of, spec_of

from tui_ft.spec.resolve import METHOD_KEYS
from tui_ft.vram import coefficients
from tui_ft.vram.blocks import allocated, packed
from tui_ft.vram.coefficients import FOLDER, SAME_TRACE
from tui_ft.vram.estimate import estimate
from tui_ft.vram.optimizers import OPTIMIZERS
from tui_ft.vram.policy import nearest, policy_of
from tui_ft.vram.resident import resident
from tui_ft.vram.result import Estimate
from tui_ft.vram.workload import from_spec

LLAMA = "Llama-3.1-8B"


def estimated(*changes: str, name: str = LLAMA) -> Estimate:
    return estimate(shape_of(name), from_spec(spec_of(*changes)))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_table_can_be_read_whole(path: object) -> None:
    family = getattr(path, "stem", "")
    table = coefficients.table(family)
    assert table is not None
    assert table.family == family
    assert {"torch", "transformers", "trl", "peft"} <= table.versions.keys()
    for key in table.policies:
        moments = coefficients._moments(family, key)
        assert moments, key
        assert {moment.is_accumulating for moment in moments} >= {False}


def test_families_that_stand_for_others_are_there() -> None:
    assert all((FOLDER / f"{other}.json").exists() for other in SAME_TRACE.values())


@pytest.mark.parametrize("method", METHOD_KEYS)
def test_every_method_finds_coefficients_and_says_whether_they_are_its_own(method: str) -> None:
    answer = estimated(f"method.kind={method}", "training.batch_size=1")
    assert answer.validated == (method in ("full", "last_layers", "lora"))
    if not answer.validated:
        assert any("like run" in note for note in answer.notes)


def test_a_row_that_stands_in_says_what_it_leaves_out() -> None:
    policy = policy_of(from_spec(spec_of("method.targets=q_proj,v_proj")), is_tied=False, is_windowed=False)
    row, left_out = next(nearest(policy))
    assert row.targets == "attention"
    assert "modules" in left_out


def test_accumulation_keeps_gradients_through_the_forward_pass() -> None:
    once = estimated("method.kind=full", "training.gradient_accumulation=1")
    twice = estimated("method.kind=full", "training.gradient_accumulation=2")
    assert twice.allocated_bytes > once.allocated_bytes
    assert twice == estimated("method.kind=full", "training.gradient_accumulation=16")


def test_full_fine_tuning_holds_sixteen_bytes_a_parameter() -> None:
    """fp32 weights, gradients and two states (facts on GPU memory, 3b)."""
    answer = estimated("method.kind=full", "training.gradient_accumulation=1")
    model = 16 * shape_of(LLAMA).parameters
    assert model < answer.allocated_bytes < 1.05 * model


def test_paged_states_are_not_needed_on_the_gpu() -> None:
    paged = estimated("method.kind=full", "training.optimizer=paged_adamw_8bit")
    plain = estimated("method.kind=full", "training.optimizer=adamw_bnb_8bit")
    assert paged.parts.optimizer < 0.01 * plain.parts.optimizer
    assert paged.needed_bytes < plain.needed_bytes
    assert any("host memory" in note for note in paged.notes)


@pytest.mark.parametrize(("name", "share"), [("adamw_bnb_8bit", 0.254), ("lion_8bit", 0.127), ("sgd", 0.0)])
def test_states_against_those_of_adamw(name: str, share: float) -> None:
    full = resident(shape_of(LLAMA), from_spec(spec_of("method.kind=full"))).optimizer
    other = resident(
        shape_of(LLAMA), from_spec(spec_of("method.kind=full", f"training.optimizer={name}"))
    ).optimizer
    assert other / full == pytest.approx(share, abs=0.002)


def test_every_optimizer_of_the_spec_has_a_row() -> None:
    from typing import get_args

    from tui_ft.spec.running import Optimizer

    assert set(get_args(Optimizer)) - {"auto"} == OPTIMIZERS.keys()


@pytest.mark.parametrize(("nbytes", "block"), [(1, 512), (513, 1024), ((15 << 20) + (3 << 18), 16 << 20)])
def test_blocks_as_the_allocator_gives_them(nbytes: int, block: int) -> None:
    assert allocated(nbytes) == block


def test_gpus_that_share_a_run() -> None:
    one = estimated("method.kind=full")
    shares = {
        strategy: estimated("method.kind=full", "hardware.gpus=4", f"hardware.strategy={strategy}")
        for strategy in ("ddp", "zero2", "fsdp", "zero3")
    }
    assert shares["ddp"].allocated_bytes > one.allocated_bytes > shares["zero2"].allocated_bytes
    assert shares["zero2"].allocated_bytes > shares["zero3"].allocated_bytes == shares["fsdp"].allocated_bytes
    assert not any(answer.validated for answer in shares.values())


def test_preferences_double_the_batch() -> None:
    plain, pairs = (
        estimated("training.batch_size=4"),
        estimated("training.batch_size=4", "objective.kind=dpo"),
    )
    assert plain.parts.activations < pairs.parts.activations <= 2.2 * plain.parts.activations
    assert not pairs.validated


def test_an_estimate_is_the_same_twice_and_can_be_written_down() -> None:
    assert estimated() == estimated()
    assert msgspec.json.encode(estimated())


MIB = 1 << 20


@pytest.mark.parametrize(
    ("requests", "blocks"),
    [
        ([3 * MIB], [3 * MIB]),
        ([5 * MIB] * 4, [5 * MIB] * 4),
        ([9 * MIB, 9 * MIB + MIB // 2, 2 * MIB], [9 * MIB, 9 * MIB + MIB // 2, 2 * MIB]),
        ([9 * MIB, 9 * MIB, 2 * MIB - 512], [9 * MIB, 9 * MIB, 2 * MIB]),
        ([9 * MIB + MIB // 2] * 2, [9 * MIB + MIB // 2, 20 * MIB - 9 * MIB - MIB // 2]),
        ([MIB, 100, 12 * MIB + 1], [MIB, 512, 12 * MIB + 512]),
    ],
)
def test_rests_of_shared_segments_count_where_they_are_not_split_off(
    requests: list[int], blocks: list[int]
) -> None:
    assert packed(requests) == sum(blocks)
