"""The shipped catalogue: models whose sizes are known without a download, and their smaller siblings."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from tui_ft.vram.model_config import shape_of
from tui_ft.vram.shape import ModelShape


class Entry(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One model. `series` are models of one make in different sizes; `hub_id` is None where the entry
    is a part of the model on the hub. `other_ids` have the same shape. `config` is as in config.json."""

    name: str
    series: str
    hub_id: str | None
    other_ids: list[str]
    licence: str
    config: dict[str, Any]

    @property
    def shape(self) -> ModelShape:
        return _shape(self.name)


@cache
def entries() -> tuple[Entry, ...]:
    """All models, those of a series together, the small ones first."""
    data = files("tui_ft.vram").joinpath("models.json").read_bytes()
    return tuple(msgspec.json.decode(data, type=list[Entry]))


def lookup(name: str) -> Entry | None:
    """The entry called `name`: its own, a hub id, or that without the organisation; case is ignored."""
    return _by_name().get(name.strip().lower())


def siblings(shape: ModelShape) -> list[ModelShape]:
    """The smaller models of the same series, the largest first; of an unknown model none."""
    series = next((entry.series for entry in entries() if _is_same(entry, shape)), None)
    if series is None:
        return []
    smaller = [
        entry.shape
        for entry in entries()
        if entry.series == series and entry.hub_id and entry.shape.parameters < shape.parameters
    ]
    return sorted(smaller, key=lambda found: -found.parameters)


@cache
def _by_name() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries():
        for name in (entry.name, *((entry.hub_id,) if entry.hub_id else ()), *entry.other_ids):
            found.setdefault(name.lower(), entry)
            found.setdefault(name.rpartition("/")[2].lower(), entry)
    return found


def _is_same(entry: Entry, shape: ModelShape) -> bool:
    """Numbers decide, not names: a fine-tuned copy in a folder is the same model."""
    config = entry.config
    text = config.get("text_config", config)
    layers = text.get("num_hidden_layers", text.get("n_layer"))
    return (
        layers == shape.layers and entry.shape.outside == shape.outside and entry.shape.blocks == shape.blocks
    )


@cache
def _shape(name: str) -> ModelShape:
    entry = _by_name()[name.lower()]
    return shape_of(entry.config, entry.name)
