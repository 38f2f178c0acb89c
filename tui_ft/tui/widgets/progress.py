"""The line that says what the run is doing, how far it is, and when it will be done."""

from __future__ import annotations

from tui_ft.tui.text import gib
from tui_ft.tui.widgets.lines import Line, Lines, Piece
from tui_ft.watch.eta import clock_label, duration_label, seconds_left
from tui_ft.watch.reading import Activity, Reading

_SHORTEST_BAR = 6
_LONGEST_BAR = 60


class Progress(Lines):
    """One line: phase, bar, steps, epoch, time left."""

    def show(self, reading: Reading, now: float, seen_pace: float | None = None) -> None:
        self.set_lines([progress_line(reading, now, self.size.width, seen_pace)])


def progress_line(reading: Reading, now: float, width: int, seen_pace: float | None = None) -> Line:
    """Lay out the line in `width` columns; the bar takes what the words leave.

    `seen_pace` in seconds a step is that of a run which tells no times itself.
    """
    activity = reading.activity
    phase = _phase(reading)
    counted = activity is not None and activity.total and activity.phase not in ("training", "paused")
    part: float | None = None
    words = [] if reading.step is None else [f"step {reading.step}"]
    if counted and activity is not None and activity.total and activity.done is not None:
        part = activity.done / activity.total
        words = [_counted(activity)]
    elif reading.step is not None and reading.total_steps and reading.total_steps > 0:
        done, total = max(reading.step, 0), reading.total_steps
        part = done / total if done < total else 1.0
        words = [f"{reading.step}/{total}", f"{100 * done // total}%"]
    if reading.epoch is not None and not counted:
        words.append(f"epoch {reading.epoch:.2f}")
    if timing := _timing(reading, now, seen_pace):
        words.append(timing)
    return _lay_out(phase, part, words, width)


def _lay_out(phase: str, part: float | None, words: list[str], width: int) -> Line:
    """A bar stands only for a part that is known: an empty one would say that nothing was done."""
    while words and 2 + len(phase) + sum(len(word) + 2 for word in words) > width:
        words = words[:-2] + words[-1:] if len(words) > 2 else words[:-1]
    tail = "".join("  " + word for word in words)
    room = min(width - 4 - len(phase) - len(tail), _LONGEST_BAR)
    pieces: list[Piece] = [(" " + phase, "strong")]
    if part is not None and room >= _SHORTEST_BAR:
        full = int(min(max(part, 0.0), 1.0) * room + 0.5)
        pieces += [("  ", ""), ("━" * full, "live"), ("─" * (room - full), "muted")]
    pieces.append((tail, ""))
    return tuple(pieces)


def _phase(reading: Reading) -> str:
    if reading.status in ("finished", "stopped", "failed", "lost"):
        return reading.status
    if reading.activity is None:
        return reading.status
    if reading.status == "stopping":
        return f"stopping ({reading.activity.phase})"
    detail = reading.activity.detail
    return f"{reading.activity.phase} {detail}" if detail and len(detail) <= 30 else reading.activity.phase


def _counted(activity: Activity) -> str:
    done, total = activity.done or 0, activity.total or 0
    if activity.unit == "bytes":
        return f"{gib(done)} of {gib(total)} GiB"
    return f"{done:,} of {total:,} {activity.unit}".rstrip()


def _timing(reading: Reading, now: float, seen_pace: float | None) -> str:
    if reading.ended_at is not None and reading.started_at is not None:
        took = duration_label(reading.ended_at - reading.started_at)
        return f"took {took}, ended {clock_label(reading.ended_at, now)}"
    if reading.status not in ("running", "starting"):
        return ""
    if reading.activity is None or reading.activity.phase == "training":
        since = reading.restart_steps[-1] if reading.restart_steps else 0.0
        left = seconds_left(reading.times, reading.step, reading.total_steps, since, seen_pace)
        at = now if reading.updated_at is None else reading.updated_at
        if left is not None:
            return f"{coarse_duration(left)} left, ends {clock_label(at + left, now)}"
        return ""
    return f"since {clock_label(reading.activity.since, now)}"


def coarse_duration(seconds: float) -> str:
    """Return a duration rounded so that it changes seldom: 5 s, then minutes, then quarters of an hour."""
    for limit, unit in ((120.0, 5.0), (7_200.0, 60.0)):
        if seconds < limit:
            return duration_label(-(-seconds // unit) * unit).removesuffix("00s")
    return duration_label(-(-seconds // 900) * 900)
