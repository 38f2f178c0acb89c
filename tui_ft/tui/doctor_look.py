"""The doctor's checks for its screen: loaded when the screen is opened, made in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_ft.doctor.box import Box
from tui_ft.doctor.examine import Told, examine
from tui_ft.doctor.trainer_report import ask_trainer

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp


def box_of(app: TuiFtApp) -> Box:
    """The box under the app; its GPUs are those that the app reads."""
    size = app.size
    return Box(given_runs_root=app.runs_root, ask_gpus=app.read_gpus, terminal_size=(size.width, size.height))


def quick(box: Box) -> list[Told]:
    """What is found without the trainer's interpreter, in some milliseconds."""
    return list(examine(box, ("files", "gpu")))


def slow(box: Box) -> list[Told]:
    """What the trainer's interpreter says, in seconds unless it is known."""
    box.trainer = ask_trainer(box.gpus.driver)
    return list(examine(box, ("trainer",)))
