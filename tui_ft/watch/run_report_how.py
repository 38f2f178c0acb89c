"""How a run went, for its report: its series, what was evaluated, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tui_ft.runs.records import SampleEvent
from tui_ft.watch.eta import duration_label
from tui_ft.watch.markdown import NOT_KNOWN, brief, code, count, number, table, text
from tui_ft.watch.run_report_facts import ReportFacts
from tui_ft.watch.series import Curve

MOST_SERIES = 40
MOST_SAMPLES = 6


def series(facts: ReportFacts) -> Iterator[str]:
    """Every series in a table, with the numbers of the run itself."""
    known = sorted((name, one) for name, one in facts.reading.series.items() if len(one))
    rows = []
    for name, one in known[:MOST_SERIES]:
        first, last = one.first or (0.0, None), one.last or (0.0, None)
        values = (first[1], last[1], *(one.extent() or (None, None)))
        said = brief if name == "learning_rate" else number
        rows.append([code(name), count(len(one)), *map(said, values), count(one.nonfinite)])
    yield from table(["Series", "Points", "First", "Last", "Min", "Max", "Not finite"], rows)
    if len(known) > MOST_SERIES:
        yield ""
        yield f"and {len(known) - MOST_SERIES} more series."


def evaluation(facts: ReportFacts) -> Iterator[str]:
    """What the held-out rows say, and answers before and after."""
    curve = facts.reading.series.get("eval_loss")
    if curve is None or not len(curve):
        yield "Nothing was evaluated: no loss on held-out rows is known."
    else:
        yield from _eval_loss(curve, facts)
    yield from _answers(facts.reading.samples)


def _eval_loss(curve: Curve, facts: ReportFacts) -> Iterator[str]:
    points = [(curve.steps[at], curve.values[at]) for at in range(len(curve))]
    finite = [point for point in points if math.isfinite(point[1])]
    first, last = points[0], points[-1]
    rows = [["first", number(first[0]), number(first[1]), number(_perplexity(first[1]))]]
    best = min(finite, key=lambda point: point[1]) if finite else None
    if best is not None:
        rows.append(["best", number(best[0]), number(best[1]), number(_perplexity(best[1]))])
    rows.append(["last", number(last[0]), number(last[1]), number(_perplexity(last[1]))])
    yield from table(["Evaluation", "Step", "Loss", "Perplexity"], rows)
    loss = facts.reading.last("loss")
    if loss is not None and math.isfinite(loss) and math.isfinite(last[1]):
        yield ""
        apart = f"{number(abs(last[1] - loss))} {'above' if last[1] >= loss else 'below'}"
        yield f"The last evaluation is {apart} the last training loss ({number(loss)})."
    if best is not None and best[0] < last[0]:
        yield ""
        yield f"The best one was at step {number(best[0])}, not the last: the run overfits, or is noisy."


def _perplexity(loss: float) -> float | None:
    return math.exp(loss) if loss < 700 else math.inf if loss == loss else math.nan


def _answers(samples: Sequence[SampleEvent]) -> Iterator[str]:
    before = {one.index: one for one in samples if one.when == "before"}
    after = {one.index: one for one in samples if one.when == "after"}
    rows = [
        [text(_asked(before.get(at) or after[at]), 300), _said(before.get(at)), _said(after.get(at)),
         _wanted(before.get(at) or after[at])]
        for at in sorted({*before, *after})
    ]  # fmt: skip
    if rows:
        yield ""
        yield "Answers (greedy), before and after training:"
        yield ""
        yield from table(["Asked", "Before", "After", "Wanted"], rows[:MOST_SAMPLES])


def _asked(sample: SampleEvent) -> str:
    if sample.messages:
        return str(sample.messages[-1].get("content", ""))
    return sample.prompt


def _said(sample: SampleEvent | None) -> str:
    return NOT_KNOWN if sample is None else text(sample.answer, 300)


def _wanted(sample: SampleEvent) -> str:
    return NOT_KNOWN if sample.expected is None else text(sample.expected, 300)


def cost(facts: ReportFacts) -> Iterator[str]:
    """What it cost: the same numbers as everywhere else."""
    bill = facts.bill
    if bill is None:
        yield "Not known: only runs of our own are billed."
        return
    rows = [
        ["time on the machine", duration_label(bill.seconds)],
        *([["GPUs", f"{bill.gpus} × {text(bill.gpu)}"]] if bill.gpu else []),
    ]
    for name, amount in (
        ("spent", bill.spent), ("to finish", bill.to_finish), ("per epoch", bill.per_epoch),
        ("per 1,000 steps", bill.per_thousand_steps),
    ):  # fmt: skip
        if amount is not None:
            rows.append([name, text(amount.text)])
    if bill.budget is not None:
        rows.append(["budget", f"{text(bill.currency)}{number(bill.budget)}"])
    yield from table(["Cost", ""], rows)
    yield ""
    yield f"Rate: {text(bill.rate.text)}." if bill.rate is not None else text(bill.problem)
