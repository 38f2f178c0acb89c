"""What a reading itself has to say that the user must know: why a run ended, and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_ft.health.finding import Finding, Level
from tui_ft.runs.records import ENDED, Cause
from tui_ft.tui.widgets.alert import Kind
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from tui_ft.watch.post_mortem import PostMortem

_REMEDIES: dict[Cause, str] = {
    "cuda_oom": "The GPU has too little memory: lower training.batch_size or data.max_length, or use QLoRA.",
    "host_oom": "The box has too little memory: close what else runs, or take a smaller model.",
    "disk_full": "Make room on the disk of the runs root.",
}
_KINDS: dict[Level, Kind] = {"error": "bad", "warning": "warn", "note": "muted"}
_LONGEST_REASON = 240
_FOREIGN_REMEDY = "A smaller batch, shorter rows or gradient checkpointing take less memory."


def standing_alert(
    reading: Reading, post: PostMortem | None = None, *, is_ours: bool = True
) -> tuple[str, str, Kind]:
    """Headline, text and kind of what the reading itself has to say; empty when all is well.

    `post` is how it ended, once that was looked into. Keys that act are named for a run of ours only.
    """
    headline, text, kind = _alert(reading, post)
    if post is not None:
        return headline, _sentences(text, _end_keys(post)) if headline else text, kind
    finding = next((one for one in reading.findings if one.level != "note"), None)
    if finding is None or reading.status in ENDED or headline:
        return headline, text, kind
    keys = _finding_keys(finding, is_ours=is_ours)
    return finding.level.upper(), _sentences(finding.message, keys), _KINDS[finding.level]


def _finding_keys(finding: Finding, *, is_ours: bool) -> str:
    if not is_ours:
        return "h: why"
    fix = f"F: {finding.fixes[0].title}, " if finding.fixes else ""
    return f"h: why, {fix}z: silence"


def _end_keys(post: PostMortem) -> str:
    fix = next((one for one in post.fixes if one.changes or one.command), None)
    return "h: why" + (f", F: {fix.title}" if fix is not None and fix == post.fixes[0] else "")


def _alert(reading: Reading, post: PostMortem | None) -> tuple[str, str, Kind]:
    if reading.source != "tui_ft":
        return _alert_of_another(reading)
    if reading.status == "failed":
        return "FAILED", _sentences(_why(reading), _remedy(reading, post), _go_on(reading, post)), "bad"
    if reading.status == "lost":
        return "LOST", _sentences(reading.reason or "its processes are gone", _go_on(reading, post)), "bad"
    if reading.status in ("quiet", "unknown"):
        return "", _sentences(reading.reason, *reading.notes), "warn"
    if reading.status == "paused":
        return "PAUSED", "The run still holds its memory and still costs money. p goes on.", "warn"
    if reading.status == "stopped":
        return "STOPPED", _sentences(_after("stopped", _why(reading)), _go_on(reading, post)), "warn"
    if reading.reason == "unsupervised":
        return "", "Its supervisor is gone; the training goes on, and stop and save work.", "warn"
    if reading.attempt_warnings and reading.status != "finished":
        return "", reading.attempt_warnings[-1].message, "warn"
    return "", "", "good"


def _alert_of_another(reading: Reading) -> tuple[str, str, Kind]:
    """The same for a run that was started without us: there is no key to go on with it."""
    notes = reading.notes
    if reading.status == "failed":
        remedy = _FOREIGN_REMEDY if "out of memory" in reading.reason.lower() else ""
        return "FAILED", _sentences(_brief(reading.reason) or "It says no cause", remedy, *notes), "bad"
    if reading.status == "lost":
        return "LOST", _sentences(reading.reason or "Its process is gone", *notes), "bad"
    if reading.status == "stopped":
        return "STOPPED", _sentences(_after("stopped", reading.reason), *notes), "warn"
    if reading.status in ("quiet", "unknown"):
        return "", _sentences(reading.reason, *notes), "warn"
    return "", _sentences(*notes), "muted"


def _after(headline: str, reason: str) -> str:
    """A reason behind its headline, which is not said twice: STOPPED by Ctrl-C."""
    start, _, rest = reason.partition(" ")
    return rest if start.lower() == headline and rest else reason


def _brief(reason: str) -> str:
    """The beginning of a long reason: the remedy behind it is to be seen, too, and the log has it whole."""
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1].rstrip() + "…"


def _why(reading: Reading) -> str:
    if reading.exit is not None and reading.exit.message:
        return reading.exit.message
    if reading.end is not None and reading.end.message:
        return reading.end.message
    return reading.reason


def cause_text(reading: Reading) -> str:
    """Why a run ended, and what to do about it where that is known; not how to go on with it."""
    return _sentences(_why(reading), _remedy(reading))


def _remedy(reading: Reading, post: PostMortem | None = None) -> str:
    """What helps against the cause. An evaluation without memory says nothing against the training."""
    if reading.exit is None or (post is not None and post.ending == "eval_oom"):
        return ""
    return _REMEDIES.get(reading.exit.cause, "")


def _go_on(reading: Reading, post: PostMortem | None) -> str:
    """Where R goes on: what is whole on the disk counts, as soon as that was looked at."""
    steps = [kept.step for kept in reading.checkpoints]
    if post is not None and post.is_ours:
        steps = [post.kept.step] if post.kept is not None else []
    if steps:
        return f"R resumes from the checkpoint of step {max(steps)}, r starts anew."
    return "r starts it anew; the log below has the details."


def _sentences(*texts: str) -> str:
    """Join texts as sentences."""
    cleaned = [" ".join(text.split()) for text in texts]
    return " ".join(text if text[-1] in ".!?:…" else text + "." for text in cleaned if text)
