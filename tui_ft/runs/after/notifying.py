"""Telling people over a webhook, ntfy or a command of theirs. No address is ever part of what is returned."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.after.hooks import run_command
from tui_ft.runs.after.web_post import RefusedError, UnreachableError, post
from tui_ft.settings_shape import Target

NTFY = "https://ntfy.sh"
ONCE: tuple[float, ...] = ()
PATIENTLY: tuple[float, ...] = (2.0, 10.0, 60.0)
"""Seconds between one try and the next: a network that comes back within a minute is no failure."""

_LONGEST_S = 30.0
_LONGEST_TEXT = 1500
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_HARMLESS = str.maketrans({"<": "‹", ">": "›", "`": "'"})
"""Marks by which a chat would call everybody in, or show what is no link of ours."""


class Message(NamedTuple):
    """What is told: `title` and `text` for people, `facts` for programs."""

    title: str
    text: str
    is_urgent: bool = False
    facts: dict[str, Any] = {}


class Told(NamedTuple):
    """Whether the target `name` was told; `problem` is empty when it was. A bell rings in an open app."""

    name: str
    problem: str
    is_bell: bool = False

    @property
    def sentence(self) -> str:
        """What came of it."""
        if self.is_bell:
            return f"{self.name} is a bell: it rings in the app, where that is open."
        if not self.problem:
            return f"{self.name} was told."
        return f"{self.name} could not be told: {self.problem}{'' if self.problem[-1] in '.?' else '.'}"


def tell_all(names: Iterable[str], message: Message, waits_s: Sequence[float] = PATIENTLY) -> list[Told]:
    """Tell every target of that name, all at once; each is tried again after each of `waits_s` seconds.

    Never raises: a name that is none, or settings that do not count, are the problem of each.
    """
    wanted = list(dict.fromkeys(names))
    try:
        targets = settings.private().notify if wanted else {}
    except TuiFtError as error:
        return [Told(name, str(error)) for name in wanted]
    answers: dict[str, str] = {}
    threads = []
    for name in wanted:
        if name not in targets:
            answers[name] = f"there is no [notify.{name}] in your settings"
            continue
        if targets[name].kind == "bell":
            continue  # the open app's: see tui/ringing.py
        thread = threading.Thread(
            target=lambda name=name: answers.update({name: _persist(targets[name], message, waits_s)}),
            daemon=True,  # a name server that never answers must not keep us
        )
        thread.start()
        threads.append(thread)
    deadline = time.monotonic() + sum(waits_s) + _LONGEST_S * (len(waits_s) + 1)
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))
    bells = {name for name in wanted if name in targets and targets[name].kind == "bell"}
    return [
        Told(name, "" if name in bells else answers.get(name, "no answer came"), name in bells)
        for name in wanted
    ]


def _persist(target: Target, message: Message, waits_s: Sequence[float]) -> str:
    """The problem of the last try, "" once one worked; what was refused for good is not tried again."""
    for wait in (*waits_s, None):
        try:
            _tell(target, message)
        except UnreachableError as error:
            if wait is None:
                return str(error)
            time.sleep(wait)
        except (RefusedError, TuiFtError) as error:
            return str(error)
        except (OSError, ValueError, TypeError) as error:  # a thread's own error would reach nobody
            return f"it failed with {type(error).__name__}"
        else:
            return ""
    return ""


def _tell(target: Target, message: Message) -> None:
    title, text = _harmless(message.title), _harmless(message.text)
    headers = {"Authorization": f"Bearer {_value(target.token)}"} if target.token else {}
    if target.kind == "webhook" and target.url is not None:
        both = f"{title}\n{text}"
        body = {
            **message.facts, "title": title, "text": both, "content": both,  # Slack's and Discord's names
            "allowed_mentions": {"parse": []},
        }  # fmt: skip
        post(_value(target.url), msgspec.json.encode(body), headers)
    elif target.kind == "ntfy" and target.topic is not None:
        body = {
            "topic": _value(target.topic), "title": title, "message": text,
            "priority": 4 if message.is_urgent else 3,
        }  # fmt: skip
        post(_value(target.url or NTFY), msgspec.json.encode(body), headers)
    elif target.kind == "command" and target.command is not None:
        words = {f"TUI_FT_{name.upper()}": _word(value) for name, value in message.facts.items()}
        environment = {**words, "TUI_FT_TITLE": title}
        outcome = run_command(target.command, environment, text=f"{title}\n{text}\n", longest_s=_LONGEST_S)
        if outcome.problem:
            raise RefusedError(f"its command: {outcome.problem}")


def _word(value: object) -> str:
    """A fact as a shell script tests it: nothing for what is not known."""
    return "" if value is None else str(value)


def _harmless(text: str) -> str:
    sound = text.encode(errors="backslashreplace").decode()  # names of others' files may hold lone surrogates
    return sound.translate(_HARMLESS)[:_LONGEST_TEXT]


def _value(written: str) -> str:
    """A value as it stands, or that of the variable which it names. Raises `RefusedError`."""
    match = _VARIABLE.fullmatch(written)
    if match is None:
        return written
    found = os.environ.get(match[1])
    if not found:
        raise RefusedError(f"the environment has no {match[1]}")
    return found
