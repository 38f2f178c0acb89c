"""All rows in one table, and the defaults of their config classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tui_ft.vram.families import bart, classic, dense, gemma, hybrid, latent, odd, sparse, state
from tui_ft.vram.families.layout import Family

FAMILIES: Mapping[str, Family] = {
    **dense.ROWS,
    **gemma.ROWS,
    **classic.ROWS,
    **bart.ROWS,
    **sparse.ROWS,
    **latent.ROWS,
    **state.ROWS,
    **hybrid.ROWS,
    **odd.ROWS,
}
"""Rows by `model_type`."""


@cache
def defaults(family: str) -> Mapping[str, Any]:
    """What the config class of `family` takes for a key that config.json leaves out."""
    found: Mapping[str, Any] = _written()["defaults"].get(family, {})
    return found


@cache
def aliases(family: str) -> Mapping[str, str]:
    """Other names under which config.json may hold a key of `family`: name in the class by alias."""
    found: Mapping[str, str] = _written()["aliases"].get(family, {})
    return found


def expert_layout(family: str) -> str | None:
    """The family whose names for experts peft translates for `family`, or None where it does not."""
    found: str | None = _written()["experts"].get(family)
    return found


@cache
def _written() -> Any:
    return json.loads(files("tui_ft.vram.families").joinpath("defaults.json").read_bytes())
