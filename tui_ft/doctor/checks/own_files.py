"""What this program keeps for its user: the settings, and its own folders."""

from __future__ import annotations

from shlex import quote

from tui_ft import settings
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, ok, warning
from tui_ft.doctor.reach import Place
from tui_ft.doctor.words import short
from tui_ft.errors import TuiFtError

_EVERYBODYS = frozenset({"/", "/home"})
_ELSEWHERE = (
    "Set HOME, or XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_CACHE_HOME, to a folder that you may write."
)


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
        place = box.place(folder)
        if place.is_dead or place.there is None or box.may_write(place.there):
            continue
        what = f"{short(place.there)} cannot be written by you: {short(folder)} cannot be kept there."
        fix, command = _given_to_user(place)
        found.append(warning("own_folders", what, fix, command=command))
    return found


def _given_to_user(place: Place) -> tuple[str, str]:
    """A sentence and a command. What lies above our folder is others': nothing of it changes hands."""
    there, folder = place.there, place.real
    if place.mount is not None and place.mount.is_read_only:
        return (_ELSEWHERE, "")
    if there == folder:
        return ("", f'sudo chown -R "$USER" {quote(str(folder))}')
    if there is None or str(there) in _EVERYBODYS:
        return (_ELSEWHERE, "")
    missing = [one for one in reversed(folder.parents) if there in one.parents]
    names = " ".join(quote(str(one)) for one in (*missing, folder))
    return ("", f'sudo install -d -o "$USER" {names}')
