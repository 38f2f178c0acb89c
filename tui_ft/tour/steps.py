"""What the tour says: its pages in plain words, with the numbers of this very run.

A line is a text and its kind, as the panels of the screen take them: "" plain, "strong", "muted",
"good", "bad", "code".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tui_ft.data.wording import shown
from tui_ft.demo.tour import files
from tui_ft.guide.rule import METHOD_NAMES
from tui_ft.tour.answers import Answered, Score

if TYPE_CHECKING:
    from pathlib import Path

    from tui_ft.data.findings import Findings, Problem
    from tui_ft.guide.question import Recommendation
    from tui_ft.spec.run_spec import RunSpec

Line = tuple[str, str]

TITLES = ("The task", "The data", "The advice", "The run", "Before and after", "The report")

_ROWS_NAMED = 5
BLANK: Line = ("", "")


def task_step() -> list[Line]:
    """What the tour is, and one example of what is to be learnt."""
    examples = files.read_questions()
    return [
        ("In about two minutes you fine-tune a language model, from the data to a report. Everything "
         "happens on this machine, and it needs no GPU, no network and no account.", ""),
        BLANK,
        ("The task: Pellworth Lamps (a made-up company) has a handbook of 20 pages. An assistant "
         "shall answer what colleagues ask about it, always in the same form and with the place where "
         "it stands. It learns that from examples: what it is sent, and what it is to answer.", ""),
        BLANK,
        (f"One of the {len(examples)} examples:", "strong"),
        *_quoted(examples[0].prompt, "muted"),
        *_quoted(examples[0].expected, "code"),
    ]  # fmt: skip


def data_step(draft: Findings, mended: Findings) -> list[Line]:
    """The faults of the first draft, and the mended file."""
    return [
        (f"Somebody wrote the examples down. Before anything is trained every row is checked: {draft.rows} "
         f"rows, {draft.usable_rows} usable.", "strong"),
        *_problems(draft),
        BLANK,
        ("We mended the file: wrote the missing answer, took the address out, deleted the second copy. "
         f"Checked again: {mended.rows} rows, {mended.usable_rows} usable, {_left(mended)}.", "good"),
        *((line, "") for line in meant(mended)),
        BLANK,
        ("For your own file: tui-ft data FILE", "muted"),
    ]  # fmt: skip


def meant(mended: Findings) -> Iterator[str]:
    """A warning that is left, and why it may be."""
    if any(problem.code == "near_duplicate" for problem in mended.problems):
        yield (
            "A warning is a question, not an order: that rows nearly repeat one another is meant here. Every "
            "question is asked in two ways, and its page comes with it."
        )


def _quoted(text: str, kind: str) -> Iterator[Line]:
    for line in text.splitlines():
        yield (f"  {line}", kind) if line.strip() else BLANK


def _problems(found: Findings) -> Iterator[Line]:
    for problem in found.problems:
        kind = {"error": "bad", "warning": "strong"}.get(problem.severity, "")
        yield f"  {problem.severity}: {shown(problem.message, 200)}{rows_of(problem)}", kind
        for sample in problem.samples[:1]:
            yield f"    {shown(sample, 100)}", "muted"
        yield f"    {shown(problem.fix, 200)}", "muted"


def rows_of(problem: Problem) -> str:
    """Which rows; "" for what is true of the whole file."""
    if not problem.rows:
        return ""
    named = ", ".join(str(row) for row in problem.rows[:_ROWS_NAMED])
    more = " …" if problem.count > _ROWS_NAMED else ""
    return f" {'Row' if problem.count == 1 else 'Rows'} {named}{more}"


def _left(found: Findings) -> str:
    """How many errors and warnings are left, in words."""
    counts = Counter(problem.severity for problem in found.problems)
    told = [
        f"{counts[kind]} {kind}{'s' * (counts[kind] > 1)}" for kind in ("error", "warning") if counts[kind]
    ]
    return f"{' and '.join(told)} left" if told else "no error, no warning"


def advice_step(facts: Recommendation, form: Recommendation, trained: int, whole: int) -> list[Line]:
    """What the guide says to two wishes; of `whole` parameters the run trains `trained`."""
    return [
        ("Is fine-tuning the right tool? The guide is asked first. Two wishes:", ""),
        ('"Teach the model the facts of our handbook."', "strong"),
        *_verdict(facts),
        BLANK,
        ('"Each question comes with its page. Teach the model how we answer."', "strong"),
        *_verdict(form),
        BLANK,
        ("So the facts stay in the handbook, and a search puts the right page before the question "
         "(retrieval). What is trained is to answer from it, in the company's form.", ""),
        BLANK,
        (f"LoRA leaves the model's {whole:,} weights as they are and trains {trained:,} beside them, the "
         f"adapter: {trained / whole:.0%} as many here, about 1% in a real model.", ""),
        ("For your own model: tui-ft guide --model NAME --rows N --goal format", "muted"),
    ]  # fmt: skip


def _verdict(answer: Recommendation) -> Iterator[Line]:
    if answer.gate.verdict == "stop":
        for reason in answer.gate.reasons:
            yield f"  Stop. {reason.text} {reason.more}", "bad"
        return
    yield f"  Go: {METHOD_NAMES[answer.method]}.", "good"
    for reason in (*answer.gate.warnings, *answer.reasons):
        if not reason.numbers:  # what it needs of a GPU does not matter to a model of this size
            yield f"  {reason.text}", ""


def run_step(spec: RunSpec, *, is_picked_up: bool = False) -> list[Line]:
    """What happens in the run; `is_picked_up`: it was started by a tour before this one."""
    training, rows = spec.training, spec.training.batch_size * spec.training.gradient_accumulation
    asked = len(spec.evaluation.prompts)
    steps = "1 step" if training.max_steps == 1 else f"{training.max_steps or '–'} steps"
    return [
        ("Now the run. What it does, in this order:", ""),
        BLANK,
        (f"1. It asks the model {asked} questions on pages that it will never be trained on.", ""),
        (f"2. It trains {steps}. In a step it looks at {rows} examples, sees how far "
         "off its answers are (the loss), and moves the adapter a little so that the loss falls. A real "
         "model needs one to three passes over its examples; a tiny one needs more.", ""),
        (f"3. It asks the same {asked} questions again, and saves the adapter.", ""),
        BLANK,
        ("Watch the loss fall. The run goes on by itself, whatever becomes of this window: close it, and "
         "come back.", ""),
        *([BLANK, ("The run of the tour that you left is still there: it is gone on with.", "good")]
          if is_picked_up else []),
    ]  # fmt: skip


def answers_step(answers: Sequence[Answered], result: Score) -> list[Line]:
    """The score, and every question with both answers."""
    lines: list[Line] = [
        (score_line(result), "good" if is_success(result) else "bad"),
        (what_changed(result), ""),
        ("Right means: the very answer that was expected, to the last character.", "muted"),
    ]
    for answered in answers:
        lines += [BLANK, *one_answer(answered)]
    return lines


def score_line(result: Score) -> str:
    """How many were right before and after."""
    before, after = ("–" if n is None else str(n) for n in (result.before, result.after))
    return f"Right answers to {result.asked} held-out questions: {before} before, {after} after."


def is_success(result: Score) -> bool:
    """At least four in five are right, and fewer were before."""
    return result.after is not None and result.after * 5 >= result.asked * 4 > (result.before or 0) * 5


def what_changed(result: Score) -> str:
    """What the score means, whichever it is."""
    if is_success(result):
        return (
            f"The right rule stood in {result.rule_before} answers before and in {result.rule_after} after: "
            "the base model could read a page already. What it learnt is the company's form, the rule word "
            "for word with its page and nothing else; it keeps to it on pages that were not among the "
            "examples."
        )
    if result.after is None:
        return "The run has not asked all questions again: it was stopped, or it failed."
    return (
        "That is less than the four in five which this tour usually reaches: with fewer steps or other "
        "settings the model has not learnt it yet."
    )


def one_answer(answered: Answered) -> Iterator[Line]:
    """A question with both answers; where the last is wrong, with the one that was expected."""
    yield f"{answered.asked.question}  (page: {answered.asked.page})", "strong"
    for when, said in (("before", answered.before), ("after ", answered.after)):
        if said is None:
            yield f"  {when}  –", "muted"
            continue
        mark = "✓" if answered.is_right(said) else "✗"
        yield f"  {when} {mark} {shown(said, 300)}", "good" if mark == "✓" else "muted"
    if answered.after is not None and not answered.is_right(answered.after):
        yield f"  wanted   {answered.asked.expected}", ""


def report_step(path: Path | None, report: Sequence[str]) -> list[Line]:
    """Where the report lies, what stands in it, and where to go from here."""
    if path is None:
        return [
            ("There is no report, for the run did not finish.", "bad"),
            ("Its screen says how it ended. `tui-ft demo --tour` begins anew.", ""),
        ]
    return [
        (
            "What was done is only worth something if it is written down. The report lies beside the result:",
            "",
        ),
        (f"  {path}", "good"),
        ("Its last part, what all this is good for, is left for you.", ""),
        BLANK,
        *next_steps(),
        BLANK,
        *((f"  {line}", "strong" if line.startswith("#") else "") for line in report),
    ]


def next_steps() -> list[Line]:
    """Where to go from here, with a model and data of one's own."""
    return [
        ("And now with your own data:", "strong"),
        ("  tui-ft data FILE     checks every row of it", ""),
        ("  tui-ft               n there makes a new run, step by step", ""),
    ]


def text(lines: Iterable[Line], width: int) -> Iterator[str]:
    """The lines for a terminal that only prints, broken between words."""
    from textwrap import wrap

    for line, _ in lines:
        indent = " " * (len(line) - len(line.lstrip()))
        yield from wrap(line, width, subsequent_indent=indent) or [""]
