"""One ended attempt of a run, and what its spec wants to follow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tui_ft.errors import TuiFtError
from tui_ft.runs.after import news
from tui_ft.runs.after.copying import Copy
from tui_ft.runs.after.notifying import PATIENTLY, Message, tell_all
from tui_ft.runs.after.owed import Hold, Mark
from tui_ft.runs.deeds import write_deed
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ENDED, StateRecord
from tui_ft.runs.state import read_state
from tui_ft.spec.running import AfterSection

GRACE_S = 900.0
"""A machine that goes down is gone by then: the providers give 5 s to 2 min (facts: peers, section 6)."""

PAUSE_S = 30.0
"""Between two looks at a machine that may be idle."""

RETRY_S = 300.0
"""A provider's interface that does not answer now may in some minutes; the bill goes on meanwhile."""

GONE_FOR_S = 10.0
"""A directory that is missing for so long was removed; a network disk that stumbles comes back."""


@dataclass(kw_only=True)
class AfterTask:
    """`after` is what the spec says; `copy` the verified copy once there is one; `hold` how far it came.

    `is_late`: somebody looked at the runs and found that this was still owed.
    """

    run: RunDirectory
    attempt: int
    after: AfterSection
    state: StateRecord
    copy: Copy | None = None
    is_late: bool = False
    hold: Hold = field(default_factory=lambda: Hold(Mark(run="")))
    pause_s: float = PAUSE_S
    retry_s: float = RETRY_S
    grace_s: float = field(default_factory=lambda: GRACE_S)
    _gone_since: float | None = None

    @property
    def is_copy_owed(self) -> bool:
        """True while a copy is asked for and there is no verified one."""
        return self.after.copy_to is not None and self.copy is None

    @property
    def waits_for_idle(self) -> bool:
        """True when the hook waits for minutes in which nobody uses the machine. Late it always does: whoever
        found that it was owed sits at a terminal.
        """
        return self.after.idle_minutes is not None or self.is_late

    def is_still_over(self) -> bool:
        """True while surely nobody has resumed the run: False also where that cannot be read now."""
        with suppress(TuiFtError):
            return self._is_over(read_state(self.run))
        return False

    def is_left(self) -> bool:
        """True once the run goes on, or its directory was removed: nobody waits for what was to follow."""
        try:
            state = read_state(self.run)
        except TuiFtError:
            return self._is_gone()
        self._gone_since = None
        return not self._is_over(state)

    def _is_over(self, state: StateRecord) -> bool:
        return state.attempt == self.attempt and state.status in ENDED

    def _is_gone(self) -> bool:
        try:
            self.run.path.stat()
        except FileNotFoundError:
            if self.run.path.parent.is_dir():  # else the whole disk is away
                now = time.monotonic()
                self._gone_since = now if self._gone_since is None else self._gone_since
                return now - self._gone_since >= GONE_FOR_S
        except OSError:
            pass  # a mount that is gone or does not answer
        self._gone_since = None
        return False

    def tell(self, message: Message, waits_s: Sequence[float] = PATIENTLY) -> None:
        """Tell everybody whom the spec names; write down whom, and who could not be told."""
        for told in tell_all(self.after.notify, message, waits_s):
            if told.problem or told.is_bell:
                write_deed(self.run, "notify", told.sentence, is_done=not told.problem)
            else:
                write_deed(self.run, "notify", f"{told.name} was told: {message.title}.")

    def tell_of_trouble(self, what: str) -> None:
        """Tell them that something that was to follow did not work."""
        if self.after.notify:
            with suppress(TuiFtError):  # a disk that stumbles; it stands in output.log
                self.tell(news.of_a_trouble(self.run, what))
