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
from tui_ft.health.watcher import OUR_CODES, STOPS_AT
from tui_ft.runs.companions import Sight, Wishes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guard_facts import read_facts
from tui_ft.runs.guard_history import open_in_file
from tui_ft.runs.guard_reading import GuardReader, Said
from tui_ft.runs.guard_sight import MachineEye
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow
from tui_ft.runs.records import ExitRecord, RequestRecord, StateRecord, Status
from tui_ft.runs.requests import read_requests, remove_request
from tui_ft.runs.telling import tell

_TELL_AGAIN_S = 3600.0
_TAIL_BYTES = 16_384
_CODES = frozenset(get_args(Code))
_OF_THE_MOMENT: frozenset[Code] = frozenset(
    {"hang", "throttling", "host_memory", "data_starvation", "leaked_gpu_memory", "slow_saves", "clock_jump"}
)
"""Over when the run has ended well; of one that ended badly they may be the reason, and stay, and a hang is
the reason of whoever stopped it."""


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
        self._open: dict[Code, Finding] = open_in_file(run)
        self._is_history = True
        self._told: dict[tuple[Code, str], float] = {}
        self._to_tell: list[Code] = []
        self._has_asked = False
        self._known_state: dict[str, object] = {}

    # --- the companion --------------------------------------------------------------------------------

    def poll(self, sight: Sight) -> Wishes:
        """Look at everything that is new."""
        self._tell(sight.monotonic)
        rows: list[HealthRow] = []
        requests: list[RequestRecord] = []
        self._take(self._reader.read(sight), sight, rows, requests)
        rows += self._obey(sight.now)
        return Wishes(requests=requests, rows=rows, state=self._state(sight))

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
        """Read what came last, and say what the end was for want of memory."""
        said = self._reader.read_to_end()
        rows: list[HealthRow] = []
        if self._is_history:
            self._leave_history(sight, rows, [])
            said = []
        said += self._reader.watcher.ended(record.cause, record.message, self._tail(), sight.now)
        if status in ("finished", "stopped"):
            over = _OF_THE_MOMENT if status == "finished" else _OF_THE_MOMENT - {"hang"}
            said += [Cleared(code, "The run has ended.", sight.now) for code in self._open if code in over]
        self._take(said, sight, rows, [])
        self._reader.eye.close()
        return Wishes(rows=rows, state=self._state(sight))

    def _tail(self) -> str:
        try:
            with open(os.open(self._run.output, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
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

    def _found(
        self, finding: Finding, sight: Sight, rows: list[HealthRow], requests: list[RequestRecord]
    ) -> None:
        self._open[finding.code] = finding
        rows.append(FoundRow(time=round(sight.now, 3), finding=finding, attempt=self._attempt))
        self._note_to_tell(finding, sight.monotonic)
        self._stop(finding, sight.now, rows, requests)

    def _leave_history(self, sight: Sight, rows: list[HealthRow], requests: list[RequestRecord]) -> None:
        """What the file says is open is closed where it is not seen any more, or was another attempt's."""
        self._is_history = False
        self._reader.leave_history()
        is_mine = self._reader.has_begun
        seen = self._reader.watcher.open if is_mine else {}
        why = "It is not seen any more." if is_mine else f"Attempt {self._attempt} began."
        now = round(sight.now, 3)
        rows += [ClearedRow(time=now, code=code, message=why) for code in self._open if code not in seen]
        heard = {code: finding for code, finding in seen.items() if code not in self._silenced}
        known, self._open = self._open, {code: one for code, one in heard.items() if code in self._open}
        for code, finding in heard.items():
            if code not in known:
                self._found(finding, sight, rows, requests)
        if not is_mine:
            self._reader.watcher.close_all()

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
            if code in self._open:
                tell(self._run, code)

    def _obey(self, now: float) -> list[HealthRow]:
        """Carry out a request to silence a code, or with a minus before it to hear of it again."""
        request = read_requests(self._run).get("silence")
        if request is None:
            return []
        remove_request(self._run, "silence")
        text = (request.text or "").strip()
        code = text.removeprefix("-")
        if code not in _CODES:
            return []
        if text.startswith("-"):
            self._silenced.discard(code)
            message = f"{request.by or 'Somebody'} wants to hear of {code} again."
            self._open.update({name: one for name, one in self._reader.watcher.open.items() if name == code})
        else:
            self._silenced.add(code)
            self._open = {name: one for name, one in self._open.items() if name != code}
            message = f"{request.by or 'Somebody'} silenced {code}."
        return [
            DeedRow(time=round(now, 3), deed="silence", message=message, code=msgspec.convert(code, Code))
        ]

    def _state(self, sight: Sight) -> dict[str, object]:
        """The fields of the state that are other than they were; what others found stays there."""
        others = {code: level for code, level in sight.state.findings.items() if code not in OUR_CODES}
        wanted: dict[str, object] = {
            "findings": others | {code: finding.level for code, finding in self._open.items()},
            "silenced": sorted(self._silenced),
        }
        if wanted == self._known_state:
            return {}
        self._known_state = wanted
        return wanted
