"""Pictures of what happens while nobody looks: a run that its guard stopped, its bill, the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tui_ft.runs.directory import RunDirectory

TOO_FAST = [
    "notes.name=too-fast", "method.kind=full", "training.learning_rate=0.3", "training.max_steps=400",
    "training.warmup=40", "checkpoints.every_steps=10", "evaluation.every_steps=10",
    'health.stop_on=["divergence"]',
]  # fmt: skip
"""It learns while it warms up, and comes apart when the rate is up."""
NARROW = (80, 24)
STEPS_SEEN = 3


class Camera(Protocol):
    """What `take.py` lends: waiting, reading the screen, taking it."""

    async def until(self, pilot: Pilot[None], condition: Callable[[], bool]) -> None: ...
    def shows(self, pilot: Pilot[None], words: str) -> bool: ...
    def picture(self, pilot: Pilot[None], path: Path) -> None: ...
    def app_again(self, **options: Any) -> Any: ...


def leave_alone(runs: Path, presets: Path) -> RunDirectory:
    """Launch the run that is to come apart, and note that somebody looked at its beginning."""
    from tui_ft.runs import launch
    from tui_ft.spec import overrides
    from tui_ft.spec import presets as shipped
    from tui_ft.watch.seen import Seen, keep_look

    spec = overrides.apply(shipped.find_preset("demo", presets).spec, TOO_FAST)
    run = launch.start(spec, runs)
    keep_look(str(run.path), Seen(at=time.time(), step=0, status="starting"))
    return run


def set_price(config: Path) -> None:
    """An hour costs something on the box of the pictures."""
    config.mkdir(parents=True, exist_ok=True)
    settings = config / "settings.toml"
    settings.write_text("price_per_hour = 2.5\n")
    settings.chmod(0o600)


async def take_unattended(camera: Camera, run: RunDirectory, folder: Path) -> None:
    """Come back to the run that was left alone: what happened, why, what to change, and what it cost."""
    from tui_ft.runs.records import ENDED
    from tui_ft.runs.truth import read_truth

    async with camera.app_again(open_run=run).run_test(size=NARROW) as pilot:
        await camera.until(pilot, lambda: read_truth(run).status in ENDED)
        await camera.until(pilot, lambda: getattr(pilot.app.screen, "told", None) is not None)
        if not camera.shows(pilot, "Since you looked"):  # away for less than two minutes
            await pilot.press("u")
        await camera.until(pilot, lambda: camera.shows(pilot, "Since you looked"))
        await pilot.pause(0.5)
        camera.picture(pilot, folder / "since-80x24.svg")
        await pilot.press("h")
        await camera.until(pilot, lambda: camera.shows(pilot, "guard"))
        camera.picture(pilot, folder / "health-80x24.svg")
        await pilot.press("enter")
        await camera.until(pilot, lambda: camera.shows(pilot, "training.learning_rate"))
        camera.picture(pilot, folder / "fix-80x24.svg")
        await pilot.press("escape")
        await pilot.press("q")
        await pilot.press("dollar_sign")
        await camera.until(pilot, lambda: camera.shows(pilot, "spent"))
        await pilot.pause(0.5)
        camera.picture(pilot, folder / "money-80x24.svg")


async def take_queue(camera: Camera, runs: Path, presets: Path, folder: Path) -> None:
    """Put three runs behind one that goes on; then ask the doctor."""
    from tui_ft.runs import launch
    from tui_ft.runs.queueing import nudging, queue
    from tui_ft.spec import overrides
    from tui_ft.spec import presets as shipped

    demo = shipped.find_preset("demo", presets).spec
    launch.start(overrides.apply(demo, ["notes.name=long", "training.max_steps=5000"]), runs)
    for rate in ("0.0005", "0.001", "0.002"):
        queue.add(overrides.apply(demo, [f"notes.name=rate-{rate}", f"training.learning_rate={rate}"]), runs)
    nudging.nudge(runs)
    async with camera.app_again().run_test(size=NARROW) as pilot:
        await camera.until(pilot, lambda: camera.shows(pilot, "long"))
        await pilot.press("Q")
        await camera.until(pilot, lambda: camera.shows(pilot, "behind"))
        await pilot.pause(0.5)
        camera.picture(pilot, folder / "queue-80x24.svg")
        await pilot.press("q")
        await pilot.press("D")
        await camera.until(pilot, lambda: camera.shows(pilot, "warning") or camera.shows(pilot, "note"))
        await pilot.pause(1.0)
        camera.picture(pilot, folder / "doctor-80x24.svg")
    queue.hold(runs)
