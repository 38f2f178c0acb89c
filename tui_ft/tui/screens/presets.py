"""The presets: what each is, whether it can start now, how two differ; rename, copy, delete, edit, a key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.runs.readiness import Readiness, readiness
from tui_ft.spec import preset_store
from tui_ft.spec.compare import compare
from tui_ft.spec.presets import Preset
from tui_ft.tui import editor, preset_view
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.editing import edited
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.screens.ask_text import AskText
from tui_ft.tui.screens.save_preset import save_as_preset
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.preset_list import PresetList
from tui_ft.tui.widgets.prose import Prose
from tui_ft.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp


_OF_ONE = frozenset({"behind", "edit", "key", "rename", "copy", "delete"})
"""What is done to one preset: while two are compared it would not be plain to which."""


class PresetsScreen(Screen[None], inherit_bindings=False):
    """Every preset with what belongs to it. Shipped ones can be copied, compared and given a key only."""

    CSS_PATH = "presets.tcss"
    AUTO_FOCUS = "PresetList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "Start", id="presets.start", key_display="Enter",
                tooltip="Start the chosen preset; what is missing is asked for first"),
        Binding("b", "behind", "Queue", id="presets.behind",
                tooltip="Put the chosen preset into the queue, behind what runs"),
        Binding("c", "compare", "Compare", id="presets.compare",
                tooltip="Compare the chosen preset with another one: choose that; again: stop comparing"),
        Binding("a", "all", "All fields", id="presets.all", tooltip="Show the fields that agree, too"),
        Binding("e", "edit", "Edit", id="presets.edit",
                tooltip="Open the preset in $EDITOR; of a shipped one a copy"),
        Binding("k", "key", "Key", id="presets.key", tooltip="Choose the key that starts the preset"),
        Binding("r", "rename", "Rename", id="presets.rename", tooltip="Give a preset of yours another name"),
        Binding("w", "copy", "Copy", id="presets.copy", tooltip="Keep a copy under another name"),
        Binding("d", "delete", "Delete", id="presets.delete", tooltip="Remove a preset of yours; asks first"),
        Binding("tab", "app.focus_next", "Scroll", id="presets.focus", show=False,
                tooltip="Go between the presets and the text under them"),
        Binding("question_mark,f1", "help", "Help", id="presets.help", show=False,
                tooltip="Every key and what it does"),
        Binding("escape,q", "back", "Back", id="presets.back", key_display="Esc",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self, actions: HomeActions) -> None:
        super().__init__()
        self.actions = actions
        self._found: dict[str, Readiness] = {}
        self._left: Preset | None = None
        self._with_equal = False
        self._is_starting = False

    @property
    def presets(self) -> PresetList:
        return self.query_one(PresetList)

    @property
    def panel(self) -> Prose:
        return self.query_one(Prose)

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    def compose(self) -> ComposeResult:
        yield PresetList()
        yield Prose("Preset")
        yield Notice()
        yield KeyBar()

    # --- what is shown -------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._read()

    @work(group="read", exclusive=True)
    async def _read(self, choose: str = "") -> None:
        """Read the presets anew; `choose` is the name that the cursor goes to."""
        try:
            presets, problems = await asyncio.to_thread(self.actions.list_presets)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        self._found = {}
        self.presets.set_rows(presets)
        self.presets.styles.max_height = len(presets) + 1 if presets else 2
        wanted = next((preset for preset in presets if preset.name == choose), None)
        if wanted is not None:
            self.presets.choose(self.presets.key_of(wanted))
        if problems:
            self.notice.complain(problems[0])
        self._show()
        self._look()

    @work(group="look", exclusive=True)
    async def _look(self) -> None:
        """See of every preset whether it can start now, the chosen one first."""
        try:
            reading = await asyncio.to_thread(self.actions.read_gpus)
            chosen = self.presets.chosen
            for preset in sorted(self.presets.rows, key=lambda one: one is not chosen):
                found = await asyncio.to_thread(readiness, preset.spec, reading)
                self._found[self.presets.key_of(preset)] = found
                self.presets.set_mark(preset, preset_view.mark(found))
                if preset is self.presets.chosen:
                    self._show()
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))

    @on(RowList.Chosen)
    def _follow_cursor(self, event: RowList.Chosen) -> None:
        if event.is_move:
            self.notice.say("")
            self.panel.action_begin()
        self._show()

    def _show(self) -> None:
        preset, left = self.presets.chosen, self._left
        if preset is None:
            self.panel.set_entries([])
        elif left is None:
            self.panel.set_title(preset.name)
            found = self._found.get(self.presets.key_of(preset))
            self.panel.set_entries(preset_view.facts(preset, found))
        else:
            self.panel.set_title(f"{left.name} beside {preset.name}")
            found_differences = compare(left.spec, preset.spec, with_equal=self._with_equal)
            self.panel.set_entries(preset_view.differences(left, preset, found_differences))
        self.refresh_bindings()

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do."""
        if action == "all":
            return self._left is not None
        return self._left is None or action not in _OF_ONE

    def action_compare(self) -> None:
        self.notice.say("")
        self._left = self.presets.chosen if self._left is None else None
        self._show()

    def action_all(self) -> None:
        self._with_equal = not self._with_equal
        self._show()

    @on(RowList.Clicked)
    def action_start(self) -> None:
        if self.presets.chosen is not None and not self._is_starting:
            self._is_starting = True
            self._start(self.presets.chosen)

    @work(group="start", exclusive=True)
    async def _start(self, preset: Preset) -> None:
        from tui_ft.tui.start_flow import StartFlow

        try:
            run = await StartFlow(self.app, self.actions, self.notice.say).preset(preset)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"{preset.name} was not started. {sentence(error)}")
            return
        finally:
            self._is_starting = False
        if run is None:
            self.notice.say("Nothing was started.")
        else:
            cast("TuiFtApp", self.app).replace_run(run)

    @work(group="ask", exclusive=True)
    async def action_behind(self) -> None:
        from tui_ft.tui.queueing import put_behind

        preset = self.presets.chosen
        if preset is None:
            return
        try:
            said = await put_behind(cast("TuiFtApp", self.app), self.actions, preset, None)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"{preset.name} was not put into the queue. {sentence(error)}")
            return
        self.notice.say(said or "Nothing was put into the queue.")

    @work(group="ask", exclusive=True)
    async def action_copy(self) -> None:
        if preset := self.presets.chosen:
            saved = await save_as_preset(self.app, preset.spec, f"{preset.name}-copy", preset.text)
            if saved is not None:
                self._read(saved.name)

    @work(group="ask", exclusive=True)
    async def action_rename(self) -> None:
        preset = self._own("renamed")
        if preset is None:
            return
        names: list[str] = []

        async def rename(name: str) -> None:
            await asyncio.to_thread(preset_store.rename, preset, name)
            names.append(name)

        question = f"What shall {preset.name} be called?"
        if await self.app.push_screen_wait(AskText(question, "Name", preset.name, rename)):
            self._read(names[-1])

    @work(group="ask", exclusive=True)
    async def action_key(self) -> None:
        preset = self.presets.chosen
        if preset is None:
            return

        async def choose(key: str) -> None:
            await asyncio.to_thread(preset_store.choose_key, preset.name, key)

        question = (
            f"Which key, 1 to 9, shall start {preset.name}? The preset that has it takes the other one."
        )
        if await self.app.push_screen_wait(AskText(question, "Key", preset.key or "", choose)):
            self._read(preset.name)

    @work(group="ask", exclusive=True)
    async def action_delete(self) -> None:
        preset = self._own("deleted")
        if preset is None:
            return
        question = f"Delete {preset.name} for good? Its file is {preset.path}."
        if await self.app.push_screen_wait(Confirm(question)):
            try:
                await asyncio.to_thread(preset_store.delete, preset)
            except Exception as error:  # noqa: BLE001 - shown where the user looks
                self.notice.complain(sentence(error))
                return
            self._left = None
            self.notice.say(f"{preset.name} is deleted.")
            self._read()

    @work(group="ask", exclusive=True)
    async def action_edit(self) -> None:
        preset = self.presets.chosen
        if preset is None:
            return
        try:
            await self._edit(preset)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))

    async def _edit(self, preset: Preset) -> None:
        """Edit a copy until it is right; only then it takes the place of the preset, or becomes one."""
        draft = await asyncio.to_thread(editor.make_draft, preset.path, in_place=False)
        try:
            spec = await edited(self.app, draft, self.actions.read_spec)
            if spec is None or draft.text == preset.text:
                self.notice.say("Nothing was changed.")
            elif preset.source == "user":
                await asyncio.to_thread(preset_store.rewrite_text, preset, draft.text)
                self._read(preset.name)
            elif saved := await save_as_preset(self.app, spec, f"{preset.name}-mine", draft.text):
                self._read(saved.name)
        finally:
            await asyncio.to_thread(draft.discard)

    def _own(self, done: str) -> Preset | None:
        """The chosen preset where it is the user's; of a shipped one say that it stays as it is."""
        preset = self.presets.chosen
        if preset is not None and preset.source != "user":
            self.notice.complain(f"{preset.name} comes with tui-ft and is not {done}: w keeps a copy of it.")
            return None
        return preset

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()

    def action_back(self) -> None:
        self.dismiss()
