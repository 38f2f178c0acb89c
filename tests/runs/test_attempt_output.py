"""What one attempt printed is never taken for the last words of another."""

from __future__ import annotations

import sys
from typing import Any

from checkpoint_made import save

from tui_ft.runs import launch
from tui_ft.runs.attempt_output import of_newest_attempt, opening_line
from tui_ft.runs.state import read_state
from tui_ft.watch.post_mortem import post_mortem
from tui_ft.watch.report import read_whole
from tui_ft.watch.sources.tui_ft import TuiFtSource

SAYS_OOM = "import sys; sys.exit('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.10 GiB')"
LACKS_A_MODULE = "import nothing_of_that_name"


def test_the_lines_behind_the_last_opening() -> None:
    assert opening_line(1) == ""
    lines = ["a", opening_line(2).rstrip(), "b", opening_line(3).rstrip(), "c"]
    assert of_newest_attempt(lines) == ["c"]
    assert of_newest_attempt(["a", "tui-ft: attempt 2 begins to bore me"])[0] == "a"


def test_a_second_attempt_that_dies_of_something_else_is_said_to(bench: Any) -> None:
    run = launch.start(bench.spec, bench.root, trainer=[sys.executable, "-c", SAYS_OOM])
    bench.wait_for(run, "failed")
    first = read_state(run).exit
    assert first is not None and first.cause == "cuda_oom"
    save(run, 3)
    launch.resume(run, trainer=[sys.executable, "-c", LACKS_A_MODULE])
    bench.wait_until(
        lambda: read_state(run).attempt == 2 and read_state(run).exit is not None, "the second end"
    )
    second = read_state(run).exit
    assert second is not None and second.cause == "error"
    assert second.message.startswith("ModuleNotFoundError")
    source = TuiFtSource(run)
    reading = read_whole(source)
    assert any("CUDA out of memory" in line for line in reading.log), "the log has both"
    post = post_mortem(reading, run)
    assert post is not None and post.ending == "exception"
    assert not any("out of memory" in line for line in [*post.last_lines, *map(str, post.evidence)])
