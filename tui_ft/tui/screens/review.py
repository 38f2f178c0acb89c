"""The Review step: the whole run on one page, and the keys that start it, a smoke run first or at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.spec.display import run_name
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.download import in_time
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.screens.ask_step_down import AskStepDown
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.page import Page
from tui_ft.tui.wizard import review_facts, review_questions, review_words
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.live import Live
from tui_ft.tui.wizard.outcome import Launched, Outcome, Step
from tui_ft.tui.wizard.review_facts import Review
from tui_ft.tui.wizard.smoke import smoke_spec

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.starting import StartFacts
    from tui_ft.vram.situation import StepDown

AGAIN_EVERY_S = 5.0
"""What is free on GPU and disk changes while the page is read."""
FACTS_WITHIN_S = 8.0
_NOTHING = "Nothing was started."


class ReviewScreen(WizardScreen):
    """Nothing is started without Enter or t, and nothing that is not on the page is started."""

    STEP: ClassVar[Step] = "review"
    AUTO_FOCUS = "Page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Start", id="review.start", key_display="Enter", tooltip="Start the run"),
        Binding("t", "smoke", "Smoke run", id="review.smoke",
                tooltip="Try a few steps on few rows first; the run starts when that went well"),
        Binding("b", "behind", "Queue", id="review.behind",
                tooltip="Put the run into the queue: it starts by itself after those that run and wait"),
        Binding("w", "save_preset", "Save preset", id="review.preset",
                tooltip="Keep these settings as a preset with a name and a key"),
        Binding("e", "edit", "Edit", id="review.edit",
                tooltip="Open the settings as TOML in $EDITOR; errors are shown, and e goes on"),
    ]  # fmt: skip

    def __init__(self, draft: Draft, actions: HomeActions) -> None:
        super().__init__(draft, actions)
        self._live: Live | None = None
        self._review: Review | None = None
        self._facts: StartFacts | None = None
        self._asked: RunSpec | None = None
        self._is_starting = False
        self._is_launching = False
        self._run: RunDirectory | None = None

    def body(self) -> ComposeResult:
        yield Page("The run", id="page")

    # --- the page ------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        if self._run is None:
            self._follow()
        else:  # it started while another screen lay above this one
            self.finish(Launched(self._run))

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "follow")

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        while True:
            try:
                self._review = await asyncio.to_thread(self._gather)
            except Exception as error:  # noqa: BLE001 - shown where the user looks
                self.notice.complain(sentence(error))
            self._show()
            if self._asked != self.draft.spec:
                self._ask_around(self.draft.spec)
            await asyncio.sleep(AGAIN_EVERY_S)

    def _gather(self) -> Review:
        root = self.owner.runs_root
        self._live = self._live or Live(root)
        reading, live = self.actions.read_gpus(), self._live
        return review_facts.gather(
            self.draft,
            lambda spec: live.outlook(spec, self.draft.findings, reading),
            self.actions.check,
            reading,
            root,
        )

    @work(group="facts", exclusive=True)
    async def _ask_around(self, spec: RunSpec) -> None:
        """Ask the Hub what is still to be fetched, once for a spec."""
        self._asked, self._facts = spec, None
        try:
            self._facts = await in_time(lambda: self.actions.gather(spec), FACTS_WITHIN_S, None)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
        self._show()

    def _show(self) -> None:
        if self._review is not None and self.children:  # else the app is closing
            self.query_one(Page).set_facts(review_words.facts(self.draft, self._review, self._facts))

    # --- starting ------------------------------------------------------------------------------------

    def action_next(self) -> None:
        self._begin(with_smoke=False)

    def action_smoke(self) -> None:
        self._begin(with_smoke=True)

    def _begin(self, *, with_smoke: bool) -> None:
        if self._is_starting:
            return
        if self._review is None:  # a key typed ahead must not start what nobody has seen
            self.notice.say("One moment: the page is made.")
            return
        self._is_starting = True
        self._start(self._review, with_smoke)

    @work(group="start")
    async def _start(self, review: Review, with_smoke: bool) -> None:
        try:
            agreed = await self._agreed(review, with_smoke)
            if agreed is None:
                return
            review = agreed
            if with_smoke and not await self._smoke(review):
                return
            self._run = await self._launch(review.spec, self.draft.text)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"Nothing was started. {sentence(error)}")
            return
        finally:
            self._is_starting = self._run is not None  # what has started is not started once more
        self.finish(Launched(self._run))

    async def _agreed(self, review: Review, with_smoke: bool) -> Review | None:
        """Refuse what cannot start, ask about what should be known; None when nothing is to start."""
        refusal = review_questions.refusal(review, self._facts)
        if refusal:
            self.notice.complain(refusal)
            return None
        questions = review_questions.questions(review, self._facts, with_smoke=with_smoke)
        if lack := review_questions.lack(review):
            steps = await asyncio.to_thread(lambda: review_facts.step_downs(review, self.actions.read_gpus()))
            if not steps:
                questions.insert(0, lack)
            elif (lesser := await self._lesser(review, f"{lack} How is it to start?", steps)) is None:
                return None
            else:
                review = lesser
        asked = [f"{' '.join(questions)} Start all the same?"] if questions else []
        trust = review_questions.trust_question(review)
        for question in ([trust] if trust else []) + asked:
            if not await self.app.push_screen_wait(Confirm(question)):
                self.notice.say(_NOTHING)
                return None
        return review

    async def _lesser(self, review: Review, question: str, steps: Sequence[StepDown]) -> Review | None:
        """Ask about a run that does not fit; a change goes into the draft and onto the page."""
        changes = await self.app.push_screen_wait(AskStepDown(question, (), steps))
        if changes is None:
            self.notice.say(_NOTHING)
            return None
        if changes:
            self.draft.set(*changes)
            review = self._review = await asyncio.to_thread(self._gather)
            self._show()
        return review

    async def _smoke(self, review: Review) -> bool:
        """Make the smoke run, or follow the one that is going; True when the real one is to start."""
        from tui_ft.tui.screens.launch import LaunchScreen

        run = review.smoked.run
        if review.smoked.state != "going" or run is None:
            run = await self._launch(smoke_spec(review.spec), None)
            self.draft.smoked = run.id
            self.draft.touch()
        self.notice.say("")
        return await self.app.push_screen_wait(LaunchScreen(run, review)) is True

    async def _launch(self, spec: RunSpec, text: str | None) -> RunDirectory:
        """Start a run; until that is done the screen cannot be left: nobody would know of the run."""
        self.notice.say(f"Starting {plain(run_name(spec))} …")
        self._is_launching = True
        try:
            return await asyncio.to_thread(self.actions.start, spec, text)
        finally:
            self._is_launching = False

    def action_behind(self) -> None:
        if self._is_starting:
            return
        if self._review is None:
            self.notice.say("One moment: the page is made.")
            return
        self._is_starting = True
        self._queue(self._review)

    @work(group="start")
    async def _queue(self, review: Review) -> None:
        """Put the run into the queue; a GPU that is busy now is no question, for it is waited for."""
        from tui_ft.tui.queueing import queue_reviewed

        try:
            if refusal := review_questions.refusal(review, self._facts):
                self.notice.complain(refusal)
                return
            trust = review_questions.trust_question(review)
            if trust and not await self.app.push_screen_wait(Confirm(trust)):
                self.notice.say(_NOTHING)
                return
            self._is_launching = True
            self._run = await queue_reviewed(self.owner, self.actions, review.spec, self.draft.text)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"Nothing was put into the queue. {sentence(error)}")
            return
        finally:
            self._is_launching = False
            self._is_starting = self._run is not None
        if self._run is None:
            self.notice.say("Nothing was put into the queue.")
        else:
            self.finish(Launched(self._run))

    def finish(self, outcome: Outcome) -> None:
        if self._is_launching:
            self.notice.say("One moment: the run is being started.")
        else:
            super().finish(outcome)

    # --- keys ----------------------------------------------------------------------------------------

    @work(group="ask", exclusive=True)
    async def action_save_preset(self) -> None:
        from tui_ft.tui.screens.save_preset import save_as_preset, saved_text

        try:
            spec = self.draft.spec
            preset = await save_as_preset(self.app, spec, run_name(spec), self.draft.text)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        if preset is not None:
            self.notice.say(saved_text(preset))

    @work(group="ask", exclusive=True)
    async def action_edit(self) -> None:
        from tui_ft.tui.wizard.edit_spec import edit_spec

        try:
            if await edit_spec(self.app, self.draft):
                self._review = None  # Enter waits for the page of what was written
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
        self._follow()
