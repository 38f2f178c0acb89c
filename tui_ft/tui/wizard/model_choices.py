"""The models to choose from: what is on this disk and in the catalogue, with what each needs of this GPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tui_ft.data.tokenizer_files import read_files
from tui_ft.errors import TuiFtError
from tui_ft.runs.model_folder import check_model_folder
from tui_ft.spec.paths import DEMO
from tui_ft.tui.download import Download, is_cached
from tui_ft.tui.wizard import model_places
from tui_ft.tui.wizard.model_fit import Fit, Wish, fit_of
from tui_ft.tui.wizard.model_places import CACHE, Place
from tui_ft.vram import catalogue
from tui_ft.vram.find_model import Found, find
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.verdict import Verdict

WEIGHT_BYTES = 2
"""Of one parameter as it is downloaded: nearly every model is published in 16 bit."""

OPEN_LICENCES = frozenset({"apache-2.0", "mit"})
"""Licences that want no form to be signed before a download."""

SUGGESTED_PARAMETERS = 9_000_000_000
"""The largest model to begin with: up to here a run takes hours, not days, on one GPU (our own number)."""

LEAST_PARAMETERS = 100_000_000
"""Smaller ones on the disk are test models more often than not: named, and never suggested."""

ROOM = 0.9
"""Of the free disk so much may a download take: checkpoints come on top."""

_VERDICTS: tuple[Verdict, ...] = ("fits", "tight", "unknown", "does_not_fit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One model. `folder` is where it lies, None where only its config is known or it is to be downloaded.

    `has_template` and `bytes` (on disk, or about what a download takes) are None where not known.
    `problem` says why it cannot be fine-tuned; "" when it can.
    """

    id: str
    name: str
    where: str
    shape: ModelShape | None = None
    folder: Path | None = None
    licence: str = ""
    has_template: bool | None = None
    bytes: int | None = None
    fit: Fit | None = None
    brings_code: bool = False
    problem: str = ""

    @property
    def is_here(self) -> bool:
        return self.folder is not None

    @property
    def parameters(self) -> int:
        return self.shape.parameters if self.shape is not None else 0


def on_disk(runs_root: Path) -> list[Choice]:
    """The models on this disk, not measured yet; a slow disk takes its time."""
    return [_at_place(place) for place in (*model_places.nearby(runs_root), *model_places.cached())]


def measured_all(here: Iterable[Choice], wish: Wish) -> list[Choice]:
    """`here`, the built-in model and the catalogue, each once and measured; the best fitting first."""
    found: dict[str, Choice] = {}
    for choice in (_of_found(DEMO, "demo (tiny, built in)", "built in", find(DEMO)), *here, *_catalogue()):
        found.setdefault(choice.id, choice)
    return ranked(measured(choice, wish) for choice in found.values())


def named(model_id: str) -> Choice:
    """A model of which nothing is known but its name."""
    return Choice(id=model_id, name=Path(model_id).name, where="chosen")


def typed(name: str, found: Found, remote: Download, wish: Wish) -> Choice:
    """The model that was typed, `found` by its config; `remote` is what the Hub says about it.

    Raises `TuiFtError` where it is no model to train.
    """
    if name.endswith(".json"):
        raise TuiFtError(
            "A config.json has no weights: it can be measured, and not trained.",
            "Name the model's folder, or its name on the Hub.",
        )
    if Path(name).is_absolute():
        check_model_folder(Path(name))
    if remote.is_fatal:
        raise TuiFtError(remote.problem)
    entry = catalogue.lookup(name)
    choice = _of_found(name, Path(name).name, "typed", found)
    licence = choice.licence or remote.licence or (entry.licence if entry else "")
    size = remote.needed_bytes if not choice.is_here and remote.needed_bytes else choice.bytes
    return measured(replace(choice, licence=licence, bytes=size), wish)


def measured(choice: Choice, wish: Wish) -> Choice:
    """`choice` with what the recommended method needs of the GPU."""
    if choice.shape is None or choice.problem:
        return choice
    try:
        return replace(choice, fit=fit_of(choice.id, choice.shape, wish))
    except TuiFtError as error:
        return replace(choice, problem=str(error))


def ranked(choices: Iterable[Choice]) -> list[Choice]:
    """What fits before what is tight or not known, that before what does not; then what is here."""
    return sorted(choices, key=_rank)


def suggested(choices: Iterable[Choice], free_disk_bytes: int | None) -> str:
    """The id of the model to begin with: the largest of an ordinary size that surely fits, one that is here
    before one to download; without a GPU the tiny one that a CPU can train."""
    sound = [choice for choice in choices if choice.fit is not None and choice.fit.verdict == "fits"]
    good = [one for one in sound if LEAST_PARAMETERS <= one.parameters <= SUGGESTED_PARAMETERS]
    here = [choice for choice in good if choice.is_here]
    room = [choice for choice in good if not choice.is_here and _has_room(choice, free_disk_bytes)]
    best = max(here or room, key=lambda choice: choice.parameters, default=None)
    return best.id if best is not None else DEMO


def _catalogue() -> Iterator[Choice]:
    for entry in catalogue.entries():
        if entry.hub_id is not None:
            yield Choice(
                id=entry.hub_id, name=entry.hub_id.rpartition("/")[2], where="download", shape=entry.shape,
                licence=entry.licence, bytes=_about(entry.shape),
            )  # fmt: skip


def _at_place(place: Place) -> Choice:
    entry = catalogue.lookup(place.id)
    try:
        found = find(str(place.folder))
        choice = _of_found(place.id, place.name, place.where, found)
        if place.where != CACHE:
            check_model_folder(place.folder)
        elif not is_cached(place.id):
            choice = replace(choice, where="download", folder=None, bytes=_about(found.shape))
    except TuiFtError as error:
        return Choice(id=place.id, name=place.name, where=place.where, problem=str(error))
    return replace(choice, licence=entry.licence) if entry is not None else choice


def _of_found(model_id: str, name: str, where: str, found: Found) -> Choice:
    """A model whose config was found; without weights beside it, it is still to be downloaded."""
    size = model_places.bytes_of(found.folder) if found.folder is not None else None
    return Choice(
        id=model_id,
        name=name,
        where=where if size is not None else "download",
        shape=found.shape,
        folder=found.folder if size is not None else None,
        licence=_licence(found.folder),
        has_template=_has_template(found.folder),
        bytes=size if size is not None else _about(found.shape),
        brings_code="auto_map" in found.config,
    )


def _about(shape: ModelShape) -> int:
    """The bytes of a download whose files were not counted."""
    return shape.parameters * WEIGHT_BYTES


def _rank(choice: Choice) -> tuple[int, bool, int]:
    if choice.fit is None:
        return len(_VERDICTS), not choice.is_here, 0
    verdict = choice.fit.verdict
    # where nothing is known of a GPU, the small ones are the ones to try
    size = choice.parameters if verdict == "unknown" else -choice.parameters
    return _VERDICTS.index(verdict), not choice.is_here, size


def _has_room(choice: Choice, free_disk_bytes: int | None) -> bool:
    is_open = choice.licence in OPEN_LICENCES
    return is_open and (free_disk_bytes is None or (choice.bytes or 0) <= ROOM * free_disk_bytes)


def _has_template(folder: Path | None) -> bool | None:
    if folder is None:
        return None
    try:
        return bool(read_files(folder).templates)
    except TuiFtError:  # what is wrong with it, the Data step says
        return None


def _licence(folder: Path | None) -> str:
    """The licence that the model card names in its first lines; "" where there is none."""
    if folder is None:
        return ""
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as card:
            head = [card.readline(1000).strip() for _ in range(60)]
    except OSError:
        return ""
    named = (line.partition(":")[2].strip() for line in head if line.startswith("license:"))
    return next(named, "").strip("'\"")[:40]
