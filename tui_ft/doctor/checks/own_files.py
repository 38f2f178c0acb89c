"""What this program keeps for its user: the settings, and its own folders."""

from __future__ import annotations

from tui_ft import settings
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, ok, warning
from tui_ft.doctor.words import short
from tui_ft.errors import TuiFtError


def settings_file(box: Box) -> list[Finding]:
    if (broken := box.settings_problem) is not None:
        return [error("settings_file", broken.message, broken.hint)]
    try:
        settings.private()
    except TuiFtError as problem:
        return [warning("settings_file", problem.message, problem.hint)]
    path = settings.settings_file()
    return [ok("settings_file", f"The settings {short(path)} are sound.")] if path.exists() else []


def own_folders(box: Box) -> list[Finding]:
    """The folders in which this program keeps what it needs."""
    found = []
    for folder in (settings.config_folder(), settings.state_folder(), settings.cache_folder()):
        there = next((place for place in (folder, *folder.parents) if box.exists(place)), None)
        if there is not None and not box.may_write(there):
            from shlex import quote

            what = f"{short(there)} cannot be written by you: {short(folder)} cannot be kept there."
            found.append(warning("own_folders", what, command=f'sudo chown -R "$USER" {quote(str(there))}'))
    return found
