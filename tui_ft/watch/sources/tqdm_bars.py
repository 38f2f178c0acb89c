"""Progress bars of tqdm, as they are drawn into a log."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BAR = re.compile(
    r"%(?:\|[^|\r\n]{0,400}\|)? *(?P<n>\d{1,15})/(?P<total>\d{1,15})"
    r" \[(?P<elapsed>[\d:]{4,12})<(?P<left>[^,\]]{1,24})"
    r"(?:, *(?P<rate>[^,\]]{1,24}))?(?P<post>,[^\]\r\n]{0,2000})?\]"
)
_LONGEST_LABEL = 300
_MOST_TRIES = 8
_STAMPS = re.compile(r"^(?:(?:\[[^\]]{0,80}\]:?|[#>|]|[\d:.,TZ-]{8,40}|[\w.-]{1,80} ?\|)(?:\s+|$))+")
_RATE = re.compile(r"([\d.]+)(it/s|s/it)")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One drawing of a bar: `n` of `total`, what stands before and after it, seconds a step where known."""

    n: int
    total: int
    label: str
    postfix: str
    step_s: float | None

    @property
    def is_bare(self) -> bool:
        """True for a bar without a label: the trainer's own bars have none."""
        return not self.label


def read_bar(text: str) -> tuple[Bar, int] | None:
    """Return the bar in a text and where it ends; None for a text without one."""
    if "<" not in text:
        return None
    at, match = text.find("%"), None
    for _ in range(_MOST_TRIES):
        if at < 0 or (match := _BAR.match(text, at)) is not None:
            break
        at = text.find("%", at + 1)
    if match is None:
        return None
    n, total = int(match["n"]), int(match["total"])
    if not total or n > total:
        return None
    bar = Bar(
        n=n,
        total=total,
        label=_label(text[max(at - _LONGEST_LABEL, 0) : at]),
        postfix=(match["post"] or "").strip(", "),
        step_s=_seconds(match["rate"] or ""),
    )
    return bar, match.end()


def _label(text: str) -> str:
    """What stands before a bar, but its percentage and what a launcher puts before every line."""
    text = text.rstrip("0123456789").strip(" :\t\x00")
    return _STAMPS.sub("", text) if text else ""


def _seconds(rate: str) -> float | None:
    match = _RATE.search(rate)
    if match is None:
        return None
    try:
        number = float(match[1])
    except ValueError:
        return None
    if match[2] == "s/it":
        return number
    return 1.0 / number if number else None
