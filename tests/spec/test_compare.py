"""What differs between two specs."""

from __future__ import annotations

from tui_ft.spec import overrides
from tui_ft.spec.compare import NOT_USED, compare
from tui_ft.spec.run_spec import ModelSection, RunSpec

BASE = RunSpec(model=ModelSection(id="demo"))


def differences(left: RunSpec, right: RunSpec, **options: bool) -> dict[str, tuple[str, str]]:
    return {one.field.path: (one.left, one.right) for one in compare(left, right, **options)}


def test_equal_specs_differ_in_nothing() -> None:
    assert compare(BASE, BASE) == []


def test_an_unset_field_means_its_default() -> None:
    assert compare(BASE, overrides.apply(BASE, ["method.rank=16", "method.alpha=32"])) == []
    found = differences(BASE, overrides.apply(BASE, ["method.rank=8"]))
    assert found == {"method.rank": ("16", "8"), "method.alpha": ("32", "16")}


def test_what_a_method_does_not_use_is_said() -> None:
    found = differences(BASE, overrides.apply(BASE, ["method.kind=full"]))
    assert found["method.rank"] == ("16", NOT_USED)
    assert found["training.learning_rate"] == ("0.0002", "2e-05")


def test_equal_fields_are_shown_when_asked_for_and_unused_ones_never() -> None:
    found = differences(BASE, BASE, with_equal=True)
    assert found["training.epochs"] == ("3.0", "3.0")
    assert "method.layers" not in found
