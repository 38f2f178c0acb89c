"""Saves a spec as a preset of the user's own: its name, its key, and whether its data goes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tui_ft.runs.directory import slug
from tui_ft.spec.presets import Preset
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.actions import sentence
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.tick import Tick


async def save_as_preset(
    app: App[Any], spec: RunSpec, suggestion: str, text: str | None = None
) -> Preset | None:
    """Ask for name and key and keep `spec` as a preset; None when the user left it.

    `text` is the spec as a person wrote it: its comments stay. Call it in a worker of `app`.
    """
    keys = await asyncio.to_thread(_keys)
    return await app.push_screen_wait(SavePreset(spec, suggestion, text, keys))


def saved_text(preset: Preset) -> str:
    """What to say once it is kept."""
    return f"Saved as the preset {preset.name}" + (f": {preset.key} starts it." if preset.key else ".")


class SavePreset(ModalScreen[Preset | None]):
    """The dialog; `keys` says which preset each digit starts now. It closes when the preset is kept."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Save", id="save.submit", key_display="Enter", priority=True,
                tooltip="Keep it as a preset; of a name that is taken it asks first"),
        Binding("tab,down", "app.focus_next", "Next", id="save.next", key_display="Tab", priority=True,
                tooltip="Go to the next field"),
        Binding("shift+tab,up", "app.focus_previous", "Before", id="save.before", show=False, priority=True,
                tooltip="Go to the field before"),
        Binding("escape", "leave", "Leave it", id="save.leave", key_display="Esc", tooltip="Keep nothing"),
    ]  # fmt: skip

    def __init__(
        self, spec: RunSpec, suggestion: str, text: str | None = None, keys: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.spec = spec
        self._suggestion = slug(suggestion)
        self._text = text
        self._keys = dict(keys or {})
        self._replaces = ""
        self._is_saving = False

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Label("Save as a preset: a key on the home screen then starts it", id="question")
            with Horizontal():
                yield Label("Name ")
                yield _field(self._suggestion, "letters, digits, dots and dashes", "name")
            with Horizontal():
                yield Label("Key  ")
                yield _field("", "1 to 9, or empty", "key")
            if self.spec.data.train is not None:
                yield Tick(f"its data goes with it: {_data_words(self.spec)}", True, id="with_data")
            yield Label("", markup=False, id="remark")
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.query_one("#name", Input).focus()
        self._remark("")

    @on(Input.Changed, "#name")
    def _forget_problem(self) -> None:
        self._replaces = ""
        self._remark("")

    @on(Input.Changed, "#key")
    def _tell_owner(self, event: Input.Changed) -> None:
        owner = self._keys.get(event.value.strip())
        self._remark(f"{event.value} starts {owner} now: that one gets another key." if owner else "")

    def _remark(self, text: str, *, is_problem: bool = False) -> None:
        label = self.query_one("#remark", Label)
        label.update(plain(text))
        label.set_class(is_problem, "problem")
        label.display = bool(text)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_submit(self) -> None:
        if self._is_saving:
            return
        self._is_saving = True
        name = self.query_one("#name", Input).value.strip()
        key = self.query_one("#key", Input).value.strip()
        ticks = self.query(Tick)
        with_data = bool(ticks) and ticks.first().is_on
        self._save(name, key, with_data)

    @work(group="save")
    async def _save(self, name: str, key: str, with_data: bool) -> None:
        spec = self.spec if with_data else without_data(self.spec)
        try:
            exists = await asyncio.to_thread(_exists, name)
            if exists and self._replaces != name:
                self._replaces = name
                self._remark(f"There is a preset {name} already: Enter again replaces it.", is_problem=True)
                return
            preset = await asyncio.to_thread(_save, spec, name, key or None, self._text, exists)
        except Exception as error:  # noqa: BLE001 - shown under the answer
            self._remark(f"✗ {sentence(error)}", is_problem=True)
            return
        finally:
            self._is_saving = False
        self.dismiss(preset)


def without_data(spec: RunSpec) -> RunSpec:
    """Return `spec` such that its data is asked for at the start."""
    data = msgspec.structs.replace(spec.data, train=None, eval=None, columns=None, format="auto")
    return msgspec.structs.replace(spec, data=data)


def _field(value: str, placeholder: str, id: str) -> Input:
    field = Input(value, placeholder=placeholder, compact=True, id=id, select_on_focus=False)
    field.cursor_blink = False
    return field


def _data_words(spec: RunSpec) -> str:
    train = spec.data.train
    if not isinstance(train, list):
        return plain(train or "")
    return plain(", ".join(source.path for source in train))


def _keys() -> dict[str, str]:
    from tui_ft.settings import user_presets_folder
    from tui_ft.spec.presets import list_presets

    presets, _ = list_presets(user_presets_folder())
    return {preset.key: preset.name for preset in presets if preset.key}


def _exists(name: str) -> bool:
    from tui_ft.settings import user_presets_folder

    return bool(name) and (user_presets_folder() / f"{name}.toml").is_file()


def _save(spec: RunSpec, name: str, key: str | None, text: str | None, replace: bool) -> Preset:
    from tui_ft.spec import preset_store
    from tui_ft.spec.paths import absolute_paths

    return preset_store.save(absolute_paths(spec, Path.cwd()), name, key=key, text=text, replace=replace)
