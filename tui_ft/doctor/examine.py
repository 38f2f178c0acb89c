"""Makes the checks and gathers what they find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tui_ft.doctor.box import Box
from tui_ft.doctor.check import Needs, Theme, made
from tui_ft.doctor.finding import Finding, worst_level
from tui_ft.doctor.registry import CHECKS

SCHEMA = 1
Told = tuple[Theme, Finding]
"""A finding, and what it is about."""


def examine(box: Box, needs: Iterable[Needs] = ("files", "gpu", "trainer")) -> Iterator[Told]:
    """Yield what the checks of these kinds find, check by check. Never raises.

    Those of the kind "trainer" find nothing while `box.trainer` is None.
    """
    wanted = frozenset(needs)
    for check in CHECKS:
        if check.needs in wanted:
            yield from ((check.theme, finding) for finding in made(check, box))


def as_json(told: Iterable[Told], *, has_trainer: bool) -> dict[str, Any]:
    """The object that `doctor --json` prints; `trainer_checked` is false where that was left out."""
    found = list(told)
    return {
        "schema": SCHEMA,
        "level": worst_level(finding for _, finding in found),
        "trainer_checked": has_trainer,
        "findings": [
            {
                "code": finding.code,
                "theme": theme.lower(),
                "level": finding.level,
                "what": finding.what,
                "fix": finding.fix,
                "is_command": finding.is_command,
            }
            for theme, finding in found
        ],
    }
