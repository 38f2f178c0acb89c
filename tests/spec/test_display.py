"""How numbers and specs are said in a few characters."""

from __future__ import annotations

import pytest

from tui_ft.spec.display import number_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (2e-4, "2e-4"), (-2e-4, "-2e-4"), (3 * 10.0**-4, "3e-4"), (1.2345678e-4, "1.2345678e-4"),
        (0.1, "0.1"), (0.12345678, "0.12345678"), (1e-3, "0.001"), (64, "64"), (1234567.5, "1234567.5"),
        (3.0, "3"), (1.5e-5, "1.5e-5"), (1e6, "1000000"), (float("nan"), "nan"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_a_number_is_said_as_it_is_typed_and_loses_nothing(value: float, text: str) -> None:
    assert number_text(value) == text
