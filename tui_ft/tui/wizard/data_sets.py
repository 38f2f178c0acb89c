"""The data sets of a draft: what is trained on and how often, what is held out, and changes to both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.guide.volume import key_of
from tui_ft.spec.learning import DataSection
from tui_ft.spec.paths import DEMO
from tui_ft.spec.run_spec import DataSource
from tui_ft.tui.wizard.draft import Draft
from tui_ft.user_paths import user_path

TRAIN_ON = ("completion", "assistant", "all")
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2)
WEIGHTS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class Source:
    """One data set of the run: to learn from, or (`is_eval`) held out to measure it."""

    path: str
    format: str = "auto"
    columns: dict[str, str] | None = None
    weight: float = 1.0
    is_eval: bool = False

    @property
    def key(self) -> str:
        """The name that its findings are kept by."""
        return self.path if self.path.startswith("/") else key_of(self.path)

    @property
    def name(self) -> str:
        """What people call it."""
        return Path(self.path).name or self.path if self.is_here else self.path

    @property
    def is_here(self) -> bool:
        """False for a data set of the Hub, which only the trainer reads."""
        return self.key.startswith("/")


class DataSets:
    """What `data` of the draft's spec says of its data sets. Every change made here can be undone here."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._made = 0

    @property
    def data(self) -> DataSection:
        return self._draft.spec.data

    @property
    def learnt(self) -> list[Source]:
        """The data sets that are trained on, each with the format and the columns that hold for it."""
        data = self.data
        if not data.train:
            return []
        if isinstance(data.train, str):
            return [Source(data.train, data.format, data.columns)]
        return [
            Source(
                item.path,
                item.format if item.format != "auto" else data.format,
                item.columns or data.columns,
                item.weight,
            )
            for item in data.train
        ]

    @property
    def all(self) -> list[Source]:
        """Those, and behind them the one that is held out."""
        data = self.data
        held = [Source(data.eval, data.format, data.columns, is_eval=True)] if data.eval else []
        return [*self.learnt, *held]

    # --- changes -------------------------------------------------------------------------------------

    def take(self, path: str) -> None:
        """Train on this one data set, whose format and columns are found anew."""
        self._change(train=absolute(path), format="auto", columns=None)

    def add(self, path: str, weight: float = 1.0) -> None:
        """Train on `path`, too."""
        self._put([*self._items(), DataSource(path=absolute(path), weight=weight)])

    def replace(self, index: int, path: str) -> None:
        """Learn from `path` in place of data set `index`, as often as from that one."""
        items = self._items()
        items[index] = DataSource(path=absolute(path), weight=items[index].weight)
        self._put(items)

    def put_in_place(self, index: int, path: str) -> None:
        """Take `path` for data set `index` of `all`, whichever part that plays."""
        if index >= len(self.learnt):
            self.hold_out(path)
        else:
            self.replace(index, path)

    def remove(self, index: int) -> None:
        """Train on data set `index` no longer."""
        items = self._items()
        del items[index]
        self._put(items)

    def weigh(self, index: int, by: int) -> None:
        """Give data set `index` the next weight up or down."""
        items = self._items()
        items[index] = msgspec.structs.replace(items[index], weight=_next(WEIGHTS, items[index].weight, by))
        self._put(items)

    def hold_out(self, path: str | None) -> None:
        """Hold out the rows of `path`, or (None) a share of those that are trained on."""
        self._change(eval=absolute(path) if path else None)

    def share(self, by: int) -> None:
        """Hold out the next larger or smaller share of the rows."""
        self._change(eval_fraction=_next(SHARES, self.data.eval_fraction, by))

    def read_as(self, index: int, format_name: str, columns: dict[str, str] | None) -> None:
        """Read data set `index` of `all` in this format and with these columns."""
        items = self._items()
        if index >= len(items) or isinstance(self.data.train, str):
            self._change(format=format_name, columns=columns)
            return
        items[index] = msgspec.structs.replace(items[index], format=format_name, columns=columns)
        self._put(items)

    def cut_at(self, length: int) -> None:
        """Cut longer rows at so many tokens."""
        self._change(max_length=length)

    def train_on(self, by: int = 1) -> None:
        """Go on to the next part of a row to be trained."""
        place = TRAIN_ON.index(self.data.train_on)
        self._change(train_on=TRAIN_ON[(place + by) % len(TRAIN_ON)])

    @property
    def can_undo(self) -> bool:
        """False when the last change of the draft was made in another step: that one is not taken back."""
        return self._made > 0 and self._draft.can_undo

    def undo(self) -> bool:
        """Take the last change back; False when there is none of this step."""
        if not self.can_undo:
            return False
        self._made -= 1
        return self._draft.undo()

    def _items(self) -> list[DataSource]:
        """The data sets as a list, which one alone need not be in the spec."""
        data = self.data
        if isinstance(data.train, list):
            return list(data.train)
        if not data.train:
            return []
        return [DataSource(path=data.train, format=data.format, columns=data.columns)]

    def _put(self, items: list[DataSource]) -> None:
        """Write the list into the spec: as a plain path where that says the same."""
        if not items:
            self._change(train=None, format="auto", columns=None)
        elif len(items) == 1 and items[0].weight == 1.0:
            (one,) = items
            self._change(train=one.path, format=one.format, columns=one.columns)
        elif isinstance(self.data.train, list):
            self._change(train=items)
        else:  # format and columns of the one that was alone are its own now
            self._change(train=items, format="auto", columns=None)

    def _change(self, **fields: Any) -> None:
        before = self._draft.spec
        data = msgspec.structs.replace(self.data, **fields)
        self._draft.change(msgspec.structs.replace(before, data=data))
        self._made += self._draft.spec is not before


def absolute(path: str) -> str:
    """The path as the spec keeps it: absolute where there is such a file, else a name on the Hub."""
    if path == DEMO:
        return path
    place = user_path(path)
    return str(place.absolute()) if place.exists() or path.startswith(("~", ".", "/")) else path


def _next(steps: tuple[float, ...], value: float, by: int) -> float:
    """The next step above or below `value`; the last one stays."""
    if by > 0:
        return next((step for step in steps if step > value), steps[-1])
    return next((step for step in reversed(steps) if step < value), steps[0])
