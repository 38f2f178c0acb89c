"""Makes the local paths of a spec absolute, so that it means the same from any folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tui_ft.spec.run_spec import RunSpec
from tui_ft.user_paths import is_there, user_path

DEMO = "demo"
"""As a model the built-in tiny base model, as a data path the built-in data."""


def absolute_paths(spec: RunSpec, base: Path) -> RunSpec:
    """Return `spec` with the model and data paths that exist under `base` made absolute.

    What does not exist there is left as it is: it may be a hub id, and if it is a wrong path the
    message about it should show what was written. `~` means the home folder.
    """
    train = spec.data.train
    if isinstance(train, list):
        train = [msgspec.structs.replace(source, path=_absolute(source.path, base)) for source in train]
    elif train is not None:
        train = _absolute(train, base)
    return msgspec.structs.replace(
        spec,
        model=msgspec.structs.replace(
            spec.model,
            id=_absolute_or_none(spec.model.id, base),
            adapter=_absolute_or_none(spec.model.adapter, base),
        ),
        data=msgspec.structs.replace(spec.data, train=train, eval=_absolute_or_none(spec.data.eval, base)),
        objective=msgspec.structs.replace(
            spec.objective,
            teacher=_absolute_or_none(spec.objective.teacher, base),
            reward_model=_absolute_or_none(spec.objective.reward_model, base),
        ),
        evaluation=msgspec.structs.replace(
            spec.evaluation, probe=_absolute_or_none(spec.evaluation.probe, base)
        ),
        after=msgspec.structs.replace(spec.after, copy_to=_folder_to_be(spec.after.copy_to, base)),
    )


def _folder_to_be(value: str | None, base: Path) -> str | None:
    """A folder that need not be there yet."""
    return None if value is None else str(base.absolute() / user_path(value))


def _absolute_or_none(value: str | None, base: Path) -> str | None:
    return None if value is None else _absolute(value, base)


def _absolute(value: str, base: Path) -> str:
    if value == DEMO:
        return value
    path = base.absolute() / user_path(value)
    return str(path) if is_there(path) else value
