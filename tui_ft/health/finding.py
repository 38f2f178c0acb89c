"""What a detector says: a stable word, a sentence, the evidence behind it, and what to change."""

from __future__ import annotations

from typing import Literal

import msgspec

from tui_ft.spec.finding_codes import Code as Code  # known here: a finding has one

Level = Literal["note", "warning", "error"]
"""`error`: the run is worth nothing, or about to end, unless somebody acts."""

How = Literal["resume", "resume_before", "restart", "command"]
"""How a fix is carried out: as the next attempt from the newest whole checkpoint, from the last one before
the trouble (`Fix.step`), as a new run, or as a command for the person to run."""

Scalar = float | int | str | bool | None
Evidence = dict[str, Scalar | list[Scalar]]
"""Numbers and words, named as people name them."""


class Fix(msgspec.Struct, kw_only=True, frozen=True):
    """A named change of the spec. `changes` are `section.field=value`, as for `--set`.

    `step` is the newest step whose checkpoint may still be trusted, for `resume_before`; `command` is what a
    person runs, for `command`.
    """

    name: str
    title: str
    how: How
    changes: list[str] = []
    step: int | None = None
    command: str | None = None


class Finding(msgspec.Struct, kw_only=True, frozen=True):
    """One thing that is not well. `evidence` holds the numbers and words that the message rests on, named.

    `time` is in unix seconds, `step` the optimizer step; `fixes` best first.
    """

    code: Code
    level: Level
    message: str
    time: float
    step: int | None = None
    evidence: Evidence = {}
    fixes: list[Fix] = []
