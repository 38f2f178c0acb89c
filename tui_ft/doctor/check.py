"""What a check of the doctor is, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, note
from tui_ft.doctor.patience import SilentError, patiently
from tui_ft.doctor.words import short

Theme = Literal["places", "disks", "hub", "software", "GPU", "torch", "memory", "session", "clock"]
Needs = Literal["files", "gpu", "trainer"]
"""`files`: a millisecond; `gpu`: asks NVML; `trainer`: asks the interpreter that trains, for seconds."""
_LONGEST = 500
LOOK_S = 10.0
"""So long a check of files may take: each place that it touches is waited for a shorter while."""


class Check(NamedTuple):
    """One check: what it is about, the function, and what it has to wait for."""

    theme: Theme
    look: Callable[[Box], list[Finding]]
    needs: Needs = "files"

    @property
    def name(self) -> str:
        return self.look.__name__


def made(check: Check, box: Box) -> list[Finding]:
    """Make one check. Never raises: what it cannot bear on this box is told as a note."""
    try:
        return [_safe(_for_whom(finding, box)) for finding in _looked(check, box)]
    except SilentError:
        what = f"The check {check.name} does not answer within {LOOK_S:g} s: something it looks at hangs."
        return [
            error(check.name, what, "`findmnt` lists what is mounted, `sudo umount -l` lets go of a mount.")
        ]
    except Exception as problem:  # noqa: BLE001 - boxes are stranger than any list of exceptions
        what = (
            f"The check {check.name} could not be made here: {type(problem).__name__}: {short(str(problem))}"
        )
        return [note(check.name, what)]


def _looked(check: Check, box: Box) -> list[Finding]:
    """Files are waited for a while only: behind any of them may be a mount that is gone."""
    if check.needs != "files":
        return check.look(box)
    return patiently(lambda: check.look(box), f"check {check.name}", LOOK_S)


def _for_whom(finding: Finding, box: Box) -> Finding:
    """Checks write `sudo` where root is needed; who is root needs none, and most images have none."""
    return finding._replace(fix=finding.fix.replace("sudo ", "")) if box.user == 0 else finding


def _safe(finding: Finding) -> Finding:
    """No word of it steers a terminal, whatever a path or a driver is called."""
    fix = short(finding.fix, _LONGEST)
    return finding._replace(
        what=short(finding.what, _LONGEST), fix=fix, is_command=finding.is_command and fix == finding.fix
    )
