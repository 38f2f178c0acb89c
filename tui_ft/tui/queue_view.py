"""What the queue's screen says of a run that waits: why, since when, on what terms, and what it will take."""

from __future__ import annotations

from tui_ft.runs.directory import without_date
from tui_ft.runs.queueing.listing import QueueListing, QueueRow
from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.lines import Piece
from tui_ft.tui.widgets.text_panel import Entry
from tui_ft.watch.eta import clock_label, duration_label

_LABEL = 10


def head(listing: QueueListing) -> list[Piece]:
    """What goes on now, and whether anything will start after it."""
    pieces: list[Piece] = []
    if listing.is_held:  # first: what has no room on the line is left out from the end
        pieces.append(("‖ Held: nothing starts until g.", "warn"))
    for one in listing.going[:3]:
        left = f", about {duration_label(one.left_s)} left" if one.left_s is not None else ""
        pieces.append((f"▶ {plain(without_date(one.id))} is {one.status}{left}", "live"))
    if len(listing.going) > 3:
        pieces.append((f"and {len(listing.going) - 3} more", ""))
    if not listing.going:
        pieces.append(("Nothing of ours runs now.", ""))
    return pieces


def facts(row: QueueRow, listing: QueueListing, now: float) -> list[Entry]:
    """One run that waits, in a few lines."""
    entry = row.entry
    begins = starts_at(row, listing, now)
    lines: list[Entry] = [(_why(row, listing), "warn" if row.word == "held" else "strong")]
    if begins is not None and row.word != "held":
        lines.append(_line("Starts", f"about {clock_label(begins, now)}, if all goes as it did before"))
    lines += [
        _line("Model", f"{plain(row.model)} · {plain(row.method)}"),
        _line("Memory", _memory(row)),
        _line("Takes", _takes(row)),
        _line("Terms", "; ".join(_terms(row))),
    ]
    by = f" by {plain(entry.added_by)}" if entry.added_by else ""
    if entry.added_at:
        lines.append(_line("Added", f"{clock_label(entry.added_at, now)}{by}"))
    lines.append(_line("Folder", str(row.path)))
    return lines


def starts_at(row: QueueRow, listing: QueueListing, now: float) -> float | None:
    """When its turn is likely to come (unix seconds); None while anything before it is not known."""
    if listing.is_held:
        return None
    when = now
    for going in listing.going:
        if going.left_s is None:
            return None
        when = max(when, now + going.left_s)
    for other in listing.rows[: row.place - 1]:
        if other.word == "held":
            continue
        if other.forecast.seconds is None:
            return None
        when += other.forecast.seconds
    return when


def _why(row: QueueRow, listing: QueueListing) -> str:
    why = plain(row.why)
    if row.word == "held":
        return f"‖ Held: {why}." + ("" if listing.is_held else " g lets it start in its turn.")
    if row.word == "starting":
        return "▷ It is being started."
    return f"· It waits: {why}."


def _memory(row: QueueRow) -> str:
    needed = row.entry.needed_bytes
    if needed is None:
        return "not known, so nothing is waited for but its turn"
    return f"about {gib(needed)} GiB of a GPU; it waits until so much is free"


def _takes(row: QueueRow) -> str:
    forecast = row.forecast
    if forecast.seconds is None:
        return "not known: no run with the same data and settings has finished here"
    cost = f", {forecast.cost.text}" if forecast.cost is not None else ""
    return f"about {duration_label(forecast.seconds)}{cost}, as {plain(without_date(forecast.like))} did"


def _terms(row: QueueRow) -> list[str]:
    entry = row.entry
    terms = [
        "only after a run that finished" if entry.after == "finished" else "also after a run that failed",
        "beside other runs when memory is free" if entry.beside else "alone on its GPU",
    ]
    return [*terms, "whatever the estimate says"] if entry.any_memory else terms


def _line(label: str, text: str) -> Entry:
    return f"{label:<{_LABEL}}{text}", ""
