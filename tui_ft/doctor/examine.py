"""Makes the checks and gathers what they find; a check that fails is a finding itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, note, worst_level
from tui_ft.doctor.registry import CHECKS, Check, Needs, Theme
from tui_ft.doctor.words import short

SCHEMA = 1
_LONGEST = 500
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


def made(check: Check, box: Box) -> list[Finding]:
    """Make one check. Never raises: what it cannot bear on this box is told as a note."""
    try:
        return [_safe(finding) for finding in check.look(box)]
    except Exception as problem:  # noqa: BLE001 - boxes are stranger than any list of exceptions
        what = (
            f"The check {check.name} could not be made here: {type(problem).__name__}: {short(str(problem))}"
        )
        return [note(check.name, what)]


def _safe(finding: Finding) -> Finding:
    """No word of it steers a terminal, whatever a path or a driver is called."""
    fix = short(finding.fix, _LONGEST)
    return finding._replace(
        what=short(finding.what, _LONGEST), fix=fix, is_command=finding.is_command and fix == finding.fix
    )


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
