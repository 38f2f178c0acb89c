"""Which ten numbers of a run are shown: those that matter for every run, then what this one logs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from tui_ft.tui.text import fit, plain
from tui_ft.watch.eta import seconds_per_step
from tui_ft.watch.panel_names import is_bookkeeping, rank_of
from tui_ft.watch.reading import Reading
from tui_ft.watch.scales import steady_label

MOST = 10
_MOST_LOOKED_AT = 200
"""Of a run with more series than this the rest are in the table of all series only."""
_SHORT = 6
"""Cells of a short name."""
_UNITS = frozenset({"sec", "second", "step", "iter", "epoch", "min", "hour", "gpu", "batch"})
"""What follows a stroke in the name of a rate."""
_SHORT_NAMES = {
    "rewards/accuracies": "r.acc", "rewards/margins": "margin", "rewards/rejected": "reject",
    "accuracy": "acc", "reward_std": "r.std", "completion_length": "length",
    "completions/mean_length": "length", "entropy": "entr.", "nll_loss": "nll",
}  # fmt: skip

_EVALUATED = frozenset({"eval", "ppl"})

_STANDARD = frozenset({
    "loss", "grad_norm", "learning_rate", "eval_loss", "perplexity", "tokens_per_s", "tokens",
    "mean_token_accuracy", "gpu_memory_gib", "rss_gib",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number: its name, the short one for narrow terminals, its value, and a brief wording of that.

    `series` is the one that it was taken from, where it is none of those that matter for every run.
    """

    name: str
    short: str
    value: str
    brief: str = ""
    is_bad: bool = False
    series: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others of its run."""
        return self.series, "" if self.series else self.short

    def fitting(self, room: int) -> str:
        """The value in `room` cells: a shorter wording rather than one that is cut."""
        return self.value if len(self.value) <= room or not self.brief else self.brief


def numbers_of(reading: Reading, seen_pace: float | None = None) -> list[Number]:
    """The ten numbers of a reading; `seen_pace` (seconds a step) is that of a run which tells no times.

    Of a run of ours one that will come is a dash until then; in the place of one that will not come stands
    what else the run logs. Of another's run only what is known stands there.
    """
    standard, extra = _standard(reading, seen_pace), _extra(reading)
    if reading.source != "tui_ft":
        known = [number for number in standard if number.value != "–"]
        return [*known, *islice(extra, MOST - len(known))]
    return [
        number if number.value != "–" or _will_come(number, reading) else next(extra, number)
        for number in standard
    ]


def _will_come(number: Number, reading: Reading) -> bool:
    """Whether a number that is not known yet keeps its place free: all but what this run does not log."""
    if number.short in _EVALUATED:
        settings = reading.settings
        return not settings or bool(settings.get("data.eval") or settings.get("data.eval_fraction"))
    return number.short != "acc" or reading.last("loss") is None


class NumberPlaces:
    """Keeps every number of a run where it first stood: only what is gone makes room for what is new."""

    def __init__(self) -> None:
        self._path = ""
        self._held: list[tuple[str, str]] = []

    def of(self, reading: Reading, seen_pace: float | None = None) -> list[Number]:
        """The numbers of a reading, each in its place."""
        if reading.path != self._path:
            self._path, self._held = reading.path, []
        wanted = {number.key: number for number in numbers_of(reading, seen_pace)}
        new = iter([key for key in wanted if key not in self._held])
        kept = [key if key in wanted else next(new, None) for key in self._held]
        self._held = [*(key for key in kept if key is not None), *new]
        return [wanted[key] for key in self._held]


def _standard(reading: Reading, seen_pace: float | None) -> list[Number]:
    return [
        _number("loss", "loss", reading.last("loss")),
        _number("gradient norm", "grad", reading.last("grad_norm")),
        _number("learning rate", "lr", reading.last("learning_rate")),
        _number("eval loss", "eval", reading.last("eval_loss")),
        _number("perplexity", "ppl", reading.last("perplexity")),
        _pace(reading, seen_pace),
        Number(name="tokens", short="tokens", value=_count(reading.last("tokens"))),
        _number("accuracy", "acc", reading.last("mean_token_accuracy")),
        _memory(reading),
        _checkpoint(reading),
    ]


def _pace(reading: Reading, seen_pace: float | None) -> Number:
    """Tokens a second; of another's run that does not log them the time of a step."""
    tokens = reading.last("tokens_per_s")
    if tokens is None and reading.source != "tui_ft":
        pace = seconds_per_step(reading.times)
        pace = seen_pace if pace is None else pace
        value, brief = ("–", "") if pace is None else (f"{pace:.3g}", f"{pace:.0e}")
        return Number(name="s/step", short="s/step", value=value, brief=brief)
    return Number(name="tokens/s", short="tok/s", value=_count(tokens))


def _memory(reading: Reading) -> Number:
    peak, name = reading.last("gpu_memory_gib"), "peak memory"
    if peak is None and reading.memory is not None:
        peak, name = reading.memory.used_gib, "memory"
    if peak is None:
        peak, name = reading.last("rss_gib"), "memory"
    return Number(name=name, short="mem", value="–" if peak is None else f"{peak:.2f} GiB")


def _checkpoint(reading: Reading) -> Number:
    steps = [float(kept.step) for kept in reading.checkpoints] or list(reading.checkpoint_steps)
    return Number(name="checkpoint", short="saved", value=f"{max(steps):.0f}" if steps else "–")


def _extra(reading: Reading) -> Iterator[Number]:
    """What else the run logs, the most wanted first; of two with the same short name the first."""
    names = [
        name for name in islice(reading.series, _MOST_LOOKED_AT)
        if name not in _STANDARD and not is_bookkeeping(name)
    ]  # fmt: skip
    taken: set[str] = set()
    for name in sorted(names, key=_rank):
        value, short = reading.last(name), _short(name)
        if value is not None and short not in taken:
            taken.add(short)
            yield replace(_number(plain(name), short, value), series=name)


def _short(name: str) -> str:
    shown = plain(name)
    part = shown.rpartition("/")[2]
    if len(part) <= 2 or part.lower() in _UNITS:  # a rate, such as tok/s: the unit alone says nothing
        part = shown
    return _SHORT_NAMES.get(name) or fit(part, _SHORT).rstrip()


def _rank(name: str) -> tuple[bool, int]:
    return name.startswith("eval_"), rank_of(name)


def _number(name: str, short: str, value: float | None) -> Number:
    if value is None:
        return Number(name=name, short=short, value="–")
    brief = min(f"{value:.2g}", f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e"), key=len)
    is_bad = not math.isfinite(value)
    return Number(name=name, short=short, value=steady_label(value), brief=brief, is_bad=is_bad)


def _count(value: float | None) -> str:
    """Return a count in three digits and a unit, a small one whole: 950, 9999, 12.3k, 1.2M."""
    if value is None or not math.isfinite(value):
        return "–"
    for least, unit, name in ((9.995e8, 1e9, "G"), (9.995e5, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= least:
            return f"{value / unit:.3g}{name}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
