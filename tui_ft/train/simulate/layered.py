"""Which layer of a model each event of a trace belongs to, and what a storage is called within its layer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tui_ft.train.simulate.tracing import Event, Trace

MARK = re.compile(r"^(?P<kind>.*\blayer) (?P<number>\d+)$")
"""A mark that names a layer: "layer 3", "backward layer 3"."""

NAME = re.compile(r"(?P<before>\.(?:layers|layer|h|blocks)\.)(?P<number>\d+)(?=\.)")
"""The layer in the name of a weight."""

Name = tuple[str, int, int]
"""A storage within its layer: (kind of phase, which time, number of birth there)."""


class Layered:
    """A trace's events with the layer of each in `tags`, None outside.

    `home` and `name` are the layer of a storage and its name there; `find` goes the other way.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.home: dict[int, int] = {}
        self.name: dict[int, Name] = {}
        self.events, self.tags = self._read()
        self.find = {(self.home[number], name): number for number, name in self.name.items()}

    def _read(self) -> tuple[list[Event], list[int | None]]:
        """The events and the layer of each.

        Outside layers, what dies in one stretch between births may die in any order, and does: torch's
        cache of cast weights is a hash table. The same blocks come free, so layers are put in order.
        """
        source: list[Event] = []
        tags: list[int | None] = []
        dying: list[tuple[int, int]] = []
        is_in_layer = False
        for event, tag in zip(self._trace.events, self._tagged(), strict=True):
            storage, size = event
            if storage is None:
                is_in_layer = MARK.match(str(size)) is not None
            if storage is not None and size is None and not is_in_layer:
                dying.append((-1 if tag is None else tag, storage))
                continue
            _flush(dying, source, tags)
            source.append(event)
            tags.append(tag)
        _flush(dying, source, tags)
        return source, tags

    def _tagged(self) -> Iterator[int | None]:
        """The layer of each event: that of the mark before it, else that of the storage's owner."""
        owned = self._layers_of_owners()
        kind, layer = "", None
        times: Counter[tuple[str, int | None]] = Counter()
        births: Counter[tuple[int, str, int]] = Counter()
        for storage, size in self._trace.events:
            if storage is None:
                found = MARK.match(str(size))
                kind, layer = (str(size), None) if found is None else (found["kind"], int(found["number"]))
                times[kind, layer] += 1
                yield layer
                continue
            if size is not None:
                home = owned.get(storage, layer)
                if home is not None:
                    time = times[kind, layer]
                    self.home[storage] = home
                    self.name[storage] = (kind, time, births[home, kind, time])
                    births[home, kind, time] += 1
            yield self.home.get(storage) if layer is None else layer

    def _layers_of_owners(self) -> dict[int, int]:
        """Layers of weights, of what belongs to them, and of lists with an entry for each trained weight."""
        named: dict[int, str] = {}
        for resident in self._trace.residents:
            named |= dict.fromkeys((resident.id, *resident.parts), resident.name)
        named |= self._trace.owners
        trained = list(dict.fromkeys(self._trace.owners.values()))
        for number, storage in self._trace.storages.items():
            if (
                storage.place is not None
                and storage.place[1] == len(trained)
                and MARK.match(storage.phase) is None
            ):
                named.setdefault(number, trained[storage.place[0]])
        found = {number: NAME.search(name) for number, name in named.items()}
        return {number: int(match["number"]) for number, match in found.items() if match is not None}


def _flush(dying: list[tuple[int, int]], source: list[Event], tags: list[int | None]) -> None:
    for tag, storage in sorted(dying):
        source.append((storage, None))
        tags.append(None if tag < 0 else tag)
    dying.clear()
