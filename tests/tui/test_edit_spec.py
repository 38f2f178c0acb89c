"""The draft's TOML in an editor: the person's own words stay, and a mistake is shown where it stands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from settings_world import a_draft, at_settings
from textual.app import App

from tui_ft.spec.errors import SpecError
from tui_ft.spec.toml import loads
from tui_ft.tui.editing import fault_lines
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.screens.settings import SettingsScreen


@pytest.fixture(autouse=True)
def lent_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    @contextlib.contextmanager
    def suspend(self: App[Any]) -> Iterator[None]:
        yield

    monkeypatch.setattr(App, "suspend", suspend)
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))


def editor(monkeypatch: pytest.MonkeyPatch, folder: Path, *bodies: str) -> Path:
    """Make $EDITOR a script that does the next of `bodies` to the file "$1" each time; returns its log."""
    log = folder / "edited"
    steps = "\n".join(f"{number}) {body} ;;" for number, body in enumerate(bodies, 1))
    script = folder / "editor"
    script.write_text(
        f'#!/bin/sh\necho "$1" >> "{log}"\nn=$(wc -l < "{log}")\ncase $((n)) in\n{steps}\nesac\n'
    )
    script.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(script))
    return log


def was_left(log: Path) -> bool:
    """True when a file that was edited is still there."""
    return any(Path(name).exists() for name in log.read_text().split())


async def test_what_a_person_writes_holds_and_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = editor(monkeypatch, tmp_path, r'''sed -i 's/^epochs = .*/epochs = 2 # mine/' "$1"''')
    async with at_settings() as at:
        await at.press("e")
        await at.until(lambda: at.draft.spec.training.epochs == 2)
        assert "epochs = 2 # mine" in at.draft.text
        await at.sees("120 steps of 16 rows, 2 epochs", "u Undo")
        await at.press("right")
        assert "# mine" in at.draft.text, "a change by key leaves the rest of the text"
        await at.press("u", "u")
        await at.until(lambda: at.draft.spec.training.epochs == 3)
    assert not was_left(log), "the copy is gone"


async def test_a_mistake_is_shown_with_its_line_and_can_be_mended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor(monkeypatch, tmp_path, r'''sed -i 's/^epochs = .*/epochs = many/' "$1"''',
           r'''grep -q many "$1" && sed -i 's/^epochs = .*/epochs = 4/' "$1"''')  # fmt: skip
    async with at_settings() as at:
        await at.press("e")
        await at.until(lambda: isinstance(at.screen, Confirm))
        await at.sees("a value is missing or is no TOML", "│ epochs = many")
        await at.sees("Edit it again? If not, what you wrote is dropped.")
        assert at.draft.spec.training.epochs == 3
        await at.press("y")
        await at.until(lambda: at.draft.spec.training.epochs == 4)
        await at.until(lambda: isinstance(at.screen, SettingsScreen))


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_a_mistake_can_be_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str) -> None:
    editor(monkeypatch, tmp_path, '''echo "[nonsense]" >> "$1"''')
    async with at_settings() as at:
        before = at.draft.text
        await at.press("e")
        await at.sees("There is no section")
        await at.press(key)
        await at.until(lambda: isinstance(at.screen, SettingsScreen))
        assert at.draft.text == before and not at.draft.can_undo


async def test_an_editor_that_ends_badly_or_is_not_there_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor(monkeypatch, tmp_path, """echo x > "$1"; exit 1""")
    async with at_settings() as at:
        before = at.draft.text
        await at.press("e")
        await at.until(lambda: (tmp_path / "edited").exists())
        await at.pilot.pause()
        assert at.draft.text == before
        monkeypatch.setenv("EDITOR", "/nowhere/editor")
        await at.press("e")
        await at.sees("The editor '/nowhere/editor' that EDITOR names is not installed.")


def test_the_lines_around_a_fault_are_safe_to_show() -> None:
    text = a_draft().text.replace("epochs = 3.0", "epochs = 3.0\nepochs = \x1b[31m3")
    with pytest.raises(SpecError) as caught:
        loads(text)
    lines = fault_lines(caught.value, text)
    assert any(line.startswith("▸") and "epochs = [31m3" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
