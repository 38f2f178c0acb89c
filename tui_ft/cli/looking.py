"""A word on the terminal while runs are looked for, before there is an app."""

from __future__ import annotations

import contextlib
import sys
import termios
from collections.abc import Iterator
from typing import Any

from tui_ft.cli.printing import spelt_out


@contextlib.contextmanager
def looking(where: str) -> Iterator[None]:
    """Say on stderr that `where` is looked through, take it back at the end; keys are not echoed meanwhile.

    Ctrl-C ends it as ever. The keys stay in the terminal for what reads it next.
    """
    before = _attributes()
    text = spelt_out(f"Looking for runs at {where[:60]} …")
    if not (sys.stderr.encoding or "").lower().startswith("utf"):
        text = text.encode("ascii", "replace").decode()
    try:
        if before is not None:
            silent = [*before]
            silent[3] = before[3] & ~termios.ECHO
            termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)
        print(text, end="", file=sys.stderr, flush=True)
        yield
    finally:
        print("\r" + " " * len(text) + "\r", end="", file=sys.stderr, flush=True)
        if before is not None:
            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def _attributes() -> list[Any] | None:
    """What the terminal does with keys; None where there is none to ask."""
    try:
        return termios.tcgetattr(sys.stdin)
    except (termios.error, OSError, ValueError):
        return None
