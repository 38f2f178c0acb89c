"""The formats of runs that can be watched: a new one is a new file in `sources/` and a line here."""

from __future__ import annotations

from tui_ft.watch.sources import (
    hf_trainer_state,
    lightning_csv,
    llamafactory,
    mlflow,
    stdout,
    tensorboard,
    torchtune,
    trackio,
    wandb,
)
from tui_ft.watch.sources.protocol import Format

FORMATS: tuple[Format, ...] = (
    hf_trainer_state.FORMAT,
    llamafactory.FORMAT,
    lightning_csv.FORMAT,
    torchtune.FORMAT,
    stdout.FORMAT,
    wandb.FORMAT,
    tensorboard.FORMAT,
    mlflow.FORMAT,
    trackio.FORMAT,
)  # fmt: skip

OURS_RICHNESS = 100


def by_name(name: str) -> Format:
    """The format of this name. Raises KeyError for a name that no format has."""
    for form in FORMATS:
        if form.name == name:
            return form
    raise KeyError(name)


def richness(name: str) -> int:
    """How much a source of this format tells; our own run directory tells the most."""
    return OURS_RICHNESS if name == "tui_ft" else by_name(name).richness
