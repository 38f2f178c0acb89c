"""One ended attempt of a run, and what its spec wants to follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tui_ft.runs.after.copying import Copy
from tui_ft.runs.after.notifying import PATIENTLY, Message, tell_all
from tui_ft.runs.deeds import write_deed
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ENDED, StateRecord
from tui_ft.runs.state import read_state
from tui_ft.spec.running import AfterSection

GRACE_S = 900.0
"""A machine that goes down is gone by then: the providers give 5 s to 2 min (facts: peers, section 6)."""

PAUSE_S = 30.0
"""Between two looks at a machine that may be idle."""


@dataclass(kw_only=True)
class AfterTask:
    """`after` is what the spec says; `copy` the verified copy once there is one."""

    run: RunDirectory
    attempt: int
    after: AfterSection
    state: StateRecord
    copy: Copy | None = None
    pause_s: float = PAUSE_S
    grace_s: float = field(default_factory=lambda: GRACE_S)

    @property
    def is_copy_owed(self) -> bool:
        """True while a copy is asked for and there is no verified one."""
        return self.after.copy_to is not None and self.copy is None

    def is_still_over(self) -> bool:
        """True while nobody has resumed the run."""
        state = read_state(self.run)
        return state.attempt == self.attempt and state.status in ENDED

    def tell(self, message: Message, waits_s: Sequence[float] = PATIENTLY) -> None:
        """Tell everybody whom the spec names; write down whom, and who could not be told."""
        for told in tell_all(self.after.notify, message, waits_s):
            if told.problem or told.is_bell:
                write_deed(self.run, "notify", told.sentence, is_done=not told.problem)
            else:
                write_deed(self.run, "notify", f"{told.name} was told: {message.title}.")
