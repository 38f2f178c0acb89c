"""Where in a run a line says that it is: a step, an epoch, a batch of an epoch, each perhaps `of` so many."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OF = r"(?:train\))? ?[:=#(\[]* ?(?P<n>\d{1,12})(?![.\d])(?: ?/ ?(?P<of>\d{1,12}))?"
_BEFORE = r"(?<![A-Za-z_-])"
_STEPS = tuple(
    re.compile(_BEFORE + words + r"\b\(?" + _OF, re.IGNORECASE)
    for words in (
        r"num_updates",
        r"global[_ ]?step",
        r"(?:train(?:ing)?[_ ])?step",
        r"iter(?:ation)?",
        r"update",
    )
)
"""The surest word first: a line may name micro-batches beside optimizer steps."""

_BATCH = re.compile(
    _BEFORE + r"batch(?:es)?(?:[_ ]idx)?\b" + _OF + r"|\| (?P<n2>\d{1,12}) ?/ ?(?P<of2>\d{1,12}) batches",
    re.IGNORECASE,
)
_EPOCH = re.compile(
    _BEFORE
    + r"epochs?\b(?:\(train\))? ?[:=#(\[]* ?(?P<n>\d{1,9}(?:\.\d+)?)(?: ?/ ?(?P<of>\d{1,9})(?!\.?\d))?"
    + r"(?:\] ?\[ ?(?P<i>\d{1,9}) ?/ ?(?P<per>\d{1,9})\])?",
    re.IGNORECASE,
)


@dataclass(kw_only=True)
class Place:
    """A place as printed: `step` of `total`, `epoch` of `epochs`.

    `per_epoch` is set where the step may count within its epoch: the steps it has, 0 for not known.
    """

    step: int | None = None
    total: int | None = None
    epoch: float | None = None
    epochs: int | None = None
    per_epoch: int | None = None

    @property
    def is_known(self) -> bool:
        return self.step is not None or self.epoch is not None


def find_place(text: str) -> Place:
    """Return the place that a line names; its runs of blanks must be single ones."""
    place = Place()
    lowered = text.lower()
    epoch = _EPOCH.search(text) if "epoch" in lowered else None
    if epoch:
        place.epoch = float(epoch["n"])
        place.epochs = int(epoch["of"]) if epoch["of"] else None
        if epoch["i"]:
            place.step, place.per_epoch = int(epoch["i"]), int(epoch["per"])
            return place
    for pattern in _STEPS:
        if step := pattern.search(text):
            place.step = int(step["n"])
            place.total = int(step["of"]) if step["of"] else None
            place.per_epoch = place.total if epoch else None
            return place
    batch = _BATCH.search(text) if "batch" in lowered else None
    if batch:
        of = batch["of"] or batch["of2"]
        place.step = int(batch["n"] or batch["n2"])
        place.per_epoch = int(of) if of else 0
    return place
