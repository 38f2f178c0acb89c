"""Lines of loops that print words and numbers: `iter 10: loss 3.2, time 55ms`, `Epoch 1/3 | train loss: 0.7`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tui_ft.watch.sources.words import word_number

LONGEST_LINE = 4_000
MOST_PAIRS = 60

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|NaN|NAN|inf|Inf|INF|infinity|Infinity)(?![A-Za-z])"
_STEP = re.compile(
    r"(?<![A-Za-z])(?:num_updates|global[_ ]?step|(?:train(?:ing)?[_ ])?step|iter(?:ation)?|update)s?\b(?:\(train\))?"
    r"\s*[:=#(\[]*\s*(?P<n>\d{1,12})(?![.\d])(?:\s*/\s*(?P<of>\d{1,12}))?",
    re.IGNORECASE,
)
_UPDATES = re.compile(r"\bnum_updates\s*[:=]?\s*(\d{1,12})")
_BATCH = re.compile(
    r"(?<![A-Za-z])batch(?:es)?(?:[_ ]idx)?\s*[:=#(\[]*\s*(?P<n>\d{1,12})(?![.\d])(?:\s*/\s*(?P<of>\d{1,12}))?"
    r"|\|\s*(?P<n2>\d{1,12})\s*/\s*(?P<of2>\d{1,12})\s*batches",
    re.IGNORECASE,
)
_EPOCH = re.compile(
    r"(?<![A-Za-z_])epochs?\b(?:\(train\))?\s*[:=#(\[]*\s*(?P<n>\d{1,9}(?:\.\d+)?)(?:\s*/\s*(?P<of>\d{1,9})(?!\.?\d))?"
    r"(?:\]\s*\[\s*(?P<i>\d{1,9})\s*/\s*(?P<per>\d{1,9})\])?",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?P<key>[A-Za-z][\w./%-]*(?: (?!=)[A-Za-z(][\w./%()-]*){0,3}?)\s*(?:\(\w{1,8}\))?\s*[:=]?\s*[\[(]?\s*"
    rf"(?P<value>tensor\({_NUMBER}|{_NUMBER})(?P<unit>[A-Za-z%]{{0,4}})(?![\w.:])"
)
_SHORT = re.compile(rf"^\s*(?P<step>\d{{1,12}}) (?P<kind>train|val|hella|eval) (?P<value>{_NUMBER})\s*$")
_PLACES = frozenset({"step", "global_step", "iter", "iteration", "epoch", "batch", "num_updates", "update", "steps",
                     "epochs", "iters", "batches", "training_step", "train_step"})  # fmt: skip
_EVALS = ("val", "valid", "validation", "eval", "evaluation", "dev", "test")
_NOISE = re.compile(
    r"^(?:info|debug|root|main|average|avg|mean|current|the|on|running|total|\d+)_+", re.IGNORECASE
)


@dataclass(kw_only=True)
class PlainRow:
    """What one line says: numbers by name, and the place in the run as far as it names one.

    `step` of `total` as printed; with `per_epoch` it counts within its epoch, which has that many.
    """

    numbers: dict[str, float] = field(default_factory=dict)
    step: int | None = None
    total: int | None = None
    epoch: float | None = None
    epochs: int | None = None
    per_epoch: int | None = None
    is_last_open: bool = False

    @property
    def has_loss(self) -> bool:
        return any(is_loss(name) for name in self.numbers)

    @property
    def is_training(self) -> bool:
        return any(
            name in ("loss", "train_loss") or (is_loss(name) and not is_eval(name)) for name in self.numbers
        )


def is_loss(name: str) -> bool:
    """True for a name that says loss: `loss`, `train_loss`, `lm_loss`, `val/loss`."""
    return name.endswith("loss")


def is_eval(name: str) -> bool:
    """True for a name that says validation: `eval_loss`, `val_loss`, `test_acc`."""
    return name.startswith(("eval_", "test_", "val_"))


def read_plain(text: str) -> PlainRow | None:
    """Return what a line says of a run; None for one that names neither a place nor a loss."""
    text = text[:LONGEST_LINE]
    short = _SHORT.match(text)
    if short is not None:
        return _short_row(short)
    row = PlainRow()
    _find_place(row, text)
    has_place = row.step is not None or row.epoch is not None
    if not has_place and "oss" not in text and "lr" not in text.lower():
        return None
    last_end = -1
    for count, match in enumerate(_PAIR.finditer(text)):
        if count >= MOST_PAIRS:
            break
        name, value = _name(match["key"]), word_number(match["value"].removeprefix("tensor("))
        if name and value is not None and name not in _PLACES:
            row.numbers[name] = value
            last_end = match.end()
    row.is_last_open = last_end == len(text)
    return row if has_place or row.numbers else None


def _short_row(match: re.Match[str]) -> PlainRow:
    value = word_number(match["value"])
    name = {"train": "loss", "val": "eval_loss", "hella": "hella", "eval": "eval"}[match["kind"]]
    return PlainRow(step=int(match["step"]), numbers={name: value} if value is not None else {})


def _find_place(row: PlainRow, text: str) -> None:
    if epoch := _EPOCH.search(text):
        row.epoch = float(epoch["n"])
        row.epochs = int(epoch["of"]) if epoch["of"] else None
        if epoch["i"]:
            row.step, row.per_epoch = int(epoch["i"]), int(epoch["per"])
            return
    updates = _UPDATES.search(text)
    if updates:
        row.step = int(updates[1])
        return
    step = _STEP.search(text)
    if step:
        row.step = int(step["n"])
        row.total = int(step["of"]) if step["of"] else None
        if epoch and row.total:
            row.per_epoch = row.total
        return
    batch = _BATCH.search(text)
    if batch:
        of = batch["of"] or batch["of2"]
        row.step = int(batch["n"] or batch["n2"])
        row.per_epoch = int(of) if of else 0


def _name(key: str) -> str:
    """Return a key as the name of a series: `Train Loss` is `train_loss`, `Valid Loss` is `eval_loss`."""
    name = re.sub(r"[\s-]+", "_", key.strip().lower()).strip("_./")
    name = name.removeprefix("train/")
    while shorter := _NOISE.sub("", name):
        if shorter == name:
            break
        name = shorter
    head, _, rest = name.replace("/", "_", 1).partition("_")
    if head in _EVALS and rest:
        rest = rest.removeprefix("loss_").removeprefix("lm_") if rest.startswith("loss_value") else rest
        return f"test_{rest}" if head == "test" else f"eval_{rest}"
    if head == "loss" and rest in ("train", "training"):
        return "train_loss"
    if head == "loss" and rest in _EVALS:
        return "eval_loss"
    return {"training_loss": "train_loss", "loss_total": "loss", "total_loss": "loss"}.get(name, name)[:80]
