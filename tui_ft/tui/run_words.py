"""What the run screen says and offers: header, alerts, titles, and which keys make sense."""

from __future__ import annotations

from tui_ft.runs.records import ENDED, Cause, Status
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import Kind
from tui_ft.tui.widgets.lines import Line, Piece, pack
from tui_ft.watch.eta import clock_label
from tui_ft.watch.reading import MemoryCurve, Reading

OVER: frozenset[str] = ENDED | {"lost"}
"""A run in one of these does nothing more unless it is resumed."""

_SIGNS = {
    "running": ("▶", "live"), "starting": ("▶", "live"), "paused": ("‖", "warn"),
    "stopping": ("■", "warn"), "finished": ("✓", "good"), "stopped": ("■", "warn"),
    "failed": ("✗", "bad"), "lost": ("✗", "bad"), "quiet": ("?", "warn"), "queued": ("·", "muted"),
}  # fmt: skip

_REMEDIES: dict[Cause, str] = {
    "cuda_oom": "The GPU has too little memory: lower training.batch_size or data.max_length, or use QLoRA.",
    "host_oom": "The box has too little memory: close what else runs, or take a smaller model.",
    "disk_full": "Make room on the disk of the runs root.",
    "preempted": "The machine took the run away.",
}


STEERING = frozenset({"stop", "kill", "save", "pause", "go_on", "resume", "restart", "save_preset"})
"""What is done to a run of ours only: another's is watched."""


def is_offered(action: str, status: Status, *, is_ours: bool = True) -> bool:
    """Say whether a key of the run screen makes sense while the run has this status."""
    if not is_ours and action in STEERING:
        return False
    is_over = status in OVER
    is_steerable = not is_over and status not in ("stopping", "queued")
    offered = {
        "stop": not is_over,
        "kill": not is_over,
        "save": is_steerable,
        "pause": is_steerable and status != "paused",
        "go_on": status == "paused",
        "resume": is_over and status != "finished",
    }
    return offered.get(action, True)


def header_line(reading: Reading, now: float, width: int) -> Line:
    """Name, status, what is trained and how, attempt and start; what does not fit is left out whole."""
    sign, kind = _SIGNS.get(reading.status, ("?", "warn"))
    pieces: list[Piece] = [
        (f" {plain(reading.title)}", "strong"),
        (f"{sign} {reading.status}", kind),
        (" · ".join(part for part in (reading.method, reading.model) if part), ""),
    ]
    if reading.attempt > 1:
        pieces.append((f"attempt {reading.attempt}", "muted"))
    if reading.started_at is not None:
        pieces.append((f"started {clock_label(reading.started_at, now)}", "muted"))
    if reading.bad_records:
        pieces.append((f"{reading.bad_records} bad lines", "warn"))
    if not reading.is_complete:
        pieces.append(("reading…", "muted"))
    return pack([piece for piece in pieces if piece[0]], width)


def standing_alert(reading: Reading) -> tuple[str, str, Kind]:
    """Headline, text and kind of what the reading itself has to say; empty when all is well."""
    if reading.status == "failed":
        return "FAILED", _sentences(_why(reading), _remedy(reading)), "bad"
    if reading.status == "lost":
        return "LOST", _sentences(reading.reason or "its processes are gone", _go_on(reading)), "bad"
    if reading.status in ("quiet", "unknown"):
        return "", _sentences(reading.reason, *reading.notes), "warn"
    if reading.status == "paused":
        return "PAUSED", "The run still holds its memory and still costs money. p goes on.", "warn"
    if reading.status == "stopped":
        return "STOPPED", _sentences(_why(reading), _go_on(reading)), "warn"
    if reading.reason == "unsupervised":
        return "", "Its supervisor is gone; the training goes on, and stop and save work.", "warn"
    if reading.warnings and reading.status != "finished":
        return "", reading.warnings[-1].message, "warn"
    return "", "", "good"


def _why(reading: Reading) -> str:
    if reading.exit is not None and reading.exit.message:
        return reading.exit.message
    if reading.end is not None and reading.end.message:
        return reading.end.message
    return reading.reason


def cause_text(reading: Reading) -> str:
    """Why a run ended, and what to do about it where that is known; not how to go on with it."""
    return _sentences(_why(reading), _known_remedy(reading))


def _known_remedy(reading: Reading) -> str:
    return _REMEDIES.get(reading.exit.cause, "") if reading.exit is not None else ""


def _remedy(reading: Reading) -> str:
    return _sentences(_known_remedy(reading), _go_on(reading))


def _go_on(reading: Reading) -> str:
    if reading.checkpoints:
        newest = max(kept.step for kept in reading.checkpoints)
        return f"R resumes from the checkpoint of step {newest}, r starts anew."
    return "r starts it anew; the log below has the details."


def _sentences(*texts: str) -> str:
    """Join texts as sentences."""
    cleaned = [" ".join(text.split()) for text in texts]
    return " ".join(text if text[-1] in ".!?:" else text + "." for text in cleaned if text)


def memory_titles(memory: MemoryCurve | None) -> tuple[str, ...]:
    """What the memory chart shows, and against what: a GPU's memory, or the trainer's on a CPU.

    Several wordings, the longest first; what is not known is in none of them.
    """
    kind = "CPU" if memory is not None and not memory.is_gpu else "GPU"
    if memory is None or memory.used_gib is None:
        return (f"{kind} memory", "Memory", "mem") if memory is not None else ("Memory", "mem")
    used = _gib(memory.used_gib)
    if memory.total_gib is None:
        return f"{kind} memory {used} GiB", f"{kind} {used} GiB", f"mem {used}", "mem"
    total = _gib(memory.total_gib)
    plain_wordings = (
        f"{kind} memory {used} / {total} GiB", f"{kind} memory {used}/{total} GiB",
        f"{kind} {used}/{total} GiB", f"{kind} {used}/{total}", f"mem {used}/{total}", "mem",
    )  # fmt: skip
    if memory.free_gib is None:
        return plain_wordings
    free = _gib(memory.free_gib)
    long = () if memory.is_gpu else (f"CPU memory: trainer {used} GiB, limit {total}, {free} free",)
    return (
        *long,
        f"{kind} memory {used} of {total} GiB, {free} free",
        f"{kind} {used} of {total} GiB, {free} free",
        f"{kind} {used}/{total} GiB, free {free}",
        f"{kind} {used}/{total}, free {free}",
        *plain_wordings,
    )


def _gib(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
