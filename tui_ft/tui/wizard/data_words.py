"""The Data step in words: what the data set is, how many of its rows are trained on, and what that makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.tui.text import plain
from tui_ft.tui.widgets.lines import Line, Piece, pack
from tui_ft.tui.widgets.text_panel import Entry

if TYPE_CHECKING:
    from tui_ft.data.findings import Findings, Problem
    from tui_ft.guide.volume import Volume
    from tui_ft.tui.wizard.checking import HowFar
    from tui_ft.tui.wizard.data_desk import DataDesk
    from tui_ft.tui.wizard.data_sets import Source

TRAINED_ON = {"completion": "the last answer", "assistant": "every answer", "all": "every token"}
"""`data.train_on` as people say it."""

_FORMATS = {
    "sharegpt": "ShareGPT chats", "messages": "chats (messages)", "alpaca": "Alpaca", "text": "plain text",
    "prompt_completion": "prompt and completion", "preference": "preference pairs",
    "kto": "labelled answers (KTO)", "prompt_only": "prompts without answers", "unknown": "unknown format",
}  # fmt: skip
_CONTAINERS = {
    "jsonl": "JSONL",
    "json": "JSON",
    "csv": "CSV",
    "tsv": "TSV",
    "parquet": "Parquet",
    "text": "text",
}


def head_lines(
    desk: DataDesk, far: HowFar | None, is_checking: bool, volume: Volume, width: int
) -> list[Line]:
    """The four lines on top of the step: the data set, its rows, its columns, what training makes of it."""
    source = desk.source
    if source is None:
        return [((" No data yet.", "strong"),), ((" f chooses a file.", "muted"),)]
    found = desk.findings_of(source)
    return [
        _what(desk, source, found, width),
        _progress(far, width) if is_checking else _rows(desk, source, found, width),
        _columns(found, source, width),
        _makes(desk, volume, found, width),
    ]


def _what(desk: DataDesk, source: Source, found: Findings | None, width: int) -> Line:
    pieces: list[Piece] = [(f" {plain(source.name)}", "strong")]
    count = len(desk.sets.all)
    if count > 1:
        place = desk.at + 1
        role = "held out" if source.is_eval else f"weight {source.weight:g}"
        pieces.append((f"({place} of {count}, {role})", "live"))
    if found is not None:
        container = _CONTAINERS.get(found.container or "", "")
        pieces.append(
            (f"{_FORMATS.get(found.format, found.format)}{f' in {container}' if container else ''}", "")
        )
    if source.is_here:
        pieces.append((plain(_home(str(Path(source.key).parent))), "muted"))
    else:
        pieces.append(("a data set on the Hub", "muted"))
    return pack(pieces, width)


def _home(path: str) -> str:
    home = str(Path.home())
    return f"~{path[len(home) :]}" if path == home or path.startswith(f"{home}/") else path


def _progress(far: HowFar | None, width: int) -> Line:
    if far is None:
        return ((" Checking every row …", "live"),)
    share = f" {far.share:.0%}".replace("%", " %") if far.share is not None else ""
    what = "Counting the tokens" if far.is_second else "Checking every row"
    text = f" {what} …{share}  {far.rows:,} so far, {far.usable:,} usable"
    return pack([(text, "live"), ("Esc stops it", "muted")], width)


def _rows(desk: DataDesk, source: Source, found: Findings | None, width: int) -> Line:
    if not source.is_here:
        return ((" Its rows are read by the trainer: it is not on this disk.", "warn"),)
    if problem := desk.known.problems.get(source.key):
        return pack([(f" ✗ {plain(problem)}", "bad")], width)
    if found is None:
        return ((" Not checked yet.", "muted"),)
    refusal = desk.refusal_of(source)
    skipped = found.rows - found.usable_rows
    if refusal and not found.usable_rows:
        none = f"None of {rows(found.rows)} can be trained on" if found.rows else "It has no row"
        return pack([(f" ✗ {none}", "bad")], width)
    is_whole = not skipped and not found.is_partial
    kind, sign = ("bad", "✗") if refusal else ("good", "✓") if is_whole else ("warn", "!")
    text = f" {sign} {found.usable_rows:,} of {rows(found.rows)} can be trained on"
    pieces: list[Piece] = [(text, kind)]
    if refusal:
        pieces = [
            (" ✗ It cannot be trained on as it is", "bad"),
            (f"{found.usable_rows:,} of {rows(found.rows)} are usable", ""),
        ]
    elif skipped:
        pieces.append((f"{skipped:,} will be skipped", "warn"))
    if found.is_partial:
        pieces.append(("stopped early", "warn"))
    return pack(pieces, width)


def rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _columns(found: Findings | None, source: Source, width: int) -> Line:
    if found is None or not found.columns:
        return (("", ""),)
    given = source.columns or {}
    pieces: list[Piece] = [(" Columns", "muted")]
    for ours, theirs in found.mapping.items():
        text = plain(theirs) if ours == theirs else f"{ours} ← {plain(theirs)}"
        pieces.append((text, "strong" if ours in given else ""))
    unused = [plain(name) for name in found.columns if name not in found.mapping.values()]
    if unused:
        pieces.append((f"not used: {', '.join(unused)}", "muted"))
    return pack(pieces, width)


def _makes(desk: DataDesk, volume: Volume, found: Findings | None, width: int) -> Line:
    data = desk.data
    pieces: list[Piece] = []
    tokens = volume.tokens_per_epoch or None
    trained = f"trained: {TRAINED_ON[data.train_on]}"
    if tokens is not None:
        is_counted = volume.counted == "tokens"
        trained = _trained_share(found, trained) if is_counted else trained
        pieces.append((f"{'' if is_counted else 'about '}{short(tokens)} tokens an epoch, {trained}", ""))
    else:
        pieces.append((trained, ""))
    held = f"{rows(volume.held_out_rows)} held out" if volume.held_out_rows is not None else ""
    if data.eval:
        pieces.append((f"{held or 'held out:'} (a file of its own)", ""))
    elif held:
        pieces.append((f"{held} ({data.eval_fraction * 100:g} %)", ""))
    return pack([(f" {pieces[0][0]}", pieces[0][1]), *pieces[1:]], width)


def _trained_share(found: Findings | None, trained: str) -> str:
    """How much of the tokens the loss counts, in front of which ones."""
    if found is None or not found.tokens or found.trained_tokens is None:
        return trained
    return f"{found.trained_tokens / found.tokens * 100:.0f} % {trained}"


def short(number: float) -> str:
    """A large number with the digits that matter."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            value = number / limit
            return f"{value:.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"
    return f"{number:.0f}"


def hint(desk: DataDesk, checking: str = "") -> str:
    """What a key could make better here, or the data set that is being `checking` meanwhile; else ""."""
    if checking:
        return f"Checking {checking} …"
    found, loaded = desk.findings, desk.known.loaded
    if found is not None and found.is_partial:
        return "The check was stopped before the last row: r begins it anew, Enter goes on all the same."
    if found is not None and found.format == "unknown" and found.columns:
        return "c says which column plays which part."
    if desk.can_be_written:
        return "w writes the usable rows to a file of their own, which can be trained on."
    if loaded.why_not:
        more = " g fetches it; until then lengths are in characters." if loaded.can_be_fetched else ""
        return f"{loaded.why_not}{more}"
    wish = found.suggested_max_length if found else None
    if wish is None or wish == desk.data.max_length:
        return ""
    lost = next((one.count for one in found.problems if one.code == "nothing_left"), 0) if found else 0
    if lost:
        lost_text = f"{rows(lost)} lose their answer at {desk.data.max_length:,} tokens"
        return f"{lost_text}: l takes {wish:,}, for more memory."
    why = "enough for nearly every row here"
    if wish > desk.data.max_length:
        why = "fewer rows are cut, and more memory is needed"
    return f"l takes {wish:,} tokens as the length, now {desk.data.max_length:,}: {why}."


def about(desk: DataDesk, problem: Problem | None) -> tuple[str, list[Entry]]:
    """A title and what stands under it: on the chosen problem, or on why nothing is known; else nothing."""
    source = desk.source
    if problem is not None:
        return problem.code, problem_entries(problem)
    if source is None:
        return "", []
    if not source.is_here:
        return "A data set on the Hub", [(line, "") for line in _ON_THE_HUB]
    if failure := desk.known.problems.get(source.key):
        return "It could not be checked", [(plain(failure), "bad")]
    return "", []


_ON_THE_HUB = (
    "The trainer fetches it at the start, reads its training split, and says which rows it skips.",
    "To have every row checked before: fetch it to this disk and choose the file, for example with",
    "  hf download --repo-type dataset NAME --local-dir data",
)


def problem_entries(problem: Problem) -> list[Entry]:
    """All that is known of a problem: what, what to do, where, and samples."""
    kind = {"error": "bad", "warning": "strong", "note": "strong"}[problem.severity]
    entries: list[Entry] = [(plain(problem.message), kind), (f"Fix  {plain(problem.fix)}", "")]
    if problem.rows:
        shown = ", ".join(f"{row:,}" for row in problem.rows)
        more = problem.count - len(problem.rows)
        entries.append((f"Rows {shown}{f' and {more:,} more' if more > 0 else ''}", ""))
        entries.append(("v shows these rows one by one", "muted"))
    entries += [(f"  {plain(sample)}", "code") for sample in problem.samples]
    return entries
