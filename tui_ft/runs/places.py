"""What a spec reads from the disk: each place with its field, and the spec with another place there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui_ft.spec.paths import DEMO
from tui_ft.spec.run_spec import RunSpec
from tui_ft.user_paths import is_there, user_path


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place that a spec names: `field` as `--set` calls it, `what` as people do."""

    field: str
    what: str
    path: str

    @property
    def is_missing(self) -> bool:
        """True for a path of this or another machine that is not there; a hub id is never missing here."""
        return Path(self.path).is_absolute() and not is_there(user_path(self.path))


def places(spec: RunSpec) -> list[Place]:
    """Every place of the base model and of rows that is no built-in one, in the order of the spec."""
    data, found = spec.data, []
    if spec.model.id is not None:
        found.append(Place(field="model.id", what="base model", path=spec.model.id))
    sources = data.train if isinstance(data.train, list) else []
    if isinstance(data.train, str):
        found.append(Place(field="data.train", what="training data", path=data.train))
    found += [Place(field="data.train", what="training data", path=source.path) for source in sources]
    if data.eval is not None:
        found.append(Place(field="data.eval", what="evaluation data", path=data.eval))
    if spec.evaluation.probe is not None:
        found.append(Place(field="evaluation.probe", what="probe", path=spec.evaluation.probe))
    return [place for place in found if place.path != DEMO]


def replaced(spec: RunSpec, change: Callable[[str], str]) -> RunSpec:
    """`spec` with `change` made to every place that `places` names."""

    def changed(path: str | None) -> str | None:
        return path if path is None or path == DEMO else change(path)

    train = spec.data.train
    if isinstance(train, list):
        train = [msgspec.structs.replace(one, path=changed(one.path)) for one in train]
    elif train is not None:
        train = changed(train)
    return msgspec.structs.replace(
        spec,
        model=msgspec.structs.replace(spec.model, id=changed(spec.model.id)),
        data=msgspec.structs.replace(spec.data, train=train, eval=changed(spec.data.eval)),
        evaluation=msgspec.structs.replace(spec.evaluation, probe=changed(spec.evaluation.probe)),
    )
