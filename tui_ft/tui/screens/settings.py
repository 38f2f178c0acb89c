"""The Settings step: every field of the run, what it does, and what each change comes to, key by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides
from tui_ft.spec.toml import format_value
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.widgets.field_list import FieldList
from tui_ft.tui.widgets.live_head import LiveHead
from tui_ft.tui.widgets.prose import Prose
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.edit_value import is_typed, stepped
from tui_ft.tui.wizard.field_words import field_entries
from tui_ft.tui.wizard.fields import field_rows, value_of

if TYPE_CHECKING:
    from tui_ft.spec.run_spec import RunSpec

TALL_ROWS = 32
MATTER, ALL = "Settings that matter", "All settings"


class SettingsScreen(WizardScreen):
    """Changes the draft field by field. Memory, steps, time and money follow what is being typed."""

    STEP = "settings"
    CSS_PATH = "settings.tcss"
    AUTO_FOCUS = "FieldList"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL_ROWS, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "edit", "Edit", id="settings.edit", key_display="Space",
                tooltip="Type the value, or go to the next choice; a digit begins a new number at once"),
        Binding("left,minus", "step(-1)", "Change", id="settings.less", key_display="←→",
                tooltip="The next smaller value, or the choice before"),
        Binding("right,plus,equals_sign", "step(1)", "More", id="settings.more", show=False,
                tooltip="The next larger value, or the choice behind"),
        Binding("r", "recommend", "Advised", id="settings.recommend",
                tooltip="Put the recommended value back"),
        Binding("delete,backspace", "default", "Default", id="settings.default", show=False,
                tooltip="Put the field back to its default"),
        Binding("u", "undo", "Undo", id="settings.undo", tooltip="Take the last change on this screen back"),
        Binding("a", "all", "All", id="settings.all", tooltip="Show every field, or only those that matter"),
        Binding("e", "editor", "Editor", id="settings.editor",
                tooltip="Edit the whole spec in your editor; what is wrong is shown with its line"),
        Binding("q", "leave", "Leave", id="settings.leave", show=False,
                tooltip="Leave the wizard; the answers are kept for the next time"),
        Binding("tab", "app.focus_next", "Scroll", id="settings.focus", show=False,
                tooltip="Go between the fields and the text about the chosen one"),
    ]  # fmt: skip

    def __init__(self, draft: Draft, actions: HomeActions) -> None:
        super().__init__(draft, actions)
        self._trial: RunSpec | None = None
        self._with_all = False
        self._made = 0

    @property
    def fields(self) -> FieldList:
        return self.query_one(FieldList)

    @property
    def head(self) -> LiveHead:
        return self.query_one(LiveHead)

    @property
    def spec(self) -> RunSpec:
        """The draft's, or what it would be with the value that is being typed."""
        return self._trial or self.draft.spec

    def body(self) -> ComposeResult:
        self.add_class("-tall" if self.app.size.height >= TALL_ROWS else "-short")
        yield LiveHead(self.actions)
        yield FieldList(self._follow_cursor)
        yield Prose("About", id="about")

    def on_mount(self) -> None:
        self._show_fields()

    def on_screen_resume(self) -> None:
        self.head.follow(self.owner.runs_root)

    def on_screen_suspend(self) -> None:
        self.head.pause()

    # --- what is shown -------------------------------------------------------------------------------

    def _show_fields(self) -> None:
        """Show the fields as they are now, and have the rest computed anew."""
        self.fields.set_title(ALL if self._with_all else MATTER)
        self.fields.set_rows(field_rows(self.spec, self.draft, with_all=self._with_all))
        self._show_about()
        self.head.foresee(self.spec, self.draft.findings)

    def _show_about(self, error: str = "") -> None:
        row = self.fields.chosen
        if row is None:
            return
        panel = self.query_one("#about", Prose)
        panel.set_title(row.field.title)
        wrong = [(f"✗ {error}", "bad")] if error else []
        panel.set_entries([*wrong, *field_entries(row, self.spec, self.draft)])

    def _follow_cursor(self) -> None:
        self.notice.say("")
        self.query_one("#about", Prose).action_begin()
        self._show_about()
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self._show_about()

    @on(LiveHead.Failed)
    def _tell(self, event: LiveHead.Failed) -> None:
        self.notice.complain(event.text)

    # --- typing a value ------------------------------------------------------------------------------

    def action_edit(self) -> None:
        self.notice.say("")
        row = self.fields.chosen
        if row is None:
            return
        if is_typed(row.field):
            self.fields.begin()
        else:
            self.action_step(1)

    @on(FieldList.Typed)
    def _try(self, event: FieldList.Typed) -> None:
        """Go over to what is typed so far, on trial; what is no value yet changes nothing."""
        row = self.fields.chosen
        if row is None or not self.fields.is_editing:
            return
        error = ""
        try:
            self._trial = overrides.apply(self.draft.spec, [f"{row.path}={event.text}"])
        except TuiFtError as fault:
            error = sentence(fault)
        self.fields.mark_wrong(bool(error))
        if not error:
            self._show_fields()
        self._show_about(error)

    @on(FieldList.Taken)
    def _take(self, event: FieldList.Taken) -> None:
        row = self.fields.chosen
        if row is not None and self._change(f"{row.path}={event.text}"):
            self.fields.end()

    @on(FieldList.Dropped)
    def _drop(self) -> None:
        self._trial = None
        self._show_fields()

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a value is typed no key is the screen's; else those that have something to do."""
        if self.is_mounted and self.fields.is_editing:
            return False
        if action == "undo":
            return self._made > 0 and self.draft.can_undo
        if action == "recommend":
            return (
                self.is_mounted
                and self.fields.chosen is not None
                and self.fields.chosen.recommended is not None
            )
        return True

    def action_step(self, by: int) -> None:
        self.notice.say("")
        row = self.fields.chosen
        if row is None:
            return
        text = stepped(row, by)
        if text is not None:
            self._change(f"{row.path}={text}")
        elif is_typed(row.field):
            self.notice.say("No further step: Space lets you type it.")

    def action_default(self) -> None:
        row = self.fields.chosen
        if row is not None:
            self._change(f"{row.path}=")

    def action_recommend(self) -> None:
        row = self.fields.chosen
        if row is not None:
            value = value_of(self.draft.base, row.field)
            self._change(f"{row.path}={'' if value is None else format_value(value)}")

    def action_undo(self) -> None:
        if self._made and self.draft.undo():
            self._made -= 1
            self.notice.say("")
            self._show_fields()
            self.refresh_bindings()

    def action_all(self) -> None:
        self._with_all = not self._with_all
        self._show_fields()

    @work(group="editor", exclusive=True)
    async def action_editor(self) -> None:
        from tui_ft.tui.wizard.edit_spec import edit_spec

        self.notice.say("")
        before = self.draft.can_undo
        try:
            is_changed = await edit_spec(self.app, self.draft)
        except TuiFtError as error:
            self.notice.complain(sentence(error))
            return
        if is_changed:
            self._made += 1 if self.draft.can_undo or before else 0
            self._show_fields()
            self.refresh_bindings()

    @on(RowList.Clicked)
    def _clicked(self) -> None:
        self.action_edit()

    def _change(self, change: str) -> bool:
        """Carry out one change; False, with the reason on the screen, where it cannot be."""
        before = self.draft.spec
        try:
            self.draft.set(change)
        except TuiFtError as error:
            if self.fields.is_editing:
                self.fields.mark_wrong(True)
                self._show_about(sentence(error))
            else:
                self.notice.complain(sentence(error))
            return False
        self._trial = None
        self._made += self.draft.spec != before
        self.notice.say("")
        self._show_fields()
        self.refresh_bindings()
        return True
