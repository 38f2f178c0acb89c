"""What run screen and health screen do about a run that is not well: fix it, silence it, make room."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import work
from textual.screen import Screen

from tui_ft.tui.actions import sentence
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import Kind
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from tui_ft.health.finding import Finding
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.fixes.fixing import Plan
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.fix_rows import FixRow
    from tui_ft.watch.post_mortem import PostMortem

JUDGE_EVERY_S = 10.0
"""The curves of a run that is not ours are judged at most so often."""
LOOK_AT_FIX_S = 0.2
MAY_BE_OVER = frozenset({"finished", "stopped", "failed", "lost", "unknown"})


class HealthActions(Screen[None]):
    """A screen on one run; `run` is None for another's. `post` is how it ended, once that was looked into."""

    ENDS: ClassVar[frozenset[str]] = MAY_BE_OVER
    """The ends that are looked into."""
    run: RunDirectory | None
    post: PostMortem | None = None
    _looked_at: tuple[object, ...] = ()
    _is_fixing = False
    _foreign: tuple[Finding, ...] = ()
    _weighed: tuple[Finding, ...] = ()
    _weighed_for: tuple[object, ...] = ()
    _judged_at = -JUDGE_EVERY_S

    if TYPE_CHECKING:

        @property
        def owner(self) -> TuiFtApp: ...

        @property
        def reading(self) -> Reading: ...

        def say(self, text: str, kind: Kind = "good") -> None: ...

        def look_again(self) -> None: ...

    @property
    def judged(self) -> Reading:
        """What is shown, with what is not well with it: of another's run that is found by its curves, of
        one of ours the fixes are those that can be carried out.
        """
        reading = self.reading
        if reading.source != "tui_ft":
            return replace(reading, findings=self._foreign)
        return replace(reading, findings=self._weighed) if reading.findings else reading

    async def look_into_end(self) -> bool:
        """Make the post-mortem of a run that is over; True when there is something else to say now."""
        is_news = await self._judge_foreign() | await self._weigh_fixes()
        return await self._look_into_end() or is_news

    async def _weigh_fixes(self) -> bool:
        """Leave out what cannot be done; it changes with each finding and each checkpoint."""
        reading, run = self.reading, self.run
        seen = (reading.findings, reading.checkpoint_steps)
        if run is None or seen == self._weighed_for:
            return False
        self._weighed_for, before = seen, self._weighed
        if not any(finding.fixes for finding in reading.findings):
            self._weighed = reading.findings
            return self._weighed != before
        from tui_ft.watch.post_mortem import with_possible_fixes

        try:
            self._weighed = await asyncio.to_thread(with_possible_fixes, run, reading.findings, reading.step)
        except OSError:  # a disk that stumbles: no fix is offered until something changes
            self._weighed = tuple(msgspec.structs.replace(one, fixes=[]) for one in reading.findings)
        return self._weighed != before

    async def _judge_foreign(self) -> bool:
        """The same detectors over the curves of a run that is not ours; that costs up to 0.2 s."""
        reading, now = self.reading, self.owner.clock()
        if reading.source == "tui_ft" or not reading.is_complete or now - self._judged_at < JUDGE_EVERY_S:
            return False
        self._judged_at = now
        from tui_ft.watch.findings import findings_of

        before, self._foreign = self._foreign, await asyncio.to_thread(findings_of, reading)
        return self._foreign != before

    async def _look_into_end(self) -> bool:
        reading = self.reading
        if reading.status not in self.ENDS or not reading.is_complete:
            changed, self.post, self._looked_at = self.post is not None, None, ()
            return changed
        seen = (reading.status, reading.attempt, reading.log_version, reading.findings, reading.exit)
        if seen == self._looked_at:
            return False
        self._looked_at = seen
        before = self.post
        try:
            self.post = await asyncio.to_thread(self._post_mortem, reading)
        except OSError:  # a disk that stumbles: it is looked into again
            self._looked_at = ()
        return self.post != before

    def _post_mortem(self, reading: Reading) -> PostMortem | None:
        from tui_ft.watch.post_mortem import post_mortem

        return post_mortem(reading, self.run, self.owner.clock())

    def is_health_offered(self, action: str) -> bool:
        """Whether there is a fix, a finding to silence, or a directory of ours."""
        if self.run is None:
            return False
        if action == "fix":
            row = self.chosen_fix()
            return row is not None and row.fix is not None
        if action == "silence":
            is_any = bool(self.reading.findings or self.reading.silenced)
            return is_any and self.reading.status not in MAY_BE_OVER
        return True

    def chosen_fix(self) -> FixRow | None:
        """The fix that a key means: the first that there is."""
        from tui_ft.tui.fix_rows import fix_rows

        return next((row for row in fix_rows(self.judged, self.post) if row.fix is not None), None)

    # --- fixes -----------------------------------------------------------------------------------

    def action_fix(self) -> None:
        row = self.chosen_fix()
        if row is None or row.fix is None or self.run is None:
            self.say("There is nothing to change that is known here.", "warn")
        elif not self._is_fixing:
            self._ask_and_fix(row)

    @work(group="act", exclusive=True)
    async def _ask_and_fix(self, row: FixRow) -> None:
        from tui_ft.runs.fixes import fixing
        from tui_ft.tui.screens.ask_fix import AskFix

        assert self.run is not None
        assert row.fix is not None
        try:
            plan = await asyncio.to_thread(fixing.plan, self.run, row.fix, self.reading.step)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
            return
        if await self.app.push_screen_wait(AskFix(plan)):
            self._is_fixing = True
            self._carry_out_fix(plan)

    @work(group="launch")
    async def _carry_out_fix(self, plan: Plan) -> None:
        run = self.run
        assert run is not None
        try:
            going = await self._carried_out(run, plan)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self._say_if_there(sentence(error), "bad")
            return
        finally:
            self._is_fixing = False
        self._fixed(going, plan)

    async def _carried_out(self, run: RunDirectory, plan: Plan) -> RunDirectory:
        """Wait for the process that does it, which needs nobody to wait. Raises `TuiFtError`."""
        from tui_ft.errors import TuiFtError
        from tui_ft.runs.directory import RunDirectory
        from tui_ft.runs.fixes import fix_process
        from tui_ft.runs.requests import user_name

        process = await asyncio.to_thread(
            fix_process.begin, run, plan, self.owner.runs_root,
            by=f"{user_name()} (fix {plan.fix.name})", take_over=plan.is_elsewhere,
        )  # fmt: skip
        while True:
            for word in await asyncio.to_thread(process.look):
                if word.error:
                    raise TuiFtError(word.error, word.hint)
                if word.run:
                    return RunDirectory(Path(word.run))
                self._say_if_there(word.said)
            await asyncio.sleep(LOOK_AT_FIX_S)

    def _say_if_there(self, text: str, kind: Kind = "good") -> None:
        if self.is_mounted and self.children:
            self.say(text, kind)

    def _fixed(self, going: RunDirectory, plan: Plan) -> None:
        if self.run is not None and going.path == self.run.path:
            self._say_if_there(f"Done, it goes: {plan.fix.title}.")
            if self.is_mounted:
                self.look_again()
        elif self.app.screen is self:
            self.owner.replace_run(going)
        else:
            self._say_if_there(f"{plain(going.id)} is started.")

    # --- silence ---------------------------------------------------------------------------------

    def meant_finding(self) -> str:
        """The code of the finding that is shown: the worst one."""
        return next((finding.code for finding in self.reading.findings), "")

    def action_silence(self) -> None:
        code, silenced = self.meant_finding(), self.reading.silenced
        if code:
            self._silence(code)
        elif silenced:  # nothing is left to silence: then the same key takes back, the newest first
            self._silence(silenced[-1], undo=True)
        else:
            self.say("There is no finding to silence.", "warn")

    @work(group="request")
    async def _silence(self, code: str, *, undo: bool = False) -> None:
        from tui_ft.runs import control
        from tui_ft.runs.requests import user_name

        assert self.run is not None
        text = f"-{code}" if undo else code
        try:
            await asyncio.to_thread(control.request, self.run, "silence", user_name(), text=text)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
        else:
            done = (
                "heard again in this run."
                if undo
                else ("silenced for this run; z undoes it once nothing else is open.")
            )
            self.say(f"{plain(code)} is {done}")
            self.look_again()

    # --- the disk --------------------------------------------------------------------------------

    @work(group="act", exclusive=True)
    async def action_prune(self) -> None:
        from tui_ft.tui.home_doors import open_screen

        try:
            await open_screen(self.owner, "prune", lambda room: room.PruneScreen(self.run))
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
