"""The guard of a run: all detectors on its files as they grow, with no app open, and what follows from that.

It writes what is found and what is over into health.jsonl, keeps the list of open findings in the state, asks
the run to stop where its spec wants that, lets the user be told, and stays silent about what was silenced.
"""

from __future__ import annotations

import os
from typing import get_args

import msgspec

from tui_ft.health.detector import RANK, Cleared
from tui_ft.health.finding import Code, Finding
from tui_ft.health.watcher import OF_SERIES, OUR_CODES, STOPS_AT
from tui_ft.runs.after.telling import tell
from tui_ft.runs.companions import Sight, Wishes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guarding.facts import read_facts
from tui_ft.runs.guarding.history import open_in_file
from tui_ft.runs.guarding.insisting import Insistence
from tui_ft.runs.guarding.reading import GuardReader, Said
from tui_ft.runs.guarding.sight import MachineEye
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow
from tui_ft.runs.masking import masked
from tui_ft.runs.records import ExitRecord, RequestRecord, StateRecord, Status
from tui_ft.runs.regular_file import open_regular
from tui_ft.runs.requests import take_silences

_TELL_AGAIN_S = 3600.0
_TAIL_BYTES = 16_384
_CODES = frozenset(get_args(Code))
_OF_THE_MOMENT: frozenset[Code] = frozenset(
    {"hang", "throttling", "host_memory", "data_starvation", "leaked_gpu_memory", "slow_saves", "clock_jump"}
)
"""Over when the run has ended well; of one that ended badly they may be the reason, and stay, and a hang is
the reason of whoever stopped it."""

_OF_ROWS = frozenset(kind.code for kind in OF_SERIES)


class Guard:
    """A companion of the supervisor; begins from the files, so that it may be a second one's too."""

    def __init__(self, run: RunDirectory, state: StateRecord, eye: MachineEye | None = None) -> None:
        self._run = run
        self._attempt = state.attempt
        facts = read_facts(run, state.attempt)
        self._reader = GuardReader(run, state.attempt, facts, eye or MachineEye(frozenset(state.gpus)))
        health = facts.spec.health if facts.spec is not None else None
        self._silenced = set(state.silenced) | set(health.silence if health is not None else ())
        stop_on = health.stop_on if health is not None else None
        self._stop_on = frozenset(stop_on if stop_on is not None else ("nonfinite",))
        self._open = open_in_file(run)
        """What stands open in the file, also where nobody wants to hear of it."""
        self._is_history = True
        self._told: dict[tuple[Code, str], float] = {}
        self._to_tell: list[Code] = []
        self._has_asked = False
        self._insistence = Insistence(self._reader.watcher.limits.hang_grace_s)
        self._known_state: dict[str, object] = {}

    # --- the companion --------------------------------------------------------------------------------

    def poll(self, sight: Sight) -> Wishes:
        """Look at everything that is new."""
        self._tell(sight.monotonic)
        rows: list[HealthRow] = []
        requests: list[RequestRecord] = []
        self._take(self._reader.read(sight), sight, rows, requests)
        self._obey(sight, rows, requests)
        more, deeds = self._insistence.look(self._heard.get("hang"), requests, sight)
        requests += more
        rows += deeds
        return Wishes(requests=requests, rows=rows, state=self._state(sight))

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
        """Read what came last, and say what the end was for want of memory.

        What the last look found is told now; what is found only here is told with the end.
        """
        self._tell(sight.monotonic)
        said = self._reader.read_to_end()
        rows: list[HealthRow] = []
        if self._is_history:
            self._leave_history(sight, rows, [])
            said = []
        said += self._reader.watcher.ended(
            record.cause, masked(record.message), masked(self._tail()), sight.now
        )
        if status in ("finished", "stopped"):
            over = _OF_THE_MOMENT if status == "finished" else _OF_THE_MOMENT - {"hang"}
            said += [Cleared(code, "The run has ended.", sight.now) for code in self._open if code in over]
        self._take(said, sight, rows, [])
        self._reader.eye.close()
        return Wishes(rows=rows, state=self._state(sight))

    def _tail(self) -> str:
        try:
            with open(open_regular(self._run.output), "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                return file.read(_TAIL_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""

    # --- what follows -----------------------------------------------------------------------------------

    def _take(self, said: Said, sight: Sight, rows: list[HealthRow], requests: list[RequestRecord]) -> None:
        """Turn what detectors say into rows, requests and words to the user; the past is only learnt."""
        if self._is_history:
            if self._reader.is_past_history:
                self._leave_history(sight, rows, requests)
            return
        for one in said:
            if isinstance(one, Cleared):
                if self._open.pop(one.code, None) is not None:
                    rows.append(ClearedRow(time=one.time, code=one.code, message=one.message))
            elif one.code not in self._silenced:
                self._found(one, sight, rows, requests)

    @property
    def _heard(self) -> dict[Code, Finding]:
        return {code: row.finding for code, row in self._open.items() if code not in self._silenced}

    def _found(
        self, finding: Finding, sight: Sight, rows: list[HealthRow], requests: list[RequestRecord]
    ) -> None:
        row = FoundRow(time=round(sight.now, 3), finding=finding, attempt=self._attempt)
        self._open[finding.code] = row
        rows.append(row)
        self._note_to_tell(finding, sight.monotonic)
        self._stop(finding, sight.now, rows, requests)

    def _leave_history(self, sight: Sight, rows: list[HealthRow], requests: list[RequestRecord]) -> None:
        """What the file says is open stays so until it is seen to be over; another attempt's is over now.

        What was found in this attempt and is not seen in what was read again (the end of long files only, and
        nothing of the machine) is given to its detector, which closes it when it is.
        """
        self._is_history = False
        self._reader.leave_history()
        watcher = self._reader.watcher
        if not self._reader.has_begun:
            watcher.close_all()
        seen = watcher.open
        for code, row in list(self._open.items()):
            if code in seen:
                continue
            if self._reader.has_begun and row.attempt == self._attempt and not self._is_replayed(code):
                watcher.restore(row.finding)
                continue
            del self._open[code]
            is_mine = self._reader.has_begun and row.attempt == self._attempt
            why = "It is not seen any more." if is_mine else f"Attempt {self._attempt} began."
            rows.append(ClearedRow(time=round(sight.now, 3), code=code, message=why))
        for code, finding in seen.items():
            known = self._open.get(code)
            has_grown = known is None or RANK[finding.level] > RANK[known.finding.level]
            if has_grown and code not in self._silenced:  # also while nobody supervised
                self._found(finding, sight, rows, requests)

    def _is_replayed(self, code: Code) -> bool:
        """Whether reading the files again says all there is to say of it."""
        return code in _OF_ROWS and not self._reader.is_cut

    def _stop(
        self, finding: Finding, now: float, rows: list[HealthRow], requests: list[RequestRecord]
    ) -> None:
        if finding.code not in self._stop_on or self._has_asked:
            return
        if RANK[finding.level] < RANK[STOPS_AT.get(finding.code, "note")]:
            return
        self._has_asked = True
        requests.append(RequestRecord(request="stop", time=now, by=f"the guard: {finding.code}"))
        message = f"Asked the run to save and stop: {finding.message}"
        rows.append(DeedRow(time=round(now, 3), deed="stop", message=message, code=finding.code))

    def _note_to_tell(self, finding: Finding, monotonic: float) -> None:
        key = (finding.code, finding.level)
        last = self._told.get(key)
        if finding.level == "note" or (last is not None and monotonic - last < _TELL_AGAIN_S):
            return
        self._told[key] = monotonic
        self._to_tell.append(finding.code)

    def _tell(self, monotonic: float) -> None:
        """Tell of what was found in the poll before: now it stands in the file that the teller reads."""
        waiting, self._to_tell = self._to_tell, []
        for code in dict.fromkeys(waiting):
            if code in self._heard:
                tell(self._run, code)

    def _obey(self, sight: Sight, rows: list[HealthRow], requests: list[RequestRecord]) -> None:
        """Carry out requests to silence a code, or with a minus before it to hear of it again.

        What was found meanwhile is then found anew: it is written down, told, and stops the run if it is to.
        """
        for request in take_silences(self._run):
            text = (request.text or "").strip()
            if text.removeprefix("-") not in _CODES:
                continue
            code = msgspec.convert(text.removeprefix("-"), Code)
            is_again = text.startswith("-")
            what = f"wants to hear of {code} again" if is_again else f"silenced {code}"
            message = f"{request.by or 'Somebody'} {what}."
            rows.append(DeedRow(time=round(sight.now, 3), deed="silence", message=message, code=code))
            if not is_again:
                self._silenced.add(code)
                continue
            self._silenced.discard(code)
            finding, known = self._reader.watcher.open.get(code), self._open.get(code)
            if finding is not None and not self._is_history and (known is None or known.finding != finding):
                self._found(finding, sight, rows, requests)

    def _state(self, sight: Sight) -> dict[str, object]:
        """The fields of the state that are other than they were; what others found stays there."""
        others = {code: level for code, level in sight.state.findings.items() if code not in OUR_CODES}
        wanted: dict[str, object] = {
            "findings": others | {code: finding.level for code, finding in self._heard.items()},
            "silenced": sorted(self._silenced),
        }
        if wanted == self._known_state:
            return {}
        self._known_state = wanted
        return wanted
