"""The fault matrix: what really happens to runs, and what must be so afterwards.

    python tests/faults/matrix.py [--instants 220] [--cold 15] [--seed N] [--jobs 2] [--only 17,42] [--keep]

Every case is a run of the demo model that is killed, suspended, starved or cut off at an instant that the
seed draws. After each: the status is true within 5 s, nothing that was reported saved is gone, `resume` goes
on from the newest whole checkpoint, and every loss and the result equal those of an undisturbed run, bit by
bit. Supervisors and trainers are forked from one warm process (see warm.py); the cold ones are real commands.
The exit code is 0 when there was no failure. A failure names its case: `--seed` and `--only` repeat it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path(__file__).absolute().parents[1:3]]

from faults import warm  # noqa: E402 - the two lines above make it importable


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--instants", type=int, default=220, help="cases in forked processes")
    parser.add_argument("--cold", type=int, default=15, help="cases with real commands and real interpreters")
    parser.add_argument("--cuts", type=int, default=40, help="checkpoints cut at a file")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=max(1, min(2, len(os.sched_getaffinity(0)))))
    parser.add_argument(
        "--only", default="", help="numbers of cases, such as 17,42 (cold ones: c3; cuts: x5)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folders of the failures")
    parser.add_argument(
        "--root", type=Path, default=None, help="where to work: a folder of a disk with 1 GiB"
    )
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    place = Path(tempfile.mkdtemp(prefix="tui-ft-faults-", dir=options.root)).resolve()
    home = place / "home"
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "HF_HOME"):
        os.environ[name] = str(home)
    home.mkdir()
    os.environ |= {"OMP_NUM_THREADS": "1", "TUI_FT_RUNS": str(place / "runs")}
    from faults import show

    try:
        return show.run(options, place)
    finally:
        if not options.keep:
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    warm.with_room()
    began = time.monotonic()
    sys.exit(main())
