"""What follows a run when nobody is there: `python -m tui_ft.runs.after.aftermath RUN --attempt N`.

A small process of its own, which outlives the supervisor: it tells people how the run ended, copies what it
made and verifies the copy, runs the hook that the spec names, and says so when the machine stands idle. With
`--tell CODE` it tells of one finding and is done.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """See the module's docstring; exit code 0, or 2 where nothing could be done."""
    if "--detach" in arguments and os.fork() > 0:
        os._exit(0)  # before all else: our starter waits for us, so that this process is nobody's zombie
    os.umask(0o077)
    import argparse
    import traceback
    from pathlib import Path

    from tui_ft.errors import TuiFtError
    from tui_ft.runs.after.following_up import follow_up, tell_of
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.saying import say
    from tui_ft.runs.state import read_state

    parser = argparse.ArgumentParser(prog="tui_ft.runs.after.aftermath", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--attempt", type=int)
    parser.add_argument("--tell", metavar="CODE")
    parser.add_argument("--late", action="store_true", help="it was cut off, and somebody found that")
    parser.add_argument("--detach", action="store_true", help="leave our parent at once")
    options = parser.parse_args(arguments)
    run = RunDirectory(options.run)
    try:
        if options.tell is not None:
            tell_of(run, options.tell)
        else:
            attempt = options.attempt if options.attempt is not None else read_state(run).attempt
            follow_up(run, attempt, is_late=options.late)
    except TuiFtError as error:
        say(f"tui-ft: {error}")
        return 2
    except Exception:  # noqa: BLE001 - nobody else would ever hear of it
        say(f"tui-ft: what was to follow the run failed:\n{traceback.format_exc()}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
