"""What the names in a family's row stand for, given one config: checked keys, defaults, derived sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from tui_ft.errors import TuiFtError
from tui_ft.vram.families.expression import FAULTS, evaluate, names_in
from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.table import aliases, defaults

LARGEST = 10**9
"""No whole number of a config that a size depends on is larger."""

REMEDY = "Use the config.json that came with the model."

STANDARD = {
    "h": "hidden_size",
    "f": "intermediate_size",
    "L": "num_hidden_layers",
    "heads": "num_attention_heads",
    "V": "vocab_size",
    "kv": "num_key_value_heads or heads",
    "d": "head_dim or h // heads",
    "q": "heads * d",
    "k": "kv * d",
    "E": "num_experts or num_local_experts or n_routed_experts",
    "m": "moe_intermediate_size",
    "top": "num_experts_per_tok",
    "tied": "tie_word_embeddings",
}
"""The short names of the rows, unless a row's `let` says otherwise."""

CONTEXT_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "max_sequence_length",
    "model_max_length",
)
"""What families call the longest row."""

NEEDED = ("h", "L", "heads", "V", "f", "E", "m")
"""Sizes that are never taken for granted: their keys must be in a config that stands by itself."""


class Sizes:
    """Names to values for one config; `enter` sets the layer that `each` speaks of.

    `asked` collects the keys that were looked up, so that a message can name them.
    """

    def __init__(
        self, config: Mapping[str, Any], row: Family, family: str, name: str, *, is_nested: bool
    ) -> None:
        self._config = config
        self._row = row
        self._family = family
        self._name = name
        self._is_nested = is_nested
        self._values: dict[str, Any] = {}
        self._each: dict[str, Any] = {}
        self._pending: list[str] = []
        self._other_names = aliases(family)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name in self._each:
            return self._each[name]
        if name not in self._values:
            self._values[name] = self._derived(name)
        return self._values[name]

    def enter(self, layer: int) -> str:
        """Set the names of `each` for one layer; return what tells its kind of layer from others."""
        found: dict[str, Any] = {"layer": layer}
        self._each = found
        for name, text in self._row.each.items():
            found[name] = self.guarded(text)
        del found["layer"]
        return repr(found)

    def guarded(self, text: str) -> Any:
        """The value of an expression. Raises `TuiFtError` where the config's values make none."""
        try:
            return evaluate(text, self)
        except FAULTS as error:
            keys = sorted(self.asked & set(self._keys(text)))
            where = f" ({', '.join(keys)})" if keys else ""
            raise TuiFtError(
                f"The config of {self._name} does not fit its architecture {self._family}{where}.", REMEDY
            ) from error

    def whole(self, name: str, most: int = LARGEST) -> int:
        """A size that must be there. Raises `TuiFtError` for one that is absurd."""
        value = self.guarded(name)
        if not _is_count(value) or value > most:
            keys = ", ".join(sorted(self._keys(name) - {name})) or name
            shown = "missing" if value is None else f"{value!s:.20}"
            raise TuiFtError(f"The config of {self._name} has no sensible {keys} ({shown}).", REMEDY)
        return value

    def optional(self, name: str) -> int | None:
        value = self.guarded(name)
        return value if _is_count(value) else None

    def width(self) -> int:
        """The width of the feed-forward part: of one layer, where layers differ of the widest."""
        value = self.guarded("f")
        if isinstance(value, list):
            value = max((item for item in value if _is_count(item)), default=None)
        return value if _is_count(value) else self.optional("m") or self.whole("h")

    def context(self) -> int | None:
        """The longest row that the model was made for, or None."""
        known = defaults(self._family) if self._is_nested else {}
        for key in CONTEXT_KEYS:
            value = self._config.get(key, known.get(key))
            if _is_count(value):
                return value
        return None

    def sliding_window(self) -> int | None:
        """Tokens that a layer with local attention looks back, or None where no layer is such."""
        known = defaults(self._family)
        if self._config.get("use_sliding_window", known.get("use_sliding_window")) is False:
            return None
        value = self._config.get("sliding_window", known.get("sliding_window"))
        return value if _is_count(value) else None

    def check_heads(self) -> None:
        """Raise `TuiFtError` where the width of a head does not come out even."""
        width, heads, groups = self.whole("h"), self.optional("heads") or 1, self.optional("kv") or 1
        if heads % groups:
            problem = f"{heads} attention heads cannot share {groups} of keys and values"
        elif "d" not in self._row.let and not self._config.get("head_dim") and width % heads:
            problem = f"a width of {width} does not make {heads} heads"
        else:
            return
        raise TuiFtError(f"The config of {self._name} is wrong: {problem}.", REMEDY)

    def _derived(self, name: str) -> Any:
        text = self._row.let.get(name, STANDARD.get(name))
        if text is None or text == name:
            return self._key(name)
        self._pending.append(name)
        value = self.guarded(text)
        self._pending.pop()
        return value

    def _key(self, key: str) -> Any:
        key = self._other_names.get(key, key)
        self.asked.add(key)
        known = defaults(self._family)
        for held in (key, *(alias for alias, real in self._other_names.items() if real == key)):
            if held in self._config:
                return self._checked(held, self._config[held], known.get(key))
        default = known.get(key)
        is_size = isinstance(default, int) and not isinstance(default, bool)
        if is_size and not self._is_nested and self._pending and self._pending[-1] in NEEDED:
            raise TuiFtError(f"The config of {self._name} has no {key}.", REMEDY)
        return default

    def _checked(self, key: str, value: Any, default: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            sentence = f"{key} is no finite number"
        elif isinstance(value, int) and not -1 <= value <= LARGEST:
            sentence = f"{key} = {value!s:.20} is absurd"
        elif isinstance(default, int) and not isinstance(default, bool) and not _is_whole(value):
            sentence = f"{key} is no whole number"
        else:
            return value
        raise TuiFtError(f"The config of {self._name} is wrong: {sentence}.", REMEDY)

    def _keys(self, text: str) -> set[str]:
        done: set[str] = set()
        todo = names_in(text)
        while todo - done:
            name = (todo - done).pop()
            done.add(name)
            inner = self._row.let.get(name, STANDARD.get(name))
            if inner is not None and inner != name:
                todo |= names_in(inner)
        return done


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST


def _is_whole(value: Any) -> bool:
    return value is None or (isinstance(value, (int, list)) and not isinstance(value, bool))
