"""What fused kernels allocate on CUDA, and nothing of what torch takes them apart into without values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulating import needs_compiler, output_of

pytestmark = [pytest.mark.train, needs_compiler]

FP32_TENSOR = 100 * 64 * 4
HALF_HEADS = 2 * 4 * 100 * 64 * 2
"""Bytes of the query, and of everything else that has all heads in 16 bits."""
ROW_SUMS = 2 * 4 * 100 * 4

Births = dict[str, list[list[object]]]


@pytest.fixture(scope="module")
def births(tmp_path_factory: pytest.TempPathFactory) -> Births:
    script = Path(__file__).with_name("kernel_births.py")
    found: Births = json.loads(output_of(script, tmp_path_factory.mktemp("shim")))
    return found


@pytest.mark.parametrize("name", ["silu", "mish", "gelu", "gelu_tanh", "relu"])
def test_the_backward_of_an_activation_is_one_kernel_with_one_output(births: Births, name: str) -> None:
    assert [nbytes for _, nbytes in births[name]] == [FP32_TENSOR]


def test_softmax_backward_multiplies_into_a_tensor_of_its_own(births: Births) -> None:
    assert births["softmax"] == [
        ["aten::_softmax_backward_data", FP32_TENSOR],
        ["softmax backward: gradient x output", FP32_TENSOR],
    ]


def test_flash_attention_keeps_its_output_and_a_sum_a_row(births: Births) -> None:
    sizes = [nbytes for _, nbytes in births["flash"]]
    assert sizes[:2] == [HALF_HEADS, ROW_SUMS]
    assert sum(sizes[2:]) < 512  # the random state


def test_flash_attention_for_grouped_heads_expands_their_gradients(births: Births) -> None:
    inside = [nbytes for name, nbytes in births["flash backward"] if "flash attention backward" in str(name)]
    rows = 2 * 4 * 128  # lengths are rounded up to 128
    assert inside == [rows * 4, rows * 64 * 4, HALF_HEADS, HALF_HEADS]


def test_a_mask_becomes_a_bias_in_rows_that_a_kernel_can_read(births: Births) -> None:
    bias, padded = 2 * 100 * 100 * 2, 2 * 100 * 104 * 2
    sizes = [nbytes for _, nbytes in births["masked"]]
    assert bias in sizes
    assert padded in sizes
    assert sizes.count(HALF_HEADS) == 1


def test_without_flash_attention_the_efficient_kernel_is_taken(births: Births) -> None:
    assert births["efficient"][0] == ["aten::_scaled_dot_product_efficient_attention", HALF_HEADS]


def test_grouped_heads_without_flash_attention_cost_whole_score_matrices(births: Births) -> None:
    scores = 2 * 4 * 100 * 100
    assert max(int(str(nbytes)) for _, nbytes in births["math"]) >= 2 * scores
