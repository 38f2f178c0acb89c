"""An assessment for people, in 80 columns: the verdict first, then the numbers behind it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import fields

from tui_ft.spec.display import method_label
from tui_ft.spec.errors import printable
from tui_ft.vram.assess import Assessment
from tui_ft.vram.holders import gib_text
from tui_ft.vram.result import Estimate, Parts
from tui_ft.vram.verdict import WORDS

WIDTH = 80
_BAR = 60
_PART_BAR = 40

_BASES = {
    "closed_form": "by formula",
    "simulated": "simulated with the trainer's own code",
    "measured": "measured on this GPU",
}


def lines(final: Assessment, first: Assessment) -> Iterator[str]:
    """Every line of the answer; `first` is the closed form's, where another estimate took its place."""
    yield from _wrapped(_subject(final))
    yield from _wrapped(_headline(final))
    yield from _each_gpu(final)
    bar = _memory_bar(final)
    if bar:
        yield ""
        yield from bar
    yield ""
    yield from _table(final.estimate)
    yield ""
    yield from _wrapped(_assumed(final))
    yield from _wrapped(_basis(final, first))
    for note in (*final.estimate.notes, *final.notes):
        yield from _wrapped(printable(note))
    yield from _holders(final)
    yield from _ladder(final)


def _subject(assessment: Assessment) -> str:
    shape = assessment.shape
    count = _count(shape.parameters)
    share = 100 * assessment.estimate.trainable_parameters / max(shape.parameters, 1)
    return (
        f"{printable(shape.name)}: {count} parameters, {shape.layers} layers. "
        f"{method_label(assessment.spec)} for {assessment.workload.objective} trains "
        f"{_count(assessment.estimate.trainable_parameters)} ({share:.3g}%)."
    )


def _headline(assessment: Assessment) -> str:
    word = WORDS[assessment.verdict].upper()
    needed = gib_text(assessment.estimate.needed_bytes)
    each = f" on each of {assessment.workload.gpus} GPUs" if assessment.workload.gpus > 1 else ""
    if assessment.free_bytes is None:
        return f"{word}: needs {needed}{each}; nothing is known to hold it against."
    hint = " Measure it: --probe." if assessment.verdict == "tight" else ""
    return f"{word}: needs {needed}{each}, {gib_text(assessment.free_bytes)} {_where(assessment)}.{hint}"


def _each_gpu(assessment: Assessment) -> Iterator[str]:
    if len(assessment.gpus) < 2:
        return
    for gpu, verdict in zip(assessment.gpus, assessment.verdicts, strict=True):
        free = "–" if gpu.free_bytes is None else gib_text(gpu.free_bytes)
        yield f"  GPU {gpu.index} {gpu.name[:40]}: {free} free, {WORDS[verdict]}"


def _where(assessment: Assessment) -> str:
    if assessment.gpu is None:
        return "are given"
    tightest = ", the fullest of them" if len(assessment.gpus) > 1 else ""
    return f"are free on GPU {assessment.gpu.index} ({assessment.gpu.name}{tightest})"


def _memory_bar(assessment: Assessment) -> list[str]:
    """Used by others, needed by this run, left over, in proportion to the GPU."""
    free, total = assessment.free_bytes, assessment.total_bytes
    if free is None or not total:
        return []
    used_mark, need_mark, free_mark = _marks()
    used = max(total - free, 0)
    needed = assessment.estimate.needed_bytes
    used_cells = min(round(_BAR * used / total), _BAR)
    need_cells = min(max(round(_BAR * needed / total), 1), _BAR - used_cells)
    bar = used_mark * used_cells + need_mark * need_cells
    over = f" +{gib_text(needed - free)}" if needed > free else ""
    legend = f"{used_mark} in use {gib_text(used)}  " if used else ""
    legend += f"{need_mark} needed {gib_text(needed)}"
    if needed < free:
        legend += f"  {free_mark} left {gib_text(free - needed)}"
    return [f"  [{bar.ljust(_BAR, free_mark)}]{over}", f"   {legend}  of {gib_text(total)}"]


def _table(estimate: Estimate) -> Iterator[str]:
    mark = _marks()[1]
    most = max(estimate.allocated_bytes, 1)
    for field in fields(Parts):
        size: int = getattr(estimate.parts, field.name)
        bar = mark * round(_PART_BAR * size / most)
        yield f"    {field.name:<12} {_gib(size)} GiB  {bar}".rstrip()
    extra = estimate.needed_bytes - estimate.allocated_bytes - estimate.context_bytes
    between = f"between {gib_text(estimate.low_bytes)} and {gib_text(estimate.high_bytes)}"
    yield f"  = allocated    {_gib(estimate.allocated_bytes)} GiB  at the peak, in {estimate.peak_phase}"
    yield f"  + context      {_gib(estimate.context_bytes)} GiB  what CUDA itself takes"
    yield f"  + allocator    {_gib(extra)} GiB  what it cannot use of its segments"
    yield f"  = needed       {_gib(estimate.needed_bytes)} GiB  {between}"
    yield f"    nvidia-smi   {_gib(estimate.nvidia_smi_bytes)} GiB  will be shown there, about"


def _assumed(assessment: Assessment) -> str:
    work = assessment.workload
    batch = "1 row" if work.batch_size == 1 else f"{work.batch_size} rows"
    rows = "packed to" if work.is_packed else "the longest row of"
    shared = f", {work.gpus} GPUs by {work.strategy}" if work.gpus > 1 else ""
    checkpointing = "on" if work.gradient_checkpointing else "off"
    base = f", base in {work.quantization}" if work.quantization else ""
    return (
        f"Assumed: {batch} at a time, {rows} {work.seq_length} tokens, accumulation "
        f"{work.gradient_accumulation}, {work.optimizer}, gradient checkpointing {checkpointing}, "
        f"{work.attention}, weights loaded in {work.precision.load}{base}, computed in "
        f"{work.precision.compute}{shared}."
    )


def _basis(final: Assessment, first: Assessment) -> str:
    text = f"Basis: {_BASES[final.estimate.basis]}"
    text += ", inside what was checked." if final.estimate.validated else ", outside what was checked."
    if final is first:
        return text
    before, after = first.estimate.needed_bytes, final.estimate.needed_bytes
    return f"{text} The formula said {gib_text(before)} ({100 * (before - after) / after:+.1f} %)."


def _holders(assessment: Assessment) -> Iterator[str]:
    if assessment.holders:
        yield ""
        for sentence in assessment.holders:
            yield from _wrapped(sentence)


def _ladder(assessment: Assessment) -> Iterator[str]:
    if not assessment.step_downs:
        return
    yield ""
    yield "One change that needs less:"
    for step in assessment.step_downs:
        remark = f", {step.remark}" if step.remark else ""
        change = printable(step.change)
        if len(change) > 43:
            change = change[:42] + "…"
        yield f"  {change:<43} {_gib(step.needed_bytes)} GiB  {WORDS[step.verdict]}"
        if remark:
            yield f"    ({step.remark})"
        elif step.overrides:
            yield from _wrapped(" ".join(f"--set {one}" for one in step.overrides), "    ")


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_long_words=True,
        break_on_hyphens=False,
    )


def _marks() -> tuple[str, str, str]:
    """In use, needed, free: told apart without colour, and in ASCII where the output knows no more."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return ("▒", "█", "░") if encoding.startswith("utf") else ("x", "#", ".")


def _gib(size: int) -> str:
    return f"{size / 2**30:7.2f}"


def _count(count: int) -> str:
    for limit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= limit:
            return f"{count / limit:.2f}{name}"
    return str(count)
