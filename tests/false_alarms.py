# ruff: noqa: T201, E501 - a program that prints
"""How often detectors speak on real runs: `python tests/false_alarms.py [FOLDER]` prints every word.

The real runs are those that other people left in public (not part of this repository) and controls that the
real libraries wrote. Known to be ill are those named in `ILL`; all others are healthy as far as anybody knows.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tui_ft.health.finding import Finding
from tui_ft.watch.finding import find_runs
from tui_ft.watch.findings import all_said
from tui_ft.watch.foreign_run import open_run
from tui_ft.watch.found import FoundRun
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import read_whole

REAL_RUNS = Path(__file__).resolve().parents[2] / "shared" / "data" / "runs"
ILL = ("v5_nan",)
"""Made with NaN on purpose."""


def is_ill(found: FoundRun) -> bool:
    return any(name in str(found.path) for name in ILL)


def judged(folder: Path) -> Iterator[tuple[FoundRun, Reading, list[Finding]]]:
    """Every run under `folder` that has a curve, and all that the detectors ever say of it."""
    for found in find_runs(folder, time.time()):
        reading = read_whole(open_run(found))
        if any(len(series) for series in reading.series.values()):
            yield found, reading, [one for one in all_said(reading) if isinstance(one, Finding)]


def main(folder: Path) -> int:
    counts: Counter[tuple[bool, str, str]] = Counter()
    runs = rows = ill = 0
    for found, reading, findings in judged(folder):
        runs += 1
        ill += is_ill(found)
        rows += sum(len(series) for name, series in reading.series.items() if name in ("loss", "eval_loss"))
        for finding in findings:
            counts[is_ill(found), finding.level, finding.code] += 1
            print(f"{'ILL' if is_ill(found) else '   '} {finding.level:8}{finding.code:14}{found.path.name}")
            print(f"      {finding.message}")
    print(f"{runs} runs with {rows:,} losses, {ill} of them ill:")
    for (of_ill, level, code), count in sorted(counts.items()):
        print(f"  {'ill' if of_ill else 'healthy':8}{level:8}{code:14}{count}")
    alarms = sum(count for (of_ill, level, _), count in counts.items() if level == "error" and not of_ill)
    print(f"errors on healthy runs: {alarms}")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else REAL_RUNS))
