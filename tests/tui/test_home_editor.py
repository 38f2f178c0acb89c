"""A spec in the user's editor: the right editor, the user's own bytes, and a way back from a mistake."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from home_world import OpenedRun, Rooms, a_preset, an_app, ready, shown, until
from textual.app import SuspendNotSupported

from tui_ft.errors import TuiFtError
from tui_ft.tui import editor, start_flow
from tui_ft.tui.screens.ask import Confirm


class Terminal:
    """An app that can lend its terminal, or cannot."""

    def __init__(self, can_lend: bool = True) -> None:
        self.can_lend = can_lend
        self.lent = 0

    @contextlib.contextmanager
    def suspend(self) -> Iterator[None]:
        if not self.can_lend:
            raise SuspendNotSupported
        self.lent += 1
        yield


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes $EDITOR a shell script, which gets the file as $1."""

    def make(body: str) -> Path:
        path = tmp_path / "my editor"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", f"'{path}'")
        return path

    return make


def spec_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text("# mine\nschema = 1\n")
    return path


def test_visual_comes_before_editor_and_keeps_its_arguments() -> None:
    assert editor.editor_command({"VISUAL": "sh -c", "EDITOR": "cat", "PATH": "/bin:/usr/bin"}) == [
        "sh",
        "-c",
    ]


def test_an_editor_that_is_not_there_is_named() -> None:
    with pytest.raises(TuiFtError, match="'code' that EDITOR names is not installed"):
        editor.editor_command({"EDITOR": "code --wait", "PATH": "/nowhere"})
    with pytest.raises(TuiFtError, match="No editor was found"):
        editor.editor_command({"PATH": "/nowhere"})


def test_the_users_own_file_is_edited_in_place_and_never_removed(tmp_path: Path, script: Any) -> None:
    script('printf "x = 1\\n" >> "$1"')
    path = spec_file(tmp_path)
    draft = editor.make_draft(path, in_place=True)
    terminal = Terminal()
    assert editor.edit(terminal, draft)
    assert terminal.lent == 1
    assert draft.text == path.read_text() == "# mine\nschema = 1\nx = 1\n"
    draft.discard()
    assert path.exists()


def test_a_copy_leaves_the_original_alone_and_goes_away(tmp_path: Path, script: Any) -> None:
    script('printf "x = 1\\n" >> "$1"')
    path = spec_file(tmp_path)
    draft = editor.make_draft(path, in_place=False)
    assert draft.path.name == "mine.toml" and draft.path != path
    assert draft.path.parent.stat().st_mode & 0o077 == 0
    assert editor.edit(Terminal(), draft)
    assert draft.text.endswith("x = 1\n") and "x" not in path.read_text()
    draft.discard()
    assert not draft.path.parent.exists()


def test_an_editor_that_fails_means_no(tmp_path: Path, script: Any) -> None:
    script("exit 1")
    assert not editor.edit(Terminal(), editor.make_draft(spec_file(tmp_path), in_place=True))


def test_without_a_terminal_or_a_readable_file_it_says_so(tmp_path: Path, script: Any) -> None:
    script("true")
    path = spec_file(tmp_path)
    with pytest.raises(TuiFtError, match="needs a terminal"):
        editor.edit(Terminal(can_lend=False), editor.make_draft(path, in_place=True))
    script('rm "$1"')
    with pytest.raises(TuiFtError, match="cannot be read after editing"):
        editor.edit(Terminal(), editor.make_draft(path, in_place=True))
    with pytest.raises(TuiFtError, match="cannot be opened for editing"):
        editor.make_draft(path, in_place=True)


class Typing:
    """Stands for a person in the editor: each time it opens, the next text is written and saved."""

    def __init__(self, *texts: str | None) -> None:
        self.texts = list(texts)
        self.paths: list[Path] = []

    def __call__(self, app: Any, draft: editor.Draft) -> bool:
        self.paths.append(draft.path)
        text = self.texts.pop(0)
        if text is None:
            return False
        draft.path.write_text(text)
        draft.text = text
        return True


def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *texts: str | None) -> tuple[Rooms, Typing]:
    rooms, typing = Rooms(), Typing(*texts)
    rooms.presets = [a_preset(1, "mine", path=spec_file(tmp_path), source="user")]
    monkeypatch.setattr(start_flow.editor, "edit", typing)
    return rooms, typing


async def test_e_opens_the_chosen_preset_checks_it_and_starts_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, typing = world(tmp_path, monkeypatch, "# mine\n  schema=1   # my way\n")
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("tab", "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
    assert typing.paths == [rooms.presets[0].path]
    assert rooms.texts == ["# mine\n  schema=1   # my way\n"]


async def test_a_mistake_is_shown_and_can_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms, typing = world(tmp_path, monkeypatch, "broken\n", "schema = 1\n")
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("tab", "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await until(pilot, lambda: "training.epochs is broken." in " ".join(shown(pilot.app)))
        assert not rooms.started
        await pilot.press("y")
        await until(pilot, lambda: rooms.started)
    assert len(typing.paths) == 2 and rooms.texts == ["schema = 1\n"]


async def test_nothing_changed_asks_and_an_editor_left_with_an_error_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, _ = world(tmp_path, monkeypatch, "# mine\nschema = 1\n", None, "\n")
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("tab", "e")
        await until(pilot, lambda: "Nothing was changed." in " ".join(shown(pilot.app)))
        await pilot.press("n")
        for _ in range(2):
            await until(pilot, lambda: "Nothing was started." in shown(pilot.app)[-2])
            await pilot.press("tab", "tab", "e")
        await until(pilot, lambda: "Nothing was started." in shown(pilot.app)[-2])
    assert not rooms.started
