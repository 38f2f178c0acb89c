"""The session and its terminal: what is shown, and what is left of it after a logout."""

from __future__ import annotations

import re
from pathlib import Path

from tui_ft.doctor import people
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, note, ok, warning
from tui_ft.doctor.words import short

_FEW_COLOURS = ("screen", "vt100", "vt220", "linux", "ansi", "xterm", "xterm-color")
_LOGIND = ("/usr/lib/systemd/logind.conf", "/etc/systemd/logind.conf")
"""The later one wins, and the folders `logind.conf.d` beside them win over both (logind.conf(5))."""


def encoding(box: Box) -> list[Finding]:
    """A terminal that is not told to be UTF-8 shows charts as question marks (facts: peers, 7)."""
    code, env = "encoding", box.environment
    forced = env.get("PYTHONIOENCODING", "").partition(":")[0].lower().replace("-", "")
    if forced and forced not in ("utf8", "utf8sig"):
        what = f"PYTHONIOENCODING is {short(forced, 30)}: what is drawn comes out as \\u2581 and the like."
        return [warning(code, what, command="unset PYTHONIOENCODING")]
    locale = next((env[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if env.get(name)), "")
    if locale and locale not in ("C", "POSIX") and "utf" not in locale.lower():
        what = f"The locale {short(locale, 40)} is not UTF-8: the app keeps to ASCII."
        return [warning(code, what, command="export LC_ALL=C.UTF-8")]
    if locale in ("C", "POSIX"):
        what = f"The locale is {locale}: Python reads and writes UTF-8 all the same, the app draws in ASCII."
        return [note(code, what, command="export LC_ALL=C.UTF-8")]
    return [ok(code, f"Text is UTF-8 ({short(locale, 40) or 'no locale is set'}).")]


def terminal(box: Box) -> list[Finding]:
    code, env = "terminal", box.environment
    kind = env.get("TERM", "")
    if kind in ("", "dumb"):
        said = "not set" if not kind else "dumb"
        what = f"TERM is {said}: the app needs a terminal that moves its cursor. Plain output works."
        level = warning if box.terminal_size is not None else note
        return [level(code, what, command="export TERM=xterm-256color")]
    if not _has_terminfo(box, kind):
        what = f"The terminal {short(kind, 40)} is not known on this box: editors and pagers may draw wrong."
        return [note(code, what, command="export TERM=xterm-256color")]
    if kind in _FEW_COLOURS:
        what = f"TERM={short(kind, 40)} has 16 colours. Everything is told without them, too."
        return [note(code, what, command=f"export TERM={'screen' if kind == 'screen' else 'xterm'}-256color")]
    return [ok(code, f"TERM is {short(kind, 40)}.")]


def _has_terminfo(box: Box, kind: str) -> bool:
    if "/" in kind or not kind.isprintable():
        return False
    places = [box.home / ".terminfo", *map(Path, ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"))]
    places = [place for place in places if box.exists(place)]
    names = (f"{kind[0]}/{kind}", f"{ord(kind[0]):x}/{kind}")
    return not places or any(box.exists(place / name) for place in places for name in names)


def truecolor(box: Box) -> list[Finding]:
    env = box.environment
    if "TMUX" not in env or env.get("COLORTERM") in ("truecolor", "24bit"):
        return []
    what = "tmux passes on 256 colours at most here: charts are drawn in the nearest ones."
    command = "tmux set -as terminal-features ',*:RGB' && export COLORTERM=truecolor"
    return [note("truecolor", what, command=command)]


def terminal_size(box: Box) -> list[Finding]:
    size = box.terminal_size
    if size is None or (size[0] >= 80 and size[1] >= 24):
        return []
    what = f"The terminal has {size[0]}x{size[1]} cells: at 80x24 more is shown at once."
    return [note("terminal_size", what, "Make the window larger, or its letters smaller.")]


def logout(box: Box) -> list[Finding]:
    """logind can kill what a session left behind, however well it detached (logind.conf(5))."""
    code = "logout"
    group = box.text("/proc/self/cgroup") or ""
    session = re.search(r"session-[^/\s]+\.scope", group)
    manager = re.search(r"user@\d+\.service", group)
    if not box.exists("/run/systemd/system") or not (session or manager):
        return []
    user = people.user_name(box.user)
    lingers = bool(user) and box.exists(f"/var/lib/systemd/linger/{user}")
    if manager and not session:
        if lingers:
            return [ok(code, "Runs go on after a logout: your user manager lingers.")]
        what = "This session belongs to your user manager, which ends at your last logout, with all runs."
        return [warning(code, what, command="loginctl enable-linger")]
    if not _kills(box, user):
        return [ok(code, "Runs go on after a logout (KillUserProcesses is off).")]
    what = "logind kills what you left running when you log out (KillUserProcesses=yes): runs end with it."
    command = "loginctl enable-linger && systemd-run --user --scope tui-ft"
    return [warning(code, what, command=command)]


def _kills(box: Box, user: str) -> bool:
    """Whether logind kills this user's processes; root is left alone unless the file says otherwise."""
    kills, excluded, only = "no", "root", ""
    for path in _logind_files(box):
        for line in (box.text(path) or "").splitlines():
            name, equals, value = line.strip().partition("=")
            if not equals:
                continue
            if name == "KillUserProcesses":
                kills = value.strip().lower() or "no"
            elif name == "KillExcludeUsers":
                excluded = value
            elif name == "KillOnlyUsers":
                only = value
    if kills not in ("yes", "true", "on", "1") or user in excluded.split():
        return False
    return not only.split() or user in only.split()


def _logind_files(box: Box) -> list[str]:
    """The files in the order in which they are read; a name that comes again replaces the earlier one."""
    pieces: dict[str, str] = {}
    for main in _LOGIND:
        folder = f"{main}.d"
        try:
            names = sorted(path.name for path in box.at(folder).iterdir() if path.suffix == ".conf")
        except OSError:
            continue
        pieces |= {name: f"{folder}/{name}" for name in names}
    main_file = next((path for path in reversed(_LOGIND) if box.exists(path)), None)
    return [*([main_file] if main_file else []), *(pieces[name] for name in sorted(pieces))]
