"""How long this machine lasts between two failures: as the spec says, else learnt from the runs here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui_ft.spec.run_spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Life:
    """The mean time between failures in `hours`, and by what it is known, in words."""

    hours: float
    basis: str


PRIOR_HOURS = 24.0


def expected_life(spec: RunSpec, runs_root: Path) -> Life:
    """What to count with for a run of `spec` under `runs_root`."""
    given = spec.checkpoints.hours_between_failures
    if given is not None:
        return Life(hours=given, basis="as the spec says")
    return Life(hours=PRIOR_HOURS, basis="nothing is known of this machine yet")
