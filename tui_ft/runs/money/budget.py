"""Keeping a run within its budget, with nobody there: a word at four fifths of it, then save and stop."""

from __future__ import annotations

import math

from tui_ft.health.finding import Evidence, Finding, Level
from tui_ft.runs.after.telling import after_of, tell
from tui_ft.runs.companions import NOTHING, Sight, Wishes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow
from tui_ft.runs.money.hired import gpu_of
from tui_ft.runs.money.outlay import Outlay
from tui_ft.runs.money.prices import Amount, Rate, amount, rate_here
from tui_ft.runs.money.spells import Spells
from tui_ft.runs.records import ExitRecord, RequestRecord, StateRecord, Status
from tui_ft.runs.requests import read_requests, remove_request
from tui_ft.runs.spoken import spoken

BY = "the budget"
"""Who asked for the stop, as the state has it."""

WARN_SHARE = 0.8
"""Of the budget: time enough to look, and to allow more."""

SAVE_S = 30.0
"""Kept back for the last save while none has been measured (our own number)."""
_STOP_S = 5.0
"""Kept back for the step that is under way."""
_MOST_KEPT_BACK = 0.5
"""Of the budget: a small one is for training, too."""
_FINDS_EVERY_S = 10.0
"""How often a rate that was not known is looked for again."""
_REFRESHES_EVERY_S = 60.0
"""How often the settings are asked for a price that is known: a person may set another while it runs."""


class Budget:
    """Adds up what the run costs, all attempts, pauses too, by the price of the user's settings."""

    def __init__(self, run: RunDirectory, state: StateRecord) -> None:
        self._run = run
        self._spells: Spells | None = None
        self._began: tuple[float, float] | None = None
        self._outlay = Outlay(run)
        self._earlier: dict[int, float] = {}
        self._earlier_cost: float | None = None
        self._rate: Rate | None = None
        self._rate_at = -math.inf
        self._knows_gpu = False
        self._said: str | None = None
        self._has_asked = False
        self._is_to_be_told = False

    def poll(self, sight: Sight) -> Wishes:
        """Carry out a request for another budget, then see what is left of it."""
        if self._is_to_be_told:  # now that what was found stands in the file that is told from
            self._is_to_be_told = False
            tell(self._run, "budget")
        changes = self._settle()
        budget = changes.get("budget", sight.state.budget)
        if not isinstance(budget, float):
            return self._without(sight, changes)
        seconds = self._seconds(sight)
        rate = self._rate_now(sight)
        if rate is None and not self._knows_gpu:
            return Wishes(state=changes)
        if rate is None or rate.basis != "settings":
            return self._say(sight, changes, "no price", "warning", _UNPRICED, {"budget": budget})
        gpus = max(len(sight.state.gpus), 1)
        spent = self._spent(rate, seconds, gpus)
        kept_back = kept_back_of(
            budget, rate, gpus, self._spells.save_s if self._spells is not None else None
        )
        evidence: Evidence = {
            "budget": budget, "spent": round(spent, 4), "currency": rate.currency,
            "share": round(spent / budget, 4), "kept_back": round(kept_back, 4),
        }  # fmt: skip
        worth = f"{Amount(spent, spent, rate.currency).text} of {rate.currency}{budget:,.2f}"
        if spent + kept_back >= budget:
            return self._stop(sight, changes, worth, evidence)
        if spent >= WARN_SHARE * budget:
            left_s = (budget - spent - kept_back) / max(amount(rate, 1.0, gpus).high, 1e-12)
            text = f"It has cost {worth}: in about {spoken(left_s)} it saves and stops."
            return self._say(sight, changes, "near", "warning", text, evidence)
        return self._without(sight, changes)

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
        """Nothing is left to be done."""
        return NOTHING

    # --- which budget ---------------------------------------------------------------------------------

    def _settle(self) -> dict[str, object]:
        """What a request changes in the state, where launch has written the budget that it begins with."""
        changes: dict[str, object] = {}
        request = read_requests(self._run).get("budget")
        if request is not None:
            value = request.value
            is_sound = value is None or (math.isfinite(value) and value > 0)
            if is_sound:
                changes["budget"] = value
                self._said = None  # it is another one: what was said of the old holds no more
            remove_request(self._run, "budget")
        return changes

    # --- what it costs --------------------------------------------------------------------------------

    def _seconds(self, sight: Sight) -> float:
        """Of this attempt, from the first look on by a clock that nobody sets: one that jumps must not end a
        run.
        """
        if self._spells is None or self._began is None:
            self._spells = Spells(self._run)
            self._earlier = self._spells.held(sight.state, sight.now)
            self._began = (self._earlier.pop(sight.state.attempt), sight.monotonic)
        self._spells.read()
        seconds, at = self._began
        return seconds + sight.monotonic - at

    def _spent(self, rate: Rate, seconds: float, gpus: int) -> float:
        """What the attempts before cost, each at its own price, and this one so far."""
        if self._earlier_cost is None:
            self._earlier_cost = self._outlay.spent(self._earlier, rate, gpus).high
        return self._earlier_cost + amount(rate, seconds, gpus).high

    def _rate_now(self, sight: Sight) -> Rate | None:
        """Asked again while there is none: the trainer says on what it runs only after its imports.

        A price that was known stays while the settings cannot be read, or say none: a run must not outspend
        its budget because somebody is just editing them.
        """
        is_sure = self._rate is not None and self._rate.basis == "settings"
        every = _REFRESHES_EVERY_S if is_sure else _FINDS_EVERY_S
        if sight.monotonic - self._rate_at >= every:
            self._rate_at = sight.monotonic
            gpu = gpu_of(self._run.attempt(sight.state.attempt))
            self._knows_gpu = gpu is not None
            found, _ = rate_here(gpu)
            if not is_sure or (found is not None and found.basis == "settings"):
                self._rate, self._earlier_cost = found, None
        return self._rate

    # --- what is said and done ------------------------------------------------------------------------

    def _stop(self, sight: Sight, changes: dict[str, object], worth: str, evidence: Evidence) -> Wishes:
        if self._has_asked or sight.state.status == "stopping":
            return Wishes(state=changes)
        self._has_asked = True
        is_training = sight.follower.step is not None
        what = "saves and stops" if is_training else "stops, before it has trained a step"
        kept_back = float(str(evidence["kept_back"]))
        kept = Amount(kept_back, kept_back, str(evidence["currency"])).text
        text = f"It has cost {worth}, and {kept} are kept back for the end: it {what}."
        wishes = self._say(sight, changes, "spent", "error", text, evidence)
        stop = RequestRecord(request="stop", time=sight.now, by=BY)
        deed = DeedRow(
            time=sight.now,
            deed="stop",
            message=f"{BY} is used up ({worth}, {kept} kept back): stopped.",
            code="budget",
        )
        return Wishes(requests=[stop], rows=[*wishes.rows, deed], state=wishes.state)

    def _say(
        self, sight: Sight, changes: dict[str, object], what: str, level: Level, text: str, evidence: Evidence
    ) -> Wishes:
        """Write the finding down when it is another than before; those that are silenced are not told."""
        if "budget" not in sight.state.silenced:
            changes["findings"] = {**sight.state.findings, "budget": level}
        if what == self._said:
            return Wishes(state=changes)
        self._said = what
        finding = Finding(
            code="budget",
            level=level,
            message=text,
            time=sight.now,
            step=sight.follower.step,
            evidence=evidence,
        )
        rows: list[HealthRow] = [FoundRow(time=sight.now, finding=finding, attempt=sight.state.attempt)]
        self._is_to_be_told = level == "warning" and "budget" not in sight.state.silenced
        return Wishes(rows=rows, state=changes)

    def _without(self, sight: Sight, changes: dict[str, object]) -> Wishes:
        """There is none, or it is far: what was found of it before is over."""
        self._said = None
        if "budget" not in sight.state.findings:
            return Wishes(state=changes)
        left = {code: level for code, level in sight.state.findings.items() if code != "budget"}
        row = ClearedRow(time=sight.now, code="budget", message="there is more money, or no budget any more")
        return Wishes(rows=[row], state={**changes, "findings": left})


_UNPRICED = "Its budget cannot be kept: no price is known. Set price_per_hour in your settings."


def kept_back_of(budget: float, rate: Rate, gpus: int, save_s: float | None) -> float:
    """Of a budget what is for the end: the step under way, and a save that takes `save_s` seconds (None:
    never measured).
    """
    end_s = (SAVE_S if save_s is None else save_s) + _STOP_S
    return min(amount(rate, end_s, gpus).high, _MOST_KEPT_BACK * budget)


def least_sensible(rate: Rate, gpus: int = 1) -> float:
    """The smallest budget of which more is for training than for its end."""
    return amount(rate, SAVE_S + _STOP_S, gpus).low / _MOST_KEPT_BACK


def budget_of(run: RunDirectory, attempt: int) -> float | None:
    """The budget in an attempt's spec; None where there is none, or no such attempt."""
    value = after_of(run, attempt).get("budget")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None
