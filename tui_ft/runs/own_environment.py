"""The environment of a process that is started from within a run, and is no part of that run."""

from __future__ import annotations

from tui_ft import settings

INHERITED_GPUS = "TUI_FT_CUDA_VISIBLE_DEVICES"
"""Where launch keeps the GPUs that the user's own shell allowed, while the run has a narrower choice."""


def own_environment() -> dict[str, str]:
    """As before the run chose its GPUs, and without its marks: what is started chooses for itself."""
    environment = settings.trainer_environment()
    allowed = environment.pop(INHERITED_GPUS, None)
    is_of_a_run = environment.pop("TUI_FT_RUN", None) is not None
    environment.pop("TUI_FT_ATTEMPT", None)
    if is_of_a_run:
        environment.pop("CUDA_VISIBLE_DEVICES", None)
    if allowed is not None:
        environment["CUDA_VISIBLE_DEVICES"] = allowed
    return environment
