"""Where a Python program failed, read from the traceback that it printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]{1,4096})", line (?P<line>\d{1,9})(?:, in (?P<name>.{1,200}))?')
_RAISED = re.compile(
    r"^(?P<kind>[A-Za-z_][\w.]{0,199}(?:Error|Exception|Interrupt|Exit|Warning)\b)(?P<rest>.*)$"
)
_LIBRARIES = ("/site-packages/", "/dist-packages/", "/lib/python")
_LOOKED_AT = 400


@dataclass(frozen=True, kw_only=True)
class Raised:
    """The exception that ended a program: its last line, and the places it came through, outermost first."""

    line: str
    kind: str
    frames: tuple[tuple[str, int, str], ...] = ()

    @property
    def where(self) -> str:
        """The place to look at: the innermost that is no library's, else the innermost of all; "" if none."""
        own = [frame for frame in self.frames if not any(part in frame[0] for part in _LIBRARIES)]
        for file, line, name in reversed(own or list(self.frames)):
            return f"{_short(file)}, line {line}" + (f", in {name}" if name else "")
        return ""


def last_exception(lines: Sequence[str]) -> Raised | None:
    """The last exception in a log, with the frames of its own traceback; None when there is none."""
    lines = list(lines)[-_LOOKED_AT:]
    for at in range(len(lines) - 1, -1, -1):
        found = _RAISED.match(lines[at])
        if found is None:
            continue
        frames: list[tuple[str, int, str]] = []
        for line in reversed(lines[:at]):
            frame = _FRAME.match(line)
            if frame is not None:
                frames.insert(0, (frame["file"], int(frame["line"]), (frame["name"] or "").strip()))
            elif line.startswith("Traceback ") or (frames and _RAISED.match(line)):
                break
        return Raised(line=lines[at].strip(), kind=found["kind"], frames=tuple(frames))
    return None


def _short(file: str) -> str:
    """The end of a path, which tells one module from the next."""
    parts = file.rsplit("/", 3)
    return file if len(parts) < 4 else "…/" + "/".join(parts[-2:])
