"""A spec in the user's own editor, in the terminal that the app lends it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from textual.app import App

_FALLBACKS = ("nano", "vim", "vi", "emacs")


class Draft(msgspec.Struct, kw_only=True):
    """A text under edit. `path` is the file that the editor opens; `text` is what it held last."""

    path: Path
    text: str
    is_copy: bool = True

    def discard(self) -> None:
        """Remove the copy; a user's own file is never touched."""
        if self.is_copy:
            shutil.rmtree(self.path.parent, ignore_errors=True)


def make_draft(path: Path, *, in_place: bool) -> Draft:
    """Open `path` for editing: itself, or a copy of it in a private folder.

    Raises `TuiFtError` when it cannot be read or copied.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if in_place:
            return Draft(path=path, text=text, is_copy=False)
        copy = Path(tempfile.mkdtemp(prefix="tui-ft-")) / path.name
        copy.write_bytes(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise TuiFtError(f"{path} cannot be opened for editing: {error}.") from error
    return Draft(path=copy, text=text)


def draft_of(text: str, name: str) -> Draft:
    """Put `text` into a file called `name` in a private folder, for editing. Raises `TuiFtError`."""
    try:
        copy = Path(tempfile.mkdtemp(prefix="tui-ft-")) / name
        copy.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TuiFtError(f"There is no place to edit {name}: {error}.") from error
    return Draft(path=copy, text=text)


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """The editor that the user wants: VISUAL, EDITOR, else the first common one there is.

    Raises `TuiFtError` when there is none, or it is not installed.
    """
    for name in ("VISUAL", "EDITOR"):
        if not environ.get(name, "").strip():
            continue
        try:
            command = shlex.split(environ[name])
        except ValueError:
            command = [environ[name]]
        if shutil.which(command[0], path=environ.get("PATH")) is None:
            raise TuiFtError(f"The editor {command[0]!r} that {name} names is not installed.",
                             "Set EDITOR to one that is, such as nano or vi.")  # fmt: skip
        return command
    for name in _FALLBACKS:
        if shutil.which(name, path=environ.get("PATH")):
            return [name]
    raise TuiFtError("No editor was found.", "Set EDITOR to the one you use, or install nano.")


def edit(app: App[Any], draft: Draft) -> bool:
    """Lend the terminal to the editor and take it back; True when the editor ended well.

    `draft.text` is then what the file holds. It blocks the event loop on purpose: while the editor has
    the terminal, nothing of the app may write to it.

    Raises `TuiFtError` when there is no editor, no terminal, or the file is no text any more.
    """
    from textual.app import SuspendNotSupported

    command = [*editor_command(os.environ), str(draft.path)]
    try:
        with app.suspend():
            code = subprocess.run(command, check=False).returncode
    except SuspendNotSupported:
        raise TuiFtError("An editor needs a terminal, and this app has none to lend.") from None
    except OSError as error:
        raise TuiFtError(f"The editor {command[0]!r} cannot be started: {error.strerror}.") from error
    try:
        draft.text = draft.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TuiFtError(f"{draft.path} cannot be read after editing: {error}.") from error
    return code == 0
