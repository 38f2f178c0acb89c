"""`python -m tui_ft.train.simulate`: the trainer's step simulated; a request on stdin, the answer on stdout.

Progress goes to stderr, a JSON object a line. Exit code 2: it could not be simulated, and the last line of
stderr is `{"error": …, "hint": …}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.train.simulate import shim


def main() -> int:
    """Answer one request."""
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # the libraries' words are no answer
        try:
            reply = _answer(msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, Any]))
        except TuiFtError as error:
            _line({"error": error.message, "hint": error.hint})
            return 2
        except msgspec.DecodeError as error:
            _line({"error": f"The request of the simulation cannot be read: {error}.", "hint": ""})
            return 2
    out.write(json.dumps(reply) + "\n")
    return 0


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    began = time.process_time()
    _tell("loading libraries", 0, 0)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    shim.load()
    from tui_ft.train.simulate.answer import answer
    from tui_ft.train.simulate.versions import versions

    return answer(request, _tell) | {
        "versions": versions(),
        "cpu_s": round(time.process_time() - began, 1),
    }


_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Nothing is fetched and nobody is told."""


def _tell(step: str, done: int, total: int) -> None:
    _line({"step": step, "done": done, "total": total})


def _line(row: dict[str, Any]) -> None:
    print(json.dumps(row), file=sys.stderr, flush=True)  # noqa: T201 - the protocol of the process


if __name__ == "__main__":
    sys.exit(main())
