"""Named changes of a spec that end a trouble; only such that this run's spec and method can take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Fix, How
from tui_ft.spec.errors import SpecError
from tui_ft.spec.overrides import apply
from tui_ft.spec.resolve import resolved_learning_rate
from tui_ft.spec.run_spec import RunSpec

_NEVER = 10**9
"""More steps than a run has."""
_FAR_ABOVE = 10.0
"""Times the usual learning rate: half of such a rate is as hopeless (our own number)."""


def fitting(*fixes: Fix | None) -> list[Fix]:
    """Return the fixes that there are."""
    return [fix for fix in fixes if fix is not None]


def change(
    facts: RunFacts, name: str, title: str, how: How, changes: Sequence[str], step: int | None = None
) -> Fix | None:
    """Return the fix; None for a run of others and where the spec cannot take these changes."""
    if facts.spec is None:
        return None
    try:
        changed = apply(facts.spec, changes)
    except SpecError:
        return None
    if changes and changed == facts.spec:
        return None
    return Fix(name=name, title=title, how=how, changes=list(changes), step=step)


def command(name: str, title: str, line: str) -> Fix:
    """Return a fix that a person carries out in a shell."""
    return Fix(name=name, title=title, how="command", command=line)


def half_rate(facts: RunFacts) -> list[str]:
    """The changes for a calmer learning rate and, above 0.3, a tighter clip (facts, T2)."""
    if facts.spec is None or facts.spec.training.learning_rate is None:
        return []
    training = facts.spec.training
    rate, _ = _calmer_rate(facts.spec)
    changes = [f"training.learning_rate={rate:.6g}"]
    if training.max_grad_norm == 0 or training.max_grad_norm > 0.3:
        changes.append("training.max_grad_norm=0.3")
    return changes


def usual_rate(spec: RunSpec) -> float:
    """The learning rate that a spec of this objective and method has when it names none."""
    return resolved_learning_rate(replace(spec, training=replace(spec.training, learning_rate=None)))


def _calmer_rate(spec: RunSpec) -> tuple[float, str]:
    """Half of what it is, and the words for it; the usual one where that is far off what is usual."""
    rate = spec.training.learning_rate or 0.0
    usual = usual_rate(spec)
    if rate > _FAR_ABOVE * usual:
        return usual, f"the usual learning rate, {usual:g}"
    return rate / 2, "half the learning rate"


def calmer_words(facts: RunFacts) -> str:
    """The rate of `half_rate` in words: `half the learning rate`."""
    return _calmer_rate(facts.spec)[1] if facts.spec is not None else ""


def calmer(facts: RunFacts, good_step: int | None) -> list[Fix]:
    """Go on from before the trouble with half the rate; or begin again so, with a longer warmup (T2)."""
    changes, words = half_rate(facts), calmer_words(facts)
    if not changes or facts.spec is None:
        return []
    warmup = ["training.warmup=0.1"] if facts.spec.training.warmup < 0.1 else []
    before = None
    if good_step:
        before = change(
            facts,
            "half_rate",
            f"Go on from before it, at {words}",
            "resume_before",
            changes,
            good_step,
        )
    again = change(facts, "half_rate_restart", f"Begin again at {words}", "restart", [*changes, *warmup])
    return fitting(before, again)


def less_fitting(facts: RunFacts, best_step: int) -> list[Fix]:
    """What helps against overfitting: stop at the best evaluation, drop out, a smaller adapter (T1)."""
    if facts.spec is None:
        return []
    method, training = facts.spec.method, facts.spec.training
    return fitting(
        change(
            facts, "shorter", f"Begin again and end at step {best_step}, where it was best", "restart",
            [f"training.max_steps={best_step}"],
        ) if best_step > 0 else None,
        change(
            facts, "dropout", "Begin again with more dropout", "restart",
            [f"method.dropout={0.05 if not method.dropout else min(0.2, method.dropout * 2):g}"],
        ) if method.dropout is not None else None,
        change(
            facts, "half_rank", "Begin again with half the rank", "restart",
            _ranks(method.rank // 2, max(1, (method.alpha or method.rank * 2) // 2)),
        ) if method.kind == "lora" and method.rank is not None and method.rank >= 8 else None,
        change(
            facts, "weight_decay", "Begin again with weight decay 0.01", "restart",
            ["training.weight_decay=0.01"],
        ) if not training.weight_decay else None,
    )  # fmt: skip


def smaller_steps(facts: RunFacts) -> list[Fix]:
    """The ladder down in memory that leaves the effective batch as it is (T6), first what changes least.

    What each rung saves is the estimate's to say; here stands only what can be done.
    """
    spec = facts.spec
    if spec is None:
        return []
    training = spec.training
    return fitting(
        half_batch(spec, facts),
        change(
            facts, "gradient_checkpointing", "Go on with gradient checkpointing", "resume",
            ["training.gradient_checkpointing=true"],
        ) if not training.gradient_checkpointing else None,
        _one_row(spec, facts),
        change(
            facts, "eight_bit", "Begin again with the 8-bit optimizer", "restart",
            ["training.optimizer=paged_adamw_8bit"],
        ) if training.optimizer in ("auto", "adamw_torch", "adamw_torch_fused") else None,
        _shorter_rows(spec, facts),
        _as_qlora(spec, facts),
    )  # fmt: skip


def _shorter_rows(spec: RunSpec, facts: RunFacts) -> Fix | None:
    most = spec.data.max_length // 2
    if most < 128:
        return None
    title = f"Begin again with at most {most} tokens a row"
    return change(facts, "shorter_rows", title, "restart", [f"data.max_length={most}"])


def _as_qlora(spec: RunSpec, facts: RunFacts) -> Fix | None:
    if spec.method.kind != "lora" or spec.method.quantization is not None:
        return None
    return change(facts, "qlora", "Begin again as QLoRA", "restart", ["method.kind=qlora"])


def no_workers(facts: RunFacts) -> Fix | None:
    """Let the trainer itself load the data: every worker is a process with its own memory (T10)."""
    if facts.spec is None or facts.spec.training.dataloader_workers == 0:
        return None
    return change(
        facts, "no_workers", "Go on without data workers", "resume", ["training.dataloader_workers=0"]
    )


def disk_fixes(facts: RunFacts) -> list[Fix]:
    """See what can go, and keep less (T16)."""
    prune = command("prune", "See what can be removed", f"tui-ft prune {facts.run_id}".rstrip())
    fewer = None
    if facts.spec is not None and facts.spec.checkpoints.keep > 1:
        fewer = change(facts, "keep_one", "Go on and keep one checkpoint", "resume", ["checkpoints.keep=1"])
    return fitting(prune, fewer)


def lighter_evaluations(facts: RunFacts) -> list[Fix]:
    """What is left where an evaluation ran out a row at a time, which the trainer itself tries first (T8)."""
    spec = facts.spec
    if spec is None:
        return []
    seldom = ["evaluation.every_epochs=none", f"evaluation.every_steps={facts.total_steps or _NEVER}"]
    none = ["data.eval=none", "data.eval_fraction=0"]
    return fitting(
        _shorter_rows(spec, facts),
        change(
            facts, "evaluate_last", "Go on and evaluate at the last step only, where it may run out again",
            "resume", seldom,
        ),
        change(facts, "no_evaluation", "Begin again without evaluations", "restart", none)
        if spec.evaluation.probe is None else None,
        _as_qlora(spec, facts),
    )  # fmt: skip


def half_batch(spec: RunSpec, facts: RunFacts) -> Fix | None:
    """Half the rows at a time and twice as often."""
    batch, times = spec.training.batch_size, spec.training.gradient_accumulation
    smaller = max((size for size in _divisors(batch) if size <= batch // 2), default=None)
    if smaller is None:
        return None
    title = (
        f"Go on with {smaller} rows at a time instead of {batch}; the effective batch stays {batch * times}"
    )
    return change(facts, "smaller_batch", title, "resume", _batches(smaller, times * batch // smaller))


def _one_row(spec: RunSpec, facts: RunFacts) -> Fix | None:
    batch, times = spec.training.batch_size, spec.training.gradient_accumulation
    if batch < 4:
        return None  # half of it is one row or as good
    changes = _batches(1, batch * times)
    if not spec.training.gradient_checkpointing:
        changes.append("training.gradient_checkpointing=true")
    return change(facts, "one_row", "Go on with one row at a time, the least there is", "resume", changes)


def _ranks(rank: int, alpha: int) -> list[str]:
    return [f"method.rank={rank}", f"method.alpha={alpha}"]


def _batches(size: int, times: int) -> list[str]:
    return [f"training.batch_size={size}", f"training.gradient_accumulation={times}"]


def _divisors(number: int) -> Iterable[int]:
    return (size for size in range(1, number) if number % size == 0)
