"""An outlook in words: memory, steps, time and money, with what they rest on; `–` for what is not known."""

from __future__ import annotations

from tui_ft.guide.pace import Pace
from tui_ft.guide.volume import Volume, devices
from tui_ft.runs.money.forecast import Cost
from tui_ft.spec.display import effective_batch
from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.lines import Piece
from tui_ft.tui.widgets.memory_bars import VERDICT_WORDS
from tui_ft.tui.wizard.live import Outlook
from tui_ft.vram.verdict import WORDS
from tui_ft.watch.eta import duration_label

UNKNOWN = "–"


def count_words(number: float | None) -> str:
    """A count with the digits that matter: 950, 12.3k, 2.41M."""
    if number is None:
        return UNKNOWN
    for limit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if number >= limit:
            return f"{number / (1e3 if name == 'k' else limit):.3g}{name}"
    return f"{number:,.0f}"


def steps_text(outlook: Outlook) -> str:
    """`180 steps of 16 rows`."""
    steps = outlook.volume.steps
    batch = effective_batch(outlook.spec, devices(outlook.spec))
    number = UNKNOWN if steps is None else f"{steps:,}"
    return f"{number} step{'' if steps == 1 else 's'} of {batch} row{'' if batch == 1 else 's'}"


def epochs_text(outlook: Outlook) -> str:
    """`3 epochs`; what `max_steps` makes of them where it is set."""
    training, amount = outlook.spec.training, outlook.volume
    if training.max_steps is None:
        return f"{training.epochs:g} epoch{'' if training.epochs == 1 else 's'}"
    if not amount.steps_per_epoch:
        return "as max_steps says"
    return f"{training.max_steps / amount.steps_per_epoch:.2g} epochs by max_steps"


def tokens_text(amount: Volume) -> str:
    """`2.4M tokens an epoch`; a guess from characters has a ~."""
    about = "~" if amount.counted == "characters" else ""
    return f"{about}{count_words(amount.tokens_per_epoch)} tokens an epoch"


def time_text(time: Pace) -> str:
    """`1h20m to 2h30m`; `–` where it is not known."""
    if time.low_s is None or time.high_s is None:
        return UNKNOWN
    low, high = duration_label(time.low_s), duration_label(time.high_s)
    return low if low == high else f"{low} to {high}"


def cost_text(money: Cost) -> str:
    """`$1.20 to $2.40`; `–` where it is not known."""
    if money.low is None or money.high is None or money.rate is None:
        return UNKNOWN
    low, high = _amount(money.low, money.rate.currency), _amount(money.high, money.rate.currency)
    return low if low == high else f"{low} to {high}"


def _amount(value: float, currency: str) -> str:
    sign = plain(currency)
    if 0 < value < 0.01:
        return f"<{sign}0.01"
    return f"{sign}{value:,.2f}" if value < 100 else f"{sign}{value:,.0f}"


def memory_text(outlook: Outlook) -> str:
    """What is needed and what is free, in words."""
    found = outlook.assessment
    if found is None:
        return plain(outlook.problem) or UNKNOWN
    text = f"{gib(found.estimate.needed_bytes)} GiB needed"
    if found.free_bytes is not None:
        return f"{text}, {gib(found.free_bytes)} free: {WORDS[found.verdict]}"
    return f"{text}; {'its free memory is not known' if found.gpu is not None else 'no GPU here'}"


def verdict_piece(outlook: Outlook) -> Piece:
    """The verdict with its sign."""
    return VERDICT_WORDS[outlook.assessment.verdict if outlook.assessment is not None else "unknown"]
