"""What a run came to: the result, how the answers changed, and how to load it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size

from tui_ft.runs.records import SampleEvent
from tui_ft.tui.widgets.text_panel import Entry, TextPanel, wrap
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Reading
from tui_ft.watch.scales import number_label

LONGEST_ANSWER = 400
"""Longer prompts and answers are shortened: the whole of them stands in events.jsonl."""

LEAST_LOG = 2
"""Lines that the log under it keeps: its title and its last line."""


class Outcome(TextPanel):
    """Appears when the run has ended with something to show; it asks for no more room than that takes."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("Result", id=id)

    def show(self, reading: Reading) -> None:
        self.set_detail(_change(reading))
        self.set_entries(outcome_lines(reading))

    def set_entries(self, entries: Sequence[Entry]) -> None:
        if tuple(entries) != self._entries:
            super().set_entries(entries)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All its lines, as long as the log keeps its least: no height in a style sheet can say that."""
        taken = sum(
            int(other.styles.height.value)
            for other in self.siblings
            if other.display
            and not other.styles.is_docked
            and other.styles.height
            and other.styles.height.is_cells
        )
        lines = sum(len(wrap(text, max(width - 1, 1))) for text, _ in self._entries)
        return max(min(lines + 1, container.height - taken - LEAST_LOG), 1)


def has_outcome(reading: Reading) -> bool:
    """True when a run that is over left a result."""
    return (
        reading.status in ("finished", "stopped")
        and reading.end is not None
        and reading.end.result is not None
    )


def outcome_lines(reading: Reading) -> list[Entry]:
    """The outcome, most wanted first: where it lies, an answer before and after, how to load it, the rest."""
    end = reading.end
    if end is None or end.result is None:
        return []
    lines: list[Entry] = [(f"{clean_line(end.result)}  {size_label(end.result_bytes)}".rstrip(), "good")]
    answers = _answers(reading.samples)
    code = [clean_line(line) for line in (end.usage or "").splitlines()]
    lines += [line for answer in answers[:1] for line in answer]
    lines += [(line, "code") for line in code if line.strip()]
    return lines + [line for answer in answers[1:] for line in answer]


def _change(reading: Reading) -> str:
    """First and last loss."""
    parts = []
    for name, label in (("loss", "loss"), ("eval_loss", "eval loss")):
        series = reading.series.get(name)
        if series is not None and series.first is not None and series.last is not None and len(series) > 1:
            parts.append(f"{label} from {number_label(series.first[1])} to {number_label(series.last[1])}")
    return "   ".join(parts)


def _answers(samples: tuple[SampleEvent, ...]) -> list[list[Entry]]:
    """For each prompt its lines: what was asked, answered before and after, and wanted."""
    answers: list[list[Entry]] = []
    for index in sorted({sample.index for sample in samples}):
        pair = {sample.when: sample for sample in samples if sample.index == index}
        asked = next(iter(pair.values()))
        lines: list[Entry] = [(f"Prompt  {_one_line(_question(asked))}", "muted")]
        if "before" in pair:
            lines.append((f"Before  {_one_line(pair['before'].answer)}", ""))
        if "after" in pair:
            lines.append((f"After   {_one_line(pair['after'].answer)}", "strong"))
        if asked.expected:
            lines.append((f"Wanted  {_one_line(asked.expected)}", "muted"))
        answers.append(lines)
    return answers


def _question(sample: SampleEvent) -> str:
    """What was asked, without the chat template's marks where the messages are known."""
    asked = [message.get("content", "") for message in sample.messages or [] if message.get("role") == "user"]
    return asked[-1] if asked else sample.prompt


def _one_line(text: str) -> str:
    shown = " ".join(clean_line(text.replace("\n", " ").replace("\r", " ")).split())
    return shown if len(shown) <= LONGEST_ANSWER else shown[: LONGEST_ANSWER - 1] + "…"


def size_label(size: int | None) -> str:
    """Return bytes as KiB, MiB or GiB."""
    if size is None:
        return ""
    for limit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= limit:
            return f"({size / limit:.1f} {name})"
    return f"({size} bytes)"
