"""Lines of loops that print words and numbers: `iter 10: loss 3.2, time 55ms`, `Epoch 1/3 loss: 0.7`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from tui_ft.watch.sources.plain_places import Place, find_place
from tui_ft.watch.sources.words import word_number

LONGEST_LINE = 4_000
MOST_PAIRS = 60

_DIGITS = r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_WORD = r"[-+]?(?:nan|inf(?:inity)?)(?= ?(?:[,|;)\]/]|$|- ))"
_PAIR = re.compile(
    r"(?<![A-Za-z0-9])(?P<key>[A-Za-z][\w./%-]{0,60}(?: [A-Za-z(][\w./%()-]{0,40}){0,3}?)"
    r"(?: ?\(\w{1,8}\))?"
    rf"(?: ?[:=] ?| )[\[(]?(?P<value>tensor\({_DIGITS}|{_DIGITS}|{_WORD})[A-Za-z%]{{0,4}}(?![\w.:])",
    re.IGNORECASE,
)
_SHORT = re.compile(rf"^(?P<step>\d{{1,12}}) (?P<kind>train|val|hella|eval) (?P<v>{_DIGITS}|{_WORD})$")
_NOT_NAMES = re.compile(
    r"^(?:v_num|rank|pid|.*(?:^|_)(?:steps?|epochs?|iters?|iterations?|batch(?:es)?|num_updates|updates?))$"
)
"""Places in a run and numbers of processes are no metrics."""

_WORDS = ("loss", "epoch", "step", "iter", "batch", "num_updates", "perplexity", "norm", "lr", " train ",
          " val ", " hella ")  # fmt: skip
"""A line without any of these, in small letters, tells nothing of training."""

_EVALS = ("val", "valid", "validation", "eval", "evaluation", "dev", "test")
_NOISE = re.compile(r"^(?:info|debug|root|main|average|avg|mean|current|the|on|running|total|s)_+")
_SAME = {"train": "train_loss", "val": "eval_loss", "valid": "eval_loss", "training_loss": "train_loss",
         "crossentropyloss": "loss", "total_loss": "loss", "train_crossentropyloss": "loss"}  # fmt: skip
_MEGATRON_EVAL = "validation loss at"


@dataclass(kw_only=True)
class PlainRow:
    """What one line says: numbers by name, and the place in the run as far as it names one."""

    place: Place
    numbers: dict[str, float] = field(default_factory=dict)

    @cached_property
    def losses(self) -> list[str]:
        """The names among the numbers that say loss."""
        return [name for name in self.numbers if is_loss(name)]

    @property
    def has_loss(self) -> bool:
        return bool(self.losses)

    @cached_property
    def is_training(self) -> bool:
        return any(not name.startswith(("eval_", "test_")) for name in self.losses)


def is_loss(name: str) -> bool:
    """True for a name that says loss: `loss`, `train_loss_step`, `lm_loss`, `actor/pg_loss`."""
    return name.endswith(("loss", "loss_step", "loss_epoch"))


def read_plain(text: str) -> PlainRow | None:
    """Return what a line says of a run; None for one that names neither a place nor a number by its name."""
    lowered = text.lower()
    if not any(map(lowered.__contains__, _WORDS)):
        return None
    text = " ".join(text[:LONGEST_LINE].split())
    short = _SHORT.match(text)
    if short is not None:
        name = {"train": "loss", "val": "eval_loss", "hella": "hella", "eval": "eval"}[short["kind"]]
        known = word_number(short["v"])
        return PlainRow(place=Place(step=int(short["step"])), numbers={} if known is None else {name: known})
    row = PlainRow(place=find_place(text))
    for count, match in enumerate(_PAIR.finditer(text)):
        if count >= MOST_PAIRS:
            break
        name = series_name(match["key"])
        value = _number(match["value"])
        if name and value is not None:
            row.numbers[name] = value
    if _MEGATRON_EVAL in text:
        row.numbers = {_megatron(name): value for name, value in row.numbers.items()}
    return row if row.place.is_known or row.numbers else None


def _number(text: str) -> float | None:
    try:
        return float(text)  # nearly always
    except ValueError:
        return word_number(text.removeprefix("tensor(").replace(",", ""))


@lru_cache(maxsize=2_048)
def series_name(key: str) -> str:
    """Return a key as the name of a series: `Train Loss` is `train_loss`, `Valid Loss` is `eval_loss`.

    "" for what is no metric: a place in the run, the number of a process.
    """
    name = _spelled(key)[:80]
    return name if is_loss(name) or not _NOT_NAMES.match(name) else ""


def _spelled(key: str) -> str:
    name = re.sub(r"[ -]+", "_", key.lower()).strip("_./()")
    while (shorter := _NOISE.sub("", name)) != name:
        name = shorter
    if name.startswith("train/"):
        name = name.removeprefix("train/")
    head, _, rest = name.replace("/", "_", 1).partition("_")
    if head in _EVALS and rest:
        return f"test_{rest}" if head == "test" else f"eval_{rest}"
    if head == "loss" and rest in ("train", "training"):
        return "train_loss"
    if head == "loss" and rest in _EVALS:
        return "eval_loss"
    return _SAME.get(name, name)


def _megatron(name: str) -> str:
    return {"lm_loss_value": "eval_loss", "lm_loss_ppl": "eval_perplexity"}.get(name, name)
