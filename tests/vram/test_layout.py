"""The rows' small language: lines, sizes, conditions, and what values of the wrong kind do."""

from __future__ import annotations

from typing import Any

import pytest

from tui_ft.vram.families.expression import FAULTS, evaluate, names_in
from tui_ft.vram.families.layout import SizeError, parsed, weights
from tui_ft.vram.families.sizes import STANDARD
from tui_ft.vram.families.table import FAMILIES, defaults
from tui_ft.vram.families.towers import TOWERS
from tui_ft.vram.shape import Weight

NAMES: dict[str, Any] = {"h": 8, "f": 20, "kinds": ["a", "b"], "flag": False, "nothing": None, "text": "x"}


def test_a_line_is_a_module_with_its_role_and_sizes() -> None:
    assert list(weights("mlp.up  linear  f 2*h  bias\n", NAMES)) == [
        Weight("mlp.up", "weight", (20, 16), "linear"),
        Weight("mlp.up", "bias", (20,), "bias"),
    ]


def test_conditions_drop_lines_and_biases() -> None:
    assert not list(weights("a  norm  h  if flag\n", NAMES))
    assert len(list(weights("a  norm  h  bias=flag  if not flag\n", NAMES))) == 1


def test_parameters_without_a_module_are_named_in_full() -> None:
    assert list(weights("moe.experts.up  experts  2 f h\nsinks  other  h\n", NAMES)) == [
        Weight("moe.experts", "up", (2, 20, 8), "experts"),
        Weight("", "sinks", (8,), "other"),
    ]


def test_a_repeated_line_counts_from_nought() -> None:
    found = list(weights("norms.*  norm  h  repeat=2\n", NAMES))
    assert [weight.module for weight in found] == ["norms.0", "norms.1"]


@pytest.mark.parametrize("size", ["0", "-h", "h*0", "f*1000000000", "nothing", "flag", "h//3.0"])
def test_a_size_that_no_tensor_has_is_an_error(size: str) -> None:
    with pytest.raises((SizeError, *FAULTS)):
        list(weights(f"a  norm  {size}\n", NAMES))


@pytest.mark.parametrize("line", ["a", "a  unheard  h", "a  linear"])
def test_a_line_that_cannot_be_read_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="no such line"):
        parsed(line)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("f // 4 * h + 1", 41),
        ("nothing or h", 8),
        ("'a' in kinds and kinds[1] == 'b'", True),
        ("3 in nothing", False),
        ("f if flag else at(h, 3)", 8),
        ("round_up(h, 16) // 16", 1),
        ("get(nothing, 'x') is None", True),
    ],
)
def test_expressions_are_arithmetic_over_names(text: str, value: object) -> None:
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize("text", ["text * f", "kinds * h", "h // 0", "kinds[5]", "h.bit_length", "open(h)"])
def test_wrong_values_raise_and_are_never_multiplied(text: str) -> None:
    with pytest.raises(FAULTS):
        evaluate(text, NAMES)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_row_reads_and_its_names_do_not_chase_each_other(family: str) -> None:
    row = FAMILIES[family]
    known = {**STANDARD, **row.let}
    parsed(row.block)
    parsed(row.around)

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"{name} stands for itself"
        if name in known and known[name] != name:
            for inner in names_in(known[name]) - {name}:
                walk(inner, (*above, name))

    for name in known:
        walk(name, ())


def test_every_family_has_defaults() -> None:
    for family in (*FAMILIES, *(tower.family for found in TOWERS.values() for tower in found)):
        assert defaults(family)
