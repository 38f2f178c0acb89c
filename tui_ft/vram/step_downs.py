"""The ladder down: changes that need less memory and keep the effective batch, each with a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tui_ft.vram.elsewhere import larger_gpu, more_gpus, smaller_model
from tui_ft.vram.result import Estimate
from tui_ft.vram.situation import Kind, Situation, StepDown

LENGTH_STEP = 64
"""Tokens by which the longest length that fits is sought; a multiple of what kernels like."""

LEAST_LENGTH = 128
LEAST_RANK = 4

_EIGHT_BIT = {
    "adamw_torch_fused": "adamw_bnb_8bit",
    "adamw_torch": "adamw_bnb_8bit",
    "paged_adamw_32bit": "paged_adamw_8bit",
}
_PAGED = {
    "adamw_torch_fused": "paged_adamw_8bit",
    "adamw_torch": "paged_adamw_8bit",
    "adamw_bnb_8bit": "paged_adamw_8bit",
    "lion_8bit": "paged_lion_8bit",
}
_ONE_ROW = "training.batch_size=1"
_TOGETHER: dict[Kind, str] = {
    "batch": "batch 1",
    "checkpointing": "gradient checkpointing",
    "optimizer_paged": "paged optimizer",
    "qlora": "QLoRA",
}


def step_downs(situation: Situation) -> tuple[StepDown, ...]:
    """Every rung that helps: what changes the result least first (facts: domain, T6), another GPU last."""
    rungs: tuple[Callable[[Situation], Iterator[StepDown | None]], ...] = (
        _smaller_batch,
        _checkpointing,
        _shorter,
        _optimizers,
        _methods,
        _lower_rank,
        _fewer_layers,
        more_gpus,
        smaller_model,
        larger_gpu,
    )
    steps = [step for rung in rungs for step in rung(situation) if step is not None]
    if not any(step.verdict == "fits" and step.overrides for step in steps):
        steps += _together(situation, steps)
    return tuple(steps)


def _together(situation: Situation, steps: Iterable[StepDown]) -> Iterator[StepDown]:
    """Where no single change does: as few of those that keep model and data as fit together."""
    total = situation.workload.batch_size * situation.workload.gradient_accumulation
    found = [
        (_TOGETHER[step.kind], (_ONE_ROW, f"training.gradient_accumulation={total}"))
        if step.kind == "batch"
        else (_TOGETHER[step.kind], step.overrides)
        for step in steps
        if step.kind in _TOGETHER and step.overrides
    ]
    for count in range(2, len(found) + 1):
        overrides = [one for _, changes in found[:count] for one in changes]
        estimate = situation.weigh(overrides)
        if situation.fits(estimate):
            text = " + ".join(name for name, _ in found[:count])
            yield from filter(None, [situation.rung("together", text, overrides, estimate)])
            return


def _smaller_batch(situation: Situation) -> Iterator[StepDown | None]:
    batch, accumulation = situation.workload.batch_size, situation.workload.gradient_accumulation
    smaller = [size for size in range(batch - 1, 0, -1) if batch % size == 0]

    def change(size: int) -> tuple[str, str]:
        count = accumulation * batch // size
        return f"training.batch_size={size}", f"training.gradient_accumulation={count}"

    found = _first_fitting(situation, smaller, change)
    if found is not None:
        size, estimate = found
        text = f"batch {batch} to {size}, accumulation {accumulation} to {accumulation * batch // size}"
        yield situation.rung("batch", text, change(size), estimate)


def _shorter(situation: Situation) -> Iterator[StepDown | None]:
    """The longest length that fits, else half of it; longer rows are then cut."""
    length = situation.workload.seq_length
    longest = _longest_fitting(situation, length)
    if longest is None:
        longest = max(length // 2 // LENGTH_STEP * LENGTH_STEP, LEAST_LENGTH)
    if longest < length:
        yield situation.rung(
            "length", f"length {length} to {longest} tokens", (f"data.max_length={longest}",)
        )


def _longest_fitting(situation: Situation, length: int) -> int | None:
    low, high = LEAST_LENGTH // LENGTH_STEP, (length - 1) // LENGTH_STEP  # in steps
    best = None
    while low <= high:
        middle = (low + high) // 2
        if situation.fits(situation.weigh((f"data.max_length={middle * LENGTH_STEP}",))):
            best, low = middle * LENGTH_STEP, middle + 1
        else:
            high = middle - 1
    return best


def _checkpointing(situation: Situation) -> Iterator[StepDown | None]:
    if not situation.spec.training.gradient_checkpointing:
        yield situation.rung(
            "checkpointing", "gradient checkpointing on", ("training.gradient_checkpointing=true",)
        )


def _optimizers(situation: Situation) -> Iterator[StepDown | None]:
    now = situation.workload.optimizer
    eight_bit, paged = _EIGHT_BIT.get(now), _PAGED.get(now)
    if eight_bit:
        yield situation.rung(
            "optimizer_8bit", f"8-bit optimizer: {eight_bit}", (f"training.optimizer={eight_bit}",)
        )
    if paged:
        yield situation.rung("optimizer_paged", f"paged optimizer: {paged}", (f"training.optimizer={paged}",))


def _methods(situation: Situation) -> Iterator[StepDown | None]:
    """LoRA instead of training the weights themselves, QLoRA instead of either."""
    method = situation.spec.method
    if method.kind in ("full", "last_layers"):
        # a base that was to be trained in 32 bit is only read now
        yield situation.rung("lora", "LoRA", ("method.kind=lora", "model.dtype=auto"))
    if method.kind not in ("full", "last_layers", "lora") or method.quantization == "nf4":
        return
    if method.kind == "lora":
        yield situation.rung(
            "qlora", "QLoRA: the base in 4 bit", (*_unsplit(situation), "method.quantization=nf4")
        )
    else:
        yield situation.rung("qlora", "QLoRA: the base in 4 bit", ("method.kind=qlora", "model.dtype=auto"))


def _unsplit(situation: Situation) -> tuple[str, ...]:
    """PiSSA splits the base, which a quantised one does not allow."""
    return ("method.variant=none",) if situation.spec.method.variant == "pissa" else ()


def _lower_rank(situation: Situation) -> Iterator[StepDown | None]:
    rank = situation.workload.rank
    lower = [rank >> shift for shift in range(1, rank.bit_length()) if rank >> shift >= LEAST_RANK]
    found = _first_fitting(situation, lower, lambda value: (f"method.rank={value}",))
    if found is not None:
        value, estimate = found
        yield situation.rung("rank", f"rank {rank} to {value}", (f"method.rank={value}",), estimate)


def _fewer_layers(situation: Situation) -> Iterator[StepDown | None]:
    layers = situation.workload.trained_layers
    found = _first_fitting(
        situation, list(range(layers - 1, 0, -1)), lambda value: (f"method.layers={value}",)
    )
    if found is not None:
        value, estimate = found
        yield situation.rung(
            "layers", f"last {layers} layers to {value}", (f"method.layers={value}",), estimate
        )


def _first_fitting(
    situation: Situation, values: list[int], change: Callable[[int], tuple[str, ...]]
) -> tuple[int, Estimate] | None:
    """The first of `values` that fits, else the last that can be had at all."""
    last: tuple[int, Estimate] | None = None
    for value in values:
        estimate = situation.weigh(change(value))
        if estimate is None:
            continue
        last = value, estimate
        if situation.fits(estimate):
            break
    return last
