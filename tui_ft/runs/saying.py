"""What a process that nobody looks at has to say: into output.log, which is its standard error."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print a line; a full disk swallows it, for what is still to be done is worth more."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        return
