"""The methods side by side: what each takes of this GPU, the recommended one and why, and what would fit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

import msgspec
from textual import events, on, work
from textual.binding import Binding, BindingType

from tui_ft.guide.compare import MethodRow
from tui_ft.guide.switching import method_of
from tui_ft.spec import overrides
from tui_ft.tui import method_facts
from tui_ft.tui.actions import sentence
from tui_ft.tui.exact_job import ExactJob
from tui_ft.tui.method_desk import Desk
from tui_ft.tui.method_view import Step, View, Wish
from tui_ft.tui.screens.method_numbers import TALL_ROWS, MethodNumbers
from tui_ft.tui.widgets.exact_line import ExactLine
from tui_ft.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.tui.app import TuiFtApp

_BEST = "the recommended one"
"""Where the cursor goes with the first numbers of a model."""


class MethodComparison(MethodNumbers):
    """Compares the methods for one spec, for the screen of its own and for the step of the wizard.

    Numbers are computed in a thread; nothing is started here.
    """

    CSS_PATH = "method.tcss"
    AUTO_FOCUS = "MemoryBars"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL_ROWS, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", id="method.take", key_display="Enter",
                tooltip="Go on with the chosen method"),
        Binding("e", "parts", "Parts", id="method.parts",
                tooltip="Show what the memory of the chosen method consists of, and back"),
        Binding("x", "exact", "Exact", id="method.exact",
                tooltip="Simulate the chosen method with the trainer's own code; again: cancel it"),
        Binding("1", "apply('1')", "Fit", id="method.apply", key_display="1-9",
                tooltip="Apply the change with that digit, to make the chosen method fit"),
        *(Binding(key, f"apply('{key}')", f"Change {key}", id=f"method.apply{key}", show=False,
                  tooltip="Apply the change with that digit, to make the chosen method fit")
          for key in "23456789"),
        Binding("u", "undo", "Undo", id="method.undo", tooltip="Take the last change back"),
        Binding("left", "gpu(-1)", "GPU", id="method.gpu", key_display="←→",
                tooltip="Measure against another GPU of this box, or against one to rent"),
        Binding("right", "gpu(1)", "Next GPU", id="method.next_gpu", show=False,
                tooltip="Measure against another GPU of this box, or against one to rent"),
        Binding("slash", "model", "Model", id="method.model",
                tooltip="Ask for another model: a name, a folder or a config.json"),
        Binding("tab", "app.focus_next", "Scroll", id="method.focus", show=False,
                tooltip="Go between the methods and the text under them"),
        Binding("question_mark", "cards", "Cards", id="method.cards",
                tooltip="What each method is, when to use it, and what it costs"),
        Binding("f1", "help", "Help", id="method.help", show=False, tooltip="Every key and what it does"),
    ]  # fmt: skip

    def lay_out(self, spec: RunSpec, name: str, wish: Wish) -> None:
        """Put the spec on the desk; its settings are called `name`. A subclass does it first of all."""
        self.desk = Desk(spec)
        self.preset_name = name
        self.wish = wish
        self._view: View | None = None
        self._steps: dict[str, list[Step]] = {}
        self._wanted = _BEST

    def action_take(self) -> None:
        """Go on with the chosen method: Enter, or a click on its row."""
        raise NotImplementedError

    # --- what is shown -------------------------------------------------------------------------------

    def show_view(self, view: View) -> None:
        self._view, self._steps = view, {}
        self.head.show(self.desk, self.preset_name)
        self.bars.styles.height = len(view.rows) + 1
        self.bars.show(view)
        wanted, self._wanted = self._wanted, ""
        if wanted == _BEST:
            wanted = self.begins_at(view)
        if wanted:
            self.bars.choose(wanted)
        self._show_why()
        self.refresh_bindings()

    def begins_at(self, view: View) -> str:
        """The method under the cursor at first: the recommended one, or what can be started instead of it."""
        advice = view.advice
        if advice is not None and not advice.is_runnable and advice.next_best and advice.next_best.plan:
            return advice.next_best.plan.method
        return view.recommended or method_of(view.spec)

    def _show_why(self) -> None:
        """Show what belongs to the chosen row: the reasons and what would make it fit, or the parts."""
        view, row = self._view, self.bars.chosen
        if view is None or row is None:
            return
        if self.has_class("-parts"):
            self.panel.show_parts(view, row)
            return
        steps = self._steps.get(row.method)
        self.panel.show_reasons(view, row, steps or ())
        if steps is None:
            self._climb(view, row)

    @work(group="ladder", exclusive=True)
    async def _climb(self, view: View, row: MethodRow) -> None:
        """Look for what would make `row` fit."""
        assert self.desk.reading is not None  # there is a view
        try:
            steps = await asyncio.to_thread(method_facts.ladder, view, row, self.desk.reading)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
            steps = []
        if view is self._view:
            self._steps[row.method] = steps
            if steps:
                self._show_why()
            self.refresh_bindings()

    @on(RowList.Chosen)
    def _follow_cursor(self, event: RowList.Chosen) -> None:
        if event.is_move:  # a message stays while only numbers change
            self.say("")
            self.panel.action_begin()
        self._show_why()
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self.head.show(self.desk, self.preset_name)
        self.head.show_gpus(self.desk)
        self._show_why()

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do."""
        if action == "apply":
            return any(step.key == parameters[0] for step in self._offered)
        return bool(self.desk.before) if action == "undo" else True

    @property
    def _offered(self) -> list[Step]:
        row = self.bars.chosen if self._view else None
        return self._steps.get(row.method, []) if row else []

    def action_parts(self) -> None:
        self.say("")
        self.toggle_class("-parts")
        self.panel.action_begin()
        self._show_why()

    def action_gpu(self, by: int) -> None:
        self.say("")
        if self.desk.reading is not None:
            self.desk.turn(by)
            self._take(self.desk.reading)

    def action_apply(self, key: str) -> None:
        self.say("")
        row = self.bars.chosen
        step = next((step for step in self._offered if step.key == key), None)
        if row is None or step is None:
            return
        try:
            spec = overrides.apply(row.spec, step.overrides)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
            return
        self._wanted = method_of(spec)
        self._go_over(spec)

    def _go_over(self, spec: RunSpec) -> None:
        """Measure another spec; another model is looked for first."""
        if spec.model != self.desk.spec.model:
            self._find(spec)
        else:
            self.desk.change(spec)
            self._recompute()

    def action_undo(self) -> None:
        self.say("")
        if not self.desk.before:
            return
        is_other_model = self.desk.undo()
        self._wanted = method_of(self.desk.spec)
        if is_other_model:
            self._find(self.desk.spec)
        else:
            self._recompute()

    @work(group="ask", exclusive=True)
    async def action_model(self) -> None:
        from tui_ft.tui.screens.ask_model import AskModel

        names = await asyncio.to_thread(method_facts.model_names)
        answer = await self.app.push_screen_wait(AskModel(names))
        if answer:
            self.say("")
            name = await asyncio.to_thread(method_facts.model_id, answer)
            model = msgspec.structs.replace(self.desk.spec.model, id=name, revision=None)
            self._wanted = _BEST
            self._find(msgspec.structs.replace(self.desk.spec, model=model))

    def action_cards(self) -> None:
        from tui_ft.tui.screens.cards import CardsScreen

        row = self.bars.chosen
        self.app.push_screen(CardsScreen(row.method if row else "lora"))

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()

    # --- exact mode ----------------------------------------------------------------------------------

    def action_exact(self) -> None:
        self.say("")
        row, desk, line = self.bars.chosen, self.desk, self.query_one(ExactLine)
        if line.is_busy:
            line.call_off()
        elif self._view and desk.found and desk.reading and row:
            line.begin(ExactJob(row, desk.found, self._view.seat, desk.reading))

    @on(ExactLine.Simulated)
    def _take_exact(self, event: ExactLine.Simulated) -> None:
        self.desk.simulated[method_facts.fingerprint(event.spec)] = event.estimate
        self._recompute()

    @on(ExactLine.Failed)
    def _tell_failure(self, event: ExactLine.Failed) -> None:
        self.say(event.text, "bad")

    @on(RowList.Clicked)
    def _take_clicked(self) -> None:
        self.action_take()
