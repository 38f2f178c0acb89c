"""The Model step: which base model, what fits this GPU first, and any other by its name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.errors import TuiFtError
from tui_ft.hardware.host import disk
from tui_ft.tui import method_facts
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.download import Download, in_time, is_on_disk, measure
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.starting import hub_cache
from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.model_list import ModelList
from tui_ft.tui.widgets.prose import Prose
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.wizard import model_choices
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.goal_advice import known_rows
from tui_ft.tui.wizard.model_choices import Choice
from tui_ft.tui.wizard.model_fit import Wish, with_model
from tui_ft.tui.wizard.model_words import choice_entries
from tui_ft.vram import catalogue
from tui_ft.vram.model_config import UnknownFamilyError

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading


FACTS_WITHIN_S = 8.0
"""Later the size and the licence of a model on the Hub count as not known."""

DISK_WITHIN_S = 1.5
"""Later the catalogue is shown without the models on this disk, which follow."""


class ChooseModelScreen(WizardScreen):
    """Lists the models that are known without asking anybody; `/` asks for any other."""

    STEP = "model"
    AUTO_FOCUS = "ModelList"
    CSS_PATH = "choose_model.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "name", "Another model", id="choose_model.name",
                tooltip="Name any model: a folder, or one of the Hub, of which only the config is fetched"),
        Binding("r", "again", "Measure again", id="choose_model.again",
                tooltip="Look at the disk and at the GPU's free memory again"),
        Binding("tab", "app.focus_next", "Scroll", id="choose_model.focus", show=False,
                tooltip="Go between the models and what is known of the chosen one"),
    ]  # fmt: skip

    def __init__(self, draft: Draft, actions: HomeActions) -> None:
        super().__init__(draft, actions)
        self._wish: Wish | None = None
        self._typed: dict[str, Choice] = {}
        self._answer = ""
        self._free_disk: int | None = None
        self._goes_on = False
        self._warned = ""

    @property
    def models(self) -> ModelList:
        return self.query_one(ModelList)

    def body(self) -> ComposeResult:
        yield ModelList()
        yield Prose("Model")

    def on_mount(self) -> None:
        self._gather()

    # --- the models ----------------------------------------------------------------------------------

    @work(group="gather", exclusive=True)
    async def _gather(self) -> None:
        """Find the models and measure them, off the event loop; a slow disk does not hold up the others."""
        looking = asyncio.create_task(asyncio.to_thread(model_choices.on_disk, self.owner.runs_root))
        try:
            await self._measure_against_now()
            await asyncio.wait({looking}, timeout=DISK_WITHIN_S)
            if not looking.done():
                await self._show([])
                self.notice.show_detail("Still looking for models on this disk …")
            await self._show(await looking)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"The models cannot be listed: {sentence(error)}")
            return
        finally:
            looking.cancel()
        self.notice.show_detail("")
        self._look_up_own()
        if self._goes_on:
            self.action_next()

    async def _measure_against_now(self) -> None:
        """Read what the models are measured by."""
        reading = await asyncio.to_thread(self.actions.read_gpus)
        self._free_disk = (await asyncio.to_thread(disk, hub_cache())).free_bytes
        rows = known_rows(self.draft.findings)
        self._wish = Wish(spec=self.draft.spec, goals=self.draft.goals, rows=rows, reading=reading)

    async def _show(self, here: list[Choice]) -> None:
        """Show `here` beside what is known of all others."""
        assert self._wish is not None  # it was read before
        found = await asyncio.to_thread(model_choices.measured_all, here, self._wish)
        found = self._with_own(found)
        suggested = model_choices.suggested(found, self._free_disk)
        was_loaded = self.models.loaded
        self.models.show(found, suggested, _free_text(found, self._wish.reading))
        if not was_loaded:
            self.models.choose(self.draft.spec.model.id or suggested)
        self._show_chosen()

    def _with_own(self, found: list[Choice]) -> list[Choice]:
        """What was typed, and what the draft has already, belong on the list."""
        own = dict(self._typed)
        wanted = self.draft.spec.model.id
        if wanted:
            own.setdefault(wanted, model_choices.named(wanted))
        known = {choice.id for choice in found}
        return [choice for choice in own.values() if choice.id not in known] + found

    @work(group="own", exclusive=True)
    async def _look_up_own(self) -> None:
        """Find out about the draft's model where nothing but its name is known; the Hub may be asked."""
        wanted = self.draft.spec.model.id
        row = next((one for one in self.models.rows if one.id == wanted), None)
        if wanted is None or row is None or row.shape is not None or row.problem:
            return
        try:
            choice = await self._look_up(wanted, self.draft.spec.model.revision)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        self._typed[wanted] = choice
        self.models.set_rows([choice if one.id == wanted else one for one in self.models.rows])
        self._show_chosen()

    @on(RowList.Chosen)
    def _follow_cursor(self, event: RowList.Chosen) -> None:
        if event.is_move:
            self.notice.say("")
        self._show_chosen()

    def _show_chosen(self) -> None:
        choice = self.models.chosen
        if choice is None:
            return
        panel = self.query_one(Prose)
        panel.set_title(plain(choice.name))
        panel.set_detail("★ a good one to begin with" if choice.id == self.models.suggested else "")
        panel.set_entries(choice_entries(choice, hub_cache(), self._free_disk))
        panel.action_begin()

    # --- keys ----------------------------------------------------------------------------------------

    @on(RowList.Clicked)
    def action_next(self) -> None:
        choice = self.models.chosen
        if choice is None:
            self._goes_on = not self.models.loaded  # typed faster than the models were read
            return
        self._goes_on = False
        if choice.problem:
            self.notice.complain(choice.problem)
        elif self._needs_a_second_look(choice):
            self._warned = choice.id
        else:
            self._take(choice)

    def _needs_a_second_look(self, choice: Choice) -> bool:
        """Say once that it will not do here; a second Enter means it."""
        if self._warned == choice.id:
            return False
        if choice.fit is not None and choice.fit.verdict == "does_not_fit":
            self.notice.complain(
                f"It does not fit: {choice.fit.method} needs {gib(choice.fit.needed_bytes)} GiB, "
                f"{gib(choice.fit.free_bytes)} are free. Enter again takes it all the same."
            )
            return True
        if not choice.is_here and self._free_disk is not None and (choice.bytes or 0) > self._free_disk:
            self.notice.complain(
                f"The disk is too small: {gib(choice.bytes)} GiB are to be downloaded, "
                f"{gib(self._free_disk)} are free. Enter again takes it all the same."
            )
            return True
        return False

    def _take(self, choice: Choice) -> None:
        draft = self.draft
        try:
            spec, base = (with_model(one, choice.id, choice.shape) for one in (draft.spec, draft.base))
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        draft.change(spec)
        draft.base = base
        draft.shape_name = choice.shape.name if choice.shape is not None else ""
        draft.touch()
        self.finish("next")

    def action_again(self) -> None:
        self.notice.say("")
        self._gather()

    @work(group="name", exclusive=True)
    async def action_name(self) -> None:
        """Ask for a model and add it to the list; only its config is fetched."""
        from tui_ft.tui.screens.ask_model import AskModel

        names = await asyncio.to_thread(method_facts.model_names)
        answer = await self.app.push_screen_wait(AskModel(names, self._answer))
        if not answer or self._wish is None:
            return
        self._answer = answer
        self.notice.say(f"Looking for {plain(answer)} …")
        try:
            name = await asyncio.to_thread(method_facts.model_id, answer)
            listed = next((one for one in self.models.rows if one.id == name and one.shape), None)
            choice = listed or await self._look_up(name, None)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        self.notice.say("")
        self._answer = ""
        if listed is None:
            self._typed[choice.id] = choice
            others = [one for one in self.models.rows if one.id != choice.id]
            self.models.set_rows([choice, *others])
        self.models.choose(choice.id)
        self._show_chosen()

    async def _look_up(self, name: str, revision: str | None) -> Choice:
        assert self._wish is not None  # nothing is looked up before the GPUs were read
        try:
            found = await method_facts.find(name, revision)
        except UnknownFamilyError as error:
            if is_on_disk(name):
                raise
            hint = f"Fetch it with `hf download {plain(name)}`: then its weights can be counted."
            raise TuiFtError(error.message, hint) from error
        remote = await asyncio.to_thread(_unmeasured, name)
        if remote is None:
            late = Download(needed_bytes=None)
            remote = await in_time(lambda: measure(name, revision), FACTS_WITHIN_S, late)
        return await asyncio.to_thread(model_choices.typed, name, found, remote, self._wish)


def _unmeasured(name: str) -> Download | None:
    """None where the Hub has to be asked how large a model is: it is neither here nor in the catalogue."""
    return Download() if is_on_disk(name) or catalogue.lookup(name) is not None else None


def _free_text(found: list[Choice], reading: GpuReading) -> str:
    if not reading.gpus:
        return "no GPU here"
    free = next((one.fit.free_bytes for one in found if one.fit is not None), None)
    return f"of {gib(free)} free"
